"""Generalised advantages against the recursion they are defined by."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pokespiel.oracles.advantages import generalised_advantages


def test_by_hand():
    """Two decisions, discount 0.5, trace 0.5, worked out on paper; twice, one after the other."""
    last = 2.0 - 1.0
    first = 1.0 + 0.5 * 1.0 - 0.5 + 0.25 * last
    advantages = generalised_advantages(
        np.array([1.0, 2.0] * 2),
        np.array([0.5, 1.0] * 2),
        np.array([2, 2]),
        discount=0.5,
        trace=0.5,
    )
    np.testing.assert_allclose(advantages, [first, last] * 2)


@given(
    lengths=st.lists(st.integers(0, 9), max_size=12),
    discount=st.floats(0.0, 1.0),
    trace=st.floats(0.0, 1.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_is_the_recursion_episode_by_episode(lengths, discount, trace, seed):
    rng = np.random.default_rng(seed)
    rewards, values = rng.normal(size=(2, sum(lengths)))
    found = generalised_advantages(
        rewards, values, np.array(lengths, dtype=int), discount=discount, trace=trace
    )
    end = 0
    for length in lengths:
        start, end = end, end + length
        following = carried = 0.0
        for t in reversed(range(start, end)):
            error = rewards[t] + discount * following - values[t]
            carried = error + discount * trace * carried
            following = values[t]
            np.testing.assert_allclose(found[t], carried, atol=1e-12)
