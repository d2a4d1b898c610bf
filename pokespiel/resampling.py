"""Payoff tables that might as well have been observed, drawn from counts and sums.

Arrays in, arrays out; `pokespiel.EmpiricalGame.resample` is the way in.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


def outcome_counts(
    counts: FloatArray, sums: FloatArray, squares: FloatArray, bounds: tuple[float, float]
) -> FloatArray | None:
    """Wins, draws and losses ``(cells, 3)`` behind sums of returns.

    Sums and sums of squares ``(cells,)`` give the three counts back exactly, if every return was
    one of the bounds (a loss, a win) or their middle (a draw). None if it was not so.
    """
    low, high = bounds
    width = high - low
    if width <= 0.0:
        return None
    first = (sums - counts * low) / width
    second = (squares - 2.0 * low * sums + counts * low**2) / width**2
    draws = 4.0 * (first - second)
    wins = first - draws / 2.0
    outcomes = np.stack([wins, draws, counts - wins - draws], axis=1)
    whole = np.round(outcomes)
    if np.any(whole < 0) or np.any(
        np.abs(outcomes - whole) > 1e-6 * np.maximum(counts, 1)[:, None]
    ):
        return None
    return whole


def posterior_rates(outcomes: FloatArray, *, prior: float, rng: np.random.Generator) -> FloatArray:
    """Win rates ``(cells,)`` (a draw is half a win) drawn from their posteriors.

    The prior of a cell is Dirichlet(prior, prior, prior) over win, draw and loss, or, where the
    whole table has no draw, Beta(prior, prior) over win and loss.
    """
    drawn = outcomes[:, 1].any()
    shape = outcomes + prior * np.array([1.0, float(drawn), 1.0])
    gamma = rng.standard_gamma(shape)
    rates: FloatArray = gamma @ np.array([1.0, 0.5, 0.0]) / gamma.sum(axis=1)
    return rates


def bootstrap_rates(outcomes: FloatArray, *, rng: np.random.Generator) -> FloatArray:
    """Win rates ``(cells,)`` of as many games drawn from those played, with replacement."""
    games = outcomes.sum(axis=1)
    drawn = rng.multinomial(games.astype(np.int64), outcomes / games[:, None])
    rates: FloatArray = drawn @ np.array([1.0, 0.5, 0.0]) / games
    return rates


def normal_means(
    counts: FloatArray,
    sums: FloatArray,
    squares: FloatArray,
    bounds: tuple[float, float],
    *,
    zero_sum: bool,
    rng: np.random.Generator,
) -> FloatArray:
    """Mean returns ``(cells, players)``, off by Student-distributed standard errors.

    How the players' returns go together is not stored: errors are independent, or, where all
    returns add up to a constant, equally correlated so that they add up to nothing.
    """
    players = sums.shape[1]
    played = counts[:, None]
    means = sums / played
    variances = np.maximum(squares - np.square(sums) / played, 0.0) / (played - 1.0)
    errors = rng.standard_t(played - 1.0, size=sums.shape) * np.sqrt(variances / played)
    if not zero_sum:
        clipped: FloatArray = np.clip(means + errors, *bounds)
        return clipped
    # Taking out the common part leaves (players - 1) / players of each error's variance.
    errors = (errors - errors.mean(axis=1, keepdims=True)) * np.sqrt(players / max(players - 1, 1))
    # Shrinking a cell's errors together keeps both its bounds and its sum.
    low, high = bounds
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(errors > 0, (high - means) / errors, (low - means) / errors)
    room = np.where(errors == 0.0, 1.0, room)
    kept: FloatArray = means + errors * np.clip(room.min(axis=1, keepdims=True), 0.0, 1.0)
    return kept
