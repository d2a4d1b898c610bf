"""Two-player zero-sum games by linear programming (cvxpy, HiGHS)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from solvers.base import FloatArray, normalised
from solvers.convex import cvxpy, run

_SMALLEST_PADDED_SIZE = 16
_LARGEST_PADDED_SIZE = 256
"""Above it compiling a parametrised problem costs more than the few solves that reuse it."""


@dataclass(frozen=True)
class MatrixGameSolution:
    """Optimal strategies of a zero-sum game.

    Attributes
    ----------
    row : float64 array ``(n1,)``
        Maximin strategy.
    column : float64 array ``(n2,)``
        Minimax strategy.
    value : float
        Row player's payoff when both are played.
    """

    row: FloatArray
    column: FloatArray
    value: float


@dataclass
class MatrixGameLP:
    """The maximin program ``max v : A.T x >= v, sum(x) = 1, x >= 0``, compiled once per size.

    The column player's strategy comes from the duals, so one program serves both players. A
    matrix smaller than the compiled program is padded by repeating its last row and column: a
    duplicated strategy changes nothing of the game, and its mass is folded back. A matrix that
    grows by a strategy at a time (PSRO) so meets a new program only when it outgrows the last.
    """

    _programs: dict[tuple[int, int], Any] = field(default_factory=dict, repr=False)

    def solve(self, matrix: FloatArray) -> MatrixGameSolution:
        """Solve a zero-sum game.

        Parameters
        ----------
        matrix : float64 array ``(n1, n2)``
            The row player's payoffs, of any scale.

        Raises
        ------
        RuntimeError
            If the linear program could not be solved.
        """
        low, high = float(matrix.min()), float(matrix.max())
        if high == low:
            n1, n2 = matrix.shape
            return MatrixGameSolution(np.full(n1, 1.0 / n1), np.full(n2, 1.0 / n2), low)
        scaled = (matrix - (low + high) / 2.0) / ((high - low) / 2.0)
        if max(matrix.shape) > _LARGEST_PADDED_SIZE:
            row, column = _solve_once(scaled)
        else:
            row, column = self._solve_padded(scaled)
        row, column = normalised(row), normalised(column)
        return MatrixGameSolution(row, column, float(row @ matrix @ column))

    def _solve_padded(self, scaled: FloatArray) -> tuple[FloatArray, FloatArray]:
        n1, n2 = scaled.shape
        shape = (_padded_size(n1), _padded_size(n2))
        if shape not in self._programs:
            self._programs[shape] = _compile(shape)
        problem, parameter, row, guarantee = self._programs[shape]
        rows = np.minimum(np.arange(shape[0]), n1 - 1)
        columns = np.minimum(np.arange(shape[1]), n2 - 1)
        parameter.value = scaled[np.ix_(rows, columns)]
        run(problem, "HIGHS")
        folded_row, folded_column = np.zeros(n1), np.zeros(n2)
        np.add.at(folded_row, rows, np.maximum(row.value, 0.0))
        np.add.at(folded_column, columns, np.maximum(guarantee.dual_value, 0.0))
        return folded_row, folded_column


def _padded_size(n: int) -> int:
    """Smallest compiled size holding ``n`` strategies: 16, 24, 32, 48, 64, 96, 128, ..."""
    size = _SMALLEST_PADDED_SIZE
    while size < n:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def _compile(shape: tuple[int, int]) -> tuple[Any, Any, Any, Any]:
    """Build the parametrised program; return it with its parameter, variable and constraint."""
    cp = cvxpy()
    parameter = cp.Parameter(shape)
    row = cp.Variable(shape[0], nonneg=True)
    value = cp.Variable()
    guarantee = parameter.T @ row >= value
    return cp.Problem(cp.Maximize(value), [guarantee, cp.sum(row) == 1]), parameter, row, guarantee


def _solve_once(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    cp = cvxpy()
    row = cp.Variable(matrix.shape[0], nonneg=True)
    value = cp.Variable()
    guarantee = matrix.T @ row >= value
    run(cp.Problem(cp.Maximize(value), [guarantee, cp.sum(row) == 1]), "HIGHS")
    return np.maximum(row.value, 0.0), np.maximum(guarantee.dual_value, 0.0)
