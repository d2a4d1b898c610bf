"""Uniform over every strategy: PSRO with it is fictitious play over best responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import MetaStrategy, Payoffs, as_payoffs, meta_strategy


@dataclass(frozen=True)
class Uniform:
    """Equal weight on every strategy of every player."""

    name: ClassVar[str] = "uniform"
    summary: ClassVar[str] = "equal weight on every strategy (fictitious play when used in PSRO)"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Brown 1951; Lanctot et al. 2017"

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`."""
        game = as_payoffs(payoffs)
        return meta_strategy(game, tuple(np.full(n, 1.0 / n) for n in game.num_strategies))
