"""Best responses by tabular Q-learning (Watkins 1989), for games too large to solve exactly.

Against fixed opponents a player faces a Markov decision process over its information states, so
Q-learning converges to a best response however the game draws its chance events.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from pokespiel.protocols import (
    Episode,
    FloatArray,
    MetaGame,
    Opponents,
    Policy,
    Response,
)


@runtime_checkable
class TabularGame(MetaGame, Protocol):
    """A meta-game whose information states have names."""

    def table_policy(self, tables: Mapping[int, Mapping[str, FloatArray]]) -> Policy:
        """The policy of a table: per player and information state, probabilities ``(A,)``."""
        ...

    def collect(
        self,
        learner: Policy,
        player: int,
        opponents: Opponents,
        episodes: int,
        *,
        rng: np.random.Generator,
    ) -> list[Episode]:
        """Play a table policy; observations are ``player`` and ``key`` of each decision."""
        ...


@dataclass(frozen=True)
class TabularQOracle:
    """Learn action values by playing, then answer greedily.

    Attributes
    ----------
    episodes : int
        Episodes of experience in all.
    episodes_per_batch : int
        Episodes between two updates of the policy that plays.
    exploration : float
        Share of random actions at the end; it falls linearly from 1.
    step_exponent : float
        The n-th update of a value moves it by ``n ** -step_exponent`` of the way; in (0.5, 1].
    """

    episodes: int = 20_000
    episodes_per_batch: int = 200
    exploration: float = 0.1
    step_exponent: float = 0.8

    def __post_init__(self) -> None:
        for name in ("episodes", "episodes_per_batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0.0 <= self.exploration <= 1.0:
            raise ValueError(f"exploration must be in [0, 1], got {self.exploration}")
        if not 0.5 < self.step_exponent <= 1.0:
            raise ValueError(f"step_exponent must be in (0.5, 1], got {self.step_exponent}")

    @property
    def name(self) -> str:
        """Identifies the oracle and everything that changes what it finds."""
        return (
            f"tabular_q(episodes={self.episodes}, batch={self.episodes_per_batch}, "
            f"exploration={self.exploration}, step_exponent={self.step_exponent})"
        )

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Learn; see `pokespiel.protocols.BestResponseOracle.best_response`.

        Raises
        ------
        ValueError
            If the game's information states have no names.
        """
        if not isinstance(game, TabularGame):
            raise ValueError(f"{game.name} has no named information states for tabular Q-learning")
        started = time.perf_counter()
        table: _Table = {}
        curve: list[float] = []
        decisions = done = 0
        while done < self.episodes:
            wanted = min(self.episodes_per_batch, self.episodes - done)
            random = max(1.0 - done / self.episodes, self.exploration)
            learner = game.table_policy(_greedy(table, random))
            episodes = game.collect(learner, player, opponents, wanted, rng=rng)
            for episode in episodes:
                self._learn(table, episode)
            done += wanted
            decisions += sum(len(episode.actions) for episode in episodes)
            curve.append(float(np.mean([episode.outcome for episode in episodes])))
        cost = {
            "episodes": done,
            "decisions": decisions,
            "seconds": time.perf_counter() - started,
            "infostates": len(table),
            "outcome_per_batch": curve,
        }
        return Response(game.table_policy(_greedy(table, 0.0)), cost=cost)

    def _learn(self, table: _Table, episode: Episode) -> None:
        """Back the episode's return up through its decisions, the last one first."""
        players, keys = episode.observations["player"].tolist(), episode.observations["key"]
        actions, rewards = episode.actions.tolist(), episode.rewards.tolist()
        following = 0.0
        for t in reversed(range(len(actions))):
            place = (players[t], keys[t])
            row = table.get(place)
            if row is None:
                row = table[place] = _Row(np.flatnonzero(episode.legal[t]), episode.legal.shape[1])
            following = row.update(actions[t], rewards[t] + following, self.step_exponent)


class _Row:
    """Action values at one information state; untried actions are worth nothing yet."""

    def __init__(self, legal: np.ndarray[tuple[int], np.dtype[np.int64]], size: int) -> None:
        self.size = size
        self.position = {int(action): k for k, action in enumerate(legal)}
        self.values = [0.0] * len(legal)
        self.visits = [0] * len(legal)

    def update(self, action: int, target: float, exponent: float) -> float:
        """Move one value towards its target; return the value of the best action."""
        k = self.position[action]
        self.visits[k] += 1
        self.values[k] += (target - self.values[k]) * self.visits[k] ** -exponent
        return max(value for value, n in zip(self.values, self.visits, strict=True) if n)

    def probabilities(self, random: float) -> FloatArray:
        """Greedy ``(A,)`` among the tried actions, with a share of uniform play."""
        best = max(range(len(self.values)), key=lambda k: (self.visits[k] > 0, self.values[k]))
        chances = np.zeros(self.size)
        legal = list(self.position)
        chances[legal] = random / len(legal)
        chances[legal[best]] += 1.0 - random
        return chances


_Table = dict[tuple[int, str], _Row]


def _greedy(table: _Table, random: float) -> dict[int, dict[str, FloatArray]]:
    result: dict[int, dict[str, FloatArray]] = {}
    for (player, key), row in table.items():
        result.setdefault(player, {})[key] = row.probabilities(random)
    return result
