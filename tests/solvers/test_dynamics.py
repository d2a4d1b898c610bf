import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_games import (
    BIASED_RPS,
    BIASED_RPS_NASH,
    COORDINATION,
    HAWK_DOVE,
    MATCHING_PENNIES,
    ROCK_PAPER_SCISSORS,
)

import solvers
from solvers.dynamics import integrate
from solvers.replicator import replicator_velocity
from solvers.revision import bnn_velocity, logit_velocity, smith_velocity

VELOCITIES = [replicator_velocity(), smith_velocity, bnn_velocity, logit_velocity(0.1)]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_smith_velocity_is_the_pairwise_sum(seed, n):
    rng = np.random.default_rng(seed)
    mix, values = rng.dirichlet(np.ones(n)), np.round(rng.normal(size=n), 1)
    gain = np.maximum(values[:, None] - values[None, :], 0.0)
    expected = gain @ mix - mix * gain.sum(axis=0)
    np.testing.assert_allclose(smith_velocity(mix, values), expected, atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_velocities_conserve_probability(seed, n):
    rng = np.random.default_rng(seed)
    mix, values = rng.dirichlet(np.ones(n)), rng.normal(size=n)
    for velocity in VELOCITIES:
        assert velocity(mix, values).sum() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("name", ["smith", "bnn", "replicator"])
def test_hawk_dove(name):
    result = solvers.get(name).solve(HAWK_DOVE)
    assert result.diagnostics["converged"]
    np.testing.assert_allclose(result.marginals[0], [2 / 3, 1 / 3], atol=1e-4)


@pytest.mark.parametrize("name", ["smith", "bnn"])
def test_zero_sum_equilibrium_attracts(name):
    # Hofbauer & Sandholm 2009: equilibria of stable games attract under both dynamics.
    result = solvers.get(name).solve(BIASED_RPS)
    np.testing.assert_allclose(result.marginals[0], BIASED_RPS_NASH, atol=0.03)


def test_logit_rests_at_a_quantal_response():
    result = solvers.get("logit", temperature=0.1).solve(HAWK_DOVE)
    quantal = solvers.get("quantal", rationality=10.0).solve(HAWK_DOVE)
    np.testing.assert_allclose(result.marginals[0], quantal.marginals[0], atol=1e-6)


def test_replicator_orbits_keep_the_product_in_rock_paper_scissors():
    # Hofbauer & Sigmund 1998: x1 x2 x3 is a constant of motion.
    path = integrate(
        ROCK_PAPER_SCISSORS,
        replicator_velocity(),
        start=[[0.5, 0.3, 0.2]],
        duration=100.0,
        logarithmic=True,
    )
    np.testing.assert_allclose(path.mixes[0].prod(axis=1), 0.03, rtol=1e-4)
    np.testing.assert_allclose(path.average[0], 1 / 3, atol=0.05)


def test_trajectory_of_two_populations():
    tensor = np.stack([MATCHING_PENNIES, -MATCHING_PENNIES])
    path = integrate(tensor, smith_velocity, start=[[0.9, 0.1], [0.2, 0.8]], duration=50.0)
    assert len(path.mixes) == 2
    assert path.mixes[0].shape == (len(path.times), 2)
    np.testing.assert_allclose(path.mixes[0][0], [0.9, 0.1])
    np.testing.assert_allclose(path.mixes[0].sum(axis=1), 1.0)


def test_start_decides_between_conventions():
    for start, strategy in (([0.6, 0.4], 0), ([0.4, 0.6], 1)):
        path = integrate(COORDINATION, bnn_velocity, start=[start, start], duration=200.0)
        assert path.mixes[0][-1][strategy] > 0.99


def test_bad_starts_are_refused():
    with pytest.raises(ValueError, match="start"):
        integrate(HAWK_DOVE, bnn_velocity, start=[[1.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="every strategy present"):
        integrate(HAWK_DOVE, replicator_velocity(), start=[[1.0, 0.0]], logarithmic=True)


@pytest.mark.parametrize("name", ["smith", "bnn", "logit", "replicator"])
def test_bad_hyperparameters_are_refused(name):
    with pytest.raises(ValueError, match="duration"):
        solvers.get(name, duration=0.0)
