"""Regret matching and regret matching+."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import FloatArray, MetaStrategy, Payoffs
from solvers.no_regret import check_stopping, self_play


class RegretMatcher:
    """Plays each strategy in proportion to its positive cumulative regret.

    Parameters
    ----------
    floor
        Lowest cumulative regret kept: ``-inf`` for regret matching, 0 for regret matching+.
    """

    def __init__(self, n: int, *, floor: float) -> None:
        self.mix: FloatArray = np.full(n, 1.0 / n)
        self._regret = np.zeros(n)
        self._floor = floor

    def observe(self, values: FloatArray) -> None:
        """Add the regrets of the mix just played; see `solvers.no_regret.Learner.observe`."""
        self._regret += values - self.mix @ values
        np.maximum(self._regret, self._floor, out=self._regret)
        positive = np.maximum(self._regret, 0.0)
        total = positive.sum()
        n = len(positive)
        self.mix = positive / total if total > 0.0 else np.full(n, 1.0 / n)


@dataclass(frozen=True)
class RegretMatching:
    """Regret matching in self-play, all players at once, uniform average.

    Parameters
    ----------
    iterations
        At most this many.
    target_regret
        Stop when no player's regret exceeds this share of the payoff range.
    """

    iterations: int = field(default=20_000, kw_only=True)
    target_regret: float = field(default=1e-3, kw_only=True)

    name: ClassVar[str] = "regret_matching"
    summary: ClassVar[str] = "average of regret matching in self-play"
    games: ClassVar[str] = "any; converges to Nash in two-player constant-sum games"
    paper: ClassVar[str] = "Hart & Mas-Colell 2000"

    def __post_init__(self) -> None:
        check_stopping(self.iterations, self.target_regret)

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.no_regret.self_play`."""
        return self_play(
            payoffs,
            lambda n: RegretMatcher(n, floor=-np.inf),
            iterations=self.iterations,
            target_regret=self.target_regret,
            alternating=False,
            averaging_power=0.0,
        )


@dataclass(frozen=True)
class RegretMatchingPlus:
    """Regret matching+ in self-play: alternating moves, linear averaging.

    Parameters
    ----------
    iterations
        At most this many.
    target_regret
        Stop when no player's regret exceeds this share of the payoff range.
    """

    iterations: int = field(default=20_000, kw_only=True)
    target_regret: float = field(default=1e-4, kw_only=True)

    name: ClassVar[str] = "regret_matching_plus"
    summary: ClassVar[str] = "regret matching+, alternating, linear averaging"
    games: ClassVar[str] = "any; converges to Nash in two-player constant-sum games"
    paper: ClassVar[str] = "Tammelin et al. 2015"

    def __post_init__(self) -> None:
        check_stopping(self.iterations, self.target_regret)

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.no_regret.self_play`."""
        return self_play(
            payoffs,
            lambda n: RegretMatcher(n, floor=0.0),
            iterations=self.iterations,
            target_regret=self.target_regret,
            alternating=True,
            averaging_power=1.0,
        )
