import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_games import BIASED_RPS, CHICKEN, HAWK_DOVE, PHASE_ZERO, PRISONERS_DILEMMA

import solvers
from solvers.base import (
    coarse_regrets,
    correlated_regrets,
    expected_payoffs,
    is_constant_sum,
    joint_meta_strategy,
    meta_strategy,
    normalised,
    restricted_regrets,
    zero_sum_matrix,
)


def test_matrix_is_one_population():
    game = solvers.as_payoffs(CHICKEN)
    assert game.symmetric
    np.testing.assert_allclose(game.tensor[1], CHICKEN.T)
    np.testing.assert_allclose(np.asarray(game), CHICKEN)


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        ([[1.0, 2.0], [3.0]], "ragged"),
        ([[1.0, 2.0]], "square"),
        ([1.0, 2.0], "shape"),
        (np.zeros((3, 2, 2)), "as many"),
        (np.zeros((0, 0)), "empty"),
        ([[np.nan]], r"entry \(0, 0\)"),
    ],
)
def test_malformed_payoffs_are_refused(payoffs, message):
    with pytest.raises(ValueError, match=message):
        solvers.as_payoffs(payoffs)


def test_false_symmetry_is_refused():
    with pytest.raises(ValueError, match="not symmetric"):
        solvers.as_payoffs(np.arange(8.0).reshape(2, 2, 2), symmetric=True)
    with pytest.raises(ValueError, match="one population"):
        solvers.as_payoffs(np.zeros((2, 2, 3)), symmetric=True)


def test_zero_sum_form_of_win_rates():
    matrix, offset, noise = zero_sum_matrix(solvers.as_payoffs(PHASE_ZERO))
    assert offset == pytest.approx(0.5)
    assert noise == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(matrix, PHASE_ZERO - 0.5)


@pytest.mark.parametrize("game", [HAWK_DOVE, PRISONERS_DILEMMA, CHICKEN, np.eye(2)])
def test_general_sum_games_are_not_taken_for_noise(game):
    assert not is_constant_sum(solvers.as_payoffs(game))


def test_noise_of_fifty_battles_a_side_is():
    rng = np.random.default_rng(0)
    counts = rng.binomial(2000, 0.5 + BIASED_RPS)
    game = solvers.as_payoffs(counts / 2000)
    assert is_constant_sum(game)
    assert zero_sum_matrix(game)[2] > 0.0


@given(st.integers(0, 2**32 - 1), st.sampled_from([(2, 2, 3), (3, 2, 3, 2)]))
def test_regrets_by_brute_force(seed, shape):
    rng = np.random.default_rng(seed)
    game = solvers.as_payoffs(rng.normal(size=shape))
    marginals = tuple(rng.dirichlet(np.ones(n)) for n in game.num_strategies)
    joint = marginals[0]
    for marginal in marginals[1:]:
        joint = np.multiply.outer(joint, marginal)
    values = [float(np.sum(own * joint)) for own in game.tensor]
    np.testing.assert_allclose(expected_payoffs(game, marginals), values)
    # Under a product, a fixed deviation is as good as any.
    nash = restricted_regrets(game, marginals)
    np.testing.assert_allclose(coarse_regrets(game, joint), nash, atol=1e-12)
    np.testing.assert_allclose(correlated_regrets(game, joint), nash, atol=1e-12)
    # Under any joint, swaps are at least as good as fixed deviations.
    other = rng.dirichlet(np.ones(joint.size)).reshape(joint.shape)
    assert np.all(correlated_regrets(game, other) >= coarse_regrets(game, other) - 1e-12)


def test_joint_meta_strategy():
    traffic_light = np.array([[0.0, 0.5], [0.5, 0.0]])
    result = joint_meta_strategy(solvers.as_payoffs(CHICKEN), traffic_light, correlated=True)
    np.testing.assert_allclose(result.values, 4.5)
    np.testing.assert_allclose(result.regrets, 0.0)
    np.testing.assert_allclose(result.marginals[0], 0.5)


def test_exploitability_is_the_mean_regret():
    result = meta_strategy(solvers.as_payoffs(PHASE_ZERO), (np.eye(5)[4], np.eye(5)[4]))
    assert result.restricted_exploitability == pytest.approx(0.5)
    assert result.support() == ((4,), (4,))


def test_weights_without_mass_are_refused():
    with pytest.raises(ValueError, match="no mass"):
        normalised([0.0, -1.0])
