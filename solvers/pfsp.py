"""Prioritised fictitious self-play: opponents weighed by how the newest strategy fares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import (
    FloatArray,
    MetaStrategy,
    Payoffs,
    as_payoffs,
    meta_strategy,
    normalised,
    zero_sum_matrix,
)


def win_rates(game: Payoffs) -> FloatArray:
    """Row player's win rates ``(n1, n2)`` of a two-player constant-sum game.

    Win rates are taken as they are; other payoffs are scaled so that the widest margin is a sure
    win.
    """
    matrix, offset, _ = zero_sum_matrix(game)
    widest = float(np.abs(matrix).max())
    if abs(offset - 0.5) < 1e-9 and widest <= 0.5:
        return matrix + 0.5
    return 0.5 + matrix / (2.0 * widest or 1.0)


def priorities(
    rates: FloatArray, *, weighting: Literal["hard", "variance"], power: float
) -> FloatArray:
    """Opponents' distribution ``(n,)`` from the learner's win rates ``(n,)`` against them.

    ``"hard"``: ``(1 - rate) ** power``; ``"variance"``: ``rate (1 - rate)``. Uniform where all
    weights vanish.
    """
    weights = (1.0 - rates) ** power if weighting == "hard" else rates * (1.0 - rates)
    return normalised(weights if weights.sum() > 1e-12 else np.ones_like(weights))


@dataclass(frozen=True)
class PFSP:
    """Weight on the opponents that the newest strategy finds hard, or evenly matched.

    A player's marginal is what the *other* player's newest strategy should train against.

    Parameters
    ----------
    weighting
        ``"hard"`` or ``"variance"``.
    power
        Exponent of ``"hard"``.
    """

    weighting: Literal["hard", "variance"] = field(default="hard", kw_only=True)
    power: float = field(default=2.0, kw_only=True)

    name: ClassVar[str] = "pfsp"
    summary: ClassVar[str] = "weight on opponents hard for the newest strategy"
    games: ClassVar[str] = "two-player constant-sum"
    paper: ClassVar[str] = "Vinyals et al. 2019"

    def __post_init__(self) -> None:
        if self.weighting not in ("hard", "variance"):
            raise ValueError(f"weighting must be 'hard' or 'variance', got {self.weighting!r}")
        if self.power < 0.0:
            raise ValueError(f"power must not be negative, got {self.power}")

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`."""
        game = as_payoffs(payoffs)
        rates = win_rates(game)
        learners = (1.0 - rates[:, -1], rates[-1])
        row, column = (
            priorities(rate, weighting=self.weighting, power=self.power) for rate in learners
        )
        return meta_strategy(game, (column, column) if game.symmetric else (row, column))
