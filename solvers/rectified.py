"""Rectified Nash: each equilibrium strategy trains against those it beats or ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import FloatArray, MetaStrategy, Payoffs, as_payoffs, zero_sum_matrix
from solvers.nash import Nash


def rectified_opponents(matrix: FloatArray, own: FloatArray, others: FloatArray) -> FloatArray:
    """Whom each strategy should train against.

    Parameters
    ----------
    matrix : float64 array ``(n, m)``
        Zero-sum payoffs of the strategies against the others'.
    own : float64 array ``(n,)``
        Equilibrium weights of the strategies: those with none do not train.
    others : float64 array ``(m,)``
        Equilibrium weights of the opponents.

    Returns
    -------
    float64 array ``(n, m)``
        Row ``i`` is a distribution over the opponents that ``i`` beats or ties, in proportion to
        their weights; zero for strategies outside the equilibrium, and for those that beat none.
    """
    tie = -1e-12 * float(np.abs(matrix).max(initial=0.0))
    weights = np.where(matrix >= tie, others, 0.0) * (own > 1e-9)[:, None]
    totals = weights.sum(axis=1, keepdims=True)
    result: FloatArray = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0.0)
    return result


@dataclass(frozen=True)
class RectifiedNash:
    """A maximum-entropy Nash equilibrium and the rectified training distributions it induces."""

    name: ClassVar[str] = "rectified"
    summary: ClassVar[str] = "Nash, with each strategy's training mix over those it beats"
    games: ClassVar[str] = "two-player constant-sum"
    paper: ClassVar[str] = "Balduzzi et al. 2019"

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`.

        Diagnostics: ``opponents``, per player the array of `rectified_opponents`.
        """
        game = as_payoffs(payoffs)
        matrix, _, _ = zero_sum_matrix(game)
        result = Nash(selection="max_entropy").solve(game)
        row, column = result.marginals
        opponents = (
            rectified_opponents(matrix, row, column),
            rectified_opponents(-matrix.T, column, row),
        )
        return MetaStrategy(
            marginals=result.marginals,
            values=result.values,
            regrets=result.regrets,
            diagnostics={**result.diagnostics, "opponents": opponents},
        )
