"""Intervals cover as often as they say; published figures come out; bad input is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pokespiel.stats import (
    binomial_test,
    clopper_pearson,
    empirical_bernstein,
    games_to_settle,
    head_to_head,
    hoeffding,
    sequential,
    student,
    wilson,
)


def test_nineteen_of_fifty_is_no_evidence():
    """Published in the Phase 0 experiments as "p < 0.05"."""
    match = head_to_head(19, 50)
    assert match.p_value == pytest.approx(0.1189, abs=1e-4)
    assert match.interval.low < 0.5 < match.interval.high
    assert "19 of 50: 0.380 [0.247, 0.528]" in str(match)
    assert "134 games would settle it with 80% power" in str(match)


def test_the_promised_number_of_games_has_the_promised_power():
    games = games_to_settle(0.38)
    wins = np.arange(games + 1)
    rejects = np.array([binomial_test(int(w), games) < 0.05 for w in wins])
    power = float(scipy_stats.binom.pmf(wins, games, 0.38) @ rejects)
    assert power == pytest.approx(0.8, abs=0.04)


def test_wilson_golden():
    """Newcombe 1998, table I: 81 of 263 and 0 of 20."""
    interval = wilson([81, 0], [263, 20])
    np.testing.assert_allclose(interval.low, [0.2553, 0.0], atol=5e-5)
    np.testing.assert_allclose(interval.high, [0.3662, 0.1611], atol=5e-5)


def test_clopper_pearson_golden():
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20 and 1 of 29."""
    interval = clopper_pearson([81, 15, 0, 1], [263, 148, 20, 29])
    np.testing.assert_allclose(interval.low, [0.2527, 0.0578, 0.0, 0.0009], atol=5e-5)
    np.testing.assert_allclose(interval.high, [0.3676, 0.1617, 0.1684, 0.1776], atol=5e-5)


@pytest.mark.parametrize("rate", [0.02, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("games", [10, 50])
def test_exact_intervals_cover_at_every_rate(rate, games):
    wins = np.arange(games + 1)
    weights = scipy_stats.binom.pmf(wins, games, rate)
    for method, least in ((clopper_pearson, 0.95), (sequential, 0.95), (wilson, 0.89)):
        interval = method(wins, games)
        covered = (interval.low <= rate) & (rate <= interval.high)
        assert weights @ covered >= least - 1e-12, method.__name__


@pytest.mark.parametrize("method", [hoeffding, empirical_bernstein, student])
def test_intervals_of_bounded_means_cover(method):
    rng = np.random.default_rng(0)
    values = rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.5, 0.3], size=(4000, 60))
    mean, variance = values.mean(axis=1), values.var(axis=1, ddof=1)
    spread = () if method is hoeffding else (variance,)
    interval = method(mean, *spread, 60, bounds=(-1.0, 1.0))
    covered = np.mean((interval.low <= 0.1) & (interval.high >= 0.1))
    assert covered >= (0.94 if method is student else 0.95)


def test_the_sequential_interval_may_be_looked_at_after_every_game():
    """Of 1000 even matches watched for 500 games, at most 5 % ever exclude one half."""
    rng = np.random.default_rng(1)
    wins = np.cumsum(rng.random((1000, 500)) < 0.5, axis=1)
    games = np.broadcast_to(np.arange(1, 501), wins.shape)
    interval = sequential(wins, games)
    ever = np.any((interval.low > 0.5) | (interval.high < 0.5), axis=1).mean()
    naive = wilson(wins, games)
    naive_ever = np.any((naive.low > 0.5) | (naive.high < 0.5), axis=1).mean()
    assert ever <= 0.05
    assert naive_ever > 0.25, "the test must be one that peeking at fixed-sample intervals fails"


@given(st.integers(1, 400), st.data())
def test_intervals_hold_the_rate_and_mirror(games, data):
    wins = data.draw(st.integers(0, games))
    for method in (wilson, clopper_pearson, sequential):
        interval, mirror = method(wins, games), method(games - wins, games)
        assert 0.0 <= interval.low <= wins / games <= interval.high <= 1.0
        assert interval.low == pytest.approx(1.0 - float(mirror.high), abs=1e-9)


@given(st.integers(1, 60), st.data())
def test_binomial_test_agrees_with_its_definition(games, data):
    wins = data.draw(st.integers(0, games))
    probabilities = scipy_stats.binom.pmf(np.arange(games + 1), games, 0.5)
    no_likelier = probabilities <= probabilities[wins] * (1 + 1e-7)
    assert binomial_test(wins, games) == pytest.approx(probabilities[no_likelier].sum())


def test_no_games_is_no_knowledge():
    for method in (wilson, clopper_pearson, sequential):
        interval = method(0, 0)
        assert (float(interval.low), float(interval.high)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wilson(3, 2), "wins must lie between 0 and games"),
        (lambda: wilson(1, -2), "games must be finite and not negative"),
        (lambda: clopper_pearson(0.5, 2), "needs whole wins"),
        (lambda: wilson(1, 2, confidence=95), "strictly between 0 and 1"),
        (lambda: head_to_head(3, 4, draws=2), r"wins \+ draws <= games"),
        (lambda: hoeffding(0.5, -1), "count must not be negative"),
        (lambda: hoeffding(1.5, 10), "means must lie within the bounds"),
        (lambda: student(0.0, 1.0, 5, bounds=(1.0, 0.0)), "low <= high"),
        (lambda: empirical_bernstein(2.0, 0.1, 5), "means must lie within the bounds"),
        (lambda: games_to_settle(0.5), "no number of games"),
        (lambda: games_to_settle(1.5), "rates lie in"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
