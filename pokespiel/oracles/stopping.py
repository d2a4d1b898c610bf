"""When a training curve has stopped rising: a sequential test with a stated error rate.

The curve is cut into windows of so many batches, and windows are compared in disjoint pairs: what
was earned in the first, ``x``, and in the second, ``y``, means of ``n`` episodes in [0, 1]. As
long as training works, the second exceeds the first by at least ``rise`` in expectation. Then

    exp(-b (y - x - rise) - b^2 / (4 n))

has an expectation of at most one, given all that was before (Hoeffding's lemma for both means),
so its products over pairs are test supermartingales, whichever pair they begin with, and so is
the mixture of those products over their beginnings, with weights 1 / (j (j + 1)). By Ville's
inequality the mixture ever exceeds ``1 / error`` with probability at most ``error`` while the
curve still rises (Ramdas et al. 2023, arXiv:2210.01948). The beginnings are mixed so that a steep
rise at first does not have to be outweighed before a flat curve is seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StopWhenFlat:
    """Stop training when the mean outcome does not rise any more.

    Attributes
    ----------
    rise : float
        The least rise from one window to the next that is worth training on for, as a share of
        the range of payoffs: a difference of win rates.
    window : int
        Batches per window. One window of ``n`` episodes pair is worth about ``n rise^2`` of
        evidence on a flat curve, of which ``log(1 / error)`` and a little are needed.
    error : float
        Largest probability of ever stopping while each window still earns ``rise`` more than the
        one before.

    Raises
    ------
    ValueError
        For settings out of range.
    """

    rise: float = 0.03
    window: int = 10
    error: float = 0.05

    def __post_init__(self) -> None:
        if not 0.0 < self.rise < 1.0:
            raise ValueError(f"rise must lie strictly between 0 and 1, got {self.rise}")
        if self.window < 1:
            raise ValueError(f"window must be at least 1, got {self.window}")
        if not 0.0 < self.error < 1.0:
            raise ValueError(f"error must lie strictly between 0 and 1, got {self.error}")

    def __call__(
        self, curve: Sequence[float], episodes_per_batch: int, bounds: tuple[float, float]
    ) -> bool:
        """Whether to stop.

        Parameters
        ----------
        curve
            Mean outcome of each batch so far.
        episodes_per_batch
            Episodes behind each of them.
        bounds
            Smallest and largest outcome of an episode.
        """
        low, high = bounds
        outcomes = (np.asarray(curve, dtype=np.float64) - low) / (high - low)
        evidence = log_evidence(outcomes, episodes_per_batch, self.window, self.rise)
        return evidence >= -math.log(self.error)


def log_evidence(
    outcomes: np.ndarray[tuple[int], np.dtype[np.float64]],
    episodes_per_batch: int,
    window: int,
    rise: float,
) -> float:
    """Logarithm of the evidence that the curve is flat; -inf before the first pair of windows."""
    pairs = len(outcomes) // (2 * window)
    if not pairs:
        return -math.inf
    means = outcomes[: 2 * window * pairs].reshape(pairs, 2, window).mean(axis=-1)
    size = window * episodes_per_batch
    # The bet that grows fastest on a flat curve.
    bet = 2.0 * size * rise
    gained = -bet * (means[:, 1] - means[:, 0] - rise) - bet**2 / (4.0 * size)
    since = np.cumsum(gained[::-1])[::-1]
    begun = np.arange(1, pairs + 1)
    weights = -np.log(begun * (begun + 1.0))
    # Beginnings that are still to come have earned nothing yet: their weights sum to 1 / (J + 1).
    return float(np.logaddexp.reduce(np.append(weights + since, -math.log(pairs + 1.0))))
