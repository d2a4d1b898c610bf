"""Hedge (multiplicative weights) and optimistic Hedge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from solvers.base import FloatArray, MetaStrategy, Payoffs
from solvers.no_regret import check_stopping, self_play


class Hedger:
    """Plays each strategy in proportion to the exponential of its cumulative payoff.

    Parameters
    ----------
    learning_rate
        Per unit of the payoff range; None for ``sqrt(8 log(n) / t)`` at iteration ``t``.
    optimistic
        Count the newest payoffs twice, as a forecast of the next.
    """

    def __init__(self, n: int, *, learning_rate: float | None, optimistic: bool) -> None:
        self.mix: FloatArray = np.full(n, 1.0 / n)
        self._sum = np.zeros(n)
        self._learning_rate = learning_rate
        self._optimistic = optimistic
        self._seen = 0

    def observe(self, values: FloatArray) -> None:
        """Add the payoffs; see `solvers.no_regret.Learner.observe`."""
        self._seen += 1
        self._sum += values
        rate = self._learning_rate
        if rate is None:
            rate = float(np.sqrt(8.0 * np.log(max(len(values), 2)) / (self._seen + 1)))
        self.mix = softmax(rate * (self._sum + values if self._optimistic else self._sum))


@dataclass(frozen=True)
class Hedge:
    """Hedge in self-play, all players at once, uniform average.

    Parameters
    ----------
    learning_rate
        Per unit of the payoff range; ``None`` for the anytime rate ``sqrt(8 log(n) / t)``.
    iterations
        At most this many.
    target_regret
        Stop when no player's regret exceeds this share of the payoff range.
    """

    learning_rate: float | None = field(default=None, kw_only=True)
    iterations: int = field(default=20_000, kw_only=True)
    target_regret: float = field(default=1e-3, kw_only=True)

    name: ClassVar[str] = "hedge"
    summary: ClassVar[str] = "average of multiplicative weights in self-play"
    games: ClassVar[str] = "any; converges to Nash in two-player constant-sum games"
    paper: ClassVar[str] = "Freund & Schapire 1997, 1999"

    def __post_init__(self) -> None:
        check_stopping(self.iterations, self.target_regret)
        _check_rate(self.learning_rate)

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.no_regret.self_play`."""
        return self_play(
            payoffs,
            lambda n: Hedger(n, learning_rate=self.learning_rate, optimistic=False),
            iterations=self.iterations,
            target_regret=self.target_regret,
            alternating=False,
            averaging_power=0.0,
        )


@dataclass(frozen=True)
class OptimisticHedge:
    """Optimistic Hedge in self-play, all players at once, uniform average.

    Parameters
    ----------
    learning_rate
        Per unit of the payoff range.
    iterations
        At most this many.
    target_regret
        Stop when no player's regret exceeds this share of the payoff range.
    """

    learning_rate: float = field(default=0.5, kw_only=True)
    iterations: int = field(default=20_000, kw_only=True)
    target_regret: float = field(default=1e-3, kw_only=True)

    name: ClassVar[str] = "optimistic_hedge"
    summary: ClassVar[str] = "Hedge that expects the last payoffs again: faster average"
    games: ClassVar[str] = "any; converges to Nash in two-player constant-sum games"
    paper: ClassVar[str] = "Rakhlin & Sridharan 2013; Syrgkanis et al. 2015"

    def __post_init__(self) -> None:
        check_stopping(self.iterations, self.target_regret)
        _check_rate(self.learning_rate)

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.no_regret.self_play`."""
        return self_play(
            payoffs,
            lambda n: Hedger(n, learning_rate=self.learning_rate, optimistic=True),
            iterations=self.iterations,
            target_regret=self.target_regret,
            alternating=False,
            averaging_power=0.0,
        )


def _check_rate(learning_rate: float | None) -> None:
    if learning_rate is not None and learning_rate <= 0.0:
        raise ValueError(f"learning_rate must be positive, got {learning_rate}")
