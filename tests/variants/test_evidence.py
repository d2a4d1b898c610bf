"""Responses are judged on fresh games, and admitted on that evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pokespiel import PSRO
from pokespiel.openspiel import MatrixGame, OpenSpielGame
from pokespiel.oracles.exact import ExactOracle
from pokespiel.protocols import JointMixture, Mixture, Response
from pokespiel.runs.step import step_from_json
from pokespiel.variants.evidence import JudgedOracle, admit_if_significant, measured


@dataclass(frozen=True)
class Always:
    """Answers everything with one policy."""

    policy: Any
    name: str = "always"

    def best_response(self, game, player, opponents, *, rng) -> Response:
        return Response(self.policy, cost={"episodes": 7})


@pytest.fixture(scope="module")
def kuhn() -> OpenSpielGame:
    return OpenSpielGame("kuhn_poker", symmetric=True)


def uniform(game):
    (policy,) = game.initial_policies()
    return policy, [Mixture((policy,), np.ones(1))] * 2


def test_a_real_best_response_is_admitted_with_its_evidence(kuhn):
    policy, mixtures = uniform(kuhn)
    oracle = JudgedOracle(ExactOracle(), games=2000, rivals={"uniform": policy})
    rng = np.random.default_rng(0)
    response = oracle.best_response(kuhn, 0, mixtures, rng=rng)
    evidence = response.cost["evidence"]
    exact = kuhn.gains(mixtures)[0]
    assert evidence["mixture"]["kind"] == "lower bound"
    assert evidence["mixture"]["budget"]["oracle"] == oracle.oracle.name
    assert (
        evidence["mixture"]["interval"]["low"] <= exact <= evidence["mixture"]["interval"]["high"]
    )
    assert evidence["rivals"]["uniform"]["low"] <= response.value
    assert response.value <= evidence["rivals"]["uniform"]["high"]
    json.dumps(dict(response.cost))
    assert admit_if_significant(response, None)


def test_losing_every_game_leaves_room_for_doubt():
    """No game of forty won is no proof that none will be: the interval has a width."""
    game = MatrixGame(np.array([[0.5, 0.0], [1.0, 0.5]]))
    oracle = JudgedOracle(Always(0), games=40, rivals={"better": 1})
    mixtures = [Mixture((0,), np.ones(1))] * 2
    evidence = oracle.best_response(game, 0, mixtures, rng=np.random.default_rng(0)).cost[
        "evidence"
    ]
    rate = evidence["rivals"]["better"]
    assert (rate["mean"], rate["low"]) == (0.0, 0.0)
    assert 0.05 < rate["high"] < 0.15


def test_a_policy_that_is_no_better_is_not(kuhn):
    policy, mixtures = uniform(kuhn)
    oracle = JudgedOracle(Always(policy), games=500)
    response = oracle.best_response(kuhn, 0, mixtures, rng=np.random.default_rng(0))
    assert response.cost["episodes"] == 7
    assert not admit_if_significant(response, None)


def test_in_the_loop_it_ends_the_run_where_nothing_is_gained(kuhn):
    policy, _ = uniform(kuhn)
    loop = PSRO(
        kuhn,
        oracle=JudgedOracle(Always(policy), games=200),
        admit=admit_if_significant,
        meta_solver="uniform",
    )
    result = loop.run(5)
    assert len(result.steps) == 1
    assert loop.converged
    assert len(result.populations[0]) == 1


def test_the_history_says_what_each_iteration_knows(kuhn, tmp_path):
    oracle = JudgedOracle(ExactOracle(), games=500)
    with_evidence = PSRO(kuhn, oracle=oracle, directory=tmp_path)
    (step, *_) = with_evidence.run(2).steps
    exact, bound = measured(step)
    assert (exact.kind, bound.kind) == ("exact", "lower bound")
    assert exact.estimate == pytest.approx(step.exploitability)
    assert exact.gains == pytest.approx([exact.estimate] * 2)
    assert exact.units == bound.units == "returns"
    assert bound.interval.low <= exact.estimate
    assert exact.budget["oracle"] == oracle.name
    assert bound.budget["oracle"] == oracle.oracle.name
    lines = (tmp_path / "history.jsonl").read_text("utf-8").splitlines()
    assert [measured(step_from_json(json.loads(line)))[0] for line in lines] == [
        measured(step)[0] for step in with_evidence.steps
    ]


def test_bad_use_is_named(kuhn):
    policy, _ = uniform(kuhn)
    with pytest.raises(ValueError, match="games must be at least 2, got 1"):
        JudgedOracle(ExactOracle(), games=1)
    with pytest.raises(ValueError, match="wrap the oracle in JudgedOracle"):
        admit_if_significant(Response(policy), 1.0)
    joint = JointMixture(((policy, policy),), np.ones(1))
    unjudged = JudgedOracle(Always(policy)).best_response(
        kuhn, 0, joint, rng=np.random.default_rng(0)
    )
    with pytest.raises(ValueError, match="not to joint distributions"):
        admit_if_significant(unjudged, 1.0)
