"""Fictitious play: everyone answers the others' average so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import FloatArray, MetaStrategy, Payoffs
from solvers.no_regret import check_stopping, self_play


class BestResponder:
    """Plays the strategy of highest cumulative payoff, the first of equals."""

    def __init__(self, n: int) -> None:
        self.mix: FloatArray = np.full(n, 1.0 / n)
        self._sum = np.zeros(n)

    def observe(self, values: FloatArray) -> None:
        """Add the payoffs; see `solvers.no_regret.Learner.observe`."""
        self._sum += values
        self.mix = np.zeros_like(self._sum)
        self.mix[int(np.argmax(self._sum))] = 1.0


@dataclass(frozen=True)
class FictitiousPlay:
    """Fictitious play, alternating, from uniform beliefs.

    With more than two players each answers the others' empirical joint play.

    Parameters
    ----------
    iterations
        At most this many.
    target_regret
        Stop when no player's regret exceeds this share of the payoff range.
    """

    iterations: int = field(default=20_000, kw_only=True)
    target_regret: float = field(default=1e-3, kw_only=True)

    name: ClassVar[str] = "fictitious_play"
    summary: ClassVar[str] = "average of best responses to the average"
    games: ClassVar[str] = "any; converges in zero-sum, potential and 2 x n games"
    paper: ClassVar[str] = "Brown 1951; Robinson 1951"

    def __post_init__(self) -> None:
        check_stopping(self.iterations, self.target_regret)

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.no_regret.self_play`."""
        return self_play(
            payoffs,
            BestResponder,
            iterations=self.iterations,
            target_regret=self.target_regret,
            alternating=True,
            averaging_power=0.0,
        )
