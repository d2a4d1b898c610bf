import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_games import (
    COORDINATION,
    PHASE_ZERO,
    PRISONERS_DILEMMA,
    ROCK_PAPER_SCISSORS,
    SHAPLEY,
    random_antisymmetric,
)
from open_spiel.python.algorithms import lp_solver

import solvers
from solvers.alpharank import stationary
from solvers.decomposition import disks, hodge
from solvers.dominance import dominated, dominating_mix, eliminate_dominated
from solvers.elo import fit_elo
from solvers.response_graph import response_graph, sink_components

# OpenSpiel 2.0.2, algorithms/lp_solver_test.py:96-190: is strategy 0 of the row player dominated?
DOMINANCE = [
    ([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]], (False, False, True)),
    ([[1.0, 1.0], [2.1, 0.0], [0.0, 2.0]], (True, True, True)),
    ([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0], [0.0, 2.0, 2.0]], (False, True, True)),
    ([[1.0, 1.0, 1.0], [2.1, 0.0, 1.0], [0.0, 2.0, 2.0]], (True, True, True)),
    ([[1.0, 1.0, 1.0], [2.0, 0.0, 2.0], [0.0, 2.0, 0.0]], (False, False, True)),
    ([[1.0, 1.1, 1.0], [2.0, 0.0, 2.0], [0.0, 2.0, 0.0]], (False, False, False)),
]


@pytest.mark.parametrize(("row", "expected"), DOMINANCE)
def test_dominance_cases(row, expected):
    row = np.array(row)
    game = np.stack([row, -row])
    found = tuple(
        dominating_mix(game, 0, 0, kind=kind) is not None
        for kind in ("strict", "weak", "very_weak")
    )
    assert found == expected


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(2, 4))
def test_dominance_agrees_with_openspiel(seed, rows, columns):
    pytest.importorskip("ecos", reason="OpenSpiel's linear program needs ecos (no wheel for 3.13)")
    row = np.random.default_rng(seed).integers(-2, 3, (rows, columns)).astype(float)
    for strategy in range(rows):
        for kind, theirs in (
            ("strict", lp_solver.DominanceType.DOMINANCE_STRICT),
            ("weak", lp_solver.DominanceType.DOMINANCE_WEAK),
        ):
            ours = dominating_mix(np.stack([row, -row]), 0, strategy, kind=kind) is not None
            assert ours == lp_solver.is_dominated(strategy, row, 0, theirs)


def test_elimination_leaves_defection():
    reduction = eliminate_dominated(PRISONERS_DILEMMA)
    assert reduction.kept == ((1,), (1,))
    assert reduction.rounds == ((0, 0),)


def test_elimination_in_rounds():
    # Only after the column player drops its right column is the bottom row dominated.
    row = np.array([[3.0, 0.0], [2.0, 4.0]])
    column = np.array([[2.0, 1.0], [3.0, 1.0]])
    reduction = eliminate_dominated(np.stack([row, column]))
    assert reduction.kept == ((0,), (0,))
    assert reduction.rounds == ((1, 1), (0, 1))
    np.testing.assert_allclose(reduction.payoffs.tensor.ravel(), [3.0, 2.0])


def test_elimination_keeps_the_value():
    rng = np.random.default_rng(0)
    row = rng.normal(size=(6, 6)) + rng.normal(size=(6, 1))
    game = np.stack([row, -row])
    reduced = eliminate_dominated(game).payoffs
    assert reduced.num_strategies[0] < 6
    before, after = (solvers.get("nash").solve(g).values[0] for g in (game, reduced))
    assert before == pytest.approx(after)


def test_dominated_strategies_of_the_published_table():
    assert dominated(PHASE_ZERO) == ((1, 3, 4), (1, 3, 4))


def test_response_graph_of_a_cycle():
    graph = response_graph(ROCK_PAPER_SCISSORS)
    assert set(graph.edges) == {(0, 1), (1, 2), (2, 0)}
    assert graph.edges[0, 1]["gain"] == 2.0
    assert sink_components(graph) == [[0, 1, 2]]


def test_sinks_are_where_alpha_rank_lives():
    rng = np.random.default_rng(0)
    for _ in range(20):
        matrix = random_antisymmetric(rng, 6)
        (sink,) = sink_components(response_graph(matrix))
        distribution = stationary(matrix, np.inf)
        assert {int(i) for i in np.flatnonzero(distribution > 1e-12)} == set(sink)


