"""Intervals and tests for win rates and bounded returns.

All intervals are two-sided. Functions broadcast over arrays; counts of ties enter as half a win
where a function says so, and otherwise call for the interval of a bounded mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, betaln, ndtri, stdtrit, xlog1py, xlogy

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes
    ----------
    low, high : float64 arrays of one shape
        Ends, in the units of the quantity.
    confidence : float
        Probability that the procedure covers the truth.
    method : str
    """

    low: FloatArray
    high: FloatArray
    confidence: float
    method: str

    def __str__(self) -> str:
        if np.ndim(self.low):
            return f"{self.method} intervals, {self.confidence:.0%}, shape {np.shape(self.low)}"
        return f"[{self.low:.3f}, {self.high:.3f}] ({self.confidence:.0%}, {self.method})"


def _counts(wins: ArrayLike, games: ArrayLike) -> tuple[FloatArray, FloatArray]:
    won, played = np.broadcast_arrays(
        np.asarray(wins, dtype=np.float64), np.asarray(games, dtype=np.float64)
    )
    if not (np.all(np.isfinite(played)) and np.all(played >= 0)):
        raise ValueError(f"games must be finite and not negative, got {games!r}")
    if not np.all((won >= 0) & (won <= played)):
        raise ValueError(f"wins must lie between 0 and games, got {wins!r} of {games!r}")
    return won, played


def _whole(wins: FloatArray) -> FloatArray:
    if not np.all(wins == np.round(wins)):
        raise ValueError(
            "this method needs whole wins; with ties use the interval of a bounded mean "
            "(empirical_bernstein or hoeffding)"
        )
    return wins


