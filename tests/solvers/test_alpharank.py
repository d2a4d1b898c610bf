import itertools

import mpmath
import numpy as np
import pyspiel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_games import COORDINATION, ROCK_PAPER_SCISSORS
from open_spiel.python.algorithms import fictitious_play
from open_spiel.python.egt import alpharank as openspiel_alpharank

import solvers
from solvers.alpharank import stationary, sweep


def test_rock_paper_scissors_is_uniform_for_every_alpha_and_scale():
    for alpha in 10.0 ** np.arange(-4, 7):
        for scale in 10.0 ** np.arange(-6, 7):
            np.testing.assert_allclose(stationary(scale * ROCK_PAPER_SCISSORS, alpha), 1 / 3)


def test_han_et_al_2013():
    # Han, Pereira, Santos & Lenaerts 2013, "Good agreements make good friends": five strategies,
    # population 20; figures as in OpenSpiel 2.0.2, egt/alpharank_test.py:33-61.
    r, t, p, s = 1.0, 2.0, 0.0, -1.0
    eps, delta = 0.25, 4.0
    matrix = np.array(
        [
            [r - eps / 2, r - eps, 0, s + delta - eps, r - eps],
            [r, r, s, s, s],
            [0, t, p, p, p],
            [t - delta, t, p, p, p],
            [r, t, p, p, p],
        ]
    )
    expected = [0.40966787, 0.07959841, 0.20506998, 0.08505983, 0.2206039]
    result = solvers.get("alpharank", alpha=0.1, population_size=20, selection="global").solve(
        matrix
    )
    np.testing.assert_allclose(result.marginals[0], expected, atol=1e-8)


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 6),
    st.sampled_from([0.01, 0.1, 1.0, 4.0]),
    st.sampled_from(["local", "global"]),
    st.booleans(),
)
def test_one_population_agrees_with_openspiel(seed, n, alpha, selection, zero_sum):
    matrix = np.random.default_rng(seed).uniform(-1, 1, (n, n))
    matrix = matrix - matrix.T if zero_sum else matrix
    *_, expected, _, _ = openspiel_alpharank.compute(
        [matrix], m=20, alpha=alpha, use_local_selection_model=selection == "local"
    )
    ours = stationary(matrix, alpha, population_size=20, selection=selection)
    # OpenSpiel's eigenvector is good to about 1e-6 where a chain is nearly reducible; ours is held
    # to 60 digits below.
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def stationary_in_sixty_digits(matrix, alpha, m, selection):
    """The chain of Traulsen et al. 2006 by linear algebra in 60 digits."""
    n = len(matrix)
    with mpmath.workdps(60):
        payoff = mpmath.matrix(matrix.tolist())
        chain = mpmath.matrix(n)
        for resident, mutant in itertools.permutations(range(n), 2):
            terms, product = mpmath.mpf(1), mpmath.mpf(1)
            for k in range(1, m):
                if selection == "local":
                    gap = payoff[mutant, resident] - payoff[resident, mutant]
                else:
                    ours = (k - 1) * payoff[mutant, mutant] + (m - k) * payoff[mutant, resident]
                    theirs = k * payoff[resident, mutant]
                    theirs += (m - k - 1) * payoff[resident, resident]
                    gap = (ours - theirs) / (m - 1)
                product *= mpmath.exp(-mpmath.mpf(alpha) * gap)
                terms += product
            chain[resident, mutant] = 1 / terms / (n - 1)
        for k in range(n):
            chain[k, k] = 1 - sum(chain[k, j] for j in range(n) if j != k)
        system = chain.T - mpmath.eye(n)
        right = mpmath.matrix(n, 1)
        for k in range(n):
            system[n - 1, k] = 1
        right[n - 1] = 1
        return np.array([float(x) for x in mpmath.lu_solve(system, right)])


@pytest.mark.parametrize("selection", ["local", "global"])
@pytest.mark.parametrize("seed", [0, 1, 2, 51797])
def test_one_population_is_exact(seed, selection):
    """Seed 51797 with global selection is one that OpenSpiel gets wrong by 4e-7."""
    matrix = np.random.default_rng(seed).uniform(-1, 1, (6, 6))
    expected = stationary_in_sixty_digits(matrix, 4.0, 20, selection)
    ours = stationary(matrix, 4.0, population_size=20, selection=selection)
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


@settings(deadline=None, max_examples=20)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(2, 2, 2), (2, 3, 4), (3, 2, 2, 2)]),
    st.sampled_from([0.01, 0.1, 1.0]),
)
def test_many_populations_agree_with_openspiel(seed, shape, alpha):
    tensor = np.random.default_rng(seed).uniform(-1, 1, shape)
    *_, expected, _, _ = openspiel_alpharank.compute(list(tensor), m=20, alpha=alpha)
    ours = stationary(tensor, alpha, population_size=20)
    np.testing.assert_allclose(ours.ravel(), expected, atol=1e-6)


