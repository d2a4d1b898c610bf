"""Network policies of OpenSpiel games: a small torch network over information state tensors."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pokespiel.openspiel.sequence_form import FloatArray, SequenceForm
from pokespiel.policies.storage import load_config, load_weights, save_network


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of an `InfostateNetwork`.

    Attributes
    ----------
    observation : int
        Length of the game's information state tensor.
    actions : int
        The game's distinct actions.
    hidden : int
        Width of both hidden layers.
    """

    observation: int
    actions: int
    hidden: int = 128


class InfostateNetwork(nn.Module):
    """Two hidden layers, one head of logits and one of values."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.body = nn.Sequential(
            nn.Linear(config.observation, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.ReLU(),
        )
        self.logits = nn.Linear(config.hidden, config.actions)
        self.value = nn.Linear(config.hidden, 1)

    def forward(self, observations: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits ``(B, A)`` and values ``(B,)`` of ``{"infostate": (B, D)}``."""
        hidden = self.body(observations["infostate"])
        return self.logits(hidden), self.value(hidden).squeeze(-1)


class NetworkPolicy:
    """Plays what its network says, as any player whose information state tensor it is given.

    Attributes
    ----------
    network : InfostateNetwork
    """

    kind: ClassVar[str] = "openspiel/network"

    def __init__(self, network: InfostateNetwork) -> None:
        self.network = network

    @classmethod
    def new(cls, config: NetworkConfig, *, rng: np.random.Generator) -> NetworkPolicy:
        """Freshly drawn weights; the first policy is near uniform."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            network = InfostateNetwork(config)
            nn.init.orthogonal_(network.logits.weight, gain=0.01)
            nn.init.zeros_(network.logits.bias)
        return cls(network)

    def copy(self) -> NetworkPolicy:
        """The same weights, to be trained on."""
        return NetworkPolicy(copy.deepcopy(self.network))

    def act(self, tensors: NDArray[np.float32], legal: NDArray[np.bool_]) -> FloatArray:
        """Probabilities ``(B, A)`` at information state tensors ``(B, D)``."""
        device = next(self.network.parameters()).device
        with torch.no_grad():
            logits, _ = self.network({"infostate": torch.from_numpy(tensors).to(device)})
            masked = logits.double().cpu().masked_fill(~torch.from_numpy(legal), float("-inf"))
            chances: FloatArray = torch.softmax(masked, dim=-1).numpy()
        return chances

    def behaviour(self, form: SequenceForm, player: int) -> FloatArray:
        """Probability of every action of ``player``; see `CompiledPolicy`."""
        own = form.players[player]
        chances = self.act(form.tensors[player], form.legal[player])
        behaviour = np.ones(own.num_sequences)
        behaviour[1:] = chances[own.infostate_of_sequence[1:], own.actions[1:]]
        return behaviour

    def probabilities(
        self, states: Sequence[Any], player: int, legal: NDArray[np.bool_]
    ) -> FloatArray:
        """Probability of every action; see `StatePolicy`."""
        tensors = [state.information_state_tensor(player) for state in states]
        return self.act(np.array(tensors, dtype=np.float32), legal)

    def save(self, directory: Path) -> None:
        """Write ``config.json`` and ``weights.safetensors``."""
        save_network(directory, kind=self.kind, config=self.network.config, network=self.network)

    @classmethod
    def load(cls, directory: Path) -> NetworkPolicy:
        """Read back what `save` wrote."""
        _, config = load_config(directory)
        network = InfostateNetwork(NetworkConfig(**config))
        load_weights(directory, network)
        return cls(network)
