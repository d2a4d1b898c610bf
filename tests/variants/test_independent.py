"""Self-play of independent learners, the baseline without a population."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import OpenSpielGame
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.variants.independent import independent_self_play


def rounds(game, number, **settings):
    settings = {"episodes": 500, "episodes_per_batch": 500, "minibatch": 256, **settings}
    oracle = PPOOracle(start="latest", learning_rate=3e-3, discount=1.0, trace=1.0, **settings)
    return list(islice(independent_self_play(game, oracle, rng=np.random.default_rng(0)), number))


def test_with_entropy_it_comes_near_the_equilibrium_of_kuhn():
    game = OpenSpielGame("kuhn_poker")
    gaps = [exploitability(game, r.mixtures).estimate for r in rounds(game, 13, entropy=0.1)]
    assert gaps[0] == pytest.approx(11 / 24, abs=0.01)
    assert np.mean(gaps[6:]) < 0.2


def test_each_round_goes_on_from_the_last_and_says_what_it_cost():
    game = OpenSpielGame("kuhn_poker")
    start, first, second = rounds(game, 3, episodes=20, episodes_per_batch=20)
    assert start.responses == ()
    assert [r.cost["episodes"] for r in first.responses] == [20, 20]
    for before, after in ((start, first), (first, second)):
        for old, new in zip(before.mixtures, after.mixtures, strict=True):
            weights = [next(m.policies[0].network.parameters()) for m in (old, new)]
            assert not weights[0].equal(weights[1])
            assert weights[0].allclose(weights[1], atol=0.05)


def test_players_of_a_symmetric_game_share_a_network():
    game = OpenSpielGame("kuhn_poker", symmetric=True)
    start, first = rounds(game, 2, episodes=20, episodes_per_batch=20)
    assert len(first.responses) == 1
    assert start.mixtures[0].policies == start.mixtures[1].policies