def test_infinite_alpha_is_the_limit_of_openspiels_epsilon():
    tensor = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4))
    *_, expected, _, _ = openspiel_alpharank.compute(
        list(tensor), use_inf_alpha=True, inf_alpha_eps=1e-7
    )
    np.testing.assert_allclose(stationary(tensor, np.inf).ravel(), expected, atol=1e-4)


def test_coordination_game_splits_between_its_conventions_at_every_alpha():
    # OpenSpiel 2.0.2 raises "found 2" here for alpha of one half and more.
    for alpha in [*10.0 ** np.arange(-4, 7), np.inf]:
        for scale in 10.0 ** np.arange(-6, 7):
            joint = stationary(scale * COORDINATION, alpha)
            np.testing.assert_allclose(joint, joint.T, atol=1e-12)
            assert joint.sum() == pytest.approx(1.0)
            if alpha * scale >= 1.0 and np.isfinite(alpha):
                np.testing.assert_allclose(joint, np.eye(2) / 2, atol=1e-12)


def test_no_nan_anywhere_on_the_grid():
    rng = np.random.default_rng(0)
    for tensor in (rng.uniform(-1, 1, (6, 6)), rng.uniform(-1, 1, (2, 3, 3))):
        for alpha in 10.0 ** np.arange(-4, 7):
            for scale in 10.0 ** np.arange(-6, 7):
                distribution = stationary(scale * tensor, alpha)
                assert np.all(distribution >= 0.0)
                assert distribution.sum() == pytest.approx(1.0)


def test_probabilities_far_below_the_rounding_error_are_right():
    # Two strategies: the odds are those of the fixation probabilities, exp(-(m - 1) u).
    matrix = np.array([[0.0, -1.0], [1.0, 0.0]])
    distribution = stationary(matrix, 2.0, population_size=50)
    assert np.log(distribution[0] / distribution[1]) == pytest.approx(-49 * 4.0, rel=1e-12)


def test_sweep_settles_and_starts_at_uniform():
    path = sweep(np.random.default_rng(2).uniform(-1, 1, (5, 5)))
    assert path.settled
    np.testing.assert_allclose(path.distributions[0], 0.2, atol=0.05)
    limit = stationary(np.random.default_rng(2).uniform(-1, 1, (5, 5)), np.inf)
    np.testing.assert_allclose(path.distributions[-1], limit, atol=1e-2)


def test_sweep_is_blind_to_the_payoff_unit():
    matrix = np.random.default_rng(2).uniform(-1, 1, (5, 5))
    small, large = sweep(1e-6 * matrix), sweep(1e6 * matrix)
    np.testing.assert_allclose(small.distributions, large.distributions, atol=1e-9)


def test_joint_and_ranking_of_a_two_population_game():
    result = solvers.get("alpharank", alpha=100.0).solve(COORDINATION)
    assert result.joint.shape == (2, 2)
    assert set(result.diagnostics["ranking"][:2]) == {(0, 0), (1, 1)}
    np.testing.assert_allclose(result.regrets, 0.0, atol=1e-12)


@pytest.mark.parametrize(
    "hyperparameters",
    [{"alpha": -1.0}, {"population_size": 1}, {"selection": "x"}, {"selection": "global"}],
)
def test_bad_hyperparameters_are_refused(hyperparameters):
    with pytest.raises(ValueError, match=next(iter(hyperparameters)).split("_")[0]):
        solvers.get("alpharank", **hyperparameters)


def test_global_selection_is_for_one_population():
    with pytest.raises(solvers.UnsupportedGameError, match="one-population"):
        solvers.get("alpharank", alpha=1.0, selection="global").solve(COORDINATION)


def test_kuhn_poker_three_players():
    # OpenSpiel's docs/alpha_rank.md: three iterations of extensive-form fictitious play, 100
    # simulations a profile, seed 5, alpha 100. Its own example needs the cast to float64.
    game = pyspiel.load_game("kuhn_poker", {"players": 3})
    solver = fictitious_play.XFPSolver(game, save_oracles=True)
    for _ in range(3):
        solver.iteration()
    tensor = np.stack(solver.get_empirical_metagame(100, seed=5)).astype(np.float64)
    result = solvers.get("alpharank", alpha=100.0).solve(tensor)
    published = {
        (2, 3, 3): 0.22,
        (3, 3, 3): 0.14,
        (3, 2, 3): 0.12,
        (2, 2, 3): 0.09,
        (3, 1, 3): 0.08,
        (2, 1, 3): 0.05,
        (1, 2, 3): 0.04,
        (2, 3, 1): 0.02,
    }
    assert result.diagnostics["ranking"][:7] == tuple(published)[:7]
    for profile, probability in published.items():
        assert result.joint[profile] == pytest.approx(probability, abs=0.005)
