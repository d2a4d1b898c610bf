import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from known_games import (
    BIASED_RPS,
    COORDINATION,
    HAWK_DOVE,
    MATCHING_PENNIES,
    PHASE_ZERO,
    ROCK_PAPER_SCISSORS,
)

import solvers
from solvers.alpharank import sweep
from solvers.drawing import (
    draw_comparison,
    draw_response_graph,
    draw_sweep,
    phase_portrait,
    trajectories_over_time,
    trajectory_on_portrait,
)
from solvers.dynamics import integrate
from solvers.replicator import replicator_velocity
from solvers.response_graph import response_graph
from solvers.revision import smith_velocity


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    figure.canvas.draw()
    plt.close(figure)


def test_simplex_portrait_with_a_trajectory(axes):
    labels = ["rock", "paper", "scissors"]
    phase_portrait(ROCK_PAPER_SCISSORS, replicator_velocity(), axes, labels=labels)
    path = integrate(
        BIASED_RPS, replicator_velocity(), start=[[0.5, 0.3, 0.2]], duration=20.0, logarithmic=True
    )
    trajectory_on_portrait(path, axes)
    assert {text.get_text() for text in axes.texts} == set(labels)
    line = axes.lines[-2].get_xydata()
    assert np.all(line[:, 1] <= np.sqrt(3.0) / 2.0)


def test_square_portrait_with_a_trajectory(axes):
    game = np.stack([MATCHING_PENNIES, -MATCHING_PENNIES])
    phase_portrait(game, smith_velocity, axes)
    path = integrate(game, smith_velocity, start=[[0.9, 0.1], [0.2, 0.8]], duration=10.0)
    trajectory_on_portrait(path, axes)
    np.testing.assert_allclose(axes.lines[0].get_xydata()[0], [0.9, 0.2])


def test_portraits_of_other_games_are_refused(axes):
    with pytest.raises(solvers.UnsupportedGameError, match="portrait"):
        phase_portrait(PHASE_ZERO, replicator_velocity(), axes)
    with pytest.raises(solvers.UnsupportedGameError, match="portrait"):
        trajectory_on_portrait(integrate(PHASE_ZERO, smith_velocity, duration=1.0), axes)


def test_one_population_of_two_moves_along_the_diagonal(axes):
    phase_portrait(HAWK_DOVE, replicator_velocity(), axes)
    trajectory_on_portrait(integrate(HAWK_DOVE, smith_velocity, start=[[0.1, 0.9]]), axes)
    line = axes.lines[0].get_xydata()
    np.testing.assert_allclose(line[:, 0], line[:, 1])
    np.testing.assert_allclose(line[-1], 2 / 3, atol=1e-3)


def test_trajectories_over_time(axes):
    trajectories_over_time(integrate(HAWK_DOVE, smith_velocity), axes, labels=["hawk", "dove"])
    assert [line.get_label() for line in axes.lines] == ["hawk", "dove"]


def test_response_graph_names_every_node(axes):
    draw_response_graph(response_graph(PHASE_ZERO), axes, weights=np.full(5, 0.2))
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2", "3", "4"]


def test_sweep_draws_one_line_a_profile(axes):
    draw_sweep(sweep(COORDINATION), axes)
    assert len(axes.lines) == 4
    assert axes.get_xscale() == "log"


def test_comparison_draws_the_solvers_that_answered(axes):
    draw_comparison(solvers.compare(COORDINATION, ["nash", "pfsp", "uniform"]), axes)
    assert [label.get_text().split()[0] for label in axes.get_yticklabels()] == ["nash", "uniform"]
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_comparison(solvers.compare(COORDINATION, ["pfsp"]), axes)
