"""Networks on disk: a JSON configuration and safetensors weights. Nothing is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn


def save_network(directory: Path, *, kind: str, config: Any, network: nn.Module) -> None:
    """Write ``config.json`` and ``weights.safetensors``.

    Parameters
    ----------
    kind
        Name of the network's class of policies; `load_config` gives it back.
    config : dataclass instance
        What rebuilds the network.
    """
    document = {"kind": kind, "config": asdict(config)}
    save_document(directory, document, network.state_dict())


def save_document(
    directory: Path, document: Mapping[str, Any], weights: Mapping[str, torch.Tensor] | None
) -> None:
    """Write ``config.json`` and, unless they are found elsewhere, ``weights.safetensors``."""
    (directory / "config.json").write_text(json.dumps(document, indent=2))
    if weights is not None:
        on_cpu = {name: tensor.cpu().contiguous() for name, tensor in weights.items()}
        save_file(on_cpu, directory / "weights.safetensors")


def load_config(directory: Path) -> tuple[str, dict[str, Any]]:
    """Read the kind and the configuration.

    Raises
    ------
    ValueError
        If the directory holds no readable policy.
    """
    path = directory / "config.json"
    try:
        document = json.loads(path.read_text())
        return str(document["kind"]), dict(document["config"])
    except FileNotFoundError:
        raise ValueError(f"{directory} holds no policy (no config.json)") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a policy's configuration: {error}") from None


def load_weights(directory: Path, network: nn.Module, *, partly: bool = False) -> None:
    """Fill a network with stored weights; ``partly`` where others are there already.

    Raises
    ------
    ValueError
        If the file is missing, damaged, or made for another architecture.
    """
    path = directory / "weights.safetensors"
    try:
        weights: dict[str, torch.Tensor] = load_file(path)
        unknown = network.load_state_dict(weights, strict=not partly).unexpected_keys
        if unknown:
            raise RuntimeError(f"it has no {unknown[0]}")
    except (FileNotFoundError, SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} does not fit this network: {error}") from None
