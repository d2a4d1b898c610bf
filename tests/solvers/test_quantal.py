import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_games import BIASED_RPS, BIASED_RPS_NASH, HAWK_DOVE
from scipy.special import softmax

import solvers
from solvers.base import deviation_payoffs

GAMBIT = "needs pygambit, whose C++ is compiled where it is installed"


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(2, 4))
def test_agrees_with_pygambit(seed, rows, columns):
    pygambit = pytest.importorskip("pygambit", reason=GAMBIT)
    tensor = np.random.default_rng(seed).normal(size=(2, rows, columns))
    scale = solvers.as_payoffs(tensor).scale
    ours = solvers.get("quantal", rationality=5.0).solve(tensor)
    game = pygambit.Game.from_arrays(*tensor)
    (theirs,) = pygambit.qre.logit_solve_lambda(game, 5.0 / scale)
    for player, marginal in zip(game.players, ours.marginals, strict=True):
        expected = [float(theirs.profile[strategy]) for strategy in player.strategies]
        np.testing.assert_allclose(marginal, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 2, 3, 2), (2, 4, 3)])
def test_is_a_fixed_point_of_the_logit_response(shape):
    game = solvers.as_payoffs(np.random.default_rng(0).normal(size=shape))
    result = solvers.get("quantal", rationality=12.0).solve(game)
    for player, marginal in enumerate(result.marginals):
        values = deviation_payoffs(game, result.marginals, player)
        np.testing.assert_allclose(marginal, softmax(12.0 * values / game.scale), atol=1e-9)


def test_no_rationality_is_uniform_and_much_is_nash():
    uniform = solvers.get("quantal", rationality=0.0).solve(BIASED_RPS)
    np.testing.assert_allclose(uniform.marginals[0], 1 / 3)
    nearly = solvers.get("quantal", rationality=1e5).solve(BIASED_RPS)
    np.testing.assert_allclose(nearly.marginals[0], BIASED_RPS_NASH, atol=1e-3)


def test_symmetric_game_has_a_symmetric_answer():
    result = solvers.get("quantal", rationality=1e4).solve(HAWK_DOVE)
    np.testing.assert_allclose(result.marginals[0], [2 / 3, 1 / 3], atol=1e-3)


def test_symmetric_three_player_game():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(3, 3, 3))
    own = raw + raw.swapaxes(1, 2)
    tensor = np.stack([own, own.swapaxes(0, 1), own.swapaxes(0, 2)])
    game = solvers.as_payoffs(tensor, symmetric=True)
    result = solvers.get("quantal", rationality=8.0).solve(game)
    values = deviation_payoffs(game, result.marginals, 0)
    np.testing.assert_allclose(result.marginals[0], softmax(8.0 * values / game.scale), atol=1e-8)


def test_too_few_steps_are_reported():
    with pytest.raises(solvers.UnsupportedGameError, match="steps"):
        solvers.get("quantal", rationality=1e4, max_steps=2).solve(BIASED_RPS)


def test_bad_rationality_is_refused():
    with pytest.raises(ValueError, match="rationality"):
        solvers.get("quantal", rationality=-1.0)
