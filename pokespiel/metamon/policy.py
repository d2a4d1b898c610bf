"""Metamon's agents as Gen 1 OU policies on the Showdown backend."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pokespiel.gen1ou.showdown.decision import BattleResult, Decision
from pokespiel.metamon import observation as obs
from pokespiel.metamon.assets import agent, checkpoint_path, load_vocabulary
from pokespiel.metamon.cache import KeyValueCache
from pokespiel.metamon.checkpoint import load_checkpoint
from pokespiel.metamon.feedback import shaped_reward
from pokespiel.metamon.history import History
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
from pokespiel.policies.storage import load_config, load_weights, save_network

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
        self._cache: KeyValueCache | None = None
        self._free: list[int] = []
        self._battles: dict[int, _Battle] = {}

    @property
    def battles(self) -> int:
        """Battles under way."""
        return len(self._battles)

    def copy(self) -> MetamonPolicy:
        """An independent policy with the same weights and no battles."""
        return MetamonPolicy(
            copy.deepcopy(self.network),
            self.vocabulary,
            distribution=self.distribution,
            name=self.name,
            max_batch=self.max_batch,
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

    def save(self, directory: Path) -> None:
        """Store configuration and weights in an existing directory, without the vocabulary."""
        config = _Stored(self.network.config, self.distribution, self.name)
        save_network(directory, kind=KIND, config=config, network=self.network)

    @classmethod
    def load(cls, directory: Path, vocabulary: dict[str, int] | None = None) -> MetamonPolicy:
        """Read a policy that `save` wrote, by default with the downloaded vocabulary.

        Raises
        ------
        ValueError
            If the directory holds none, or one of another kind.
        AssetError
            If no vocabulary is given and none is downloaded.
        """
        kind, config = load_config(directory)
        if kind != KIND:
            raise ValueError(f"{directory} holds a policy of kind {kind!r}, not {KIND!r}")
        sizes = config["network"]
        sizes["value_range"] = tuple(sizes["value_range"])
        network = MetamonNetwork(MetamonConfig(**sizes))
        load_weights(directory, network)
        return cls(
            network.eval().requires_grad_(False),
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
            if not self._free:
                self._make_room()
            battle = _Battle(slot=self._free.pop())
            assert self._cache is not None
            self._cache.reset(battle.slot)
            self._battles[battle_id] = battle
        return battle

    def _make_room(self) -> None:
        if self._cache is None:
            self._cache = self.network.new_cache(_FIRST_SLOTS)
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
        net, device = self.network, self.network.device
        assert self._cache is not None
        turns = net.encode_turns(
            torch.from_numpy(text).to(device),
            torch.from_numpy(numbers).to(device),
            torch.from_numpy(feedback).to(device),
        )
        state = net.advance(
            turns, torch.from_numpy(times).to(device), self._cache, torch.from_numpy(slots)
        )
        logits = net.logits(state)[:, -1]
        distribution = (
            masked_probabilities if self.distribution == "masked" else clipped_probabilities
        )
        probabilities = distribution(logits, torch.from_numpy(legal).to(device))
        result: NDArray[np.float64] = probabilities.double().cpu().numpy()
        return result


@dataclass(frozen=True)
class _Stored:
    """What ``config.json`` holds."""

    network: MetamonConfig
    distribution: str
    name: str


def load(
    name: str | Path,
    *,
    epoch: int | None = None,
    distribution: str = "masked",
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> MetamonPolicy:
    """Load a published agent, or one in a file.

    Parameters
    ----------
    name
        Of `pokespiel.metamon.assets.AGENTS`, downloaded before; or a checkpoint's path.
    epoch
        Another checkpoint of a published agent than the one metamon plays.
    distribution
        See `MetamonPolicy`.
    device, dtype
        Where and in what to compute.

    Raises
    ------
    AssetError
        If the agent or the vocabulary is not downloaded; says how.
    FileNotFoundError, ValueError
        If there is no such agent or file, or it is no checkpoint of the family.
    """
    if isinstance(name, Path) or name.endswith(".pt"):
        label = Path(name).stem
        network = load_checkpoint(name)
    else:
        label = name
        network = load_checkpoint(checkpoint_path(name, epoch), context=agent(name).context)
    network = network.to(device=device, dtype=dtype)
    return MetamonPolicy(network, load_vocabulary(), distribution=distribution, name=label)


def _sample(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    cumulative = np.cumsum(probabilities, axis=-1)
    draws = rng.random((len(probabilities), 1)) * cumulative[:, -1:]
    chosen: NDArray[np.int64] = np.argmax(cumulative > draws, axis=-1)
    return chosen
