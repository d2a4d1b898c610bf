"""Metamon's agents as Gen 1 OU policies, on the engine and on Showdown."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.engine.batch import call
from pokespiel.gen1ou.rewards import STATE, shaped_rewards
from pokespiel.gen1ou.showdown.decision import BattleResult, Decision
from pokespiel.metamon import engine_observation as engine
from pokespiel.metamon import observation as obs
from pokespiel.metamon.assets import agent, checkpoint_path, load_vocabulary
from pokespiel.metamon.cache import KeyValueCache
from pokespiel.metamon.checkpoint import load_checkpoint
from pokespiel.metamon.feedback import shaped_reward
from pokespiel.metamon.history import History
from pokespiel.metamon.lora import MixedTrunk
from pokespiel.metamon.network import (
    FEEDBACK,
    NUM_ACTIONS,
    NUM_NUMBERS,
    NUM_WORDS,
    MetamonConfig,
    MetamonNetwork,
    clipped_probabilities,
    masked_probabilities,
)
from pokespiel.policies.storage import load_config, load_weights, save_document

KIND = "metamon/agent"
DISTRIBUTIONS = ("masked", "published")
_FIRST_SLOTS = 8


@dataclass(slots=True)
class _Battle:
    """What the policy remembers of a battle besides the cache."""

    slot: int
    history: History = field(default_factory=History)
    seen: obs.View | None = None
    action: int = -1
    decisions: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What a network is asked for ``n`` decisions; see `Asked`, and ``slots``, int64 ``(n,)``."""

    words: NDArray[np.int64]
    numbers: NDArray[np.float32]
    feedback: NDArray[np.float32]
    times: NDArray[np.int64]
    meanings: NDArray[np.int64]
    slots: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the network was told of ``n`` decisions, and what it chose.

    Attributes
    ----------
    words : int64 ``(n, NUM_WORDS)``, numbers : float32 ``(n, NUM_NUMBERS)``
    feedback : float32 ``(n, FEEDBACK)``
    times : int64 ``(n,)``
        Decisions before this one in its battle.
    meanings : int64 ``(n, NUM_ACTIONS)``
        The engine's action behind each of metamon's, -1 where there is none.
    probabilities : float64 ``(n, NUM_ACTIONS)``
    chosen : int64 ``(n,)``
        Metamon's action.
    """

    words: NDArray[np.int64]
    numbers: NDArray[np.float32]
    feedback: NDArray[np.float32]
    times: NDArray[np.int64]
    meanings: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    chosen: NDArray[np.int64]


class _EngineBattles:
    """What the policy remembers of engine battles besides the cache.

    Each battle has a chronicle, which both of its seats may read; each seat that has decided has a
    slot, the same as in the cache.
    """

    def __init__(self) -> None:
        self.chronicles = engine.new_chronicles(_FIRST_SLOTS)
        self.places: dict[int, int] = {}
        self.slots: dict[tuple[int, int], int] = {}
        self.states = np.zeros((0, STATE))
        self.actions = np.zeros(0, np.int64)
        self.decisions = np.zeros(0, np.int64)
        self._free = list(reversed(range(_FIRST_SLOTS)))

    def place(self, battle: int) -> int:
        """The chronicle of a battle, a blank one if it is new."""
        if battle not in self.places:
            if not self._free:
                before = len(self.chronicles)
                blank = engine.new_chronicles(before)
                self.chronicles = np.concatenate([self.chronicles, blank])
                self._free = list(reversed(range(before, 2 * before)))
            place = self.places[battle] = self._free.pop()
            self.chronicles[place] = 0
        return self.places[battle]

    def sit(self, seat: tuple[int, int], slot: int) -> None:
        """Begin a seat that has not decided yet."""
        self.slots[seat] = slot
        more = slot + 1 - len(self.decisions)
        if more > 0:
            more = max(more, len(self.decisions))
            self.states = np.concatenate([self.states, np.zeros((more, STATE))])
            self.actions = np.append(self.actions, np.zeros(more, np.int64))
            self.decisions = np.append(self.decisions, np.zeros(more, np.int64))
        self.decisions[slot] = 0

    def leave(self, battle: int, player: int) -> int | None:
        """End a seat, and return the slot that it had."""
        place = self.places.pop(battle, None)
        if place is not None:
            self._free.append(place)
        return self.slots.pop((battle, player), None)


class MetamonPolicy:
    """Samples from an agent of metamon's family, for many battles at once.

    Each battle has a slot in the agent's memory. It is given back when the arena says that the
    battle is over.

    Parameters
    ----------
    network
        In inference mode, on the device and in the dtype to play with.
    vocabulary
        Numbers of the words that the network was trained with.
    distribution : {"masked", "published"}
        What to sample from: the softmax over the legal actions, or, as the published agents do,
        that clipped to [0.001, 0.99] and normalised, which gives each illegal action about
        0.1 %. Metamon's environment answers an illegal action by a random legal one while the
        agent goes on believing in its own choice, and so does this policy.
    name
        How tables call it.
    max_batch : int
        Most decisions in one pass of the network.
    source : (str, int or None), optional
        Name and epoch of the published agent that this is: it is stored by them alone.

    Raises
    ------
    ValueError
        If the vocabulary is not the network's, or there is no such distribution.
    """

    def __init__(
        self,
        network: MetamonNetwork,
        vocabulary: dict[str, int],
        *,
        distribution: str = "masked",
        name: str = "metamon",
        max_batch: int = 1024,
        source: tuple[str, int | None] | None = None,
    ) -> None:
        if len(vocabulary) != network.config.vocabulary:
            raise ValueError(
                f"the vocabulary has {len(vocabulary)} words; "
                f"the network was trained with {network.config.vocabulary}"
            )
        if distribution not in DISTRIBUTIONS:
            raise ValueError(
                f"unknown distribution {distribution!r}; available: {', '.join(DISTRIBUTIONS)}"
            )
        self.network = network
        self.vocabulary = vocabulary
        self.distribution = distribution
        self.name = name
        self.max_batch = max_batch
        self.source = source
        self._cache: KeyValueCache | None = None
        self._free: list[int] = []
        self._battles: dict[int, _Battle] = {}
        self._on_engine = _EngineBattles()
        self._words: engine.Words | None = None

    @property
    def agent(self) -> MetamonNetwork:
        """What plays."""
        return self.network

    @property
    def battles(self) -> int:
        """Seats in battles under way."""
        return len(self._battles) + len(self._on_engine.slots)

    def copy(self) -> MetamonPolicy:
        """An independent policy with the same weights and no battles."""
        return MetamonPolicy(
            copy.deepcopy(self.network),
            self.vocabulary,
            distribution=self.distribution,
            name=self.name,
            max_batch=self.max_batch,
            source=self.source,
        )

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose for every decision; see `pokespiel.gen1ou.showdown.decision`.

        A battle is asked at most once in one pass of the network: each of its decisions needs the
        one before.
        """
        chosen = np.empty(len(decisions), dtype=np.int64)
        for start in range(0, len(decisions), self.max_batch):
            batch = decisions[start : start + self.max_batch]
            chosen[start : start + len(batch)] = self._choose(batch, rng)
        return chosen

    def finished(self, battle_id: int, result: BattleResult) -> None:
        """Forget a battle that is over."""
        self.abandoned(battle_id)

    def abandoned(self, battle_id: int) -> None:
        """Forget a battle that was given up."""
        battle = self._battles.pop(battle_id, None)
        if battle is not None:
            self._free.append(battle.slot)

    def watch(
        self,
        rows: NDArray[np.int32],
        where: NDArray[np.int64],
        battles: NDArray[np.int64],
        new: bool,
    ) -> None:
        """Follow engine battles; see `pokespiel.gen1ou.arena.EnginePolicy`."""
        if new:
            # Where an arena was left in the middle of battles, their numbers come again.
            for battle in battles.tolist():
                self._leave(battle, 0)
                self._leave(battle, 1)
        places = np.array([self._on_engine.place(int(battle)) for battle in battles])
        call(engine.read_transcripts, rows, where, self._on_engine.chronicles, places)

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose for every decision; see `pokespiel.gen1ou.arena`."""
        return self.decide(decisions, rng)[0]

    def act_and_weigh(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Choose, and tell from which probabilities ``(n, 10)`` of the engine's actions."""
        actions, asked = self.decide(decisions, rng)
        weights = np.zeros(decisions.legal.shape)
        rows, columns = np.nonzero(asked.meanings >= 0)
        # Several of metamon's actions may mean one of the engine's.
        np.add.at(
            weights, (rows, asked.meanings[rows, columns]), asked.probabilities[rows, columns]
        )
        return actions, weights / weights.sum(axis=1, keepdims=True)

    def decide(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], Asked]:
        """Actions, and what the network was asked for them."""
        question = self.question(decisions)
        size = len(decisions)
        probabilities = np.empty((size, NUM_ACTIONS))
        for start in range(0, size, self.max_batch):
            part = slice(start, start + self.max_batch)
            probabilities[part] = self._probabilities(
                question.words[part],
                question.numbers[part],
                question.feedback[part],
                question.times[part],
                question.slots[part],
                question.meanings[part] >= 0,
            )
        return self.answer(decisions, question, probabilities, rng)

    def question(self, decisions: Decisions) -> Question:
        """What the network is asked for decisions on the engine; battles that are new get slots."""
        memory = self._on_engine
        seats = list(zip(decisions.battles.tolist(), decisions.players.tolist(), strict=True))
        for seat in seats:
            if seat not in memory.slots:
                memory.sit(seat, self._take_slot())
        slots = np.array([memory.slots[seat] for seat in seats])
        if self._words is None:
            self._words = engine.words_of(self.vocabulary)
        text, numbers, meanings = self.describe(decisions, self._words)
        states = decisions.reward_states
        feedback = np.zeros((len(seats), FEEDBACK), dtype=np.float32)
        later = np.flatnonzero(memory.decisions[slots])
        feedback[later, 0] = shaped_rewards(memory.states[slots[later]], states[later])
        feedback[later, 1 + memory.actions[slots[later]]] = 1.0
        return Question(text, numbers, feedback, memory.decisions[slots], meanings, slots)

    def describe(
        self, decisions: Decisions, words: engine.Words
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
        """Text, numbers and meanings of battles it plays; see `engine_observation.describe`."""
        memory = self._on_engine
        return engine.describe(
            decisions.rows,
            decisions.revealed,
            memory.chronicles,
            np.array([memory.place(battle) for battle in decisions.battles.tolist()]),
            decisions.where,
            decisions.players,
            decisions.legal,
            words,
        )

    def answer(
        self,
        decisions: Decisions,
        question: Question,
        probabilities: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int64], Asked]:
        """Draw from the probabilities ``(n, NUM_ACTIONS)``, and remember what was drawn."""
        memory, slots, meanings = self._on_engine, question.slots, question.meanings
        if not np.isfinite(probabilities).all():
            raise FloatingPointError(f"the network of {self.name} gives NaN for a probability")
        chosen = _sample(probabilities, rng)
        memory.states[slots] = decisions.reward_states
        memory.actions[slots] = chosen
        memory.decisions[slots] += 1
        actions = meanings[np.arange(len(slots)), chosen]
        for row in np.flatnonzero(actions < 0):
            actions[row] = rng.choice(np.flatnonzero(decisions.legal[row]))
        return actions, Asked(
            question.words,
            question.numbers,
            question.feedback,
            question.times,
            meanings,
            probabilities,
            chosen,
        )

    @property
    def shares(self) -> int:
        """Equal for agents that share a turn encoder and the weights of the trajectory encoder.

        These can be asked in one pass; see `pokespiel.gen1ou.arena.EnginePolicy`.
        """
        return id(self.agent.embed.weight)

    @staticmethod
    def join(policies: Sequence[MetamonPolicy]) -> Joined:
        """Agents that share their weights, as one that is asked for all of them."""
        return Joined(policies)

    def ended(
        self,
        battles: NDArray[np.int64],
        players: NDArray[np.int64],
        states: NDArray[np.float64],
        returns: NDArray[np.float64],
    ) -> None:
        """Forget engine battles that are over."""
        for battle, player in zip(battles.tolist(), players.tolist(), strict=True):
            self._leave(battle, player)

    def _leave(self, battle: int, player: int) -> None:
        slot = self._on_engine.leave(battle, player)
        if slot is not None:
            self._free.append(slot)

    def save(self, directory: Path) -> None:
        """Store the policy in an existing directory, without the vocabulary.

        Of a published agent only the name is stored.
        """
        config = {
            "network": asdict(self.network.config),
            "distribution": self.distribution,
            "name": self.name,
            "source": self.source,
        }
        weights = None if self.source else self.network.state_dict()
        save_document(directory, {"kind": KIND, "config": config}, weights)

    @classmethod
    def load(cls, directory: Path, vocabulary: dict[str, int] | None = None) -> MetamonPolicy:
        """Read a policy that `save` wrote, by default with the downloaded vocabulary.

        Raises
        ------
        ValueError
            If the directory holds none, or one of another kind.
        AssetError
            If no vocabulary is given and none is downloaded, or the published agent is not.
        """
        kind, config = load_config(directory)
        if kind != KIND:
            raise ValueError(f"{directory} holds a policy of kind {kind!r}, not {KIND!r}")
        if config["source"] is not None:
            name, epoch = config["source"]
            return load(name, epoch=epoch, distribution=config["distribution"])
        network = network_of(config["network"])
        load_weights(directory, network)
        return cls(
            network.to(default_device()).eval().requires_grad_(False),
            load_vocabulary() if vocabulary is None else vocabulary,
            distribution=config["distribution"],
            name=config["name"],
        )

    def _choose(self, decisions: Sequence[Decision], rng: np.random.Generator) -> NDArray[np.int64]:
        battles = [self._battle(decision.battle_id) for decision in decisions]
        count = len(decisions)
        text = np.empty((count, NUM_WORDS), dtype=np.int64)
        numbers = np.empty((count, NUM_NUMBERS), dtype=np.float32)
        feedback = np.zeros((count, FEEDBACK), dtype=np.float32)
        meanings = np.empty((count, NUM_ACTIONS), dtype=np.int64)
        for row, (decision, battle) in enumerate(zip(decisions, battles, strict=True)):
            battle.history.update(decision.battle)
            seen = obs.view(decision.battle, battle.history)
            text[row] = obs.tokens(obs.words(seen), self.vocabulary)
            numbers[row] = obs.numbers(seen)
            meanings[row] = obs.action_map(decision.battle, decision.legal)
            if battle.seen is not None:
                feedback[row, 0] = shaped_reward(battle.seen, seen)
                feedback[row, 1 + battle.action] = 1.0
            battle.seen = seen
        times = np.array([battle.decisions for battle in battles])
        slots = np.array([battle.slot for battle in battles])
        probabilities = self._probabilities(text, numbers, feedback, times, slots, meanings >= 0)
        actions = np.empty(count, dtype=np.int64)
        if not np.isfinite(probabilities).all():
            raise FloatingPointError(f"the network of {self.name} gives NaN for a probability")
        draws = _sample(probabilities, rng)
        for row, (decision, battle) in enumerate(zip(decisions, battles, strict=True)):
            battle.action = int(draws[row])
            battle.decisions += 1
            meaning = meanings[row, battle.action]
            actions[row] = meaning if meaning >= 0 else rng.choice(np.flatnonzero(decision.legal))
        return actions

    def _battle(self, battle_id: int) -> _Battle:
        battle = self._battles.get(battle_id)
        if battle is None:
            battle = self._battles[battle_id] = _Battle(slot=self._take_slot())
        return battle

    def _take_slot(self) -> int:
        """A slot of the cache, emptied."""
        moved = self._cache is not None and self._cache.device != self.agent.device
        if moved and not self.battles:
            self._cache, self._free = None, []
        if not self._free:
            self._make_room()
        slot = self._free.pop()
        assert self._cache is not None
        self._cache.reset(slot)
        return slot

    def _make_room(self) -> None:
        if self._cache is None:
            self._cache = self.agent.new_cache(_FIRST_SLOTS)
            self._free = list(reversed(range(_FIRST_SLOTS)))
            return
        before = self._cache.slots
        self._cache.grow(2 * before)
        self._free = list(reversed(range(before, 2 * before)))

    @torch.inference_mode()
    def _probabilities(
        self,
        text: NDArray[np.int64],
        numbers: NDArray[np.float32],
        feedback: NDArray[np.float32],
        times: NDArray[np.int64],
        slots: NDArray[np.int64],
        legal: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Of the nine actions, float64 ``(B, NUM_ACTIONS)``."""
        net = self.agent
        turns, moments = _encoded(net, text, numbers, feedback, times)
        state = net.advance(turns, moments, self.cache, torch.from_numpy(slots))
        return self.probabilities(net.logits(state), legal)

    @property
    def cache(self) -> KeyValueCache:
        """What the agent remembers of its battles."""
        assert self._cache is not None
        return self._cache

    def probabilities(self, logits: Tensor, legal: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What is sampled from, float64 ``(B, NUM_ACTIONS)``, of logits ``(B, gammas, ...)``."""
        distribution = (
            masked_probabilities if self.distribution == "masked" else clipped_probabilities
        )
        found = distribution(logits[:, -1], torch.from_numpy(legal).to(logits.device))
        result: NDArray[np.float64] = found.double().cpu().numpy()
        return result


class Joined:
    """Agents with the same base that are asked in one pass of the network.

    Every weight of the base is read once for all of them; their adapters are put side by side
    (`pokespiel.metamon.lora.MixedLinear`). What an agent answers is what it would answer alone.

    Parameters
    ----------
    policies
        Of equal ``shares``. Their weights must not change while this is used.
    """

    def __init__(self, policies: Sequence[MetamonPolicy]) -> None:
        self.policies = list(policies)
        self.trunk = MixedTrunk([policy.agent for policy in policies])

    def act_on_engine(
        self, asked: Sequence[Decisions | None], rng: np.random.Generator
    ) -> list[NDArray[np.int64]]:
        """Choose for the decisions of each policy, None where it has none; answers as asked."""
        owners = [number for number, decisions in enumerate(asked) if decisions is not None]
        waiting = [decisions for decisions in asked if decisions is not None]
        questions = [self.policies[n].question(d) for n, d in zip(owners, waiting, strict=True)]
        sizes = [len(decisions) for decisions in waiting]
        whose = np.repeat(owners, sizes)
        probabilities = np.empty((sum(sizes), NUM_ACTIONS))
        together = [
            np.concatenate([getattr(question, name) for question in questions])
            for name in ("words", "numbers", "feedback", "times", "slots", "meanings")
        ]
        at_most = min(policy.max_batch for policy in self.policies)
        for start in range(0, len(whose), at_most):
            part = slice(start, start + at_most)
            probabilities[part] = self._probabilities(
                whose[part], *(array[part] for array in together)
            )
        rows = np.split(probabilities, np.cumsum(sizes)[:-1])
        return [
            self.policies[number].answer(decisions, question, part, rng)[0]
            for number, decisions, question, part in zip(
                owners, waiting, questions, rows, strict=True
            )
        ]

    @torch.inference_mode()
    def _probabilities(
        self,
        whose: NDArray[np.int64],
        text: NDArray[np.int64],
        numbers: NDArray[np.float32],
        feedback: NDArray[np.float32],
        times: NDArray[np.int64],
        slots: NDArray[np.int64],
        meanings: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        base = self.policies[0].agent
        turns, moments = _encoded(base, text, numbers, feedback, times)
        there, counts = np.unique(whose, return_counts=True)
        caches = [self.policies[number].cache for number in there]
        places = torch.from_numpy(slots).split(counts.tolist())
        views = [cache.open(place) for cache, place in zip(caches, places, strict=True)]
        state = self.trunk.advance(turns, moments, torch.from_numpy(whose), views)
        found = []
        rows = np.split(meanings >= 0, np.cumsum(counts)[:-1])
        for number, part, legal in zip(there, state.split(counts.tolist()), rows, strict=True):
            policy = self.policies[number]
            logits = policy.agent.logits(policy.agent.norm(part))
            found.append(policy.probabilities(logits, legal))
        return np.concatenate(found)


def _encoded(
    net: MetamonNetwork,
    text: NDArray[np.int64],
    numbers: NDArray[np.float32],
    feedback: NDArray[np.float32],
    times: NDArray[np.int64],
) -> tuple[Tensor, Tensor]:
    """Each turn as a vector, and its place in its battle, on the network's device."""
    there = [torch.from_numpy(a).to(net.device) for a in (text, numbers, feedback, times)]
    return net.encode_turns(*there[:3]), there[3]


def network_of(sizes: dict[str, Any]) -> MetamonNetwork:
    """A network of stored sizes, its weights drawn afresh."""
    return MetamonNetwork(MetamonConfig(**{**sizes, "value_range": tuple(sizes["value_range"])}))


def default_device() -> str:
    """The GPU, where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def load(
    name: str | Path,
    *,
    epoch: int | None = None,
    context: int = 128,
    distribution: str = "masked",
    device: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> MetamonPolicy:
    """Load a published agent, or one in a file.

    Parameters
    ----------
    name
        Of `pokespiel.metamon.assets.AGENTS`, downloaded before; or a checkpoint's path.
    epoch
        Another checkpoint of a published agent than the one metamon plays.
    context
        Decisions that an agent in a file remembers, which the file does not say: 200 for Small and
        Medium ones.
    distribution
        See `MetamonPolicy`.
    device, dtype
        Where and in what to compute; default: in single precision on the GPU, where there is one.

    Raises
    ------
    AssetError
        If the agent or the vocabulary is not downloaded; says how.
    FileNotFoundError, ValueError
        If there is no such agent or file, or it is no checkpoint of the family.
    """
    if isinstance(name, Path) or name.endswith(".pt"):
        label = Path(name).stem
        network = load_checkpoint(name, context=context)
        source = None
    else:
        label = name
        source = (name, epoch)
        network = load_checkpoint(checkpoint_path(name, epoch), context=agent(name).context)
    network = network.to(device=device or default_device(), dtype=dtype)
    return MetamonPolicy(
        network, load_vocabulary(), distribution=distribution, name=label, source=source
    )


def _sample(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    cumulative = np.cumsum(probabilities, axis=-1)
    draws = rng.random((len(probabilities), 1)) * cumulative[:, -1:]
    chosen: NDArray[np.int64] = np.argmax(cumulative > draws, axis=-1)
    return chosen
