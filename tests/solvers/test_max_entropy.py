import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_games import BIASED_RPS, BIASED_RPS_NASH, HAWK_DOVE, random_antisymmetric
from scipy.optimize import minimize

import solvers
from solvers.comparison import entropy


def solve(payoffs):
    return solvers.get("nash", selection="max_entropy").solve(payoffs)


def test_unique_equilibrium_is_kept():
    np.testing.assert_allclose(solve(BIASED_RPS).marginals[0], BIASED_RPS_NASH, atol=1e-12)


def test_duplicates_share_the_weight_of_the_original_by_entropy():
    twin = BIASED_RPS[np.ix_([0, 1, 2, 2], [0, 1, 2, 2])]
    expected = [*BIASED_RPS_NASH[:2], *([BIASED_RPS_NASH[2] / 2] * 2)]
    np.testing.assert_allclose(solve(twin).marginals[0], expected, atol=1e-9)


def test_all_zero_is_uniform():
    result = solve(np.zeros((2, 3, 4)))
    np.testing.assert_allclose(result.marginals[0], 1 / 3)
    np.testing.assert_allclose(result.marginals[1], 1 / 4)


def test_strategies_that_no_equilibrium_plays_get_nothing():
    matrix = np.block([[np.zeros((3, 3)), np.ones((3, 1))], [-np.ones((1, 3)), 0.0]])
    np.testing.assert_allclose(solve(matrix).marginals[0], [1 / 3, 1 / 3, 1 / 3, 0.0], atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_no_equilibrium_found_by_a_general_optimiser_has_more_entropy(seed, n):
    # Small integers make ties, and with them sets of equilibria.
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(-1, 2, (n, n)), 1).astype(float)
    matrix = upper - upper.T
    result = solve(matrix)
    assert result.regrets.max() < 1e-9
    fit = minimize(
        lambda x: float(np.sum(x * np.log(np.maximum(x, 1e-12)))),
        result.marginals[0],
        bounds=[(0.0, 1.0)] * n,
        constraints=[
            {"type": "eq", "fun": lambda x: x.sum() - 1.0},
            {"type": "ineq", "fun": lambda x: x @ matrix},
        ],
        method="SLSQP",
    )
    assert entropy(result.marginals[0]) >= -fit.fun - 1e-6


def test_two_runs_on_permuted_strategies_agree():
    rng = np.random.default_rng(0)
    matrix = np.round(random_antisymmetric(rng, 12))
    order = rng.permutation(12)
    first, second = solve(matrix), solve(matrix[np.ix_(order, order)])
    np.testing.assert_allclose(first.marginals[0][order], second.marginals[0], atol=1e-7)


def test_general_sum_is_refused():
    with pytest.raises(solvers.UnsupportedGameError, match="constant-sum"):
        solve(HAWK_DOVE)
