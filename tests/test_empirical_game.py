"""The payoff table: what it counts, what symmetry fills in, what it stores."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pokespiel import EmpiricalGame
from pokespiel.stats import wilson


def win_rates(sizes=(2, 2), **changes):
    settings = {"symmetric": True, "zero_sum": True, "payoff_bounds": (0.0, 1.0)} | changes
    return EmpiricalGame(2, sizes=sizes, **settings)


def test_a_symmetric_game_stores_a_triangle():
    assert win_rates((3, 3)).cells == [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)]
    assert len(win_rates((3, 3), symmetric=False).cells) == 9


def test_a_cell_may_be_named_from_either_side():
    table = win_rates()
    table.record((0, 1), [[1.0, 0.0], [0.5, 0.5]])
    table.record((1, 0), [[0.0, 1.0]])
    np.testing.assert_allclose(table.mean((0, 1)), [2.5 / 3, 0.5 / 3])
    np.testing.assert_allclose(table.mean((1, 0)), [0.5 / 3, 2.5 / 3])
    assert table.count((1, 0)) == 3
    np.testing.assert_allclose(np.asarray(table.payoffs()), [[0.5, 2.5 / 3], [0.5 / 3, 0.5]])


def test_the_diagonal_of_a_symmetric_zero_sum_game_needs_no_games():
    table = win_rates()
    assert table.missing(10) == [((0, 1), 10)]
    table.record((0, 1), [[1.0, 0.0]] * 4)
    assert table.missing(10) == [((0, 1), 6)]


def test_a_general_sum_diagonal_is_played_and_averaged():
    table = win_rates((1, 1), zero_sum=False, payoff_bounds=(-1.0, 4.0))
    assert table.missing(1) == [((0, 0), 1)]
    table.record((0, 0), [[4.0, 1.0]])
    assert np.asarray(table.payoffs()).tolist() == [[2.5]]


def test_three_players_one_population():
    table = EmpiricalGame(
        3, symmetric=True, zero_sum=False, payoff_bounds=(0.0, 9.0), sizes=(2, 2, 2)
    )
    assert table.cells == [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1)]
    table.record_exact((0, 0, 0), [3.0, 3.0, 3.0])
    table.record_exact((1, 0, 0), [7.0, 1.0, 2.0])
    table.record_exact((0, 1, 1), [5.0, 4.0, 4.0])
    table.record_exact((1, 1, 1), [0.0, 0.0, 0.0])
    tensor = table.payoffs().tensor
    assert tensor[:, 0, 0, 1].tolist() == [1.5, 1.5, 7.0]
    assert tensor[:, 0, 1, 0].tolist() == [1.5, 7.0, 1.5]
    assert tensor[:, 1, 0, 1].tolist() == [4.0, 5.0, 4.0]


def test_growing_keeps_what_was_played():
    table = win_rates((1, 2), symmetric=False)
    table.record((0, 1), [[1.0, 0.0]])
    assert table.add_strategy(0) == 1
    assert table.sizes == (2, 2)
    assert table.count((0, 1)) == 1
    assert table.missing(1) == [((0, 0), 1), ((1, 0), 1), ((1, 1), 1)]


def test_exact_cells_have_infinite_count_and_no_variance():
    table = win_rates()
    table.record_exact((0, 1), [0.25, 0.75])
    assert table.count((0, 1)) == np.inf
    assert table.variance((0, 1)).tolist() == [0.0, 0.0]
    assert table.missing(10**9) == []
    assert table.total_episodes() == 0
    with pytest.raises(ValueError, match="is exact; it takes no sampled episodes"):
        table.record((0, 1), [[1.0, 0.0]])


def test_variance_is_the_sample_variance():
    table = win_rates()
    returns = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    table.record((0, 1), returns)
    np.testing.assert_allclose(table.variance((0, 1)), returns.var(axis=0, ddof=1))
    assert np.isnan(win_rates().variance((0, 1))).all()


def test_win_rates_get_wilson_intervals_on_both_sides_of_the_table():
    table = win_rates()
    table.record((0, 1), [[1.0, 0.0]] * 31 + [[0.0, 1.0]] * 19)
    interval, expected = table.intervals(0.9), wilson(31, 50, confidence=0.9)
    assert interval.method == "Wilson"
    assert interval.low[0, 0, 1] == pytest.approx(float(expected.low))
    assert interval.high[0, 0, 1] == pytest.approx(float(expected.high))
    assert interval.low[0, 1, 0] == pytest.approx(1 - float(expected.high))
    assert interval.low[0, 0, 0] == interval.high[0, 0, 0] == 0.5


def test_an_unplayed_cell_may_be_anything():
    interval = win_rates().intervals()
    assert (interval.low[0, 0, 1], interval.high[0, 0, 1]) == (0.0, 1.0)


@pytest.mark.parametrize("method", ["student", "empirical_bernstein", "hoeffding", "wilson"])
def test_every_interval_holds_the_mean_and_shrinks(method):
    widths = []
    for episodes in (10, 1000):
        table = win_rates(payoff_bounds=(-2.0, 2.0))
        values = np.random.default_rng(0).uniform(-2, 2, size=episodes)
        table.record((0, 1), np.stack([values, -values], axis=1))
        interval = table.intervals(method=method)
        assert interval.low[0, 0, 1] < values.mean() < interval.high[0, 0, 1]
        widths.append(interval.high[0, 0, 1] - interval.low[0, 0, 1])
    assert widths[1] < widths[0] / 3


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 3), st.integers(1, 3), st.booleans(), st.integers(0, 2**32))
@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_storage_round_trip(tmp_path_factory, suffix, players, size, symmetric, seed):
    table = EmpiricalGame(
        players,
        symmetric=symmetric,
        zero_sum=False,
        payoff_bounds=(-1.0, 1.0),
        sizes=(size,) * players,
    )
    rng = np.random.default_rng(seed)
    for cell in table.cells:
        if rng.random() < 0.3:
            table.record_exact(cell, rng.uniform(-1, 1, players))
        else:
            table.record(cell, rng.uniform(-1, 1, (3, players)))
    path = tmp_path_factory.mktemp("tables") / f"table{suffix}"
    table.save(path)
    assert EmpiricalGame.load(path) == table


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.record((0, 2), [[1, 0]]), r"no cell \(0, 2\); there are \(2, 2\)"),
        (lambda t: t.record((0,), [[1, 0]]), "no cell"),
        (lambda t: t.record((0, 1), [[1, 0, 0]]), r"shape \(episodes, 2\), got \(1, 3\)"),
        (lambda t: t.record((0, 1), [[np.nan, 0]]), "not finite"),
        (lambda t: t.record((0, 1), [[2, -1]]), "outside of the payoff bounds"),
        (lambda t: t.record_exact((0, 1), [1.0]), r"shape \(2,\)"),
        (lambda t: t.payoffs(), r"1 cells were never played, the first is \(0, 1\)"),
        (lambda t: t.intervals(method="bayes"), "unknown interval method 'bayes'"),
        (lambda t: t.intervals(95), "between 0 and 1"),
        (lambda t: t.save("table.pkl"), "saved as .npz or .json"),
        (
            lambda t: EmpiricalGame(0, symmetric=True, zero_sum=True, payoff_bounds=(0, 1)),
            "least 1",
        ),
        (lambda t: win_rates(payoff_bounds=(1, 0)), "low <= high"),
        (lambda t: win_rates((1, 2)), "one population size per player"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(win_rates())


def test_a_refused_recording_changes_nothing():
    table = win_rates()
    with pytest.raises(ValueError, match="outside"):
        table.record((0, 1), [[1.0, 0.0], [2.0, -1.0]])
    assert table == win_rates()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"sizes": [3, 3]},
        {"counts": [1.0]},
        {"counts": [1.0, -2.0, 1.0]},
        {"sums": [[None, 0.0]] * 3},
        {"cells": "none"},
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, change):
    path = tmp_path / "table.json"
    win_rates().save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=r"table\.json is not a readable empirical game"):
        EmpiricalGame.load(path)


def test_outcomes_come_back_from_the_sums():
    table = win_rates((3, 3), payoff_bounds=(-1.0, 1.0))
    table.record((0, 1), [[1.0, -1.0]] * 3 + [[0.0, 0.0]] * 2 + [[-1.0, 1.0]] * 7)
    table.record((2, 0), [[1.0, -1.0]] * 4)
    assert table.outcomes() == {(0, 1): (3, 2, 7), (0, 2): (0, 0, 4)}
    table.record((1, 2), [[0.3, -0.3]])
    assert table.outcomes() is None
    assert win_rates(zero_sum=False).outcomes() is None


def played(wins=31, losses=19, draws=0, **changes):
    table = win_rates(**changes)
    rate = np.repeat([1.0, 0.0, 0.5], [wins, losses, draws])
    table.record((0, 1), np.stack([rate, 1.0 - rate], axis=1))
    return table


def resampled_rates(table, samples=4000, **settings):
    rng = np.random.default_rng(0)
    return np.array([table.resample(rng, **settings).tensor[0, 0, 1] for _ in range(samples)])


def test_bayesian_resampling_draws_from_the_beta_posterior():
    """Uniform prior, 31 wins and 19 losses: Beta(32, 20)."""
    rates = resampled_rates(played())
    assert rates.mean() == pytest.approx(32 / 52, abs=0.004)
    assert rates.std() == pytest.approx(np.sqrt(32 * 20 / 52**2 / 53), rel=0.05)
    strong = resampled_rates(played(), samples=200, prior=1e6)
    assert strong.mean() == pytest.approx(0.5, abs=1e-3)


def test_draws_call_for_a_dirichlet_posterior():
    """(w + 1, d + 1, l + 1) = (11, 31, 11): mean one half, less spread than without draws."""
    rates = resampled_rates(played(10, 10, 30))
    assert rates.mean() == pytest.approx(0.5, abs=0.004)
    shares = np.array([11, 31, 11]) / 53
    worth = np.array([1.0, 0.5, 0.0])
    variance = (shares @ worth**2 - (shares @ worth) ** 2) / 54
    assert rates.std() == pytest.approx(np.sqrt(variance), rel=0.05)


def test_the_bootstrap_draws_as_many_games():
    rates = resampled_rates(played(), method="bootstrap")
    np.testing.assert_allclose(rates * 50, np.round(rates * 50), atol=1e-9)
    assert rates.mean() == pytest.approx(0.62, abs=0.005)
    assert rates.std() == pytest.approx(np.sqrt(0.62 * 0.38 / 50), rel=0.05)
    assert resampled_rates(played(50, 0), samples=20, method="bootstrap").tolist() == [1.0] * 20
    assert resampled_rates(played(50, 0), samples=20).max() < 1.0


def test_other_returns_are_resampled_by_their_standard_error():
    table = win_rates(payoff_bounds=(-9.0, 9.0))
    values = np.random.default_rng(3).uniform(-1, 1, size=400)
    table.record((0, 1), np.stack([values, -values], axis=1))
    assert table.resampling_method() == "normal"
    rates = resampled_rates(table)
    assert rates.mean() == pytest.approx(values.mean(), abs=0.003)
    assert rates.std() == pytest.approx(values.std(ddof=1) / 20, rel=0.05)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 3), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_a_resampled_table_keeps_what_is_known(players, symmetric, zero_sum, seed):
    rng = np.random.default_rng(seed)
    table = EmpiricalGame(
        players,
        symmetric=symmetric,
        zero_sum=zero_sum,
        payoff_bounds=(-1.0, 1.0),
        sizes=(2,) * players,
    )
    for cell in table.cells:
        returns = rng.uniform(-0.4, 0.4, (5, players))
        if zero_sum:
            returns -= returns.mean(axis=1, keepdims=True)
        table.record(cell, returns)
    exact = table.cells[1]
    table.record_exact(exact, table.mean(exact))
    tensor = table.resample(rng).tensor
    index = (slice(None), *exact)
    np.testing.assert_allclose(tensor[index], table.payoffs().tensor[index])
    assert np.abs(tensor).max() <= 1.0 + 1e-12
    if zero_sum:
        np.testing.assert_allclose(tensor.sum(axis=0), 0.0, atol=1e-12)
    if symmetric:
        for player in range(1, players):
            np.testing.assert_allclose(tensor[player], np.swapaxes(tensor[0], 0, player))


def test_cells_never_played_have_the_prior():
    rates = resampled_rates(win_rates())
    assert rates.mean() == pytest.approx(0.5, abs=0.02)
    assert rates.std() == pytest.approx(np.sqrt(1 / 12), rel=0.05)


@pytest.mark.parametrize(
    ("table", "changes", "message"),
    [
        (played(), {"method": "jackknife"}, "unknown resampling method 'jackknife'; available"),
        (played(), {"prior": 0.0}, "prior must be positive, got 0"),
        (win_rates(), {"method": "bootstrap"}, "at least 1 episodes in every cell, 1 have fewer"),
        (played(1, 0), {"method": "normal"}, "at least 2 episodes"),
        (
            played(zero_sum=False, sizes=(2, 2)),
            {"method": "bayesian"},
            "two-player constant-sum table of wins, draws and losses; use method='normal'",
        ),
    ],
)
def test_resampling_that_cannot_be_is_refused(table, changes, message):
    with pytest.raises(ValueError, match=message):
        table.resample(np.random.default_rng(0), **changes)
