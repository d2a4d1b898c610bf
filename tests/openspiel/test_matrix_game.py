"""Normal-form games as meta-games."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel import PSRO
from pokespiel.openspiel import MatrixGame
from pokespiel.oracles.exact import ExactOracle
from pokespiel.protocols import JointMixture, MetaGame, Mixture

ROCK_PAPER_SCISSORS = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
HAWK_DOVE = [[-1, 4], [0, 2]]
PRISONERS = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]


def test_is_a_meta_game() -> None:
    game = MatrixGame(ROCK_PAPER_SCISSORS)
    assert isinstance(game, MetaGame)
    assert (game.num_players, game.is_symmetric, game.is_zero_sum) == (2, True, True)
    assert game.payoff_bounds == (-1.0, 1.0)
    general = MatrixGame(PRISONERS)
    assert (general.is_symmetric, general.is_zero_sum) == (False, False)
    assert MatrixGame(PRISONERS, symmetric=True).is_symmetric
    assert game.name != MatrixGame(HAWK_DOVE).name


def test_policies_are_pure_or_mixed() -> None:
    game = MatrixGame(HAWK_DOVE)
    returns = game.expected_returns([[0, 1], [[0.5, 0.5], 0]])
    np.testing.assert_allclose(returns, [[4, 0], [-0.5, 1.5]])


def test_play_draws_from_mixed_policies() -> None:
    game = MatrixGame(HAWK_DOVE)
    returns = game.play([[[0.25, 0.75], 1], [0, 0]], 4000, rng=np.random.default_rng(0))
    assert returns.shape == (2, 4000, 2)
    assert returns[0].mean(axis=0) == pytest.approx([2.5, 1.5], abs=0.1)
    assert np.all(returns[1] == -1)


@pytest.mark.parametrize("start", [0, 1, 2])
def test_double_oracle_solves_rock_paper_scissors(start: int) -> None:
    game = MatrixGame(ROCK_PAPER_SCISSORS, initial=[start])
    result = PSRO(game, oracle=ExactOracle()).run(10)
    assert sorted(result.populations[0]) == [0, 1, 2]
    assert result.meta_strategy.marginals[0] == pytest.approx([1 / 3] * 3)
    assert result.steps[-1].exploitability == pytest.approx(0.0, abs=1e-12)


def test_best_response_breaks_ties_as_told() -> None:
    game = MatrixGame(ROCK_PAPER_SCISSORS)
    uniform = Mixture((0, 1, 2), np.full(3, 1 / 3))
    assert game.best_response(0, [uniform, uniform], ties="first") == (0, pytest.approx(0.0))
    assert game.best_response(0, [uniform, uniform])[0] == pytest.approx([1 / 3] * 3)
    with pytest.raises(ValueError, match="'uniform' or 'first'"):
        game.best_response(0, [uniform, uniform], ties="last")


def test_best_response_to_a_joint() -> None:
    game = MatrixGame(PRISONERS)
    joint = JointMixture(((0, 0), (1, 1)), np.array([0.5, 0.5]))
    assert game.best_response(1, joint) == (1, pytest.approx(3.0))
    assert game.mixture_returns(joint) == pytest.approx([2.0, 2.0])


def test_policies_are_stored(tmp_path) -> None:
    game = MatrixGame(HAWK_DOVE)
    for policy in (1, np.array([0.5, 0.5])):
        game.save_policy(policy, tmp_path)
        assert np.array_equal(game.load_policy(tmp_path), policy)
    (tmp_path / "strategy.json").write_text("[")
    with pytest.raises(ValueError, match="holds no strategy"):
        game.load_policy(tmp_path)


def test_bad_input() -> None:
    game = MatrixGame(HAWK_DOVE)
    with pytest.raises(ValueError, match="strategies 0 to 1, not 2"):
        game.expected_returns([[2, 0]])
    with pytest.raises(ValueError, match="index below 2 or a distribution of shape"):
        game.expected_returns([[[0.5, 0.4], 0]])
    with pytest.raises(ValueError, match="need 1 initial policies, got 2"):
        MatrixGame(HAWK_DOVE, initial=[0, 1])
    with pytest.raises(ValueError, match="must be square"):
        MatrixGame([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(ValueError, match="not symmetric"):
        MatrixGame([[[1, 2], [3, 4]], [[1, 2], [3, 4]]], symmetric=True)
