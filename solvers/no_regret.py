"""Self-play of no-regret learners: the loop they share.

The average mixes of two such learners approach a Nash equilibrium of a zero-sum game (Freund and
Schapire 1999). In other games only the empirical *joint* approaches coarse correlated equilibrium,
so there the regret reported of the product of the marginals need not vanish.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import (
    FloatArray,
    MetaStrategy,
    Payoffs,
    as_payoffs,
    is_constant_sum,
    meta_strategy,
    restricted_regrets,
)
from solvers.dynamics import every_player, population_sizes


class Learner(Protocol):
    """Chooses a mix, then sees what each strategy would have earned."""

    mix: FloatArray
    """What it plays next, ``(n,)``."""

    def observe(self, values: FloatArray) -> None:
        """Take in each strategy's payoff ``(n,)``, payoffs in units of their range."""
        ...


def self_play(
    payoffs: ArrayLike | Payoffs,
    new_learner: Callable[[int], Learner],
    *,
    iterations: int,
    target_regret: float,
    alternating: bool,
    averaging_power: float,
) -> MetaStrategy:
    """Let one learner per population play the others until the average mix has little regret.

    Parameters
    ----------
    new_learner
        Builds a learner of so many strategies.
    iterations
        At most this many.
    target_regret
        Stop when no player's regret exceeds this share of the payoff range.
    alternating
        Each learner sees the others' newest mixes, rather than all moving at once.
    averaging_power
        Iteration ``t`` weighs ``t ** averaging_power`` in the average: 0 uniform, 1 linear.

    Returns
    -------
    MetaStrategy
        Diagnostics: ``iterations``, ``relative_regret`` reached, ``converged``.
    """
    game = as_payoffs(payoffs)
    if alternating and game.symmetric and is_constant_sum(game):
        # Two learners taking turns converge far faster than one against itself, and both their
        # averages are optimal for the one population.
        pair = self_play(
            Payoffs(game.tensor, symmetric=False),
            new_learner,
            iterations=iterations,
            target_regret=target_regret,
            alternating=True,
            averaging_power=averaging_power,
        )
        mean = (pair.marginals[0] + pair.marginals[1]) / 2.0
        regret = float(restricted_regrets(game, (mean, mean)).max()) / (game.scale or 1.0)
        diagnostics = {**pair.diagnostics, "relative_regret": regret}
        return meta_strategy(game, (mean, mean), diagnostics=diagnostics)
    unit = unit_payoffs(game)
    values_of = _value_functions(unit)
    learners = [new_learner(n) for n in population_sizes(game)]
    mixes = [learner.mix for learner in learners]
    sums = [np.zeros_like(mix) for mix in mixes]
    total, next_check, iteration = 0.0, 1, 0
    while True:
        iteration += 1
        weight = float(iteration) ** averaging_power
        total += weight
        seen = mixes if alternating else list(mixes)
        for population, learner in enumerate(learners):
            learner.observe(values_of[population](seen))
            sums[population] += weight * mixes[population]
            mixes[population] = learner.mix
        if iteration >= min(next_check, iterations):
            averages = every_player(game, [part / total for part in sums])
            regret = float(restricted_regrets(unit, averages).max())
            if regret <= target_regret or iteration >= iterations:
                break
            next_check = iteration + max(iteration // 10, 10)
    return meta_strategy(
        game,
        averages,
        diagnostics={
            "iterations": iteration,
            "relative_regret": regret,
            "converged": regret <= target_regret,
        },
    )


def unit_payoffs(game: Payoffs) -> Payoffs:
    """The game with each player's payoffs moved to start at 0 and the payoff range scaled to 1."""
    axes = tuple(range(1, game.tensor.ndim))
    lowest = game.tensor.min(axis=axes, keepdims=True)
    return Payoffs((game.tensor - lowest) / (game.scale or 1.0), game.symmetric)


def _value_functions(game: Payoffs) -> list[Callable[[Sequence[FloatArray]], FloatArray]]:
    """Per population: mixes of the populations to payoffs ``(n,)`` of its strategies."""
    if game.num_players == 2:
        row = np.ascontiguousarray(game.tensor[0])
        if game.symmetric:
            return [lambda mixes: row @ mixes[0]]
        column = np.ascontiguousarray(game.tensor[1].T)
        return [lambda mixes: row @ mixes[1], lambda mixes: column @ mixes[0]]

    return [_values_of(game, player) for player in range(len(population_sizes(game)))]


def _values_of(game: Payoffs, player: int) -> Callable[[Sequence[FloatArray]], FloatArray]:
    """`_value_functions` of one player among many: one product per opponent."""
    own = np.ascontiguousarray(np.moveaxis(game.tensor[player], player, 0))
    others = [other for other in range(game.num_players) if other != player]

    def values(mixes: Sequence[FloatArray]) -> FloatArray:
        result = own
        for other in reversed(others):
            result = result @ mixes[0 if game.symmetric else other]
        return result

    return values


def check_stopping(iterations: int, target_regret: float) -> None:
    """Raise ValueError unless the stopping rule makes sense."""
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, got {iterations}")
    if target_regret < 0.0:
        raise ValueError(f"target_regret must not be negative, got {target_regret}")
