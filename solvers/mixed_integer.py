"""One Nash equilibrium of a two-player general-sum game by mixed-integer programming.

Sandholm, Gilpin and Conitzer 2005, "Mixed-integer programming methods for finding Nash
equilibria", their first formulation: each strategy is either unplayed or a best response.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array, eye_array

from solvers.base import FloatArray, Payoffs
from solvers.support_enumeration import indifferent_profile


def equilibrium(
    payoffs: Payoffs, *, symmetric: bool = False, time_limit: float = 60.0
) -> tuple[FloatArray, ...] | None:
    """Find one equilibrium of a two-player game.

    Parameters
    ----------
    symmetric
        Both players play the same strategy.
    time_limit
        Seconds.

    Returns
    -------
    pair of float64 arrays ``(n_p,)``, or None if none was found in time
        Polished by solving the indifference equations on the supports found.
    """
    scale = payoffs.scale or 1.0
    own = [payoffs.tensor[0] / scale, payoffs.tensor[1].T / scale]
    found = _solve(own[:1], [0], time_limit) if symmetric else _solve(own, [1, 0], time_limit)
    if found is None:
        return None
    marginals = (found[0], found[-1])
    supports = tuple(tuple(int(i) for i in np.flatnonzero(x > 1e-6)) for x in marginals)
    return indifferent_profile(payoffs, supports, symmetric=symmetric) or marginals


def _solve(
    matrices: list[FloatArray], opponents: list[int], time_limit: float
) -> list[FloatArray] | None:
    """Solve the program of players with payoffs ``matrices[p] @ x[opponents[p]]``, unit range.

    Variables: every player's probabilities ``x``, then best values ``u``, then one binary per
    strategy which is 1 where the strategy may have regret and 0 where it may be played.
    """
    sizes = [matrix.shape[0] for matrix in matrices]
    players, total = len(sizes), sum(sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    values = np.zeros((total, total))
    best = np.zeros((total, players))
    for player, (matrix, opponent) in enumerate(zip(matrices, opponents, strict=True)):
        rows = slice(starts[player], starts[player + 1])
        values[rows, starts[opponent] : starts[opponent + 1]] = matrix
        best[rows, player] = 1.0
    identity = eye_array(total)
    system = block_array(
        [
            [csr_array(-values), csr_array(best), None],  # regret = u - A x >= 0
            [csr_array(-values), csr_array(best), -identity],  # regret <= b
            [identity, None, identity],  # x <= 1 - b
            [csr_array(best.T), None, None],  # probabilities sum to one
        ],
        format="csr",
    )
    infinite = np.full(total, np.inf)
    lower = np.concatenate([np.zeros(total), -infinite, -infinite, np.ones(players)])
    upper = np.concatenate([infinite, np.zeros(total), np.ones(total), np.ones(players)])
    bound = np.concatenate([np.ones(total), np.full(players, np.inf), np.ones(total)])
    result = milp(
        np.zeros(system.shape[1]),
        constraints=LinearConstraint(system, lower, upper),
        integrality=np.concatenate([np.zeros(total + players), np.ones(total)]),
        bounds=Bounds(np.where(np.isinf(bound), -np.inf, 0.0), bound),
        options={"time_limit": time_limit},
    )
    if result.x is None:
        return None
    return list(np.split(result.x[:total], starts[1:-1]))
