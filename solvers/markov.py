"""Stationary distributions of finite Markov chains, from rates or their logarithms.

Grassmann, Taksar and Heyman 1985, "Regenerative analysis and steady state distributions for Markov
chains": elimination without a subtraction, so every probability keeps its relative accuracy
however small it is and however nearly the chain falls apart.
"""

from __future__ import annotations

import numpy as np

from solvers.base import FloatArray, UnsupportedGameError

_BLOCK = 32
"""States eliminated before one matrix product updates the rest."""

_ROWS = 1024
"""Rows updated at once: bounds the memory that the product takes."""

_LINEAR_RANGE = 200.0
"""Span of log-rates within which products of two rates neither overflow nor vanish."""

_SMALLEST_WEIGHT = 1e-290

_MOST_LOGARITHMIC = 3000
"""States beyond which elimination on logarithms would take minutes."""


def stationary_distribution(log_rates: FloatArray, *, overwrite: bool = False) -> FloatArray:
    """Stationary distribution of an irreducible chain.

    Parameters
    ----------
    log_rates : float64 array ``(n, n)``
        Natural logarithm of the rate (or probability) of going from the row's state to the
        column's; ``-inf`` where there is no transition. The diagonal is ignored.
    overwrite
        Use the array as working memory.

    Returns
    -------
    float64 array ``(n,)``

    Raises
    ------
    ValueError
        If the chain is reducible: some state cannot be left.
    UnsupportedGameError
        If rates differ by more than floating point holds and there are too many states to work
        on their logarithms.
    """
    log_rates = log_rates if overwrite else np.array(log_rates, dtype=np.float64)
    n = len(log_rates)
    if n == 1:
        return np.ones(1)
    np.fill_diagonal(log_rates, -np.inf)
    # A state's rates share a factor of time: dividing a row by it scales the state's probability.
    row_scale = log_rates.max(axis=1)
    if not np.all(np.isfinite(row_scale)):
        raise ValueError(
            f"state {int(np.argmin(row_scale))} has no way out: the chain is reducible"
        )
    log_rates -= row_scale[:, None]
    smallest = float(np.min(log_rates, where=np.isfinite(log_rates), initial=0.0))
    log_weights = None
    if smallest > -_LINEAR_RANGE:
        log_weights = _log_weights_by_gth(log_rates if n > _MOST_LOGARITHMIC else log_rates.copy())
    if log_weights is None:
        if n > _MOST_LOGARITHMIC:
            raise UnsupportedGameError(
                f"needs at most {_MOST_LOGARITHMIC:,} states where rates differ by factors of "
                f"exp({-smallest:.0f}); this chain has {n:,}"
            )
        log_weights = _log_gth(log_rates)
    log_weights -= row_scale
    weights = np.exp(log_weights - log_weights.max())
    result: FloatArray = weights / weights.sum()
    return result


def _log_weights_by_gth(log_rates: FloatArray) -> FloatArray | None:
    """Logarithms of the weights ``(n,)`` by `gth`; None if a number left the range of floats."""
    try:
        with np.errstate(over="raise", invalid="raise"):
            np.exp(log_rates, out=log_rates)
            weights = gth(log_rates, overwrite=True)
    except (ValueError, FloatingPointError):
        return None
    # A weight this small may have lost a path of many slow steps, which logarithms still hold.
    return None if weights.min() < _SMALLEST_WEIGHT else np.log(weights)


def gth(rates: FloatArray, *, overwrite: bool = False) -> FloatArray:
    """Stationary distribution ``(n,)`` of a chain of non-negative rates ``(n, n)``.

    The diagonal is never read. States are eliminated last to first, in blocks: within a block only
    its own rows and columns are kept up to date, and one matrix product then updates the rest.
    """
    rates = rates if overwrite else np.array(rates, dtype=np.float64)
    n = len(rates)
    for end in range(n, 1, -_BLOCK):
        start = max(end - _BLOCK, 1)
        for k in range(end - 1, start - 1, -1):
            leaving = rates[k, :k].sum()
            if leaving <= 0.0:
                raise ValueError(f"state {k} cannot reach the others: the chain is reducible")
            rates[:k, k] /= leaving
            # Rows of the block still to go, then columns of the block for the rows above it.
            row, column = rates[k], rates[:k, k, None]
            rates[start:k, :k] += column[start:] * row[:k]
            rates[:start, start:k] += column[:start] * row[start:k]
        for top in range(0, start, _ROWS):
            rows = slice(top, min(top + _ROWS, start))
            rates[rows, :start] += rates[rows, start:end] @ rates[start:end, :start]
    weights = np.zeros(n)
    weights[0] = 1.0
    for k in range(1, n):
        weights[k] = weights[:k] @ rates[:k, k]
        if weights[k] > 1e100:
            weights[: k + 1] /= weights[k]
    result: FloatArray = weights / weights.sum()
    return result


def _log_gth(log_rates: FloatArray) -> FloatArray:
    """Logarithm of the stationary weights ``(n,)``; the elimination of `gth` on logarithms."""
    log_rates = log_rates.copy()
    n = len(log_rates)
    for k in range(n - 1, 0, -1):
        leaving = np.logaddexp.reduce(log_rates[k, :k])
        if leaving == -np.inf:
            raise ValueError(f"state {k} cannot reach the others: the chain is reducible")
        log_rates[:k, k] -= leaving
        np.logaddexp(
            log_rates[:k, :k],
            log_rates[:k, k, None] + log_rates[None, k, :k],
            out=log_rates[:k, :k],
        )
    log_weights = np.zeros(n)
    for k in range(1, n):
        log_weights[k] = np.logaddexp.reduce(log_weights[:k] + log_rates[:k, k])
    return log_weights