def test_conventions_are_sinks_and_shapleys_cycle_is_one():
    assert sink_components(response_graph(COORDINATION)) == [[(0, 0)], [(1, 1)]]
    (cycle,) = sink_components(response_graph(SHAPLEY))
    assert len(cycle) == 6


def test_best_responses_are_among_the_better():
    game = np.random.default_rng(0).normal(size=(2, 4, 4))
    best, better = response_graph(game, responses="best"), response_graph(game)
    assert set(best.edges) < set(better.edges)
    assert isinstance(best, nx.DiGraph)
    with pytest.raises(ValueError, match="best"):
        response_graph(game, responses="worst")


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_hodge_parts_add_up_and_are_orthogonal(seed, n):
    matrix = random_antisymmetric(np.random.default_rng(seed), n)
    parts = hodge(matrix)
    np.testing.assert_allclose(parts.transitive + parts.cyclic, matrix, atol=1e-12)
    assert np.sum(parts.transitive * parts.cyclic) == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(parts.cyclic.sum(axis=1), 0.0, atol=1e-12)
    assert 0.0 <= parts.transitivity <= 1.0 + 1e-12


def test_hodge_extremes():
    assert hodge(ROCK_PAPER_SCISSORS).transitivity == 0.0
    ranks = np.arange(4.0)
    assert hodge(ranks[:, None] - ranks[None, :]).transitivity == pytest.approx(1.0)
    assert hodge(np.zeros((2, 2))).transitivity == 1.0


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_disks_rebuild_the_matrix(seed, n):
    matrix = random_antisymmetric(np.random.default_rng(seed), n)
    found = disks(matrix)
    assert len(found.strengths) == n // 2
    np.testing.assert_allclose(found.matrix(), matrix, atol=1e-9)
    assert np.all(np.diff(found.strengths) <= 0.0)


def test_rock_paper_scissors_is_one_disk():
    np.testing.assert_allclose(disks(ROCK_PAPER_SCISSORS).strengths, [np.sqrt(3.0)])


def test_elo_recovers_the_ratings_that_made_the_table():
    # Elo 1978: 400 points are odds of ten to one.
    ratings = np.array([200.0, -50.0, -150.0])
    rates = 1.0 / (1.0 + 10.0 ** (-(ratings[:, None] - ratings[None, :]) / 400.0))
    fit = fit_elo(rates, regularisation=0.0)
    np.testing.assert_allclose(fit.ratings, ratings, atol=0.05)
    np.testing.assert_allclose(fit.predict(), rates, atol=1e-5)


def test_elo_cannot_see_a_cycle_and_melo_can():
    rates = 0.5 + 0.4 * ROCK_PAPER_SCISSORS
    plain = fit_elo(rates)
    np.testing.assert_allclose(plain.ratings, 0.0, atol=1e-6)
    np.testing.assert_allclose(plain.predict(), 0.5, atol=1e-6)
    cyclic = fit_elo(rates, cyclic_pairs=1)
    np.testing.assert_allclose(cyclic.predict(), rates, atol=0.01)
    assert cyclic.log_loss < plain.log_loss


def test_elo_of_sure_wins_is_finite():
    assert np.all(np.isfinite(fit_elo([[0.5, 1.0], [0.0, 0.5]]).ratings))


def test_elo_weighs_by_games():
    rates = np.array([[0.5, 0.6, 0.9], [0.4, 0.5, 0.1], [0.1, 0.9, 0.5]])
    games = np.array([[0, 1000, 1], [1000, 0, 1], [1, 1, 0]])
    fit = fit_elo(rates, games=games, regularisation=1e-6)
    assert fit.predict()[0, 1] == pytest.approx(0.6, abs=0.01)


def test_bad_input_is_refused():
    with pytest.raises(solvers.UnsupportedGameError, match="win rates"):
        fit_elo([[0.0, 2.0], [-2.0, 0.0]])
    with pytest.raises(ValueError, match="cyclic_pairs"):
        fit_elo(PHASE_ZERO, cyclic_pairs=-1)
    with pytest.raises(ValueError, match="games"):
        fit_elo(PHASE_ZERO, games=np.ones((2, 2)))
    with pytest.raises(solvers.UnsupportedGameError, match="one-population"):
        hodge(COORDINATION)
    with pytest.raises(ValueError, match="kind"):
        dominating_mix(PHASE_ZERO, 0, 0, kind="somewhat")
