"""Projected replicator dynamics, the meta-solver of the PSRO paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import FloatArray, MetaStrategy, Payoffs
from solvers.no_regret import check_stopping, self_play


def project_onto_simplex(weights: FloatArray, *, floor: float = 0.0) -> FloatArray:
    """Nearest distribution ``(n,)`` with every probability at least ``floor``.

    Duchi et al. 2008, "Efficient projections onto the l1-ball", in O(n log n).
    """
    mass = 1.0 - floor * len(weights)
    shifted = np.sort(weights - floor)[::-1]
    excess = (np.cumsum(shifted) - mass) / np.arange(1, len(weights) + 1)
    last = int(np.flatnonzero(shifted > excess)[-1])
    result: FloatArray = np.maximum(weights - floor - excess[last], 0.0) + floor
    return result


class ProjectedReplicator:
    """One Euler step of the replicator equation, then back to the exploratory simplex."""

    def __init__(self, n: int, *, step_size: float, exploration: float) -> None:
        self.mix: FloatArray = np.full(n, 1.0 / n)
        self._step_size = step_size
        self._floor = exploration / n

    def observe(self, values: FloatArray) -> None:
        """Step; see `solvers.no_regret.Learner.observe`."""
        growth = self.mix * (values - self.mix @ values)
        self.mix = project_onto_simplex(self.mix + self._step_size * growth, floor=self._floor)


@dataclass(frozen=True)
class PRD:
    """Average of projected replicator dynamics, which explores at every step.

    Parameters
    ----------
    exploration
        No strategy's probability falls below ``exploration / n``.
    step_size
        Euler step, per unit of the payoff range.
    iterations
        At most this many.
    target_regret
        Stop when no player's regret exceeds this share of the payoff range.
    """

    exploration: float = field(default=1e-3, kw_only=True)
    step_size: float = field(default=0.02, kw_only=True)
    iterations: int = field(default=20_000, kw_only=True)
    target_regret: float = field(default=1e-3, kw_only=True)

    name: ClassVar[str] = "prd"
    summary: ClassVar[str] = "average of projected replicator dynamics"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Lanctot et al. 2017"

    def __post_init__(self) -> None:
        check_stopping(self.iterations, self.target_regret)
        if not 0.0 <= self.exploration < 1.0:
            raise ValueError(f"exploration must be in [0, 1), got {self.exploration}")
        if self.step_size <= 0.0:
            raise ValueError(f"step_size must be positive, got {self.step_size}")

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.no_regret.self_play`."""
        return self_play(
            payoffs,
            lambda n: ProjectedReplicator(
                n, step_size=self.step_size, exploration=self.exploration
            ),
            iterations=self.iterations,
            target_regret=self.target_regret,
            alternating=False,
            averaging_power=0.0,
        )
