"""Golden figures: OpenSpiel 2.0.2, algorithms/nash_averaging_test.py:22-118."""

import numpy as np
import pytest
from known_games import PHASE_ZERO, ROCK_PAPER_SCISSORS

import solvers
from solvers.averaging import agents_against_agents, agents_against_tasks


def test_transitive():
    matrix = np.array([[0.0, -1.0, -1.0], [1.0, 0.0, -1.0], [1.0, 1.0, 0.0]])
    result = agents_against_agents(matrix)
    np.testing.assert_allclose(result.agent_weights, [0.0, 0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(result.skills, [-1.0, -1.0, 0.0], atol=1e-12)


def test_cycle():
    result = agents_against_agents(ROCK_PAPER_SCISSORS)
    np.testing.assert_allclose(result.agent_weights, 1 / 3, atol=1e-12)
    np.testing.assert_allclose(result.skills, 0.0, atol=1e-12)


def test_one_agent_dominates():
    matrix = np.array(
        [
            [0.0, 234.0, 34.0, -270.0],
            [-234.0, 0.0, -38.0, -464.0],
            [-34.0, 38.0, 0.0, -270.0],
            [270.0, 464.0, 270.0, 0.0],
        ]
    )
    np.testing.assert_allclose(agents_against_agents(matrix).agent_weights, [0, 0, 0, 1])


def test_best_agents_tie_on_tasks():
    scores = np.outer([0.0, 1.0, 2.0, 3.0, 3.0], [1.0, 10.0, 100.0])
    result = agents_against_tasks(scores)
    np.testing.assert_allclose(result.agent_weights, [0, 0, 0, 0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(result.task_weights, [1.0, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(result.difficulties, [-3.0, -30.0, -300.0], atol=1e-6)


def test_copies_of_an_agent_change_no_score():
    # Balduzzi et al. 2018, the property that Elo lacks.
    rng = np.random.default_rng(0)
    upper = np.triu(rng.normal(size=(5, 5)), 1)
    matrix = upper - upper.T
    order = [0, 1, 2, 3, 4, 4, 4]
    single = agents_against_agents(matrix)
    copied = agents_against_agents(matrix[np.ix_(order, order)])
    np.testing.assert_allclose(copied.skills, single.skills[order], atol=1e-8)


def test_as_a_meta_solver():
    result = solvers.get("nash_averaging").solve(PHASE_ZERO)
    np.testing.assert_allclose(result.diagnostics["skills"][0], PHASE_ZERO[:, 2], atol=1e-9)


def test_scores_must_be_a_table():
    with pytest.raises(ValueError, match="agents, tasks"):
        agents_against_tasks([1.0, 2.0])
