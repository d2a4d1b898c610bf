import nashpy
import numpy as np
import pyspiel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_games import (
    BIASED_RPS,
    BIASED_RPS_NASH,
    COORDINATION,
    HAWK_DOVE,
    PHASE_ZERO,
    PRISONERS_DILEMMA,
    SHAPLEY,
    random_antisymmetric,
)
from open_spiel.python.algorithms import lp_solver

import solvers

GAMBIT = "needs pygambit, whose C++ is compiled where it is installed"


def test_biased_rock_paper_scissors():
    result = solvers.get("nash").solve(BIASED_RPS)
    np.testing.assert_allclose(result.marginals[0], BIASED_RPS_NASH, atol=1e-12)
    np.testing.assert_allclose(result.values, 0.0, atol=1e-12)
    assert result.diagnostics["method"] == "linear program"


def test_asymmetric_zero_sum_game_gives_both_players_and_the_value():
    # OpenSpiel 2.0.2, algorithms/lp_solver_test.py:60-78.
    row = np.array([[2.0, 1.0, 3.0], [0.0, 0.5, 0.0]])
    result = solvers.get("nash").solve(np.stack([row, -row]))
    np.testing.assert_allclose(result.marginals[0], [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(result.marginals[1], [0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(result.values, [1.0, -1.0], atol=1e-12)


def test_win_rates_are_taken_as_they_are():
    result = solvers.get("nash").solve(PHASE_ZERO)
    np.testing.assert_allclose(result.marginals[0], [0, 0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(result.values, 0.5, atol=1e-12)
    assert result.restricted_exploitability == pytest.approx(0.0, abs=1e-12)


def test_sampling_noise_on_the_antisymmetry_is_averaged_and_reported():
    noisy = BIASED_RPS.copy()
    noisy[0, 2] += 0.02
    result = solvers.get("nash").solve(noisy)
    assert 0.005 < result.diagnostics["noise"] <= 0.02
    assert result.restricted_exploitability < 0.02


def test_hawk_dove_has_a_symmetric_mixed_equilibrium():
    result = solvers.get("nash").solve(HAWK_DOVE)
    np.testing.assert_allclose(result.marginals[0], [2 / 3, 1 / 3], atol=1e-12)
    np.testing.assert_allclose(result.marginals[1], [2 / 3, 1 / 3], atol=1e-12)
    assert result.diagnostics["unique"]


def test_prisoners_dilemma():
    result = solvers.get("nash").solve(PRISONERS_DILEMMA)
    np.testing.assert_allclose(result.marginals[0], [0.0, 1.0])


def test_shapley_game():
    result = solvers.get("nash").solve(SHAPLEY)
    for marginal in result.marginals:
        np.testing.assert_allclose(marginal, 1 / 3, atol=1e-12)


def test_coordination_has_more_than_one_equilibrium():
    result = solvers.get("nash").solve(COORDINATION)
    assert result.diagnostics["unique"] is False
    np.testing.assert_allclose(result.regrets, 0.0, atol=1e-12)


def test_uniqueness_is_claimed_only_where_proved():
    solver = solvers.get("nash")
    assert solver.solve(BIASED_RPS).diagnostics["unique"] is True
    assert solver.solve(np.stack([BIASED_RPS, -BIASED_RPS])).diagnostics["unique"] is True
    twin = BIASED_RPS[np.ix_([0, 1, 2, 2], [0, 1, 2, 2])]
    assert solver.solve(twin).diagnostics["unique"] is None
    assert solver.solve(np.zeros((2, 2))).diagnostics["unique"] is None


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_a_unique_equilibrium_is_what_a_perturbed_program_finds_too(seed, n):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(-2, 3, (n, n)), 1).astype(float)
    matrix = upper - upper.T
    result = solvers.get("nash").solve(matrix)
    if result.diagnostics["unique"]:
        for _ in range(3):
            order = rng.permutation(n)
            other = solvers.get("nash").solve(matrix[np.ix_(order, order)])
            np.testing.assert_allclose(other.marginals[0], result.marginals[0][order], atol=1e-9)


def test_growing_matrix_reuses_one_solver():
    rng = np.random.default_rng(0)
    matrix = random_antisymmetric(rng, 40)
    solver = solvers.get("nash")
    for n in range(1, 41):
        result = solver.solve(matrix[:n, :n])
        assert result.restricted_exploitability < 1e-9


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_value_agrees_with_openspiel(seed, rows, columns):
    pytest.importorskip("ecos", reason="OpenSpiel's linear program needs ecos (no wheel for 3.13)")
    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    game = pyspiel.create_matrix_game(matrix, -matrix)
    *_, value, _ = lp_solver.solve_zero_sum_matrix_game(game)
    result = solvers.get("nash").solve(np.stack([matrix, -matrix]))
    assert result.values[0] == pytest.approx(value, abs=1e-6)
    np.testing.assert_allclose(result.regrets, 0.0, atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(2, 4))
def test_bimatrix_equilibrium_is_one_of_nashpys(seed, rows, columns):
    tensor = np.random.default_rng(seed).normal(size=(2, rows, columns))
    result = solvers.get("nash").solve(tensor)
    known = nashpy.Game(*tensor).vertex_enumeration()
    assert any(
        np.allclose(result.marginals[0], row, atol=1e-6)
        and np.allclose(result.marginals[1], column, atol=1e-6)
        for row, column in known
    )


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(2, 3), st.integers(2, 4))
def test_bimatrix_equilibrium_is_one_of_pygambits(seed, rows, columns):
    pygambit = pytest.importorskip("pygambit", reason=GAMBIT)
    tensor = np.random.default_rng(seed).normal(size=(2, rows, columns))
    result = solvers.get("nash").solve(tensor)
    game = pygambit.Game.from_arrays(*tensor)
    known = [
        [np.array([float(profile[s]) for s in player.strategies]) for player in game.players]
        for profile in pygambit.nash.enummixed_solve(game, rational=False).equilibria
    ]
    assert any(
        all(np.allclose(a, b, atol=1e-6) for a, b in zip(result.marginals, profile, strict=True))
        for profile in known
    )


@pytest.mark.parametrize("lp_solver_name", ["HIGHS", "CLARABEL"])
def test_cvxpys_solvers_agree_with_highs_itself(lp_solver_name):
    rng = np.random.default_rng(0)
    direct, through_cvxpy = solvers.get("nash"), solvers.get("nash", lp_solver=lp_solver_name)
    for rows, columns in ((1, 3), (5, 5), (20, 7), (17, 33)):
        row = rng.normal(size=(rows, columns))
        first, second = (s.solve(np.stack([row, -row])) for s in (direct, through_cvxpy))
        for one, other in zip(first.marginals, second.marginals, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def test_what_was_solved_before_changes_nothing():
    matrix = random_antisymmetric(np.random.default_rng(0), 30)
    for name in ("highspy", "HIGHS"):
        used = solvers.get("nash", lp_solver=name)
        for n in (5, 29, 12):
            used.solve(matrix[:n, :n])
        fresh = solvers.get("nash", lp_solver=name)
        np.testing.assert_array_equal(
            used.solve(matrix).marginals[0], fresh.solve(matrix).marginals[0]
        )


@pytest.mark.parametrize("shape", [(3, 2, 2, 2), (3, 3, 2, 3)])
def test_three_players(shape):
    tensor = np.random.default_rng(1).normal(size=shape)
    result = solvers.get("nash").solve(tensor)
    np.testing.assert_allclose(result.regrets, 0.0, atol=1e-8)


@pytest.mark.parametrize("shape", [(2, 14, 12), (13, 13)])
def test_games_too_large_to_enumerate(shape):
    tensor = np.random.default_rng(3).normal(size=shape)
    result = solvers.get("nash").solve(tensor)
    np.testing.assert_allclose(result.regrets, 0.0, atol=1e-8)


def test_unknown_selection_is_refused():
    with pytest.raises(ValueError, match="max_entropy"):
        solvers.get("nash", selection="best")


def test_unknown_linear_solver_is_refused():
    with pytest.raises(ValueError, match="highspy"):
        solvers.get("nash", lp_solver="abacus").solve(BIASED_RPS)
