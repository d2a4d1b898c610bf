"""Two-player zero-sum games by linear programming.

For positive payoffs ``B`` the program is ``max sum(w) : B w <= 1, w >= 0`` (Dantzig 1951). The
column player's strategy is ``w`` scaled to sum to one, the row player's the duals, the value
``1 / sum(w)``. One program therefore serves both players.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np

from solvers.base import FloatArray, normalised
from solvers.convex import cvxpy, run

_SMALLEST_PADDED_SIZE = 16
_LARGEST_PADDED_SIZE = 256
"""Above it compiling a parametrised program costs more than the few solves that reuse it."""

_FEASIBILITY = 1e-9
_OPTIONS: dict[str, Any] = {
    "presolve": "off",  # Dense programs have nothing to presolve.
    "primal_feasibility_tolerance": _FEASIBILITY,
    "dual_feasibility_tolerance": _FEASIBILITY,
}


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
    """Solves zero-sum games, by HiGHS directly or by any linear solver that cvxpy knows.

    The answer depends on the matrix alone, not on what was solved before, so that a resumed run
    repeats itself.

    Parameters
    ----------
    solver
        ``"highspy"`` hands the program to HiGHS's own interface. A cvxpy solver name (``"HIGHS"``,
        ``"CLARABEL"``, ...) goes through cvxpy: the program is compiled once per size, and a
        matrix smaller than a compiled size is padded by repeating its last row and column. A
        duplicated strategy changes nothing of the game, and its mass is folded back; a matrix that
        grows by a strategy at a time so meets a new program only when it outgrows the last.
    """

    solver: str = "highspy"
    _programs: dict[tuple[int, int], Any] = field(default_factory=dict, init=False, repr=False)

    def solve(self, matrix: FloatArray) -> MatrixGameSolution:
        """Solve a zero-sum game.

        Parameters
        ----------
        matrix : float64 array ``(n1, n2)``
            The row player's payoffs, of any scale.

        Raises
        ------
        ValueError
            If cvxpy knows no installed solver of that name.
        RuntimeError
            If the linear program could not be solved.
        """
        low, high = float(matrix.min()), float(matrix.max())
        if high == low:
            n1, n2 = matrix.shape
            return MatrixGameSolution(np.full(n1, 1.0 / n1), np.full(n2, 1.0 / n2), low)
        positive = (matrix - (low + high) / 2.0) / ((high - low) / 2.0) + 2.0
        if self.solver == "highspy":
            row, column = _solve_by_highs(positive)
        elif self.solver not in (known := cvxpy().installed_solvers()):
            raise ValueError(
                f"unknown linear solver {self.solver!r}; 'highspy' or one of cvxpy's: "
                f"{', '.join(known)}"
            )
        elif max(matrix.shape) > _LARGEST_PADDED_SIZE:
            row, column = self._solve_compiled(_compile(positive.shape), positive)
        else:
            row, column = self._solve_padded(positive)
        row, column = normalised(row), normalised(column)
        return MatrixGameSolution(row, column, float(row @ matrix @ column))

    def _solve_padded(self, positive: FloatArray) -> tuple[FloatArray, FloatArray]:
        n1, n2 = positive.shape
        shape = (_padded_size(n1), _padded_size(n2))
        if shape not in self._programs:
            self._programs[shape] = _compile(shape)
        rows = np.minimum(np.arange(shape[0]), n1 - 1)
        columns = np.minimum(np.arange(shape[1]), n2 - 1)
        row, column = self._solve_compiled(self._programs[shape], positive[np.ix_(rows, columns)])
        folded_row, folded_column = np.zeros(n1), np.zeros(n2)
        np.add.at(folded_row, rows, row)
        np.add.at(folded_column, columns, column)
        return folded_row, folded_column

    def _solve_compiled(
        self, program: tuple[Any, Any, Any, Any], positive: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        problem, parameter, weights, limits = program
        parameter.value = positive
        run(problem, self.solver, **(_OPTIONS if self.solver == "HIGHS" else {}))
        return np.maximum(limits.dual_value, 0.0), np.maximum(weights.value, 0.0)


def _padded_size(n: int) -> int:
    """Smallest compiled size holding ``n`` strategies: 16, 24, 32, 48, 64, 96, 128, ..."""
    size = _SMALLEST_PADDED_SIZE
    while size < n:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def _compile(shape: tuple[int, ...]) -> tuple[Any, Any, Any, Any]:
    """Build the parametrised program; return it with its parameter, variable and constraint."""
    cp = cvxpy()
    parameter = cp.Parameter(shape)
    weights = cp.Variable(shape[1], nonneg=True)
    limits = parameter @ weights <= 1.0
    return cp.Problem(cp.Maximize(cp.sum(weights)), [limits]), parameter, weights, limits


def _solve_by_highs(positive: FloatArray) -> tuple[FloatArray, FloatArray]:
    n1, n2 = positive.shape
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = n1, n2
    program.col_cost_ = -np.ones(n2)
    program.col_lower_ = np.zeros(n2)
    program.col_upper_ = np.full(n2, highspy.kHighsInf)
    program.row_lower_ = np.full(n1, -highspy.kHighsInf)
    program.row_upper_ = np.ones(n1)
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.arange(0, n1 * n2 + 1, n1)
    program.a_matrix_.index_ = np.tile(np.arange(n1), n2)
    program.a_matrix_.value_ = positive.ravel(order="F")
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    for option, value in _OPTIONS.items():
        highs.setOptionValue(option, value)
    highs.passModel(program)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(
            "HiGHS did not solve the linear program: "
            f"{highs.modelStatusToString(highs.getModelStatus())}"
        )
    solution = highs.getSolution()
    return -np.array(solution.row_dual), np.array(solution.col_value)
