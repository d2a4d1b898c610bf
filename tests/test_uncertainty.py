"""Noise in the table, noise in the meta-strategy."""

from __future__ import annotations

import numpy as np
import pytest

import solvers
from pokespiel import EmpiricalGame
from pokespiel.tables import exact_game
from pokespiel.uncertainty import meta_strategy_uncertainty

NASH = solvers.get("nash")


def table_of(wins, games):
    """A symmetric table; ``wins[i, j]`` of ``games`` in every cell."""
    n = len(wins)
    table = EmpiricalGame(2, symmetric=True, zero_sum=True, payoff_bounds=(0.0, 1.0), sizes=(n, n))
    for i, j in zip(*np.triu_indices(n, 1), strict=True):
        won = (np.arange(games) < wins[i][j]).astype(float)
        table.record((i, j), np.stack([won, 1.0 - won], axis=1))
    return table


def uncertainty(table, samples=400, **settings):
    return meta_strategy_uncertainty(
        table, NASH, samples=samples, rng=np.random.default_rng(0), **settings
    )


def test_a_narrow_lead_decides_nothing_and_a_wide_one_all():
    narrow = uncertainty(table_of([[0, 26], [0, 0]], 50))
    wide = uncertainty(table_of([[0, 45], [0, 0]], 50))
    assert narrow.estimate.marginals[0].tolist() == [1.0, 0.0]
    # Beta(27, 25) exceeds one half with probability .609.
    assert narrow.alone[0] == pytest.approx([0.61, 0.39], abs=0.06)
    assert narrow.weights[0].low.tolist() == [0.0, 0.0]
    assert narrow.weights[0].high.tolist() == [1.0, 1.0]
    assert wide.alone[0].tolist() == [1.0, 0.0]
    assert wide.weights[0].low.tolist() == [1.0, 0.0]


def test_inclusion_of_strategies_that_mix():
    result = uncertainty(table_of([[0, 10, 190], [190, 0, 10], [10, 190, 0]], 200))
    assert result.inclusion[0].tolist() == [1.0, 1.0, 1.0]
    assert result.alone[0].tolist() == [0.0, 0.0, 0.0]
    assert result.mean_weights[0] == pytest.approx([1 / 3] * 3, abs=0.06)
    assert np.all(result.weights[0].low < 1 / 3)
    assert np.all(result.weights[0].high > 1 / 3)


def test_pure_noise_has_a_support_of_about_half():
    rng = np.random.default_rng(2)
    result = uncertainty(table_of(rng.binomial(200, 0.5, (10, 10)), 200), samples=150)
    assert result.inclusion[0].sum() == pytest.approx(5, abs=1.5)


def test_exact_tables_leave_no_doubt():
    result = uncertainty(exact_game([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]]), 5)
    assert len(result.inclusion) == 2
    assert result.weights[1].low == pytest.approx([0.5, 0.5])
    assert result.weights[1].high == pytest.approx([0.5, 0.5])
    assert result.values.low == pytest.approx([0.0, 0.0])


def test_the_interval_of_the_value_covers():
    """Matching pennies of two populations, 30 games a cell: the value is 0."""
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(40):
        table = EmpiricalGame(
            2, symmetric=False, zero_sum=True, payoff_bounds=(-1.0, 1.0), sizes=(2, 2)
        )
        for i, j in table.cells:
            won = np.where(rng.random(30) < (0.8 if i == j else 0.2), 1.0, -1.0)
            table.record((i, j), np.stack([won, -won], axis=1))
        values = meta_strategy_uncertainty(table, NASH, samples=40, rng=rng).values
        covered.append(values.low[0] <= 0.0 <= values.high[0])
    assert np.mean(covered) >= 0.85


def test_it_prints_as_a_table():
    text = uncertainty(table_of([[0, 26], [0, 0]], 50), samples=50).describe([["a", "strong b"]])
    assert text.startswith("50 tables resampled (bayesian)\nstrategy  weight  in support  alone")
    assert "\na          1.000" in text
    assert "\nstrong b   0.000" in text
    assert text.endswith("value: 0.5 [0.5, 0.5]")
    assert "value of player 1" in str(uncertainty(exact_game(np.zeros((2, 1, 2))), 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 1}, "samples must be at least 2, got 1"),
        ({"confidence": 1.5}, "between 0 and 1"),
        ({"method": "magic"}, "unknown resampling method"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        uncertainty(table_of([[0, 26], [0, 0]], 50), **changes)


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="population 0 has 2 strategies"):
        uncertainty(table_of([[0, 26], [0, 0]], 50), samples=2).describe([["a"]])
