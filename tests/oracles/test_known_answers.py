"""PPO against fixed opponents whose best response is known exactly; small budgets, one seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.oracle_known_answers import GOOFSPIEL, TASKS, EndgameGame, share_of_gain
from pokespiel.protocols import Mixture
from pokespiel.stats import student


def task(game, **settings):
    return replace(next(task for task in TASKS if task.game == game), **settings)


@pytest.mark.parametrize(
    ("game", "episodes"),
    [("kuhn_poker", 8_000), (GOOFSPIEL, 20_000), ("starmie-alakazam", 2_000)],
)
def test_reaches_most_of_the_best_responses_gain(game, episodes):
    assert share_of_gain(task(game, episodes=episodes), seed=0)["share"] > 0.95


@pytest.mark.long
@pytest.mark.parametrize("game", ["leduc_poker", "alakazam-chansey", "exeggutor-starmie"])
def test_reaches_most_of_the_best_responses_gain_in_larger_games(game):
    assert share_of_gain(task(game), seed=0)["share"] > 0.95


def test_an_endgames_exact_value_is_what_battles_on_the_engine_return():
    game = EndgameGame("starmie-alakazam")
    uniform = game.initial_policies()
    policy = game.new_policy(rng=np.random.default_rng(0))
    opponents = [Mixture((one,), np.ones(1)) for one in uniform]
    episodes = game.collect(policy, 0, opponents, 1000, rng=np.random.default_rng(1))
    won = np.array([episode.outcome for episode in episodes])
    exact = game.expected_returns([[policy, uniform[1]]])[0, 0]
    interval = student(won.mean(), won.var(ddof=1), len(won), confidence=0.999)
    assert interval.low < exact < interval.high
    assert game.best_response_value(0) > exact
