"""Anytime PSRO (McAleer et al. 2022, arXiv:2201.07700): never more exploitable than before.

The meta-strategy is not an equilibrium of the table but the mixture of the population that a best
response in the *full* game exploits least. Adding policies only widens the choice, so in
two-player zero-sum games exploitability never rises from one iteration to the next, as PSRO's
does. Where the paper approaches this mixture by regret minimisation against a learned best
response, exact games give it by a linear program.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from pokespiel.openspiel.meta_game import OpenSpielGame
from pokespiel.protocols import (
    MetaGame,
    Mixture,
    Opponents,
    Policy,
    Response,
)
from pokespiel.psro import PSRO
from solvers.base import MetaStrategy, Payoffs, as_payoffs, meta_strategy

_GAIN = 1e-9
"""Less is rounding."""


class MinimumExploitability:
    """A meta-solver that looks into the full game: the least exploitable mixtures.

    Parameters
    ----------
    game : OpenSpielGame
        Two-player zero-sum, compiled.

    Attributes
    ----------
    populations : sequence of sequences of policies
        What the payoffs given to `solve` are payoffs of; `anytime_psro` keeps it current.

    Raises
    ------
    ValueError
        If the game is not compiled, or not a two-player zero-sum game with two populations.
    """

    name: ClassVar[str] = "minimum_exploitability"
    summary: ClassVar[str] = "the mixture that best responses in the full game exploit least"
    games: ClassVar[str] = "compiled two-player zero-sum OpenSpiel games"
    paper: ClassVar[str] = "McAleer et al. 2022"

    def __init__(self, game: OpenSpielGame) -> None:
        form = game.form
        if form.num_players != 2 or not form.is_zero_sum or game.is_symmetric:
            raise ValueError(
                f"{game.name}: anytime PSRO needs two players, zero sum and a population for each"
            )
        self.game = game
        self.populations: Sequence[Sequence[Policy]] = ()

    def __repr__(self) -> str:
        return "MinimumExploitability()"

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`.

        Diagnostics: ``guarantees``, what each player gets at worst, and ``nash_conv``, what best
        responses in the full game gain.

        Raises
        ------
        ValueError
            If ``populations`` do not fit the payoffs.
        """
        table = as_payoffs(payoffs)
        sizes = tuple(len(population) for population in self.populations)
        if sizes != table.num_strategies:
            raise ValueError(f"populations of {sizes} do not fit a table of {table.num_strategies}")
        solved = [self.game.minimum_exploitability(p, self.populations[p]) for p in (0, 1)]
        guarantees = np.array([value for _, value, _ in solved])
        constant = float(self.game.form.tree.returns[0].sum())
        return meta_strategy(
            table,
            tuple(weights for weights, _, _ in solved),
            diagnostics={"guarantees": guarantees, "nash_conv": constant - guarantees.sum()},
        )


class AnytimeOracle:
    """Answer the opponent's least exploitable mixture, so long as that is news to the population.

    The answer can be as good as a policy of the population already, and yet the mixtures no
    equilibrium: the run would stand still. Then answer the opponent that the responder's own
    least exploitable mixture is up against: it mixes its best responses to the mixture so that
    nothing in the population does better against it. If nothing in the full game does, the two
    are a Nash equilibrium; else the answer makes the next mixture less exploitable.
    """

    def __init__(self) -> None:
        self.name = "anytime"

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Answer; ``cost`` holds the ``gain`` over the population against whom it answers.

        Raises
        ------
        ValueError
            If the game is not a compiled two-player zero-sum game with two populations.
        """
        if not isinstance(game, OpenSpielGame) or not isinstance(opponents, Sequence):
            raise ValueError(f"{game.name}: this oracle answers mixtures in OpenSpiel games")
        started = time.perf_counter()
        policy, value = game.best_response(player, opponents)
        population = opponents[player].policies
        gain = value - max(_value(game, player, own, opponents) for own in population)
        if gain <= _GAIN:
            _, guarantee, rival = game.minimum_exploitability(player, population)
            alone = Mixture((rival,), np.ones(1))
            policy, value = game.best_response(player, [alone, alone])
            gain = value - guarantee
        cost = {"seconds": time.perf_counter() - started, "gain": gain}
        return Response(policy, cost=cost)


def _value(game: OpenSpielGame, player: int, policy: Policy, opponents: Sequence[Mixture]) -> float:
    """Expected return of one policy against the opponents."""
    strategies = list(opponents)
    strategies[player] = Mixture((policy,), np.ones(1))
    return float(game.mixture_returns(strategies)[player])


def admit_if_it_helps(response: Response, gain: float | None) -> bool:
    """Admit a response of `AnytimeOracle` unless it gains nothing."""
    return bool(response.cost["gain"] > _GAIN)


def anytime_psro(game: OpenSpielGame, **settings: Any) -> PSRO:
    """The loop with the least exploitable mixtures as meta-strategy.

    Parameters
    ----------
    settings
        As of `pokespiel.PSRO`, but for meta-solver, oracle and admission.
    """
    solver = MinimumExploitability(game)
    loop = PSRO(
        game, oracle=AnytimeOracle(), meta_solver=solver, admit=admit_if_it_helps, **settings
    )
    solver.populations = loop.populations
    return loop
