"""Pipeline PSRO: many levels train at once, the lowest finish one after the other."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest

from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import OpenSpielGame
from pokespiel.oracles.exact import ExactOracle
from pokespiel.oracles.tabular_q import TabularQOracle
from pokespiel.variants.pipeline import pipeline_psro


def test_solves_kuhn_with_exact_responses() -> None:
    game = OpenSpielGame("kuhn_poker")
    rounds = list(islice(pipeline_psro(game, oracle=ExactOracle(), levels=2), 25))
    found = [exploitability(game, step.mixtures).estimate for step in rounds]
    assert found[-1] < 0.02
    assert rounds[-1].finished > 2


def test_levels_train_before_it_is_their_turn() -> None:
    # After r rounds r levels above the first have answered something already: three levels find
    # in three rounds what one level needs three finished policies for.
    game = OpenSpielGame("kuhn_poker")

    def after(levels: int, rounds: int) -> float:
        *_, last = islice(pipeline_psro(game, oracle=ExactOracle(), levels=levels), rounds)
        return exploitability(game, last.mixtures).estimate

    assert after(levels=4, rounds=4) < after(levels=1, rounds=4)


def test_threads_change_nothing() -> None:
    game = OpenSpielGame("kuhn_poker")
    oracle = TabularQOracle(episodes=400)
    alone = list(islice(pipeline_psro(game, oracle=oracle, seed=3), 3))
    with ThreadPoolExecutor(2) as executor:
        together = list(islice(pipeline_psro(game, oracle=oracle, seed=3, executor=executor), 3))
    for one, other in zip(alone, together, strict=True):
        assert one.gains == other.gains
        for a, b in zip(one.mixtures, other.mixtures, strict=True):
            np.testing.assert_array_equal(a.weights, b.weights)


def test_games_can_be_sent_to_processes() -> None:
    for game in (
        OpenSpielGame("kuhn_poker", symmetric=True),
        OpenSpielGame("leduc_poker", exact=False),
    ):
        back = pickle.loads(pickle.dumps(game))
        assert (back.name, back.is_exact, back.is_symmetric) == (
            game.name,
            game.is_exact,
            game.is_symmetric,
        )


def test_sampled_games_and_three_players() -> None:
    game = OpenSpielGame("kuhn_poker(players=3)", exact=False)
    oracle = TabularQOracle(episodes=300)
    first, second = islice(
        pipeline_psro(game, oracle=oracle, levels=2, meta_solver="alpharank", episodes_per_cell=50),
        2,
    )
    assert len(first.mixtures) == 3
    assert second.round == 1


def test_refuses_bad_settings() -> None:
    with pytest.raises(ValueError, match="needs one per player"):
        next(pipeline_psro(OpenSpielGame("kuhn_poker", symmetric=True), oracle=ExactOracle()))
    with pytest.raises(ValueError, match="levels must be at least 1"):
        next(pipeline_psro(OpenSpielGame("kuhn_poker"), oracle=ExactOracle(), levels=0))
