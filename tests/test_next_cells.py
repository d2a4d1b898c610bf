"""Games go where they can move the regret."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import solvers
from benchmarks.next_cells import Arguments, curve, ratio, totals, win_rates
from pokespiel import EmpiricalGame
from pokespiel.next_cells import allot, next_cells
from pokespiel.tables import exact_game

NASH = solvers.get("nash")


def table_of(rates, games, **changes):
    """A two-player table whose cells hold these win rates."""
    settings = {"symmetric": True, "zero_sum": True, "payoff_bounds": (0.0, 1.0)} | changes
    table = EmpiricalGame(2, sizes=np.shape(rates), **settings)
    for i, j in table.cells:
        if settings["symmetric"] and i == j:
            continue
        won = (np.arange(games) < round(rates[i][j] * games)).astype(float)
        table.record((i, j), np.stack([won, 1.0 - won], axis=1))
    return table


def plan(table, budget, **settings):
    return dict(next_cells(table, NASH, budget, rng=np.random.default_rng(0), **settings))


def test_the_contest_for_the_lead_is_played_on():
    """0 and 1 are even and beat the hopeless 2 and 3: what those do to each other is idle."""
    rates = [[0.5, 0.52, 0.9, 0.9], [0, 0.5, 0.9, 0.9], [0, 0, 0.5, 0.5], [0, 0, 0, 0.5]]
    chosen = plan(table_of(rates, 100), 1000)
    assert sum(chosen.values()) == 1000
    assert chosen[0, 1] > 800
    assert chosen.get((2, 3), 0) < 50


def test_every_cell_is_played_before_any_is_preferred():
    table = table_of([[0.5, 0.6], [0, 0.5]], 50)
    table.add_strategy()
    assert plan(table, 4) == {(0, 2): 2, (1, 2): 2}


def test_a_settled_game_is_played_evenly():
    chosen = plan(table_of([[0.5, 1.0, 1.0], [0, 0.5, 0.5], [0, 0, 0.5]], 1000), 30)
    assert chosen == {(0, 1): 10, (0, 2): 10, (1, 2): 10}


def test_what_is_known_is_not_played():
    assert plan(exact_game([[0.0, 1.0], [-1.0, 0.0]]), 10) == {}
    assert set(plan(table_of([[0.5, 0.6], [0, 0.5]], 10), 10)) == {(0, 1)}


@pytest.mark.parametrize("symmetric", [True, False])
def test_general_sum_games_of_three_players(symmetric):
    table = EmpiricalGame(
        3, symmetric=symmetric, zero_sum=False, payoff_bounds=(0.0, 1.0), sizes=(2, 2, 2)
    )
    rng = np.random.default_rng(1)
    for cell in table.cells:
        table.record(cell, rng.random((20, 3)))
    solver = solvers.get("alpharank")
    chosen = next_cells(table, solver, 101, rng=rng, samples=10)
    assert sum(episodes for _, episodes in chosen) == 101
    assert {cell for cell, _ in chosen} <= set(table.cells)


def test_of_two_populations_only_the_cells_in_play_matter():
    """The column's third strategy is dominated: its cells cannot move the equilibrium."""
    rates = [[0.7, 0.3, 0.95], [0.3, 0.7, 0.95]]
    chosen = plan(table_of(rates, 200, symmetric=False), 600)
    assert sum(chosen.get((i, 2), 0) for i in (0, 1)) < 60


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(1e-6, 1e3)), min_size=1, max_size=30),
    st.integers(1, 10_000),
)
def test_totals_follow_the_scores_as_far_as_they_can(cells, budget):
    played, scores = (np.array(column, dtype=float) for column in zip(*cells, strict=True))
    shares = allot(played, scores, budget)
    assert shares.sum() == budget
    assert shares.min() >= 0
    # Nobody who got games is more than one game above another's level.
    levels = (played + shares) / scores
    for i in np.flatnonzero(shares > 1):
        assert np.all((played[i] + shares[i] - 1) / scores[i] <= levels + (1 / scores) + 1e-6)


def test_half_of_the_games_do_better_than_uniform_sampling():
    """Ten random games of the benchmark, which reports the ratio with its interval."""
    settings = Arguments(games=10, steps=5, growth=2.0, samples=40)
    exploitability = {False: [], True: []}
    for number in range(settings.games):
        rates = win_rates("gaussian", settings.strategies, np.random.default_rng([5, number]))
        for chosen, found in exploitability.items():
            rng = np.random.default_rng([5, number, chosen])
            found.append(curve(rates, settings, chosen=chosen, rng=rng))
    uniform, chosen = (np.mean(exploitability[way], axis=0) for way in (False, True))
    assert 2 * totals(settings)[-2] == totals(settings)[-1]
    assert chosen[-2] < 0.9 * uniform[-1]


def test_the_ratio_counts_both_ways_to_where_they_first_get_there():
    played = [100, 200, 400, 800]
    # Uniform sampling is best at 400 games; what comes later is noise.
    uniform, chosen = np.array([[8.0, 4.0, 2.0, 2.1]]), np.array([[8.0, 1.0, 3.0, 0.5]])
    # On logarithmic axes 2 lies two thirds of the way from 8 to 1.
    assert ratio(uniform, chosen, played) == pytest.approx(400 / (100 * 2 ** (2 / 3)))
    assert ratio(uniform, uniform, played) == 1.0
    assert ratio(uniform, uniform + 1.0, played) == 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": 0}, "budget must be at least 1 episode, got 0"),
        ({"samples": 1}, "samples must be at least 2"),
        ({"exploration": 0.0}, "exploration must be positive"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        plan(table_of([[0.5, 0.6], [0, 0.5]], 10), **({"budget": 5} | changes))


def test_an_empty_game_is_refused():
    empty = EmpiricalGame(2, symmetric=True, zero_sum=True, payoff_bounds=(0.0, 1.0))
    with pytest.raises(ValueError, match="no strategies yet"):
        plan(empty, 5)
