"""A network that plays Gen 1 OU: every decision of a batch in one forward pass."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pokespiel.gen1ou import observation as obs
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.showdown.decision import Decision
from pokespiel.policies.battle_network import BattleNetwork, BattleNetworkConfig
from pokespiel.policies.battle_transformer import (
    SIZES,
    BattleTransformer,
    BattleTransformerConfig,
)
from pokespiel.policies.memory import Memories
from pokespiel.policies.storage import load_config, load_weights, save_network

if TYPE_CHECKING:
    from pokespiel.gen1ou.showdown.decision import BattleResult

Config: TypeAlias = BattleNetworkConfig | BattleTransformerConfig
Network: TypeAlias = BattleNetwork | BattleTransformer

_INPUTS = {
    "num_species": obs.NUM_SPECIES,
    "num_moves": obs.NUM_MOVES,
    "num_statuses": obs.NUM_STATUSES,
    "pokemon_features": obs.POKEMON_FEATURES,
    "move_features": obs.MOVE_FEATURES,
    "battle_features": obs.BATTLE_FEATURES,
}
"""What this version's observations are like."""

_COMPACT = BattleNetworkConfig(**_INPUTS)

NETWORKS: dict[str, Config] = {
    "compact": _COMPACT,
    "compact-memory": replace(_COMPACT, memory=128),
    **{
        f"transformer-{size}": BattleTransformerConfig(**_INPUTS, **settings)
        for size, settings in SIZES.items()
    },
}
"""Networks by name: the compact one of 129 thousand parameters, the same with a memory, and
transformers of about as many parameters as they are called."""

_ARCHITECTURES: dict[str, tuple[type[Any], type[Any]]] = {
    "gen1ou/battle-network": (BattleNetworkConfig, BattleNetwork),
    "gen1ou/battle-transformer": (BattleTransformerConfig, BattleTransformer),
}
KINDS = tuple(_ARCHITECTURES)
"""How stored policies name their architecture."""


def network_config(network: str | Config) -> Config:
    """The configuration of a named network, or the one that is given.

    Raises
    ------
    ValueError
        If there is no such name.
    """
    if not isinstance(network, str):
        return network
    if network not in NETWORKS:
        raise ValueError(f"unknown network {network!r}; available: {', '.join(NETWORKS)}")
    return NETWORKS[network]


def _kind(config: Config) -> str:
    return next(kind for kind, (of, _) in _ARCHITECTURES.items() if type(config) is of)


