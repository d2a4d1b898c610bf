"""Small games with known answers, each with its source."""

import numpy as np

import solvers

ROCK_PAPER_SCISSORS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])

# OpenSpiel 2.0.2, algorithms/lp_solver_test.py:40-58; equilibrium (1, 10, 5) / 16.
BIASED_RPS = np.array([[0.0, -0.25, 0.5], [0.25, 0.0, -0.05], [-0.5, 0.05, 0.0]])
BIASED_RPS_NASH = np.array([1.0, 10.0, 5.0]) / 16.0

# Maynard Smith & Price 1973 with V = 4, C = 6; the evolutionarily stable mix is 2/3 Hawk.
HAWK_DOVE = np.array([[-1.0, 4.0], [0.0, 2.0]])

PRISONERS_DILEMMA = np.array([[3.0, 0.0], [5.0, 1.0]])
MATCHING_PENNIES = np.array([[1.0, -1.0], [-1.0, 1.0]])
COORDINATION = np.stack([np.eye(2), np.eye(2)])

# Aumann 1974/1987, the game of Chicken; best total payoff in correlated equilibrium 10.5.
CHICKEN = np.array([[6.0, 2.0], [7.0, 0.0]])

# Shapley 1964: fictitious play cycles; the only equilibrium is uniform.
SHAPLEY = np.array(
    [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    ]
)

# Row win rates over 50 battles a pair, published with "Nash = 100 % of the third strategy".
PHASE_ZERO = np.array(
    [
        [0.50, 0.62, 0.48, 0.96, 1.00],
        [0.38, 0.50, 0.38, 0.90, 0.88],
        [0.52, 0.62, 0.50, 0.86, 0.94],
        [0.04, 0.10, 0.14, 0.50, 0.50],
        [0.00, 0.12, 0.06, 0.50, 0.50],
    ]
)


def random_antisymmetric(rng: np.random.Generator, n: int) -> np.ndarray:
    upper = np.triu(rng.uniform(-1.0, 1.0, (n, n)), 1)
    return upper - upper.T


def symmetric_game(rng: np.random.Generator, n: int) -> solvers.Payoffs:
    """A random symmetric game of three players with ``n`` strategies."""
    raw = rng.normal(size=(n, n, n))
    own = raw + raw.swapaxes(1, 2)
    tensor = np.stack([own, own.swapaxes(0, 1), own.swapaxes(0, 2)])
    return solvers.as_payoffs(tensor, symmetric=True)
