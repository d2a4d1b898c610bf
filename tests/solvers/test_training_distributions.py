import numpy as np
import pytest
from known_games import BIASED_RPS, BIASED_RPS_NASH, PHASE_ZERO

import solvers
from solvers.pfsp import priorities
from solvers.rectified import rectified_opponents


def test_rectified_trains_against_what_it_beats():
    result = solvers.get("rectified").solve(BIASED_RPS)
    np.testing.assert_allclose(result.marginals[0], BIASED_RPS_NASH, atol=1e-12)
    opponents = result.diagnostics["opponents"][0]
    # Row 0 loses to 1, ties itself, beats 2.
    np.testing.assert_allclose(opponents[0], np.array([1, 0, 5]) / 6, atol=1e-12)
    np.testing.assert_allclose(opponents.sum(axis=1), 1.0)


def test_rectified_leaves_out_what_the_equilibrium_does_not_play():
    opponents = solvers.get("rectified").solve(PHASE_ZERO).diagnostics["opponents"][0]
    np.testing.assert_allclose(opponents[[0, 1, 3, 4]], 0.0)
    np.testing.assert_allclose(opponents[2], [0, 0, 1, 0, 0])


def test_rectified_of_a_strategy_that_beats_no_one_is_zero():
    opponents = rectified_opponents(np.array([[-1.0, -2.0]]), np.ones(1), np.array([0.5, 0.5]))
    np.testing.assert_allclose(opponents, 0.0)


def test_last_k_and_self_play():
    np.testing.assert_allclose(
        solvers.get("last_k", k=2).solve(PHASE_ZERO).marginals[0], [0, 0, 0, 0.5, 0.5]
    )
    np.testing.assert_allclose(
        solvers.get("self_play").solve(PHASE_ZERO).marginals[0], [0, 0, 0, 0, 1]
    )
    np.testing.assert_allclose(solvers.get("last_k", k=9).solve([[0.5]]).marginals[0], [1.0])


def test_pfsp_weighs_by_the_newest_strategys_losses():
    # The newest wins 0, 0.12, 0.06, 0.5, 0.5 of its games; squared losses.
    weights = np.array([1.0, 0.88, 0.94, 0.5, 0.5]) ** 2
    result = solvers.get("pfsp").solve(PHASE_ZERO)
    np.testing.assert_allclose(result.marginals[0], weights / weights.sum(), atol=1e-12)


def test_pfsp_of_even_matches_is_uniform_and_of_sure_results_too():
    np.testing.assert_allclose(priorities(np.full(3, 0.5), weighting="variance", power=1.0), 1 / 3)
    np.testing.assert_allclose(priorities(np.ones(3), weighting="hard", power=2.0), 1 / 3)


def test_pfsp_of_two_populations_answers_the_other_players_newest():
    row = np.array([[1.0, -1.0], [0.0, 1.0]])
    result = solvers.get("pfsp", power=1.0).solve(np.stack([row, -row]))
    # Column's newest meets rows worth -1 and 1 to the row player: it wins all, then none.
    np.testing.assert_allclose(result.marginals[0], [0.0, 1.0])
    # Row's newest earns 0 and 1: win rates 1/2 and 1.
    np.testing.assert_allclose(result.marginals[1], [1.0, 0.0])


@pytest.mark.parametrize(
    ("name", "hyperparameters"),
    [("last_k", {"k": 0}), ("pfsp", {"power": -1.0}), ("pfsp", {"weighting": "easy"})],
)
def test_bad_hyperparameters_are_refused(name, hyperparameters):
    with pytest.raises(ValueError, match=next(iter(hyperparameters))):
        solvers.get(name, **hyperparameters)
