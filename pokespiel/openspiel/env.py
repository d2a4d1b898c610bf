"""Many episodes of an OpenSpiel game stepped together on OpenSpiel's own states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyspiel
from numpy.typing import NDArray

from pokespiel.openspiel.policy import StatePolicy
from pokespiel.openspiel.sequence_form import FloatArray, IntArray
from pokespiel.openspiel.states import CHANCE, SIMULTANEOUS, TERMINAL

TOGETHER = 1000
"""Episodes under way at once: enough to fill a policy's batches, few enough for memory."""


class VectorEnv:
    """Episodes in which one player's decisions are made outside, all stepped together.

    Chance and the other players move on their own; each of their policies is asked once per step
    for all of its decisions. The batch shrinks as episodes end::

        env = VectorEnv(game, learners, profiles, rng=rng)
        while len(env.rows):
            env.step(choose(env.states, env.legal))
        env.returns

    Parameters
    ----------
    game : pyspiel.Game
    learners : sequence of int, length ``E``
        Whose decisions are made outside, per episode; -1 for nobody's.
    profiles : sequence of profiles, length ``E``
        One `StatePolicy` per player (the learner's own is never asked).
    rng : numpy.random.Generator

    Attributes
    ----------
    rows : int64 array ``(B,)``
        Episodes that wait for a decision; empty once all have ended.
    returns : float64 array ``(E, players)``
        Filled in as episodes end.
    """

    def __init__(
        self,
        game: Any,
        learners: Sequence[int],
        profiles: Sequence[Sequence[StatePolicy]],
        *,
        rng: np.random.Generator,
    ) -> None:
        if len(learners) != len(profiles):
            raise ValueError(f"{len(learners)} learners but {len(profiles)} profiles")
        self.num_players = int(game.num_players())
        self.num_actions = int(game.num_distinct_actions())
        self.rows: IntArray = np.zeros(0, dtype=np.int64)
        self.returns: FloatArray = np.full((len(learners), self.num_players), np.nan)
        self._learners = list(learners)
        self._profiles = profiles
        self._rng = rng
        self._states = [game.new_initial_state() for _ in learners]
        self._advance(list(range(len(learners))))

    @property
    def states(self) -> list[Any]:
        """The states ``(B,)`` that wait for a decision."""
        return [self._states[row] for row in self.rows]

    @property
    def players(self) -> IntArray:
        """Who decides at each of them ``(B,)``."""
        return np.array([self._learners[row] for row in self.rows], dtype=np.int64)

    @property
    def legal(self) -> NDArray[np.bool_]:
        """What may be decided at each of them ``(B, A)``."""
        legal = np.zeros((len(self.rows), self.num_actions), dtype=np.bool_)
        for index, row in enumerate(self.rows):
            legal[index, self._states[row].legal_actions(self._learners[row])] = True
        return legal

    def step(self, actions: Sequence[int] | IntArray) -> None:
        """Decide at every waiting state and go on to the next decisions.

        Raises
        ------
        ValueError
            If there is not one legal action per waiting state.
        """
        if len(actions) != len(self.rows):
            raise ValueError(f"{len(self.rows)} states wait, got {len(actions)} actions")
        rows = [int(row) for row in self.rows]
        decided = {row: int(action) for row, action in zip(rows, actions, strict=True)}
        for row, action in decided.items():
            if action not in self._states[row].legal_actions(self._learners[row]):
                raise ValueError(f"action {action} is not legal in episode {row}")
        self._move(rows, decided)
        self._advance(rows)

    def _advance(self, rows: list[int]) -> None:
        """Move on until every episode has ended or waits for its learner."""
        waiting = []
        while rows:
            moving = []
            for row in rows:
                state, learner = self._states[row], self._learners[row]
                mover = state.current_player()
                if mover == TERMINAL:
                    self.returns[row] = state.returns()
                elif learner >= 0 and (
                    mover == learner or (mover == SIMULTANEOUS and state.legal_actions(learner))
                ):
                    waiting.append(row)
                else:
                    moving.append(row)
            self._move(moving, {})
            rows = moving
        self.rows = np.array(sorted(waiting), dtype=np.int64)

    def _move(self, rows: list[int], decided: dict[int, int]) -> None:
        """Apply one move to each episode; none of them may have ended."""
        asked: dict[tuple[int, int], list[int]] = {}
        joint: dict[int, list[int]] = {}
        chosen: dict[int, int] = {}
        for row in rows:
            state, profile = self._states[row], self._profiles[row]
            mover = state.current_player()
            if mover == CHANCE:
                chosen[row] = _chance_outcome(state, self._rng)
            elif mover == SIMULTANEOUS:
                joint[row] = [0] * self.num_players
                for player in range(self.num_players):
                    if player == self._learners[row] and row in decided:
                        joint[row][player] = decided[row]
                    elif state.legal_actions(player):
                        asked.setdefault((player, id(profile[player])), []).append(row)
            elif row in decided:
                chosen[row] = decided[row]
            else:
                asked.setdefault((mover, id(profile[mover])), []).append(row)
        for (player, _), group in asked.items():
            states = [self._states[row] for row in group]
            legal = np.zeros((len(group), self.num_actions), dtype=np.bool_)
            for index, state in enumerate(states):
                legal[index, state.legal_actions(player)] = True
            policy = self._profiles[group[0]][player]
            actions = draw(policy.probabilities(states, player, legal), self._rng)
            for row, action in zip(group, actions.tolist(), strict=True):
                if row in joint:
                    joint[row][player] = action
                else:
                    chosen[row] = action
        for row, action in chosen.items():
            self._states[row].apply_action(action)
        for row, actions_of_row in joint.items():
            self._states[row].apply_actions(actions_of_row)


