"""What a learner saw, did and got, battle by battle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.neural import NeuralPolicy, RememberingPolicy, stack
from pokespiel.gen1ou.observation import Observation
from pokespiel.gen1ou.rewards import WIN, shaped_rewards
from pokespiel.protocols import Episode

if TYPE_CHECKING:
    from pokespiel.gen1ou.showdown.decision import BattleResult, Decision


@runtime_checkable
class Learner(Protocol):
    """A policy that can be trained on what it plays on the engine."""

    name: str
    network: Any
    """Takes observations as a mapping of tensors; gives logits ``(n, A)`` and values ``(n,)``."""

    def act_and_tell(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> tuple[Observation, NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        """Choose legal actions ``(n,)``, which come last.

        Before them stands what the network is trained on: its observations, what was legal
        ``(n, A)``, and what it chose ``(n,)`` among its own ``A`` actions.
        """
        ...


def _episode(
    observations: Observation,
    legal: NDArray[np.bool_],
    actions: NDArray[np.int64],
    states: NDArray[np.float64],
    outcome: float,
) -> Episode:
    """An episode of ``T`` decisions; ``states`` has the end as its last of ``T + 1`` rows."""
    rewards = shaped_rewards(states[:-1], states[1:])
    rewards[-1] += WIN * (2.0 * outcome - 1.0)
    return Episode(observations, legal, actions, rewards / WIN, outcome)


class EngineRecorder:
    """Plays the learner on the engine and keeps what it saw; whole batches, sorted at the end."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self.name = learner.name
        for hook in ("watch", "forget"):
            if hasattr(learner, hook):
                setattr(self, hook, getattr(learner, hook))
        self._steps: list[tuple[Observation, *tuple[NDArray[Any], ...]]] = []
        self._ends: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> NDArray[np.int64]:
        observations, legal, chosen, actions = self.learner.act_and_tell(decisions, rng)
        kept = (legal, decisions.reward_states, decisions.battles, chosen)
        self._steps.append((observations, *kept))
        return actions

    def ended(
        self,
        battles: NDArray[np.int64],
        players: NDArray[np.int64],
        states: NDArray[np.float64],
        returns: NDArray[np.float64],
    ) -> None:
        self._ends.append((battles, states, returns))
        if hasattr(self.learner, "ended"):
            self.learner.ended(battles, players, states, returns)

    @property
    def episodes(self) -> list[Episode]:
        """Finished battles, by their numbers."""
        if not self._steps:
            return []
        observations, legal, states, battles, actions = zip(*self._steps, strict=True)
        numbers = np.concatenate(battles)
        # Stable: the decisions of one battle stay in the order in which they were made.
        order = np.argsort(numbers, kind="stable")
        together = {
            name: np.concatenate([o[name] for o in observations])[order] for name in observations[0]
        }
        masks, vectors, chosen = (
            np.concatenate(arrays)[order] for arrays in (legal, states, actions)
        )
        ended, final, outcomes = (
            np.concatenate(arrays) for arrays in zip(*self._ends, strict=True)
        )
        found, starts = np.unique(numbers[order], return_index=True)
        by_number = np.argsort(ended)
        here = by_number[np.searchsorted(ended, found, sorter=by_number)]
        final, outcomes = final[here], outcomes[here]
        stops = np.append(starts[1:], len(order))
        # Each decision's state, and what had become of it by the next one or the end.
        after = np.concatenate([vectors[1:], final[-1:]])
        after[stops - 1] = final
        rewards = shaped_rewards(vectors, after)
        rewards[stops - 1] += WIN * (2.0 * outcomes - 1.0)
        rewards /= WIN
        return [
            Episode(
                {name: array[start:stop] for name, array in together.items()},
                masks[start:stop],
                chosen[start:stop],
                rewards[start:stop],
                outcome,
            )
            for start, stop, outcome in zip(
                starts.tolist(), stops.tolist(), outcomes.tolist(), strict=True
            )
        ]


@dataclass
class _Record:
    """One battle on Showdown as the learner has lived it so far."""

    player: int
    battle: Any
    observations: list[Observation] = field(default_factory=list)
    legal: list[NDArray[np.bool_]] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    states: list[NDArray[np.float64]] = field(default_factory=list)


class ShowdownRecorder:
    """Plays the learner on Showdown and keeps what it saw.

    A battle that the arena abandons is played anew under another number; its record is dropped.
    """

    def __init__(self, learner: NeuralPolicy) -> None:
        self.learner = learner
        self.name = learner.name
        self.episodes: list[Episode] = []
        self._records: dict[int, _Record] = {}

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> NDArray[np.int64]:
        from pokespiel.gen1ou.showdown.rewards import reward_state

        observations, actions = self.learner.act_and_see(decisions, rng)
        for decision, observation, action in zip(decisions, observations, actions, strict=True):
            record = self._records.setdefault(
                decision.battle_id, _Record(decision.player, decision.battle)
            )
            record.observations.append(observation)
            record.legal.append(decision.legal)
            record.actions.append(int(action))
            record.states.append(reward_state(decision.battle))
        return actions

    def abandoned(self, battle_id: int) -> None:
        self._records.pop(battle_id, None)
        if isinstance(self.learner, RememberingPolicy):
            self.learner.abandoned(battle_id)

    def finished(self, battle_id: int, result: BattleResult) -> None:
        from pokespiel.gen1ou.showdown.rewards import reward_state

        record = self._records.pop(battle_id)
        if isinstance(self.learner, RememberingPolicy):
            self.learner.finished(battle_id, result)
        self.episodes.append(
            _episode(
                stack(record.observations),
                np.stack(record.legal),
                np.array(record.actions, dtype=np.int64),
                np.stack([*record.states, reward_state(record.battle)]),
                result.returns[record.player],
            )
        )
