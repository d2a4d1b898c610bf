"""Thousands of small zero-sum matrix games at once."""

from __future__ import annotations

from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from solvers.zero_sum import MatrixGameLP

FloatArray: TypeAlias = NDArray[np.float64]

TOLERANCE = 1e-11
"""The gap between what both strategies guarantee at which a game counts as solved."""


def solve_games(payoffs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Optimal strategies of many games.

    Every matrix game has optimal strategies that make both players indifferent on some square
    submatrix (Shapley and Snow 1950). These are tried from the smallest; a game is solved when
    what its strategies guarantee to both players meets. Games left over by rounding go to the
    linear program of `solvers`.

    Parameters
    ----------
    payoffs : float64 ``(games, n, m)``
        The row player's, of order one.

    Returns
    -------
    rows : float64 ``(games, n)``, columns : float64 ``(games, m)``
    """
    games, n, m = payoffs.shape
    rows, columns = np.zeros((games, n)), np.zeros((games, m))
    gaps = np.full(games, np.inf)
    for size in range(1, min(n, m) + 1):
        for chosen_rows in combinations(range(n), size):
            for chosen_columns in combinations(range(m), size):
                left = np.flatnonzero(gaps > TOLERANCE)
                if not len(left):
                    return rows, columns
                _try(payoffs, left, chosen_rows, chosen_columns, rows, columns, gaps)
    for game in np.flatnonzero(gaps > 1e-9):
        solution = MatrixGameLP().solve(payoffs[game])
        rows[game], columns[game] = solution.row, solution.column
    return rows, columns


def guarantees(
    payoffs: FloatArray, rows: FloatArray, columns: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """What the row player surely gets and the column player surely holds it to, ``(games,)``."""
    floor: FloatArray = np.einsum("gn,gnm->gm", rows, payoffs).min(axis=1)
    ceiling: FloatArray = np.einsum("gnm,gm->gn", payoffs, columns).max(axis=1)
    return floor, ceiling


def _try(
    payoffs: FloatArray,
    games: NDArray[np.intp],
    chosen_rows: tuple[int, ...],
    chosen_columns: tuple[int, ...],
    rows: FloatArray,
    columns: FloatArray,
    gaps: FloatArray,
) -> None:
    """Keep the strategies that equalise a submatrix wherever they beat what there was."""
    size = len(chosen_rows)
    x, y = np.zeros((len(games), rows.shape[1])), np.zeros((len(games), columns.shape[1]))
    if size == 1:
        x[:, chosen_rows], y[:, chosen_columns] = 1.0, 1.0
    else:
        # Adding a constant to all payoffs moves the value away from zero and nothing else.
        square = payoffs[np.ix_(games, np.array(chosen_rows), np.array(chosen_columns))] + 1.0
        regular = np.abs(np.linalg.det(square)) > 1e-14
        square[~regular] = np.eye(size)
        ones = np.ones((len(games), size, 1))
        right = np.linalg.solve(square, ones)[:, :, 0]
        left = np.linalg.solve(square.transpose(0, 2, 1), ones)[:, :, 0]
        sums_x, sums_y = left.sum(axis=1), right.sum(axis=1)
        regular &= (np.abs(sums_x) > 1e-12) & (np.abs(sums_y) > 1e-12)
        sums_x[~regular] = sums_y[~regular] = 1.0
        left, right = left / sums_x[:, None], right / sums_y[:, None]
        regular &= (left > -1e-12).all(axis=1) & (right > -1e-12).all(axis=1)
        left[~regular] = right[~regular] = 1.0 / size
        left, right = left.clip(0.0), right.clip(0.0)
        x[:, chosen_rows] = left / left.sum(axis=1, keepdims=True)
        y[:, chosen_columns] = right / right.sum(axis=1, keepdims=True)
    floor, ceiling = guarantees(payoffs[games], x, y)
    better = ceiling - floor < gaps[games]
    rows[games[better]], columns[games[better]] = x[better], y[better]
    gaps[games[better]] = (ceiling - floor)[better]
