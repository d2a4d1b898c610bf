"""Dominated strategies and their iterated elimination, for any number of players."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from solvers.base import FloatArray, Payoffs, as_payoffs

Kind = Literal["strict", "weak", "very_weak"]

_TOLERANCE = 1e-9
"""Relative to the payoff range: smaller gains count as none."""


@dataclass(frozen=True)
class Reduction:
    """What iterated elimination left.

    Attributes
    ----------
    payoffs : Payoffs
        The reduced game.
    kept : tuple of tuples of int
        Indices of each player's remaining strategies in the game given.
    rounds : tuple of (player, strategy)
        Eliminations in order, by the game's own indices.
    """

    payoffs: Payoffs
    kept: tuple[tuple[int, ...], ...]
    rounds: tuple[tuple[int, int], ...]


def dominating_mix(
    payoffs: ArrayLike | Payoffs, player: int, strategy: int, *, kind: Kind = "strict"
) -> FloatArray | None:
    """A mix of the player's other strategies that dominates one of them.

    Parameters
    ----------
    kind
        ``"strict"``: better against everything; ``"weak"``: never worse, sometimes better;
        ``"very_weak"``: never worse (so that one of two equal strategies is dominated).

    Returns
    -------
    float64 array ``(n_player,)`` or None
        The dominating mix, zero at ``strategy``; None if there is none.
    """
    game = as_payoffs(payoffs)
    if kind not in ("strict", "weak", "very_weak"):
        raise ValueError(f"kind must be 'strict', 'weak' or 'very_weak', got {kind!r}")
    own = np.moveaxis(game.tensor[player], player, 0)
    own = own.reshape(own.shape[0], -1) / (game.scale or 1.0)
    n, profiles = own.shape
    if n == 1:
        return None
    others = np.delete(own, strategy, axis=0)
    advantage = (others - own[strategy]).T
    if kind == "strict":
        # Maximise the least advantage.
        objective = np.append(np.zeros(n - 1), -1.0)
        inequality = np.column_stack([-advantage, np.ones(profiles)])
        bounds = [(0.0, None)] * (n - 1) + [(None, None)]
        equality = np.append(np.ones(n - 1), 0.0)[None]
    else:
        # Maximise the total advantage among mixes that are never worse.
        objective = -advantage.sum(axis=0)
        inequality = -advantage
        bounds = [(0.0, None)] * (n - 1)
        equality = np.ones((1, n - 1))
    result = linprog(
        objective,
        A_ub=inequality,
        b_ub=np.zeros(profiles),
        A_eq=equality,
        b_eq=[1.0],
        bounds=bounds,
        method="highs",
    )
    if not result.success or (kind != "very_weak" and -result.fun <= _TOLERANCE):
        return None
    return np.insert(np.maximum(result.x[: n - 1], 0.0), strategy, 0.0)


def dominated(
    payoffs: ArrayLike | Payoffs, *, kind: Kind = "strict"
) -> tuple[tuple[int, ...], ...]:
    """Indices of each player's strategies that some mix of its others dominates."""
    game = as_payoffs(payoffs)
    return tuple(
        tuple(s for s in range(n) if dominating_mix(game, player, s, kind=kind) is not None)
        for player, n in enumerate(game.num_strategies)
    )


def eliminate_dominated(payoffs: ArrayLike | Payoffs, *, kind: Kind = "strict") -> Reduction:
    """Delete dominated strategies, one at a time, until none is left.

    With ``"strict"`` the order does not matter and every equilibrium survives; with the other kinds
    some equilibrium does. In a symmetric game all players lose the same strategies.
    """
    game = as_payoffs(payoffs)
    kept = [list(range(n)) for n in game.num_strategies]
    rounds: list[tuple[int, int]] = []
    current = game
    while True:
        found = _first_dominated(current, kind)
        if found is None:
            return Reduction(current, tuple(map(tuple, kept)), tuple(rounds))
        player, strategy = found
        rounds.append((player, kept[player][strategy]))
        losing = range(game.num_players) if game.symmetric else [player]
        tensor = current.tensor
        for loser in losing:
            tensor = np.delete(tensor, strategy, axis=loser + 1)
            del kept[loser][strategy]
        current = Payoffs(tensor, game.symmetric)


def _first_dominated(game: Payoffs, kind: Kind) -> tuple[int, int] | None:
    players = 1 if game.symmetric else game.num_players
    for player in range(players):
        for strategy in range(game.num_strategies[player]):
            if dominating_mix(game, player, strategy, kind=kind) is not None:
                return player, strategy
    return None
