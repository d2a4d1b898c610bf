"""Generalised advantage estimation (Schulman et al. 2016, arXiv:1506.02438)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


def generalised_advantages(
    rewards: FloatArray,
    values: FloatArray,
    lengths: NDArray[np.int64],
    *,
    discount: float,
    trace: float,
) -> FloatArray:
    """Advantages of episodes that all end for good.

    Parameters
    ----------
    rewards, values : float64 ``(N,)``
        Of each decision, one episode after the other.
    lengths : int ``(E,)``
        Decisions of each episode; their sum is ``N``.
    discount, trace : float
        gamma and lambda.

    Returns
    -------
    float64 ``(N,)``
    """
    advantages = np.zeros(len(rewards))
    # All episodes at once, from their ends backwards; the longest first, so that those which
    # still have a decision so far from their end are the first ones.
    order = np.argsort(-lengths, kind="stable")
    longest = lengths[order]
    last = np.cumsum(lengths)[order] - 1
    following = np.zeros(len(lengths))
    carried = np.zeros(len(lengths))
    for back in range(int(longest[0]) if len(longest) else 0):
        going = int(np.searchsorted(-longest, -back, side="left"))
        rows = last[:going] - back
        errors = rewards[rows] + discount * following[:going] - values[rows]
        carried[:going] = errors + discount * trace * carried[:going]
        advantages[rows] = carried[:going]
        following[:going] = values[rows]
    return advantages
