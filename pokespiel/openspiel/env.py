"""Many episodes of an OpenSpiel game stepped together on OpenSpiel's own states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pokespiel.openspiel.policy import StatePolicy
from pokespiel.openspiel.sequence_form import FloatArray
from pokespiel.openspiel.states import CHANCE, SIMULTANEOUS

_TOGETHER = 1000
"""Episodes under way at once: enough to fill a policy's batches, few enough for memory."""


def play_states(
    game: Any,
    policies: Sequence[StatePolicy],
    episodes: int,
    *,
    rng: np.random.Generator,
) -> FloatArray:
    """Play episodes to their ends, asking each policy once per step for all its decisions.

    Returns
    -------
    float64 array ``(episodes, players)``
    """
    returns = []
    for start in range(0, episodes, _TOGETHER):
        states = [game.new_initial_state() for _ in range(min(_TOGETHER, episodes - start))]
        while True:
            running = [state for state in states if not state.is_terminal()]
            if not running:
                break
            step(running, policies, game.num_distinct_actions(), rng)
        returns += [state.returns() for state in states]
    return np.array(returns, dtype=np.float64).reshape(episodes, game.num_players())


def step(
    states: Sequence[Any],
    policies: Sequence[StatePolicy],
    num_actions: int,
    rng: np.random.Generator,
) -> None:
    """Advance every state by one move; none of them may be terminal."""
    waiting: dict[int, list[int]] = {}
    joint: dict[int, list[int]] = {}
    for row, state in enumerate(states):
        mover = state.current_player()
        if mover == CHANCE:
            chance_move(state, rng)
        elif mover == SIMULTANEOUS:
            joint[row] = [0] * len(policies)
            for player in range(len(policies)):
                if state.legal_actions(player):
                    waiting.setdefault(player, []).append(row)
        else:
            waiting.setdefault(mover, []).append(row)
    for player, rows in waiting.items():
        deciding = [states[row] for row in rows]
        legal = legal_mask(deciding, player, num_actions)
        actions = draw(policies[player].probabilities(deciding, player, legal), rng)
        for row, action in zip(rows, actions, strict=True):
            if row in joint:
                joint[row][player] = int(action)
            else:
                states[row].apply_action(int(action))
    for row, actions_of_row in joint.items():
        states[row].apply_actions(actions_of_row)


def chance_move(state: Any, rng: np.random.Generator) -> None:
    """Apply a drawn chance outcome."""
    outcomes = state.chance_outcomes()
    if len(outcomes) == 1:
        state.apply_action(outcomes[0][0])
        return
    sums = np.cumsum([probability for _, probability in outcomes])
    pick = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
    state.apply_action(outcomes[pick][0])


def legal_mask(states: Sequence[Any], player: int, num_actions: int) -> NDArray[np.bool_]:
    """Legal actions of ``player`` at each state ``(B, A)``."""
    legal = np.zeros((len(states), num_actions), dtype=np.bool_)
    for row, state in enumerate(states):
        legal[row, state.legal_actions(player)] = True
    return legal


def draw(probabilities: FloatArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one action per row of ``(B, A)`` probabilities."""
    sums = np.cumsum(probabilities, axis=1)
    targets = rng.random(len(sums)) * sums[:, -1]
    picks: NDArray[np.int64] = np.argmax(sums > targets[:, None], axis=1)
    return picks
