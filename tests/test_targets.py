"""Whom best responses answer."""

from __future__ import annotations

import numpy as np

from pokespiel import PSRO
from pokespiel.openspiel import MatrixGame, OpenSpielGame
from pokespiel.oracles.exact import ExactOracle
from pokespiel.targets import meta_strategy_target, newest_target

ROCK_PAPER_SCISSORS = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]


def test_self_play_goes_round_where_psro_stops():
    """Answering the newest alone, rock, paper and scissors follow each other for ever."""
    found = {}
    for targets in (meta_strategy_target, newest_target):
        loop = PSRO(MatrixGame(ROCK_PAPER_SCISSORS), oracle=ExactOracle(), targets=targets)
        found[targets] = loop.run(7), loop.converged
    (psro, stopped), (alone, stopped_too) = found[meta_strategy_target], found[newest_target]
    assert stopped
    assert not stopped_too
    assert psro.table.sizes[0] == 3
    assert alone.table.sizes == (8, 8)
    beats = np.asarray(alone.table.payoffs())
    assert all(beats[i + 1, i] == 1.0 for i in range(7))


def test_self_play_gains_are_not_an_exploitability_of_the_meta_strategy():
    step = PSRO(OpenSpielGame("kuhn_poker"), oracle=ExactOracle(), targets=newest_target).step()
    assert step.exploitability is None
    assert step.exploitabilities == ()


def test_one_population_answers_its_own_newest():
    game = OpenSpielGame("kuhn_poker", symmetric=True)
    loop = PSRO(game, oracle=ExactOracle(), targets=newest_target)
    loop.run(2)
    (target,) = newest_target(loop.result().meta_strategy, loop.table.payoffs())
    assert target.player == 0
    assert [m.tolist() for m in target.marginals] == [[0.0, 0.0, 1.0]] * 2