def play_states(
    game: Any, profiles: Sequence[Sequence[StatePolicy]], *, rng: np.random.Generator
) -> FloatArray:
    """Play one episode per profile.

    Returns
    -------
    float64 array ``(len(profiles), players)``
    """
    returns = [np.zeros((0, game.num_players()))]
    for start in range(0, len(profiles), TOGETHER):
        batch = profiles[start : start + TOGETHER]
        returns.append(VectorEnv(game, [-1] * len(batch), batch, rng=rng).returns)
    return np.concatenate(returns)


def play_bots(
    game: Any, policies: Sequence[Any], episodes: int, *, rng: np.random.Generator
) -> FloatArray:
    """Play episodes between OpenSpiel's own policies, without coming back to Python on the way.

    Parameters
    ----------
    game : pyspiel.Game
        For which `has_bots` holds.
    policies : sequence of pyspiel.Policy
        One per player.

    Returns
    -------
    float64 array ``(episodes, players)``
    """
    seeds = rng.integers(2**31, size=len(policies) + episodes).tolist()
    bots = [
        pyspiel.make_policy_bot(game, player, seeds.pop(), policy)
        for player, policy in enumerate(policies)
    ]
    returns = [pyspiel.evaluate_bots(game.new_initial_state(), bots, seed) for seed in seeds]
    return np.array(returns, dtype=np.float64).reshape(episodes, len(policies))


def _chance_outcome(state: Any, rng: np.random.Generator) -> int:
    outcomes = state.chance_outcomes()
    if len(outcomes) == 1:
        return int(outcomes[0][0])
    target = float(rng.random())
    for action, probability in outcomes:
        target -= probability
        if target < 0.0:
            return int(action)
    return int(outcomes[-1][0])


def draw(probabilities: FloatArray, rng: np.random.Generator) -> IntArray:
    """Draw one action per row of ``(B, A)`` probabilities."""
    sums = np.cumsum(probabilities, axis=1)
    targets = rng.random(len(sums)) * sums[:, -1]
    picks: IntArray = np.argmax(sums > targets[:, None], axis=1)
    return picks
