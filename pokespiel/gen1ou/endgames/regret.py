"""What a policy loses in a solved position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou import observation as obs
from pokespiel.gen1ou.arena import Decisions, EnginePolicy
from pokespiel.gen1ou.endgames.play import rows_of
from pokespiel.gen1ou.endgames.solve import (
    FloatArray,
    Solution,
    Strategy,
    as_cells,
    guaranteed,
    payoffs,
)
from pokespiel.gen1ou.endgames.turns import Row
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.batch import call, legal_all

Policy: TypeAlias = Callable[[Row, int, NDArray[np.bool_]], FloatArray]
"""Probabilities ``(n, 10)`` of the actions of a player, from engine rows ``(n, ROW)``, the player
(0 or 1) and the legal actions ``(n, 10)``."""


@dataclass(frozen=True)
class Regret:
    """What a policy loses in a position, in chances to win.

    Attributes
    ----------
    loss : float
        Value of the position for the player, less what the policy wins there against the
        opponent's best response: its exploitability in this endgame. Never negative but for the
        solution's tolerance.
    one_step : float
        The loss if the policy only makes the first decision and the game is played well after it.
    won : float
        What the policy wins against the best response.
    mix : float64 ``(10,)``
        The policy's own mixture at the position.
    """

    loss: float
    one_step: float
    won: float
    mix: FloatArray


def regret(policy: Policy, solution: Solution, player: int, *, rng: np.random.Generator) -> Regret:
    """Hold a policy against a solved position.

    The policy is asked at every state of the endgame, and the opponent's best response to it is
    found by iteration over the exact chances. `engine_policy` makes a `Policy` of anything that
    plays on the engine.

    Parameters
    ----------
    policy
        Depends on what the rows show; it is taken to be Markov (no memory of earlier turns).
    solution
        From `solve`.
    player
        0 or 1: which side the policy plays.
    rng
        Draws what is hidden in the rows (sleep counters, the engine's seeds).

    Raises
    ------
    ValueError
        If the policy's answer is not a distribution over legal actions.
    """
    endgame = solution.endgame
    strategy: Strategy = []
    first: FloatArray = np.zeros(10)
    for number, node in enumerate(endgame.nodes):
        if not node.branches or node.actions[player] == [-1]:
            strategy.append(np.ones((int(np.prod(node.shape)), 1)))
            continue
        rows = rows_of(endgame, number, rng)
        chances = _ask(policy, rows, player)
        strategy.append(chances[:, node.actions[player]])
        if number == 0:
            first = chances[int(np.ravel_multi_index(endgame.start, node.shape))]
    sign = 1.0 if player == 0 else -1.0
    values = guaranteed(endgame, player, strategy)
    won = float(values[0][endgame.start])
    cell = int(np.ravel_multi_index(endgame.start, endgame.nodes[0].shape))
    after = solution.lower if player == 0 else solution.upper
    game = as_cells(payoffs(endgame, 0, after))[cell]
    own = strategy[0][cell]
    next_best = float((own @ game).min()) if player == 0 else float((game @ own).max())
    best = solution.bounds[player]
    return Regret(
        loss=sign * (best - won),
        one_step=sign * (best - next_best),
        won=won if player == 0 else 1.0 - won,
        mix=first,
    )


def _ask(policy: Policy, rows: Row, player: int) -> FloatArray:
    legal = np.zeros((len(rows), 2, 10), np.bool_)
    call(legal_all, rows, legal)
    chances = np.asarray(policy(rows, player, legal[:, player]), dtype=np.float64)
    if chances.shape != (len(rows), 10):
        raise ValueError(f"the policy answered {chances.shape}, expected {(len(rows), 10)}")
    fair = (chances >= 0.0).all() and np.allclose(chances.sum(axis=1), 1.0, atol=1e-5)
    if not fair or chances[~legal[:, player]].any():
        raise ValueError("the policy did not answer distributions over the legal actions")
    normalised: FloatArray = chances / chances.sum(axis=1, keepdims=True)
    return normalised


def everything_seen(rows: Row) -> NDArray[np.int16]:
    """The record of what was seen when all Pokémon have been; see `observation.reveal`."""
    known = obs.nothing_seen(len(rows))
    for s in range(2):
        species = rows[:, s * at.SIDE + at.SPECIES : (s + 1) * at.SIDE : at.POKEMON][:, :6]
        slots = np.where(species > 0, np.arange(6), -1)
        known[:, s, obs.KNOWN_SLOTS : obs.KNOWN_SLOTS + 6] = slots
        known[:, s, obs.KNOWN_ACTIVE] = rows[:, s * at.SIDE + at.ORDER]
    obs.reveal(rows, known)
    return known


def engine_policy(policy: EnginePolicy, samples: int, rng: np.random.Generator) -> Policy:
    """A policy of the arena as probabilities, estimated from repeated draws.

    A deterministic policy needs one draw; otherwise its probabilities have a standard error of up
    to ``0.5 / sqrt(samples)``, and what `regret` says of it is an estimate.
    """

    def probabilities(rows: Row, player: int, legal: NDArray[np.bool_]) -> FloatArray:
        n = len(rows)
        revealed = everything_seen(rows)
        players = np.full(n, player, np.int64)
        decisions = Decisions(rows, revealed, np.arange(n), players, np.arange(n), legal)
        counts = np.zeros((n, 10))
        for _ in range(samples):
            counts[np.arange(n), policy.act_on_engine(decisions, rng)] += 1.0
        return counts / samples

    return probabilities
