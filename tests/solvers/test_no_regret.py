import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_games import BIASED_RPS, BIASED_RPS_NASH, HAWK_DOVE, SHAPLEY, random_antisymmetric
from open_spiel.python.algorithms import projected_replicator_dynamics

import solvers
from solvers.prd import project_onto_simplex
from solvers.regret_matching import RegretMatcher

LEARNERS = [
    "fictitious_play",
    "regret_matching",
    "regret_matching_plus",
    "hedge",
    "optimistic_hedge",
    "prd",
]


@pytest.mark.parametrize("name", LEARNERS)
def test_reaches_the_target_regret_and_says_so(name):
    result = solvers.get(name, target_regret=5e-3).solve(BIASED_RPS)
    assert result.diagnostics["converged"]
    assert result.diagnostics["relative_regret"] <= 5e-3
    span = np.ptp(BIASED_RPS)
    assert result.regrets.max() / span == pytest.approx(result.diagnostics["relative_regret"])
    np.testing.assert_allclose(result.marginals[0], BIASED_RPS_NASH, atol=0.12)


@pytest.mark.parametrize("name", LEARNERS)
def test_says_when_it_did_not(name):
    matrix = random_antisymmetric(np.random.default_rng(0), 8)
    result = solvers.get(name, iterations=3, target_regret=0.0).solve(matrix)
    assert result.diagnostics["iterations"] == 3
    assert not result.diagnostics["converged"]


@pytest.mark.parametrize("name", LEARNERS)
def test_two_populations(name):
    row = np.random.default_rng(0).normal(size=(4, 6))
    result = solvers.get(name, target_regret=0.01).solve(np.stack([row, -row]))
    value = solvers.get("nash").solve(np.stack([row, -row])).values[0]
    assert result.values[0] == pytest.approx(value, abs=0.02 * np.ptp(row))


def test_regret_matching_plus_solves_a_large_game_in_few_iterations():
    # An equilibrium to 1e-4 of the payoff range of a 200 x 200 game; OpenSpiel's PRD is at 0.02
    # after its default 1e5 iterations (reference measurements of OpenSpiel 2.0.2).
    row = np.random.default_rng(0).uniform(-1, 1, (200, 200))
    result = solvers.get("regret_matching_plus").solve(np.stack([row, -row]))
    assert result.diagnostics["converged"]
    assert result.diagnostics["iterations"] < 2000


def test_symmetric_general_sum_game_is_played_by_one_population():
    result = solvers.get("regret_matching_plus").solve(HAWK_DOVE)
    assert result.marginals[0] is not None
    np.testing.assert_allclose(result.marginals[0], result.marginals[1])
    np.testing.assert_allclose(result.marginals[0], [2 / 3, 1 / 3], atol=0.01)


def test_fictitious_play_does_not_converge_in_shapleys_game():
    # Shapley 1964, from asymmetric beliefs; uniform beliefs start at the equilibrium.
    game = SHAPLEY.copy()
    game[0, 0, 0] += 0.1
    result = solvers.get("fictitious_play", target_regret=1e-3).solve(game)
    assert not result.diagnostics["converged"]
    assert result.diagnostics["relative_regret"] > 0.01


def test_regret_matching_by_hand():
    learner = RegretMatcher(3, floor=-np.inf)
    learner.observe(np.array([1.0, 0.0, 0.5]))
    np.testing.assert_allclose(learner.mix, [1.0, 0.0, 0.0])
    learner.observe(np.array([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(learner.mix, [0.25, 0.25, 0.5], atol=1e-12)


def test_regret_matching_plus_forgets_negative_regret():
    learner = RegretMatcher(2, floor=0.0)
    learner.observe(np.array([1.0, 0.0]))
    learner.observe(np.array([0.0, 1.0]))
    np.testing.assert_allclose(learner.mix, [1 / 3, 2 / 3])


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=8),
    st.floats(0.0, 0.1),
)
def test_projection_is_the_nearest_point(weights, floor):
    weights = np.array(weights)
    projected = project_onto_simplex(weights, floor=floor)
    assert projected.sum() == pytest.approx(1.0)
    assert np.all(projected >= floor - 1e-12)
    rng = np.random.default_rng(0)
    mass = 1.0 - floor * len(weights)
    for _ in range(20):
        other = floor + mass * rng.dirichlet(np.ones(len(weights)))
        assert (weights - projected) @ (other - projected) <= 1e-9


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_projection_agrees_with_openspiel(seed, n):
    weights = np.random.default_rng(seed).normal(size=n)
    expected = projected_replicator_dynamics._simplex_projection(weights, 0.01)
    np.testing.assert_allclose(project_onto_simplex(weights, floor=0.01), expected, atol=1e-9)


@pytest.mark.parametrize("name", LEARNERS)
def test_bad_hyperparameters_are_refused(name):
    with pytest.raises(ValueError, match="iterations"):
        solvers.get(name, iterations=0)
    with pytest.raises(ValueError, match="target_regret"):
        solvers.get(name, target_regret=-1.0)


def test_bad_rates_are_refused():
    with pytest.raises(ValueError, match="learning_rate"):
        solvers.get("hedge", learning_rate=0.0)
    with pytest.raises(ValueError, match="exploration"):
        solvers.get("prd", exploration=1.0)
    with pytest.raises(ValueError, match="step_size"):
        solvers.get("prd", step_size=0.0)
