"""Self-play against earlier selves."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest

from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import OpenSpielGame
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import Mixture
from pokespiel.variants.league import last, league_self_play, prioritised


def rounds(matchmaking, number, *, seed=0, **settings):
    game = OpenSpielGame("kuhn_poker", symmetric=True)
    settings = {"episodes": 500, "episodes_per_batch": 500, "minibatch": 256, **settings}
    oracle = PPOOracle(start="latest", learning_rate=3e-3, discount=1.0, trace=1.0, **settings)
    league = league_self_play(
        game, oracle, matchmaking=matchmaking, rng=np.random.default_rng(seed)
    )
    return game, list(islice(league, number))


def test_last_plays_the_newest_few_alike():
    np.testing.assert_allclose(last(2)(np.array([0.9, 0.8, 0.5])), [0.0, 0.5, 0.5])
    np.testing.assert_allclose(last(5)(np.array([0.8, 0.5])), [0.5, 0.5])


def test_prioritised_weighs_by_how_hard_they_are_to_beat():
    """By hand: (1 - w)^2 = 0.04, 0.64, 0.25 of 0.93."""
    weights = prioritised()(np.array([0.8, 0.2, 0.5]))
    np.testing.assert_allclose(weights, np.array([0.04, 0.64, 0.25]) / 0.93)
    np.testing.assert_allclose(prioritised(power=0.0)(np.array([1.0, 0.5])), [0.5, 0.5])
    assert np.isfinite(prioritised()(np.array([1.0, 1.0, 0.5]))).all()


@pytest.mark.parametrize("matchmaking", [last(3), prioritised()], ids=["last", "prioritised"])
def test_the_league_as_a_whole_comes_nearer_to_kuhns_equilibrium(matchmaking):
    game, played = rounds(matchmaking, 13, entropy=0.1)

    def gap(round_):
        mixture = Mixture(round_.policies[-1:], np.ones(1))
        return exploitability(game, [mixture, mixture]).estimate

    assert gap(played[0]) > 0.4
    assert np.mean([gap(round_) for round_ in played[6:]]) < 0.25


def test_each_round_adds_the_learner_and_says_what_it_rests_on():
    _, played = rounds(last(2), 4, episodes=20, episodes_per_batch=20)
    assert played[0].response is None
    for before, after in pairwise(played):
        assert after.policies[:-1] == before.policies
        assert after.response.policy is after.policies[-1]
        assert after.response.cost["episodes"] == 20
        assert len(after.win_rates) == len(after.opponents) == len(after.policies)
        assert after.win_rates[-1] == 0.5
        assert ((after.win_rates >= 0.0) & (after.win_rates <= 1.0)).all()
        assert after.opponents.sum() == pytest.approx(1.0)


def test_same_seed_same_league():
    settings = {"seed": 5, "episodes": 20, "episodes_per_batch": 20}
    runs = [rounds(prioritised(), 3, **settings)[1] for _ in range(2)]
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a.win_rates, b.win_rates)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: last(0), "at least one opponent, got 0"),
        (lambda: prioritised(power=-1.0), "power must not be negative, got -1.0"),
        (
            lambda: next(
                league_self_play(
                    OpenSpielGame("kuhn_poker"),
                    PPOOracle(),
                    matchmaking=last(1),
                    rng=np.random.default_rng(0),
                )
            ),
            "kuhn_poker.* is not symmetric",
        ),
        (
            lambda: next(
                league_self_play(
                    OpenSpielGame("kuhn_poker", symmetric=True),
                    PPOOracle(),
                    matchmaking=last(1),
                    games=0,
                    rng=np.random.default_rng(0),
                )
            ),
            "games must be at least 1, got 0",
        ),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
