"""The maximum-entropy optimal strategy of a zero-sum game.

Ortiz, Schapire and Kakade 2007, "Maximum entropy correlated equilibria"; Balduzzi et al. 2018,
"Re-evaluating Evaluation". Optimal strategies form a convex set, so its point of maximum entropy
is unique: two runs, or two solvers, can be compared by it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from solvers.base import FloatArray, normalised
from solvers.convex import cvxpy, run

_NEWTON_STEPS = 50

_TIE = 1e-9
"""Relative to the payoff range: smaller losses, and probabilities, count as none."""


def max_entropy_optimal(
    matrix: FloatArray, value: float, optimal: FloatArray, opposing: FloatArray
) -> FloatArray:
    """Row player's optimal strategy of maximum entropy.

    Parameters
    ----------
    matrix : float64 array ``(n1, n2)``
        The row player's payoffs.
    value : float
        The game's value, accurate to rounding.
    optimal : float64 array ``(n1,)``
        Any optimal strategy of the row player.
    opposing : float64 array ``(n2,)``
        Any optimal strategy of the column player.

    Returns
    -------
    float64 array ``(n1,)``
    """
    scale = float(np.abs(matrix - value).max())
    if scale == 0.0:
        return np.full(matrix.shape[0], 1.0 / matrix.shape[0])
    if is_only_optimal(matrix, value, optimal, opposing):
        return optimal
    gains = (matrix - value) / scale
    # Whatever loses against some optimal strategy of the other player is in no optimal strategy.
    support = gains @ opposing > -_TIE
    if not np.array_equal(support, optimal > _TIE):
        support[support] = _largest_support(gains[support])
    gains = gains[support]
    mix = np.zeros(matrix.shape[0])
    mix[support] = _polish(_interior_point(gains), gains)
    return mix


def is_only_optimal(
    matrix: FloatArray, value: float, optimal: FloatArray, opposing: FloatArray
) -> bool:
    """Whether a given pair of optimal strategies proves that the row player has no other.

    Every optimal strategy plays only what does not lose against ``opposing``, and makes what
    ``opposing`` plays indifferent. If those equations have a single solution there is no other.
    (Another ``opposing`` might prove what this one does not.)
    """
    scale = float(np.abs(matrix - value).max())
    if scale == 0.0:
        return len(optimal) == 1
    gains = (matrix - value) / scale
    candidates = gains @ opposing > -_TIE
    block = np.vstack([gains[np.ix_(candidates, opposing > _TIE)].T, np.ones(candidates.sum())])
    if block.shape[0] < block.shape[1]:
        return False
    pivots = np.abs(np.diag(qr(block, mode="r", pivoting=True)[0]))
    return bool(pivots[-1] > _TIE * pivots[0])


def _largest_support(gains: FloatArray) -> NDArray[np.bool_]:
    """Mask ``(n1,)`` of strategies that some optimal strategy plays.

    One linear program over the cone of optimal strategies (any multiple of them): it raises every
    weight to 1 that can be raised at all. Where that fails numerically all are kept: the next
    program then has no interior, and is less exact.
    """
    cp = cvxpy()
    weights = cp.Variable(gains.shape[0], nonneg=True)
    counted = cp.Variable(gains.shape[0], nonneg=True)
    problem = cp.Problem(
        cp.Maximize(cp.sum(counted)),
        [gains.T @ weights >= 0.0, counted <= weights, counted <= 1.0],
    )
    try:
        run(problem, "HIGHS")
    except RuntimeError:
        return np.ones(gains.shape[0], dtype=bool)
    mask: NDArray[np.bool_] = np.asarray(counted.value) > 0.5
    return mask


def _interior_point(gains: FloatArray) -> FloatArray:
    """Maximum entropy subject to no column gaining, to about 1e-7."""
    cp = cvxpy()
    mix = cp.Variable(gains.shape[0])
    problem = cp.Problem(
        cp.Maximize(cp.sum(cp.entr(mix))), [cp.sum(mix) == 1.0, gains.T @ mix >= 0.0]
    )
    run(problem, "CLARABEL")
    return normalised(mix.value)


def _polish(mix: FloatArray, gains: FloatArray) -> FloatArray:
    """Newton steps on the optimality conditions over the columns that are tight.

    At the optimum ``log mix`` is a constant plus a combination of the tight columns, each of
    which gains exactly nothing. Returned only where it is nearer to both than ``mix`` was.
    """
    tight = gains[:, gains.T @ mix < 1e-5]
    if tight.shape[1] == 0 or len(mix) == 1:
        return mix
    columns = np.column_stack([tight, np.ones(len(mix))])
    prices = np.linalg.lstsq(columns, np.log(np.maximum(mix, 1e-300)), rcond=None)[0]
    target = np.zeros(columns.shape[1])
    target[-1] = 1.0
    for _ in range(_NEWTON_STEPS):
        polished = np.exp(np.minimum(columns @ prices, 1.0))
        error = columns.T @ polished - target
        if np.abs(error).max() < 1e-15:
            break
        prices -= np.linalg.lstsq(columns.T @ (polished[:, None] * columns), error, rcond=1e-14)[0]
    violation = max(0.0, float(-(gains.T @ mix).min()))
    if np.all(np.isfinite(polished)) and float((gains.T @ normalised(polished)).min()) >= -max(
        violation, 1e-14
    ):
        return normalised(polished)
    return mix
