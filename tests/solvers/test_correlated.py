import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_games import BIASED_RPS, BIASED_RPS_NASH, CHICKEN, SHAPLEY
from open_spiel.python.algorithms import jpsro

import solvers
from solvers.base import coarse_regrets, correlated_regrets
from solvers.comparison import entropy
from solvers.correlated import fixed_gains, swap_gains

CE = ["mgce", "mece", "mwce", "min_epsilon_mgce"]
CCE = ["mgcce", "mecce", "mwcce", "min_epsilon_mgcce"]


@pytest.mark.parametrize("name", CE + CCE)
@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 4, 4), (3, 2, 3, 2)])
def test_is_an_equilibrium_of_its_kind(name, shape):
    game = np.random.default_rng(0).normal(size=shape)
    result = solvers.get(name).solve(game)
    payoffs = solvers.as_payoffs(game)
    regrets = correlated_regrets if name in CE else coarse_regrets
    np.testing.assert_allclose(result.regrets, regrets(payoffs, result.joint))
    assert result.regrets.max() < 1e-6
    for player, marginal in enumerate(result.marginals):
        others = tuple(i for i in range(len(shape) - 1) if i != player)
        np.testing.assert_allclose(marginal, result.joint.sum(axis=others))


def test_chicken_maximum_welfare():
    # Aumann 1987: (6, 6), (2, 7), (7, 2) with probabilities 1/2, 1/4, 1/4; 5.25 each.
    result = solvers.get("mwce").solve(CHICKEN)
    np.testing.assert_allclose(result.joint, [[0.5, 0.25], [0.25, 0.0]], atol=1e-9)
    np.testing.assert_allclose(result.values, 5.25)


def test_chicken_strictest_equilibrium_is_the_traffic_light():
    result = solvers.get("min_epsilon_mgce").solve(CHICKEN)
    np.testing.assert_allclose(result.joint, [[0.0, 0.5], [0.5, 0.0]], atol=1e-6)
    assert result.diagnostics["epsilon"] < -0.05


@pytest.mark.parametrize("name", ["mgce", "mece", "mwce"])
def test_zero_sum_marginals_are_optimal(name):
    result = solvers.get(name).solve(BIASED_RPS)
    np.testing.assert_allclose(result.marginals[0], BIASED_RPS_NASH, atol=1e-4)


def test_objectives_order_the_equilibria():
    game = np.random.default_rng(1).normal(size=(2, 4, 4))
    results = {name: solvers.get(name).solve(game) for name in CE + CCE}
    gini = {name: 1.0 - float(np.sum(r.joint**2)) for name, r in results.items()}
    welfare = {name: float(r.values.sum()) for name, r in results.items()}
    entropies = {name: entropy(r.joint.ravel()) for name, r in results.items()}
    for kind in (CE, CCE):
        entropic, giniest, welfarest = kind[1], kind[0], kind[2]
        assert gini[giniest] >= max(gini[name] for name in kind) - 1e-6
        assert entropies[entropic] >= max(entropies[name] for name in kind) - 1e-6
        assert welfare[welfarest] >= max(welfare[name] for name in kind) - 1e-6
    # Every correlated equilibrium is a coarse one, so the coarse optimum is no worse.
    assert gini["mgcce"] >= gini["mgce"] - 1e-6
    assert welfare["mwcce"] >= welfare["mwce"] - 1e-6


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_maximum_gini_agrees_with_openspiel(seed):
    game = np.random.default_rng(seed).normal(size=(2, 3, 3))
    repeats = [np.ones(3), np.ones(3)]
    for name, theirs in (("mgce", jpsro._mgce), ("mgcce", jpsro._mgcce)):
        expected, _ = theirs(game, repeats, ignore_repeats=True)
        joint = solvers.get(name).solve(game).joint
        np.testing.assert_allclose(joint, expected.reshape(3, 3), atol=2e-3)


def test_gain_maps_by_brute_force():
    game = solvers.as_payoffs(np.random.default_rng(0).normal(size=(3, 2, 3, 2)))
    joint = np.random.default_rng(1).dirichlet(np.ones(12))
    swaps, fixed = swap_gains(game) @ joint, fixed_gains(game) @ joint
    assert swaps.shape == (2 * 1 + 3 * 2 + 2 * 1,)
    assert fixed.shape == (2 + 3 + 2,)
    # Player 1, told 2, plays 0 instead: rows 2 of player 0, then (0,1) (0,2) (1,0) (1,2) (2,0).
    table = joint.reshape(2, 3, 2)
    gain = np.sum(table[:, 2] * (game.tensor[1][:, 0] - game.tensor[1][:, 2]))
    assert swaps[2 + 4] == pytest.approx(gain)
    gain = np.sum(table * (game.tensor[2][:, :, 1:] - game.tensor[2]))
    assert fixed[-1] == pytest.approx(gain)


def test_epsilon_relaxes():
    game = np.random.default_rng(2).normal(size=(2, 3, 3))
    loose = solvers.get("mgce", epsilon=10.0).solve(game)
    np.testing.assert_allclose(loose.joint, 1 / 9, atol=1e-6)


def test_shapleys_game_has_a_better_correlated_equilibrium():
    result = solvers.get("mwce").solve(SHAPLEY)
    assert result.values.sum() >= 2 / 3 - 1e-9


def test_large_games_are_refused_with_their_size():
    with pytest.raises(solvers.UnsupportedGameError, match="200"):
        solvers.get("mgce").solve(np.zeros((200, 200)))


@pytest.mark.parametrize("name", ["mgce", "mgcce", "mece", "mecce"])
def test_the_interior_point_methods_dust_is_swept(name):
    """A best response would take weight 1e-10 for a profile that is played."""
    joint = (
        solvers.get(name).solve([[[-1.0, -3.0], [0.0, -2.0]], [[-1.0, 0.0], [-3.0, -2.0]]]).joint
    )
    assert np.count_nonzero(joint) == 1
