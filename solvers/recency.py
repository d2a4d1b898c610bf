"""Distributions over the newest strategies: self-play and its last few opponents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import FloatArray, MetaStrategy, Payoffs, as_payoffs, meta_strategy


def newest(n: int, k: int) -> FloatArray:
    """Uniform over the last ``k`` of ``n`` strategies (all of them, if there are fewer)."""
    weights = np.zeros(n)
    weights[-min(k, n) :] = 1.0 / min(k, n)
    return weights


@dataclass(frozen=True)
class LastK:
    """Equal weight on the newest few strategies of every player.

    Parameters
    ----------
    k
        How many.
    """

    k: int = field(default=5, kw_only=True)

    name: ClassVar[str] = "last_k"
    summary: ClassVar[str] = "equal weight on the newest k strategies"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Bansal et al. 2018"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k must be at least 1, got {self.k}")

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`."""
        game = as_payoffs(payoffs)
        return meta_strategy(game, tuple(newest(n, self.k) for n in game.num_strategies))


@dataclass(frozen=True)
class SelfPlay:
    """All weight on the newest strategy of every player."""

    name: ClassVar[str] = "self_play"
    summary: ClassVar[str] = "all weight on the newest strategy"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Samuel 1959; Tesauro 1995"

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`."""
        game = as_payoffs(payoffs)
        return meta_strategy(game, tuple(newest(n, 1) for n in game.num_strategies))
