import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solvers
from solvers import markov
from solvers.alpharank import profile_log_rates
from solvers.markov import gth, stationary_distribution
from solvers.profile_chain import dense_log_rates, num_quick_sinks, profile_stationary


def by_least_squares(rates):
    generator = rates - np.diag(rates.sum(axis=1))
    system = np.vstack([generator.T, np.ones(len(rates))])
    return np.linalg.lstsq(system, np.append(np.zeros(len(rates)), 1.0), rcond=None)[0]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 31, 32, 33, 34, 64, 65, 70]))
def test_elimination_solves_the_balance_equations(seed, n):
    rates = np.random.default_rng(seed).uniform(0.01, 1.0, (n, n))
    np.fill_diagonal(rates, 0.0)
    expected = by_least_squares(rates)
    np.testing.assert_allclose(gth(rates), expected, atol=1e-12)
    np.testing.assert_allclose(stationary_distribution(np.log(rates + np.eye(n))), expected)
    log_weights = markov._log_gth(np.log(rates + np.eye(n)))
    weights = np.exp(log_weights - log_weights.max())
    np.testing.assert_allclose(weights / weights.sum(), expected, atol=1e-12)


def test_two_states_far_apart_keep_their_ratio():
    log_rates = np.array([[0.0, -5000.0], [-3000.0, 0.0]])
    distribution = stationary_distribution(log_rates)
    np.testing.assert_allclose(distribution, [1.0, 0.0])
    log_rates[1, 0] = -4999.0
    distribution = stationary_distribution(log_rates)
    assert np.log(distribution[0] / distribution[1]) == pytest.approx(1.0)


def test_a_cycle_within_a_nearly_closed_class():
    # Two pairs that swap quickly; the pairs exchange at rates far below rounding.
    log_rates = np.full((4, 4), -np.inf)
    log_rates[0, 1] = log_rates[1, 0] = log_rates[2, 3] = log_rates[3, 2] = 0.0
    log_rates[1, 2], log_rates[3, 0] = -900.0, -900.0 + np.log(3.0)
    np.testing.assert_allclose(
        stationary_distribution(log_rates), [0.375, 0.375, 0.125, 0.125], rtol=1e-9
    )


def test_a_deep_state_behind_many_slow_steps():
    # Four steps up at exp(-190) each vanish as floats; the state behind them is left last.
    log_rates = np.full((5, 5), -np.inf)
    for state in range(4):
        log_rates[state, state + 1] = -190.0
        log_rates[state + 1, state] = 0.0
    log_rates[4, 3] = -759.0
    distribution = stationary_distribution(log_rates)
    assert np.log(distribution[4] / distribution[0]) == pytest.approx(-1.0)


def test_reducible_chains_are_refused():
    with pytest.raises(ValueError, match="no way out"):
        stationary_distribution(np.array([[0.0, -np.inf], [0.0, 0.0]]))
    with pytest.raises(ValueError, match="reducible"):
        gth(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(9, 8), (5, 20), (4, 5, 4)]),
    st.sampled_from([0.1, 1.0, 8.0, 60.0, np.inf]),
    st.sampled_from(["general", "zero-sum", "team", "ties"]),
)
def test_sweeping_agrees_with_elimination(seed, shape, alpha, kind):
    rng = np.random.default_rng(seed)
    tensor = rng.uniform(-1, 1, (len(shape), *shape))
    if kind == "team":
        tensor[:] = tensor[0]
    elif kind == "zero-sum" and len(shape) == 2:
        tensor[1] = -tensor[0]
    elif kind == "ties":
        tensor = np.round(2 * tensor)
    lines = profile_log_rates(solvers.as_payoffs(tensor), alpha, population_size=50)
    direct = stationary_distribution(dense_log_rates(lines)).reshape(shape)
    np.testing.assert_allclose(profile_stationary(lines), direct, atol=1e-8)


def test_two_conventions_are_two_sinks():
    lines = profile_log_rates(
        solvers.as_payoffs(np.stack([np.eye(2), np.eye(2)])), 10.0, population_size=50
    )
    assert num_quick_sinks(lines, (2, 2)) == 2


def test_chains_too_large_to_eliminate_are_refused():
    tensor = np.random.default_rng(0).uniform(-1, 1, (120, 120))
    with pytest.raises(solvers.UnsupportedGameError, match="14,400"):
        solvers.get("alpharank", alpha=100.0).solve(np.stack([tensor, tensor]))


def test_one_hundred_strategies_each():
    tensor = np.random.default_rng(0).uniform(-1, 1, (100, 100))
    result = solvers.get("alpharank", alpha=1.0).solve(np.stack([tensor, -tensor]))
    assert result.joint.sum() == pytest.approx(1.0)
    assert result.joint.max() < 0.5
