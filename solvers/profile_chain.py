"""Markov chains over profiles in which one player moves at a time.

Such a chain is a sum of one chain per player. It is never written out: a profile has as many
neighbours as there are single deviations, and solving for one player's moves at a time, the others'
held fixed, takes small dense systems only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from solvers.base import FloatArray, UnsupportedGameError
from solvers.markov import stationary_distribution

_SWEEPS = 100
_CHANGE = 1e-13
"""Largest change of a probability in the last sweep."""

_AGREEMENT = 1e-9
"""How far answers from two starts may differ."""

_LOG_QUICK = np.log(1e-3)
"""Moves at least this likely, relative to the likeliest, count as quick: every improvement does, in
populations of fewer than a thousand."""

_SMALLEST_SWEPT = 64
"""Fewer profiles are eliminated directly."""

_MOST_ELIMINATED = 12_000
"""More profiles than this do not fit in memory as a dense matrix."""


def profile_stationary(lines: list[FloatArray]) -> FloatArray:
    """Stationary distribution of the chain in which every player's moves add up.

    Swept player by player (block Gauss-Seidel) where the chain's quick moves alone lead everywhere
    to one sink component, from two starts that must lead to the same. A chain that may nearly
    fall apart is eliminated state by state instead, which is slow but always right.

    Parameters
    ----------
    lines : list of float64 arrays ``(*others, n_p, n_p)``
        For each player ``p`` and each profile of the others, the log-rates of changing from its
        strategy (row) to another (column). Diagonals are ignored.

    Returns
    -------
    float64 array ``(n1, ..., nN)``

    Raises
    ------
    UnsupportedGameError
        If the chain nearly falls apart and is too large to eliminate.
    """
    shape = tuple(own.shape[-1] for own in lines)
    states = int(np.prod(shape))
    if states == 1:
        return np.ones(shape)
    lines = [np.where(np.eye(own.shape[-1], dtype=bool), -np.inf, own) for own in lines]
    if states >= _SMALLEST_SWEPT and sum(n > 1 for n in shape) > 1:
        swept = _swept(lines, shape)
        if swept is not None:
            return swept
    if states > _MOST_ELIMINATED:
        raise UnsupportedGameError(
            f"needs a chain that does not nearly fall apart, or at most {_MOST_ELIMINATED:,} "
            f"profiles; this game has {states:,}"
        )
    return stationary_distribution(dense_log_rates(lines), overwrite=True).reshape(shape)


def dense_log_rates(lines: list[FloatArray]) -> FloatArray:
    """Log-rates between profiles ``(prod n, prod n)``; ``-inf`` where two players would move."""
    shape = tuple(own.shape[-1] for own in lines)
    states = int(np.prod(shape))
    index = np.arange(states).reshape(shape)
    log_rates = np.full((states, states), -np.inf)
    for player, own in enumerate(lines):
        profile = np.moveaxis(index, player, -1)
        log_rates[profile[..., :, None], profile[..., None, :]] = own
    np.fill_diagonal(log_rates, -np.inf)
    return log_rates


def _swept(lines: list[FloatArray], shape: tuple[int, ...]) -> FloatArray | None:
    """Sweep from two starts; None unless both converge, to the same."""
    if num_quick_sinks(lines, shape) != 1:
        return None
    chain = _Chain.scaled(lines)
    if chain is None:
        return None
    first = chain.sweep(np.full(shape, 1.0 / np.prod(shape)))
    if first is None:
        return None
    corner = np.zeros(shape)
    corner[np.unravel_index(int(np.argmax(first)), shape)] = 1.0
    second = chain.sweep(corner)
    if second is None or np.abs(first - second).max() > _AGREEMENT:
        return None
    answers = chain.unscaled(first), chain.unscaled(second)
    if np.abs(answers[0] - answers[1]).max() > _AGREEMENT:
        return None
    return answers[0]


def num_quick_sinks(lines: list[FloatArray], shape: tuple[int, ...]) -> int:
    """How many closed components the quick moves have: one, unless the chain may fall apart."""
    threshold = max(float(own.max()) for own in lines) + _LOG_QUICK
    index = np.arange(int(np.prod(shape))).reshape(shape)
    sources, targets = [], []
    for player, own in enumerate(lines):
        profile = np.moveaxis(index, player, -1)
        quick = own >= threshold
        sources.append(np.broadcast_to(profile[..., :, None], own.shape)[quick])
        targets.append(np.broadcast_to(profile[..., None, :], own.shape)[quick])
    source, target = np.concatenate(sources), np.concatenate(targets)
    graph = csr_array((np.ones(len(source), dtype=bool), (source, target)), shape=(index.size,) * 2)
    components, labels = connected_components(graph, directed=True, connection="strong")
    closed = np.ones(components, dtype=bool)
    closed[labels[source[labels[source] != labels[target]]]] = False
    return int(closed.sum())


@dataclass(frozen=True)
class _Chain:
    """The chain with each profile's rates divided by its largest.

    That changes only how long the chain stays in each profile, and makes profiles that nothing
    leaves, such as strict equilibria, as quick as any other.

    Attributes
    ----------
    rates : list of float64 arrays ``(*others, n_p, n_p)``
    solves : list of float64 arrays ``(*others, n_p, n_p)``
        Inverses that solve for one player's moves; None for a player of one strategy.
    leaving : float64 array ``(n1, ..., nN)``
        Total rate out of each profile.
    log_stay : float64 array ``(n1, ..., nN)``
        Logarithm of the time that the scaling took from each profile.
    """

    rates: list[FloatArray]
    solves: list[FloatArray | None]
    leaving: FloatArray
    log_stay: FloatArray

    @classmethod
    def scaled(cls, lines: list[FloatArray]) -> _Chain | None:
        """Build it; None if the numbers do not allow it."""
        largest = np.max(
            [np.moveaxis(own.max(axis=-1), -1, player) for player, own in enumerate(lines)], axis=0
        )
        rates = [
            np.exp(own - np.moveaxis(largest, player, -1)[..., None])
            for player, own in enumerate(lines)
        ]
        leaving = np.sum(
            [np.moveaxis(own.sum(axis=-1), -1, player) for player, own in enumerate(rates)], axis=0
        )
        solves: list[FloatArray | None] = []
        for player, own in enumerate(rates):
            if own.shape[-1] == 1:
                solves.append(None)
                continue
            diagonal = np.eye(own.shape[-1]) * np.moveaxis(leaving, player, -1)[..., None]
            try:
                solves.append(np.linalg.inv(diagonal - own))
            except np.linalg.LinAlgError:
                return None  # Some line is never left by the other players' moves.
        return cls(rates, solves, leaving, -largest)

    def sweep(self, start: FloatArray) -> FloatArray | None:
        """Stationary weights of the scaled chain from a start ``(n1, ..., nN)``.

        None if they have not converged, both as they are and with the scaling undone.
        """
        weights, last = start, self.unscaled(start)
        for _ in range(_SWEEPS):
            before = weights
            for player, solve in enumerate(self.solves):
                if solve is None:
                    continue
                inflow = sum(
                    (self._arriving(weights, q) for q in range(len(self.rates)) if q != player),
                    np.zeros_like(weights),
                )
                solved = np.moveaxis(inflow, player, -1)[..., None, :] @ solve
                weights = np.maximum(np.moveaxis(solved[..., 0, :], -1, player), 0.0)
                total = weights.sum()
                if not np.isfinite(total) or total <= 0.0:
                    return None
                weights = weights / total
            current = self.unscaled(weights)
            if max(np.abs(weights - before).max(), np.abs(current - last).max()) <= _CHANGE:
                return weights if self._imbalance(weights) <= _AGREEMENT else None
            last = current
        return None

    def _arriving(self, weights: FloatArray, player: int) -> FloatArray:
        """Flow into each profile ``(n1, ..., nN)`` by a player's moves."""
        arriving = np.moveaxis(weights, player, -1)[..., None, :] @ self.rates[player]
        return np.moveaxis(arriving[..., 0, :], -1, player)

    def _imbalance(self, weights: FloatArray) -> float:
        """Largest difference between the flow into and out of a profile."""
        arriving = np.sum([self._arriving(weights, p) for p in range(len(self.rates))], axis=0)
        return float(np.abs(arriving - weights * self.leaving).max())

    def unscaled(self, weights: FloatArray) -> FloatArray:
        """The distribution, from weights of the scaled chain."""
        with np.errstate(divide="ignore"):
            log_weights = np.log(weights) + self.log_stay
        unscaled = np.exp(log_weights - log_weights.max())
        result: FloatArray = unscaled / unscaled.sum()
        return result