class NeuralPolicy:
    """Samples from a network's softmax over the legal actions.

    Parameters
    ----------
    network
        A `BattleNetwork` or a `BattleTransformer`, without a memory: `policy_of` takes both.
    name
        How tables call it.
    """

    def __init__(self, network: Network, *, name: str = "network") -> None:
        self.network = network
        self.name = name

    @staticmethod
    def new(network: str | Config = "compact", *, rng: np.random.Generator) -> NeuralPolicy:
        """Freshly drawn weights; the policy starts almost uniform.

        Parameters
        ----------
        network
            A name of `NETWORKS`, or a configuration.
        rng

        Raises
        ------
        ValueError
            If there is no such network.
        """
        config = network_config(network)
        # torch's layers draw from the global generator; fork it so that nobody else notices.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            return policy_of(_ARCHITECTURES[_kind(config)][1](config))

    def copy(self) -> NeuralPolicy:
        """An independent policy with the same weights and no battles."""
        return type(self)(copy.deepcopy(self.network), name=self.name)

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose for every decision; see `pokespiel.gen1ou.showdown.decision`."""
        return self.act_and_see(decisions, rng)[1]

    def act_and_see(
        self, decisions: Sequence[Decision], rng: np.random.Generator
    ) -> tuple[list[obs.Observation], NDArray[np.int64]]:
        """Choose for every decision, and tell what was observed of each."""
        # poke-env comes with the Showdown backend; the engine does without.
        from pokespiel.gen1ou.showdown.observation import observe

        observations = [observe(d.battle, d.legal) for d in decisions]
        legal = np.stack([d.legal for d in decisions])
        seats = np.array([d.battle_id for d in decisions])
        return observations, _draw(self._weigh_on_showdown(seats, stack(observations), legal), rng)

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose for every decision; see `pokespiel.gen1ou.arena`."""
        return self.act_and_weigh(decisions, rng)[0]

    def act_and_tell(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> tuple[obs.Observation, NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        """Choose, and tell what training needs; see `pokespiel.gen1ou.recording.Learner`."""
        actions = self.act_on_engine(decisions, rng)
        return decisions.observations, decisions.legal, actions, actions

    def act_and_weigh(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Choose, and tell from which probabilities ``(n, 10)``."""
        probabilities = self._weigh_on_engine(decisions)
        return _draw(probabilities, rng), probabilities

    def choose(
        self,
        observations: dict[str, NDArray[Any]],
        legal: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Sample an action ``(B,)`` for each row of a batch of observations; see `weigh`."""
        return _draw(self.weigh(observations, legal), rng)

    def weigh(
        self, observations: dict[str, NDArray[Any]], legal: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Probabilities ``(B, 10)`` for each row of a batch of observations.

        A policy with a memory takes each for the first of its battle.

        Raises
        ------
        FloatingPointError
            If the network gives none, as one whose weights are not finite.
        """
        return self._ask(observations, legal)[0]

    def _weigh_on_engine(self, decisions: Decisions) -> NDArray[np.float64]:
        return self.weigh(decisions.observations, decisions.legal)

    def _weigh_on_showdown(
        self,
        seats: NDArray[np.int64],
        observations: dict[str, NDArray[Any]],
        legal: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        return self.weigh(observations, legal)

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    def _ask(
        self, observations: Mapping[str, NDArray[Any] | Tensor], legal: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], list[Tensor]]:
        """Probabilities, and what else the network gives than logits and values."""
        device = self._device
        tensors = {
            name: torch.as_tensor(array, device=device) for name, array in observations.items()
        }
        with torch.inference_mode():
            logits, _, *others = self.network(tensors)
            mask = torch.as_tensor(legal, device=device)
            probabilities = torch.softmax(logits.masked_fill(~mask, float("-inf")), dim=-1)
        found: NDArray[np.float64] = probabilities.cpu().double().numpy()
        if not np.isfinite(found).all():
            raise FloatingPointError("the network gives NaN for a probability")
        return found, others

    def save(self, directory: Path) -> None:
        """Store configuration and weights in an existing directory."""
        config = self.network.config
        save_network(directory, kind=_kind(config), config=config, network=self.network)

    @staticmethod
    def load(directory: Path) -> NeuralPolicy:
        """Read a policy that `save` wrote.

        Raises
        ------
        ValueError
            If the directory holds none, one of another kind, or one made for other observations.
        """
        kind, config = load_config(directory)
        if kind not in _ARCHITECTURES:
            known = " or ".join(map(repr, KINDS))
            raise ValueError(f"{directory} holds a policy of kind {kind!r}, not {known}")
        changed = [name for name, now in _INPUTS.items() if config.get(name) != now]
        if changed:
            stored = ", ".join(f"{n} {config.get(n)}, now {_INPUTS[n]}" for n in changed)
            raise ValueError(f"{directory} was made for other observations ({stored})")
        settings, architecture = _ARCHITECTURES[kind]
        network = architecture(settings(**config))
        load_weights(directory, network)
        return policy_of(network)


class RememberingPolicy(NeuralPolicy):
    """Plays a network with a memory, one for each seat in the battles that are under way.

    Parameters
    ----------
    network, name
        As for `NeuralPolicy`.
    """

    def __init__(self, network: Network, *, name: str = "network") -> None:
        super().__init__(network, name=name)
        self._width = network.config.memory
        self._on_engine = Memories(self._width)
        self._on_showdown = Memories(self._width)

    @property
    def battles(self) -> int:
        """Seats in battles under way."""
        return len(self._on_engine) + len(self._on_showdown)

    def weigh(
        self, observations: dict[str, NDArray[Any]], legal: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """See `NeuralPolicy.weigh`."""
        blank = torch.zeros(len(legal), self._width)
        return self._ask({**observations, "memory": blank}, legal)[0]

    def ended(
        self,
        battles: NDArray[np.int64],
        players: NDArray[np.int64],
        states: NDArray[np.float64],
        returns: NDArray[np.float64],
    ) -> None:
        """Forget engine battles that are over."""
        self._on_engine.forget(2 * battles + players)

    def forget(self) -> None:
        """Forget engine battles that were broken off."""
        self._on_engine = Memories(self._width)

    def finished(self, battle_id: int, result: BattleResult) -> None:
        """Forget a battle on Showdown that is over."""
        self.abandoned(battle_id)

    def abandoned(self, battle_id: int) -> None:
        """Forget a battle on Showdown that was given up."""
        self._on_showdown.forget(np.array([battle_id]))

    def _weigh_on_engine(self, decisions: Decisions) -> NDArray[np.float64]:
        seats = 2 * decisions.battles + decisions.players
        return self._remember(self._on_engine, seats, decisions.observations, decisions.legal)

    def _weigh_on_showdown(
        self,
        seats: NDArray[np.int64],
        observations: dict[str, NDArray[Any]],
        legal: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        return self._remember(self._on_showdown, seats, observations, legal)

    def _remember(
        self,
        memories: Memories,
        seats: NDArray[np.int64],
        observations: dict[str, NDArray[Any]],
        legal: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        places = memories.places(seats)
        before = memories.read(places, self._device)
        probabilities, (after,) = self._ask({**observations, "memory": before}, legal)
        memories.write(places, after)
        return probabilities


def policy_of(network: Network, *, name: str = "network") -> NeuralPolicy:
    """The policy that plays a network, with a memory or without."""
    kind = RememberingPolicy if network.config.memory else NeuralPolicy
    return kind(network, name=name)


def _draw(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    cumulative = np.cumsum(probabilities, axis=-1)
    draws = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
    chosen: NDArray[np.int64] = np.argmax(cumulative > draws, axis=-1)
    return chosen


def stack(observations: Sequence[obs.Observation]) -> dict[str, NDArray[Any]]:
    """Observations of single decisions as one batch."""
    return {name: np.stack([o[name] for o in observations]) for name in observations[0]}