def _check_confidence(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie strictly between 0 and 1, got {confidence}")
    return confidence


def _episodes(
    mean: ArrayLike, count: ArrayLike, bounds: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    low, high = bounds
    if not low <= high:
        raise ValueError(f"bounds must be (low, high) with low <= high, got {bounds}")
    means, counts = np.asarray(mean, dtype=np.float64), np.asarray(count, dtype=np.float64)
    if not np.all(counts >= 0):
        raise ValueError(f"count must not be negative or NaN, got {count!r}")
    # Rounding of sums may carry a mean over its bound; NaN is a mean of nothing.
    slack = 1e-9 * max([1.0, *(abs(bound) for bound in bounds if math.isfinite(bound))])
    if np.any((means < low - slack) | (means > high + slack)):
        raise ValueError(f"means must lie within the bounds {bounds}, got {mean!r}")
    return means, counts


def wilson(wins: ArrayLike, games: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (Wilson 1927): close to its nominal coverage, also for few games.

    A tie may be entered as half a win: its variance is then overstated, never understated.
    """
    won, played = _counts(wins, games)
    z = float(ndtri(0.5 + _check_confidence(confidence) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = won / played
        centre = (rate + z**2 / (2 * played)) / (1 + z**2 / played)
        half = (
            z / (1 + z**2 / played) * np.sqrt(rate * (1 - rate) / played + z**2 / (4 * played**2))
        )
    unknown = played == 0
    # At 0 and at all wins the ends are exactly 0 and 1; rounding must not say otherwise.
    low = np.where(unknown | (won == 0), 0.0, np.clip(centre - half, 0.0, 1.0))
    high = np.where(unknown | (won == played), 1.0, np.clip(centre + half, 0.0, 1.0))
    return Interval(low, high, confidence, "Wilson")


def clopper_pearson(wins: ArrayLike, games: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """The exact binomial interval (Clopper & Pearson 1934): covers at least as often as it says.

    Raises
    ------
    ValueError
        If wins are not whole numbers.
    """
    won, played = _counts(wins, games)
    won = _whole(won)
    tail = (1.0 - _check_confidence(confidence)) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(won > 0, betaincinv(won, played - won + 1, tail), 0.0)
        high = np.where(won < played, betaincinv(won + 1, played - won, 1 - tail), 1.0)
    return Interval(low, high, confidence, "Clopper-Pearson")


def hoeffding(
    mean: ArrayLike,
    count: ArrayLike,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    confidence: float = 0.95,
) -> Interval:
    """Hoeffding's interval (1963) for the mean of independent values within ``bounds``."""
    low, high = bounds
    centre, counts = _episodes(mean, count, bounds)
    log_term = math.log(2.0 / (1.0 - _check_confidence(confidence)))
    with np.errstate(divide="ignore"):
        half = (high - low) * np.sqrt(log_term / (2.0 * counts))
    return Interval(
        np.clip(centre - half, low, high),
        np.clip(centre + half, low, high),
        confidence,
        "Hoeffding",
    )


def empirical_bernstein(
    mean: ArrayLike,
    variance: ArrayLike,
    count: ArrayLike,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    confidence: float = 0.95,
) -> Interval:
    """Maurer & Pontil's empirical Bernstein interval (2009, theorem 4), for any bounded values.

    Parameters
    ----------
    variance
        Sample variance (ddof 1).
    """
    low, high = bounds
    width = high - low
    centre, counts = _episodes(mean, count, bounds)
    log_term = math.log(4.0 / (1.0 - _check_confidence(confidence)))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.sqrt(2.0 * np.asarray(variance) * log_term / counts) + (
            7.0 * width * log_term / (3.0 * (counts - 1.0))
        )
    half = np.where(counts > 1, half, width)
    return Interval(
        np.clip(centre - half, low, high),
        np.clip(centre + half, low, high),
        confidence,
        "empirical Bernstein",
    )


def student(
    mean: ArrayLike,
    variance: ArrayLike,
    count: ArrayLike,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    confidence: float = 0.95,
) -> Interval:
    """Student's t interval: approximate, for means of many values that are not win/loss."""
    centre, counts = _episodes(mean, count, bounds)
    with np.errstate(divide="ignore", invalid="ignore"):
        quantile = stdtrit(counts - 1.0, 0.5 + _check_confidence(confidence) / 2)
        half = quantile * np.sqrt(np.asarray(variance, dtype=np.float64) / counts)
    half = np.where(counts > 1, half, math.inf)
    return Interval(
        np.clip(centre - half, *bounds), np.clip(centre + half, *bounds), confidence, "Student t"
    )


def sequential(wins: ArrayLike, games: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """An interval that stays valid however often one looks, and whenever one stops.

    The beta-binomial mixture martingale of Robbins (1970) with a uniform mixture: by Ville's
    inequality the true rate is *ever* outside with probability at most ``1 - confidence``. Wins
    may be fractional (bounded values in [0, 1]): the martingale then is a supermartingale.

    Notes
    -----
    Rate ``p`` stays inside while ``B(w + 1, l + 1) / (p^w (1 - p)^l) < 1 / alpha``.
    """
    won, played = _counts(wins, games)
    lost = played - won
    # Where the log likelihood of a rate exceeds this level, the martingale is small enough.
    level = betaln(won + 1, lost + 1) + math.log(1.0 - _check_confidence(confidence))

    def inside(rate: FloatArray) -> NDArray[np.bool_]:
        result: NDArray[np.bool_] = xlogy(won, rate) + xlog1py(lost, -rate) > level
        return result

    with np.errstate(invalid="ignore", divide="ignore"):
        mode = np.where(played > 0, won / np.maximum(played, 1.0), 0.5)
    ends = []
    for outside in (0.0, 1.0):
        # The martingale is smallest at the mode and grows away from it: bisect on each side.
        near, far = mode.copy(), np.full_like(mode, outside)
        for _ in range(60):
            middle = (near + far) / 2
            within = inside(middle)
            near, far = np.where(within, middle, near), np.where(within, far, middle)
        ends.append(np.where(inside(np.full_like(mode, outside)), outside, far))
    return Interval(ends[0], ends[1], confidence, "beta-binomial confidence sequence")


def binomial_test(wins: int, games: int, *, rate: float = 0.5) -> float:
    """Exact two-sided p-value: the probability, under ``rate``, of an outcome no likelier.

    Examples
    --------
    >>> round(binomial_test(19, 50), 4)
    0.1189
    """
    won, played = _counts(wins, games)
    _whole(won)
    # Loading scipy.stats takes longer than all the rest of the package.
    from scipy.stats import binomtest

    return float(binomtest(int(won), int(played), rate).pvalue)


def games_to_settle(
    rate: float, *, against: float = 0.5, confidence: float = 0.95, power: float = 0.8
) -> int:
    """Games after which a two-sided test tells ``rate`` from ``against`` with this power.

    The normal approximation with both variances (Fleiss et al. 2003, section 2.6).

    Raises
    ------
    ValueError
        If both rates are the same (no number of games tells them apart).
    """
    if rate == against:
        raise ValueError(f"no number of games tells a rate of {rate} from itself")
    for value in (rate, against):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"rates lie in [0, 1], got {value}")
    z_level = float(ndtri(0.5 + _check_confidence(confidence) / 2))
    z_power = float(ndtri(_check_confidence(power)))
    spread = z_level * math.sqrt(against * (1 - against)) + z_power * math.sqrt(rate * (1 - rate))
    return math.ceil((spread / (rate - against)) ** 2)


@dataclass(frozen=True)
class HeadToHead:
    """What a match between two players shows.

    Attributes
    ----------
    wins, draws, games : int
    rate : float
        Win rate in [0, 1]; a draw is half a win.
    interval : Interval
    p_value : float
        Exact two-sided test of an even match, on the games that were not drawn.
    games_needed : int or None
        Games that would settle a true rate as large as the one seen; None for exactly one half.
    power : float
        Of `games_needed`.
    """

    wins: int
    draws: int
    games: int
    rate: float
    interval: Interval
    p_value: float
    games_needed: int | None
    power: float

    def __str__(self) -> str:
        draws = f" ({self.draws} drawn)" if self.draws else ""
        settle = (
            "no number of games would settle a rate of one half"
            if self.games_needed is None
            else f"{self.games_needed} games would settle it with {self.power:.0%} power"
        )
        return (
            f"{self.wins} of {self.games}{draws}: {self.rate:.3f} {self.interval}, "
            f"p = {self.p_value:.3g}; {settle}"
        )


def head_to_head(
    wins: int, games: int, *, draws: int = 0, confidence: float = 0.95, power: float = 0.8
) -> HeadToHead:
    """Judge a match: rate, interval, exact p, and how many games would settle it.

    Raises
    ------
    ValueError
        If the counts are negative, not whole, or do not fit.
    """
    if games < 1 or wins < 0 or draws < 0 or wins + draws > games:
        raise ValueError(
            "need 0 <= wins, 0 <= draws, wins + draws <= games and games >= 1, "
            f"got wins={wins}, draws={draws}, games={games}"
        )
    rate = (wins + draws / 2) / games
    interval = (
        wilson(wins + draws / 2, games, confidence=confidence)
        if draws
        else clopper_pearson(wins, games, confidence=confidence)
    )
    return HeadToHead(
        wins=wins,
        draws=draws,
        games=games,
        rate=rate,
        interval=interval,
        p_value=binomial_test(wins, games - draws) if games > draws else 1.0,
        games_needed=None
        if rate == 0.5
        else games_to_settle(rate, confidence=confidence, power=power),
        power=power,
    )
