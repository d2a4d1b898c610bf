"""Nash equilibria of small general-sum games by support enumeration.

Porter, Nudelman and Shoham 2008, "Simple search methods for finding a Nash equilibrium": supports
in order of size, small and balanced ones first. Each support pair is one linear system with two
players; more players give a polynomial system, solved by Powell's method from a few starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, product

import numpy as np
from scipy.optimize import root

from solvers.base import FloatArray, Payoffs, deviation_payoffs, restricted_regrets

_RELATIVE_TOLERANCE = 1e-9
"""Regret, relative to the payoff scale, below which a profile counts as an equilibrium."""

_STARTS = 4
"""Starting points tried per support of a game with more than two players."""

Supports = tuple[tuple[int, ...], ...]


def equilibria(payoffs: Payoffs, *, symmetric: bool = False) -> Iterator[tuple[FloatArray, ...]]:
    """Enumerate Nash equilibria, small supports first.

    Every equilibrium of a nondegenerate two-player game is found; degenerate games have continua,
    of which some members are.

    Parameters
    ----------
    symmetric
        Only equilibria in which all players play the same strategy.

    Yields
    ------
    tuple of float64 arrays ``(n_p,)``
        The players' strategies.
    """
    tolerance = _RELATIVE_TOLERANCE * max(payoffs.scale, np.finfo(float).tiny)
    for supports in _supports_by_size(payoffs.num_strategies, symmetric):
        marginals = indifferent_profile(payoffs, supports, symmetric=symmetric)
        if marginals is not None and restricted_regrets(payoffs, marginals).max() <= tolerance:
            yield marginals


def pure_equilibria(payoffs: Payoffs, *, symmetric: bool = False) -> list[tuple[int, ...]]:
    """All pure Nash equilibria, as profiles; only those on the diagonal if ``symmetric``."""
    stable = np.ones(payoffs.num_strategies, dtype=bool)
    for player in range(payoffs.num_players):
        own = payoffs.tensor[player]
        stable &= own >= own.max(axis=player, keepdims=True)
    profiles = [tuple(int(i) for i in profile) for profile in np.argwhere(stable)]
    if symmetric:
        return [profile for profile in profiles if len(set(profile)) == 1]
    return profiles


def num_supports(num_strategies: tuple[int, ...], *, symmetric: bool = False) -> float:
    """How many support profiles a full enumeration visits."""
    if symmetric:
        return 2.0 ** num_strategies[0] - 1.0
    return float(np.prod([2.0**n - 1.0 for n in num_strategies]))


def _supports_by_size(num_strategies: tuple[int, ...], symmetric: bool) -> Iterator[Supports]:
    players = len(num_strategies)
    if symmetric:
        for size in range(1, num_strategies[0] + 1):
            for support in combinations(range(num_strategies[0]), size):
                yield (support,) * players
        return
    sizes = sorted(
        product(*(range(1, n + 1) for n in num_strategies)),
        key=lambda s: (max(s) - min(s), sum(s)),
    )
    yield from chain.from_iterable(
        product(*(combinations(range(n), k) for n, k in zip(num_strategies, size, strict=True)))
        for size in sizes
    )


def indifferent_profile(
    payoffs: Payoffs,
    supports: Supports,
    *,
    symmetric: bool = False,
    start: tuple[FloatArray, ...] | None = None,
) -> tuple[FloatArray, ...] | None:
    """Strategies on the supports that make each player indifferent over its own support.

    Parameters
    ----------
    start
        Profile from which to look first, with more than two players; uniform by default.

    Returns
    -------
    tuple of float64 arrays ``(n_p,)`` or None
        ``None`` where no distribution on these supports does it.
    """
    if all(len(support) == 1 for support in supports):
        return tuple(
            _spread(n, support, np.ones(1))
            for n, support in zip(payoffs.num_strategies, supports, strict=True)
        )
    if payoffs.num_players == 2:
        return _indifferent_two_player(payoffs, supports, symmetric)
    return _indifferent_many_player(payoffs, supports, symmetric, start)


def _indifferent_two_player(
    payoffs: Payoffs, supports: Supports, symmetric: bool
) -> tuple[FloatArray, ...] | None:
    rows, columns = supports
    n1, n2 = payoffs.num_strategies
    column = _mix_making_indifferent(payoffs.tensor[0][np.ix_(rows, columns)])
    if column is None:
        return None
    if symmetric:
        mixed = _spread(n1, rows, column)
        return mixed, mixed
    row = _mix_making_indifferent(payoffs.tensor[1][np.ix_(rows, columns)].T)
    if row is None:
        return None
    return _spread(n1, rows, row), _spread(n2, columns, column)


def _mix_making_indifferent(block: FloatArray) -> FloatArray | None:
    """Distribution ``q`` with all entries of ``block @ q`` equal; None if there is none."""
    own, other = block.shape
    size = float(np.abs(block).max()) or 1.0
    system = np.zeros((own + 1, other + 1))
    system[:own, :other] = block / size
    system[:own, other] = -1.0
    system[own, :other] = 1.0
    target = np.zeros(own + 1)
    target[own] = 1.0
    solution = np.linalg.lstsq(system, target, rcond=None)[0]
    if np.abs(system @ solution - target).max() > 1e-10 or solution[:other].min() < 1e-12:
        return None
    mixed: FloatArray = solution[:other]
    return mixed


def _indifferent_many_player(
    payoffs: Payoffs,
    supports: Supports,
    symmetric: bool,
    start: tuple[FloatArray, ...] | None,
) -> tuple[FloatArray, ...] | None:
    """Powell's hybrid method on the indifference and normalisation equations."""
    own_supports = supports[:1] if symmetric else supports
    sizes = [len(support) for support in own_supports]
    cuts = np.cumsum(sizes)[:-1]
    scale = payoffs.scale or 1.0

    def profile(weights: FloatArray) -> tuple[FloatArray, ...]:
        own = [
            _spread(n, support, part)
            for n, support, part in zip(
                payoffs.num_strategies, own_supports, np.split(weights, cuts), strict=False
            )
        ]
        return tuple(own * payoffs.num_players) if symmetric else tuple(own)

    def residual(weights: FloatArray) -> FloatArray:
        marginals = profile(weights)
        parts = []
        for player, support in enumerate(own_supports):
            values = deviation_payoffs(payoffs, marginals, player)[list(support)] / scale
            parts += [values[1:] - values[0], [marginals[player].sum() - 1.0]]
        return np.concatenate(parts)

    centre = np.concatenate([np.full(size, 1.0 / size) for size in sizes])
    if start is not None:
        centre = np.concatenate(
            [mix[list(support)] for mix, support in zip(start, own_supports, strict=False)]
        )
    rng = np.random.default_rng(0)
    for _ in range(_STARTS):
        fit = root(residual, centre, tol=1e-14)
        if np.abs(fit.fun).max() < 1e-11 and fit.x.min() > 1e-12:
            return profile(fit.x)
        centre = np.concatenate([rng.dirichlet(np.ones(size)) for size in sizes])
    return None


def _spread(n: int, support: tuple[int, ...], weights: FloatArray) -> FloatArray:
    full = np.zeros(n)
    full[list(support)] = np.clip(weights, 0.0, None)
    return full
