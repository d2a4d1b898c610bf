"""The sequential test for a flat curve: its error rate and its power, on simulated streams."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel.oracles.stopping import StopWhenFlat, log_evidence
from pokespiel.stats import clopper_pearson

EPISODES = 100


def stopped_at(stop, rates, rng):
    """Batches until it stops, or None; ``rates`` are the true win rates of the batches."""
    curve = rng.binomial(EPISODES, rates) / EPISODES
    for batch in range(2 * stop.window, len(curve) + 1, 2 * stop.window):
        if stop(curve[:batch], EPISODES, (0.0, 1.0)):
            return batch
    return None


def stops(stop, rates, streams=300, seed=0):
    rng = np.random.default_rng(seed)
    return [stopped_at(stop, rates, rng) for _ in range(streams)]


@pytest.mark.parametrize("window", [1, 5])
@pytest.mark.parametrize("error", [0.05, 0.3])
def test_a_curve_that_rises_by_just_the_least_is_stopped_at_most_as_often_as_stated(window, error):
    """Windows rise by ``rise`` exactly: the hardest curve that still rises."""
    rise = 0.9 / 30
    rates = np.repeat(0.05 + rise * np.arange(30), window)
    found = stops(StopWhenFlat(rise=rise, window=window, error=error), rates)
    wrong = sum(batch is not None for batch in found)
    assert clopper_pearson(wrong, len(found), confidence=0.99).low <= error


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_flat_curve_is_stopped(level):
    stop = StopWhenFlat(rise=0.05, window=5)
    found = stops(stop, np.full(200, level), streams=100)
    assert sum(batch is not None for batch in found) >= 95


def test_a_flat_curve_after_a_steep_rise_is_stopped_soon_and_not_before():
    """From 0.2 to 0.8 in 20 batches; what was gained then does not have to be outweighed."""
    stop = StopWhenFlat(rise=0.05, window=5, error=0.05)
    rates = np.concatenate([np.linspace(0.2, 0.8, 20), np.full(200, 0.8)])
    found = stops(stop, rates, streams=100)
    assert all(batch is not None and batch > 20 for batch in found)
    assert np.median(found) <= 90


def test_outcomes_of_any_range_are_judged_alike():
    rng = np.random.default_rng(0)
    curve = rng.random(40)
    stop = StopWhenFlat(rise=0.1, window=2)
    for length in range(41):
        wins = stop(curve[:length], 50, (0.0, 1.0))
        assert wins == stop(26.0 * curve[:length] - 13.0, 50, (-13.0, 13.0))


def test_nothing_is_known_before_the_first_two_windows():
    assert log_evidence(np.zeros(3), 1000, 2, 0.5) == -np.inf
    assert np.isfinite(log_evidence(np.zeros(4), 1000, 2, 0.5))


def test_one_pair_by_hand():
    """Half the weight on the pair, half on those to come; 2 * 10 * 0.1 is the bet."""
    found = log_evidence(np.array([0.5, 0.6]), 10, 1, 0.1)
    assert found == pytest.approx(np.log(0.5 * np.exp(-(2.0**2) / 40) + 0.5))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rise": 0.0}, "rise must lie strictly between 0 and 1"),
        ({"window": 0}, "window must be at least 1"),
        ({"error": 1.0}, "error must lie strictly between 0 and 1"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        StopWhenFlat(**settings)
