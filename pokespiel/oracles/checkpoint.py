"""A training on disk: where it stood after its last batch. One file, safetensors and JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from pokespiel.files import write_atomically


@dataclass(frozen=True)
class Checkpoint:
    """Reads and writes the checkpoint of one training.

    Attributes
    ----------
    path : Path
        The file.
    training : str
        What makes the training the one that it is; see `identity`. A checkpoint of another one is
        not read, and is replaced by the first that is written.
    """

    path: Path
    training: str

    def save(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        rng: np.random.Generator,
        progress: dict[str, Any],
    ) -> None:
        """Write everything that the next batch depends on, atomically.

        Parameters
        ----------
        network
            Of its parameters those that require gradients are written, and its buffers.
        optimizer
            Over those parameters, in order.
        rng
        progress
            Counters and curves; JSON-able.
        """
        tensors = {f"network.{name}": value for name, value in _state(network).items()}
        for index, entry in optimizer.state_dict()["state"].items():
            for name, value in entry.items():
                tensors[f"optimizer.{index}.{name}"] = value
        metadata = {
            "training": self.training,
            "rng": json.dumps(rng.bit_generator.state, default=_plain),
            "progress": json.dumps(progress),
        }
        packed = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        with write_atomically(self.path) as file:
            file.write(save(packed, metadata=metadata))

    def restore(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, rng: np.random.Generator
    ) -> dict[str, Any] | None:
        """Bring network, optimiser and generator to where they stood; return the progress.

        None, and nothing is touched, where there is no checkpoint of this training.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("training") != self.training:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            progress: dict[str, Any] = json.loads(metadata["progress"])
            state = json.loads(metadata["rng"])
            _load(network, optimizer, tensors)
            rng.bit_generator.state = _arrays(state)
        except (SafetensorError, KeyError, ValueError, TypeError) as error:
            raise ValueError(
                f"{self.path} is a damaged checkpoint ({error}); delete it to train anew"
            ) from None
        return progress


def identity(rng: np.random.Generator, *settings: object) -> str:
    """Names a training by its settings and by the state of the generator at its start."""
    text = json.dumps([repr(settings), rng.bit_generator.state], default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _state(network: nn.Module) -> dict[str, Tensor]:
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    return {**trained, **dict(network.named_buffers())}


def _load(network: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in _state(network).items():
            value.copy_(tensors[f"network.{name}"])
    document = optimizer.state_dict()
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            moments.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({**document, "state": moments})


def _plain(value: Any) -> Any:
    """Arrays in the states of some bit generators."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    return value.item()


def _arrays(state: Any) -> Any:
    if not isinstance(state, dict):
        return state
    if state.keys() == {"array", "dtype"}:
        return np.array(state["array"], dtype=state["dtype"])
    return {name: _arrays(value) for name, value in state.items()}
