"""A network that plays Gen 1 OU: every decision of a batch in one forward pass."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from pokespiel.gen1ou import observation as obs
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.showdown.decision import Decision
from pokespiel.policies.battle_network import BattleNetwork, BattleNetworkConfig
from pokespiel.policies.battle_transformer import (
    SIZES,
    BattleTransformer,
    BattleTransformerConfig,
)
from pokespiel.policies.storage import load_config, load_weights, save_network

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

NETWORKS: dict[str, Config] = {
    "compact": BattleNetworkConfig(**_INPUTS),
    **{
        f"transformer-{size}": BattleTransformerConfig(**_INPUTS, **settings)
        for size, settings in SIZES.items()
    },
}
"""Networks by name: the compact one of 129 thousand parameters, and transformers of about as many
parameters as they are called."""

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
        A `BattleNetwork` or a `BattleTransformer`.
    name
        How tables call it.
    """

    def __init__(self, network: Network, *, name: str = "network") -> None:
        self.network = network
        self.name = name

    @classmethod
    def new(cls, network: str | Config = "compact", *, rng: np.random.Generator) -> NeuralPolicy:
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
            return cls(_ARCHITECTURES[_kind(config)][1](config))

    def copy(self) -> NeuralPolicy:
        """An independent policy with the same weights."""
        return NeuralPolicy(copy.deepcopy(self.network), name=self.name)

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose for every decision; see `pokespiel.gen1ou.showdown.decision`."""
        # poke-env comes with the Showdown backend; the engine does without.
        from pokespiel.gen1ou.showdown.observation import observe

        observations = [observe(d.battle, d.legal) for d in decisions]
        return self.choose(stack(observations), np.stack([d.legal for d in decisions]), rng)

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose for every decision; see `pokespiel.gen1ou.arena`."""
        return self.choose(decisions.observations, decisions.legal, rng)

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
        probabilities = self.weigh(decisions.observations, decisions.legal)
        return _draw(probabilities, rng), probabilities

    def choose(
        self,
        observations: dict[str, NDArray[Any]],
        legal: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Sample an action ``(B,)`` for each row of a batch of observations."""
        return _draw(self.weigh(observations, legal), rng)

    def weigh(
        self, observations: dict[str, NDArray[Any]], legal: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Probabilities ``(B, 10)`` for each row of a batch of observations.

        Raises
        ------
        FloatingPointError
            If the network gives none, as one whose weights are not finite.
        """
        device = next(self.network.parameters()).device
        tensors = {
            name: torch.as_tensor(array, device=device) for name, array in observations.items()
        }
        with torch.inference_mode():
            logits, _ = self.network(tensors)
            mask = torch.as_tensor(legal, device=device)
            probabilities = torch.softmax(logits.masked_fill(~mask, float("-inf")), dim=-1)
        found: NDArray[np.float64] = probabilities.cpu().double().numpy()
        if not np.isfinite(found).all():
            raise FloatingPointError("the network gives NaN for a probability")
        return found

    def save(self, directory: Path) -> None:
        """Store configuration and weights in an existing directory."""
        config = self.network.config
        save_network(directory, kind=_kind(config), config=config, network=self.network)

    @classmethod
    def load(cls, directory: Path) -> NeuralPolicy:
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
        return cls(network)


def _draw(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    cumulative = np.cumsum(probabilities, axis=-1)
    draws = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
    chosen: NDArray[np.int64] = np.argmax(cumulative > draws, axis=-1)
    return chosen


def stack(observations: Sequence[obs.Observation]) -> dict[str, NDArray[Any]]:
    """Observations of single decisions as one batch."""
    return {name: np.stack([o[name] for o in observations]) for name in observations[0]}
