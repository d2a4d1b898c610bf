import numpy as np
import pytest
from known_games import BIASED_RPS, BIASED_RPS_NASH, HAWK_DOVE, PRISONERS_DILEMMA
from open_spiel.python.egt import dynamics as openspiel_dynamics

import solvers
from solvers.replicator import replicator_velocity


def test_hawk_dove_rests_at_the_stable_mix():
    result = solvers.get("replicator").solve(HAWK_DOVE)
    np.testing.assert_allclose(result.marginals[0], [2 / 3, 1 / 3], atol=1e-6)
    assert result.diagnostics["converged"]
    assert result.diagnostics["residual"] <= 1e-8 * (1 + 1e-6)


def test_dominated_strategy_dies_out():
    result = solvers.get("replicator").solve(PRISONERS_DILEMMA)
    np.testing.assert_allclose(result.marginals[0], [0.0, 1.0], atol=1e-6)


def test_cycling_zero_sum_game_returns_the_time_average_and_says_so():
    result = solvers.get("replicator").solve(BIASED_RPS)
    assert result.diagnostics["returned"] == "time average"
    assert not result.diagnostics["converged"]
    np.testing.assert_allclose(result.marginals[0], BIASED_RPS_NASH, atol=0.02)


def test_mutation_makes_it_converge():
    result = solvers.get("replicator", mutation=0.01).solve(BIASED_RPS)
    assert result.diagnostics["converged"]
    np.testing.assert_allclose(result.marginals[0], BIASED_RPS_NASH, atol=0.06)


def test_velocity_agrees_with_openspiel():
    rng = np.random.default_rng(0)
    for n in (2, 3, 5):
        mix, values = rng.dirichlet(np.ones(n)), rng.normal(size=n)
        np.testing.assert_allclose(
            replicator_velocity()(mix, values), openspiel_dynamics.replicator(mix, values)
        )


def test_bad_hyperparameters_are_refused():
    with pytest.raises(ValueError, match="mutation"):
        solvers.get("replicator", mutation=-0.1)
