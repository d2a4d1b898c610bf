"""Metamon's published checkpoints: read without executing anything, checked, folded; and written.

A checkpoint is a pickled state dict of AMAGO's agent. It is read with ``weights_only=True``, so a
pickle that carries code is refused. Of its parts (turn and trajectory encoder, actor, critics,
their targets, PopArt statistics) the targets and the statistics are training state and left out.

Folding: SigmaReparam's ``W' = gamma / (u' W v) W`` with the stored ``u`` and ``v``; rows of the
query-key-value projection from (three, width, head) to (three, head, width); the scale of each
head into the columns of the output projection.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from pokespiel.files import write_atomically
from pokespiel.metamon.network import (
    FEEDBACK,
    NUM_ACTIONS,
    NUM_NUMBERS,
    MetamonConfig,
    MetamonNetwork,
)

_TURN = "tstep_encoder.turn_embedding"
_TRAJECTORY = "traj_encoder.tformer"
# Width of one head of the turn encoder in every published model (160 / 8 and 100 / 5).
_TURN_HEAD_WIDTH = 20

_TURN_NAMES = {
    "norm1": "norm1",
    "self_attn.in_proj_": "qkv.",
    "self_attn.out_proj": "out",
    "norm2": "norm2",
    "linear1": "ff1",
    "linear2": "ff2",
}


def load_checkpoint(
    path: Path | str, *, context: int = 128, turn_heads: int | None = None
) -> MetamonNetwork:
    """Read a checkpoint of metamon's family.

    Parameters
    ----------
    path
        A ``policy_epoch_*.pt``.
    context
        Decisions the agent remembers; it is not in the file.
    turn_heads
        Heads of the turn encoder; not in the file either. Default: one for each 20 of its width,
        as in all published models.

    Returns
    -------
    MetamonNetwork
        In float32 on the CPU, ready for inference.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, holds more than tensors, or is no network of this family.
    """
    state = read_state_dict(path)
    try:
        return network_from(state, context=context, turn_heads=turn_heads)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_state_dict(path: Path | str) -> dict[str, Tensor]:
    """Read named tensors from a file without executing anything in it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or holds more than named tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{path} is refused: it holds more than plain tensors, or is no checkpoint at all "
            f"({reason}). Nothing in it was executed."
        ) from None
    except (RuntimeError, EOFError, OSError, KeyError, ValueError, IndexError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"{path} ({path.stat().st_size:,} bytes) is damaged or incomplete: {lines[0]}"
        ) from None
    if not isinstance(state, Mapping) or not state:
        raise ValueError(f"{path} holds a {type(state).__name__}, not named tensors")
    odd = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if odd:
        raise ValueError(f"{path} holds something else than tensors: {odd[0]!r}")
    return dict(state)


def network_from(
    state: Mapping[str, Tensor], *, context: int = 128, turn_heads: int | None = None
) -> MetamonNetwork:
    """Build the network of a state dict with metamon's names.

    Raises
    ------
    ValueError
        Naming a missing, unknown or misshapen tensor.
    """
    config = infer_config(state, context=context, turn_heads=turn_heads)
    folded = _fold(state, config)
    with torch.device("meta"):
        network = MetamonNetwork(config)
    expected = network.state_dict()
    for name, tensor in expected.items():
        if folded[name].shape != tensor.shape:
            raise ValueError(
                f"the tensor behind {name} has shape {tuple(folded[name].shape)}; "
                f"the other sizes in the file demand {tuple(tensor.shape)}"
            )
    network.load_state_dict(folded, assign=True)
    network.set_constants()
    return network.eval().requires_grad_(False)


def infer_config(
    state: Mapping[str, Tensor], *, context: int = 128, turn_heads: int | None = None
) -> MetamonConfig:
    """Read the sizes off the shapes.

    Raises
    ------
    ValueError
        If the tensors are not those of a transformer agent of metamon with 87 words, 48 numbers
        and nine actions.
    """
    if any(".traj_encoder.rnn" in f".{name}" or "perceiver" in name for name in state):
        raise ValueError("this is a recurrent or perceiver agent; only the transformers are known")
    words = _get(state, f"{_TURN}.token_embedding.text_emb.weight", 2)
    text = _get(state, f"{_TURN}.multimodal_fuse.text_emb.weight", 2)
    numbers = _get(state, f"{_TURN}.multimodal_fuse.num_emb.weight", 2)
    feedback = _get(state, "tstep_encoder.extra_emb.weight", 2)
    embed = _get(state, f"{_TRAJECTORY}.inp.weight", 2)
    actor_in = _get(state, "actor.base.in_layer.weight", 2)
    actor_out = _get(state, "actor.base.out_layer.weight", 2)
    critic_in = _get(state, "critics.net.inp_layer.weight", 3)
    critic_out = _get(state, "critics.net.output_layer.weight", 3)
    ff1 = _get(state, f"{_TRAJECTORY}.layers.0.ff1.weight", 2)
    scaler = _get(state, f"{_TRAJECTORY}.layers.0.attention_layer.head_scaler", 4)
    _get(state, f"{_TRAJECTORY}.layers.0.attention_layer.qkv_projection.gamma", 1)
    turn_width, width = text.shape[0], embed.shape[0]
    if feedback.shape[1] != FEEDBACK:
        raise ValueError(
            f"it reads a feedback of {feedback.shape[1]} numbers instead of {FEEDBACK}: it is made "
            f"for {feedback.shape[1] - 1} actions, not for {NUM_ACTIONS}"
        )
    if numbers.shape[1] - feedback.shape[0] != NUM_NUMBERS:
        raise ValueError(
            f"it reads {numbers.shape[1] - feedback.shape[0]} numbers per decision, "
            f"not the {NUM_NUMBERS} of metamon's DefaultObservationSpace"
        )
    if turn_heads is None:
        turn_heads = max(turn_width // _TURN_HEAD_WIDTH, 1)
    categorical = critic_in.shape[1] == width + 1 + NUM_ACTIONS
    try:
        return MetamonConfig(
            vocabulary=words.shape[0] - 1,
            turn_width=turn_width,
            turn_layers=_count(state, rf"{_TURN}.tformer_embedding.emb_transformer.layers.(\d+)."),
            turn_heads=turn_heads,
            scratch_tokens=embed.shape[1] // turn_width,
            number_tokens=numbers.shape[0] // turn_width,
            feedback_width=feedback.shape[0],
            width=width,
            layers=_count(state, rf"{_TRAJECTORY}.layers.(\d+)."),
            heads=scaler.shape[2],
            feed_forward=ff1.shape[0],
            context=context,
            actor_width=actor_in.shape[0],
            actor_layers=1 + _count(state, r"actor.base.layers.(\d+).", at_least=0),
            gammas=actor_out.shape[0] // NUM_ACTIONS,
            critics=critic_in.shape[0],
            critic_width=critic_in.shape[2],
            critic_layers=1 + _count(state, r"critics.net.core_layers.(\d+).", at_least=0),
            critic_bins=critic_out.shape[2] if categorical else 0,
        )
    except ZeroDivisionError:
        raise ValueError("a tensor is empty") from None


def export_state_dict(network: MetamonNetwork) -> dict[str, Tensor]:
    """Write a network under metamon's names, as its own trainer would.

    Target networks are copies, PopArt statistics fresh, ``u`` and ``v`` the leading singular
    vectors that SigmaReparam keeps.

    Returns
    -------
    dict of str to float32 tensor
    """
    config = network.config
    own = {name: tensor.detach().float().cpu() for name, tensor in network.state_dict().items()}
    state: dict[str, Tensor] = {}
    for theirs, ours in _plain_names(config).items():
        state[theirs] = own[ours].clone()
    for layer in range(config.layers):
        theirs = f"{_TRAJECTORY}.layers.{layer}"
        ours = f"blocks.{layer}"
        qkv = own[f"{ours}.qkv.weight"].view(3, config.heads, -1, config.width)
        weights = {
            "attention_layer.qkv_projection": qkv.transpose(1, 2).reshape(-1, config.width),
            "attention_layer.out_projection": own[f"{ours}.out.weight"],
            "ff1": own[f"{ours}.ff1.weight"],
            "ff2": own[f"{ours}.ff2.weight"],
        }
        for name, weight in weights.items():
            u, v = _leading_vectors(weight)
            state[f"{theirs}.{name}.weight"] = weight.clone()
            state[f"{theirs}.{name}.gamma"] = torch.dot(u, weight @ v).view(1)
            state[f"{theirs}.{name}.u"] = u
            state[f"{theirs}.{name}.v"] = v
        state[f"{theirs}.attention_layer.head_scaler"] = torch.ones(1, 1, config.heads, 1)
    for theirs, ours in _critic_names(config).items():
        tensor = own[ours]
        state[theirs] = tensor[None, None, :, 0].clone() if theirs.endswith("bias") else tensor
    for name in list(state):
        part, _, rest = name.partition(".")
        for copy in {"actor": ("target",), "critics": ("target", "maximized")}.get(part, ()):
            state[f"{copy}_{part}.{rest}"] = state[name].clone()
    for name, value in {"mu": 0.0, "nu": 1.0, "w": 1.0, "b": 0.0, "_t": 1.0}.items():
        state[f"popart.{name}"] = torch.full((config.gammas, 1), value)
    return state


def save_checkpoint(path: Path | str, network: MetamonNetwork) -> None:
    """Write a checkpoint that `load_checkpoint`, and metamon, can read."""
    with write_atomically(Path(path)) as file:
        torch.save(export_state_dict(network), file)


def _fold(state: Mapping[str, Tensor], config: MetamonConfig) -> dict[str, Tensor]:
    """The network's own state dict."""
    folded = {ours: _get(state, name).float() for name, ours in _plain_names(config).items()}
    for layer in range(config.layers):
        theirs = f"{_TRAJECTORY}.layers.{layer}"
        ours = f"blocks.{layer}"
        qkv = _reparameterised(state, f"{theirs}.attention_layer.qkv_projection")
        scaler = _get(state, f"{theirs}.attention_layer.head_scaler", 4).float()
        out = _reparameterised(state, f"{theirs}.attention_layer.out_projection")
        try:
            by_head = qkv.view(3, -1, config.heads, config.width).transpose(1, 2)
            folded[f"{ours}.qkv.weight"] = by_head.reshape(-1, config.width)
            per_head = out.view(config.width, config.heads, -1) * scaler.view(1, config.heads, 1)
        except RuntimeError:
            raise ValueError(
                f"{theirs}.attention_layer does not fit {config.heads} heads and a width of "
                f"{config.width}"
            ) from None
        folded[f"{ours}.out.weight"] = per_head.reshape(config.width, -1)
        for name in ("ff1", "ff2"):
            folded[f"{ours}.{name}.weight"] = _reparameterised(state, f"{theirs}.{name}")
    for name, ours in _critic_names(config).items():
        tensor = _get(state, name).float()
        folded[ours] = tensor.view(config.critics, 1, -1) if name.endswith("bias") else tensor
    if not config.critic_bins:
        scale, shift = _popart(state, config)
        folded[f"critics.weights.{config.critic_layers}"] *= scale
        bias = folded[f"critics.biases.{config.critic_layers}"]
        folded[f"critics.biases.{config.critic_layers}"] = bias * scale + shift
    return folded


def _popart(state: Mapping[str, Tensor], config: MetamonConfig) -> tuple[Tensor, Tensor]:
    """Scale and shift ``(gammas * NUM_ACTIONS,)`` from normalised to raw values.

    PopArt as in Hessel et al. 2019 (arXiv:1809.04474), with AMAGO's bounds.
    """
    mu, nu, w, b = (
        _get(state, f"popart.{part}", 2).float().expand(config.gammas, NUM_ACTIONS).flatten()
        for part in ("mu", "nu", "w", "b")
    )
    sigma = (nu - mu**2).clamp(1e-4, 1e8).sqrt().clamp(1e-4, 1e6)
    return sigma * w, sigma * b + mu


def _plain_names(config: MetamonConfig) -> dict[str, str]:
    """Tensors that are taken as they are: their name, our name."""
    names = {
        f"{_TURN}.token_embedding.text_emb.weight": "turn.vocabulary.weight",
        f"{_TURN}.tformer_embedding.emb_transformer.norm.weight": "turn.norm.weight",
        f"{_TURN}.tformer_embedding.emb_transformer.norm.bias": "turn.norm.bias",
        f"{_TRAJECTORY}.norm.norm.weight": "norm.weight",
        f"{_TRAJECTORY}.norm.norm.bias": "norm.bias",
    }
    linear = {
        "tstep_encoder.extra_emb": "turn.feedback",
        f"{_TURN}.multimodal_fuse.text_emb": "turn.words",
        f"{_TURN}.multimodal_fuse.num_emb": "turn.numbers",
        f"{_TRAJECTORY}.inp": "embed",
        "actor.base.in_layer": "actor.layers.0",
        "actor.base.out_layer": f"actor.layers.{config.actor_layers}",
    }
    for layer in range(config.actor_layers - 1):
        linear[f"actor.base.layers.{layer}"] = f"actor.layers.{layer + 1}"
    for layer in range(config.layers):
        for norm in ("norm1", "norm2", "norm3", "norm4"):
            linear[f"{_TRAJECTORY}.layers.{layer}.{norm}.norm"] = f"blocks.{layer}.{norm}"
        for theirs, ours in (("attention_layer.out_projection", "out"), ("ff1", "ff1"),
                             ("ff2", "ff2")):  # fmt: skip
            bias = f"{_TRAJECTORY}.layers.{layer}.{theirs}.bias"
            names[bias] = f"blocks.{layer}.{ours}.bias"
    for theirs, ours in linear.items():
        for kind in ("weight", "bias"):
            names[f"{theirs}.{kind}"] = f"{ours}.{kind}"
    for layer in range(config.turn_layers):
        block = f"{_TURN}.tformer_embedding.emb_transformer.layers.{layer}"
        for theirs, ours in _TURN_NAMES.items():
            for kind in ("weight", "bias"):
                dot = "" if theirs.endswith("_") else "."
                our_dot = "" if ours.endswith(".") else "."
                names[f"{block}.{theirs}{dot}{kind}"] = f"turn.blocks.{layer}.{ours}{our_dot}{kind}"
    return names


def _critic_names(config: MetamonConfig) -> dict[str, str]:
    inner = [f"core_layers.{layer}" for layer in range(config.critic_layers - 1)]
    names = {}
    for number, layer in enumerate(["inp_layer", *inner, "output_layer"]):
        names[f"critics.net.{layer}.weight"] = f"critics.weights.{number}"
        names[f"critics.net.{layer}.bias"] = f"critics.biases.{number}"
    return names


def _reparameterised(state: Mapping[str, Tensor], name: str) -> Tensor:
    """Weight of a SigmaReparam layer."""
    weight = _get(state, f"{name}.weight", 2).double()
    u, v = (_get(state, f"{name}.{part}", 1).double() for part in "uv")
    gamma = _get(state, f"{name}.gamma", 1).double()
    if u.shape[0] != weight.shape[0] or v.shape[0] != weight.shape[1]:
        raise ValueError(f"{name}.u and .v do not fit a weight of {tuple(weight.shape)}")
    return (gamma / torch.dot(u, weight @ v) * weight).float()


def _leading_vectors(weight: Tensor, iterations: int = 20) -> tuple[Tensor, Tensor]:
    """Approximate leading singular vectors by power iteration, ``(rows,)`` and ``(columns,)``."""
    v = torch.ones(weight.shape[1]) / weight.shape[1] ** 0.5
    for _ in range(iterations):
        u = torch.nn.functional.normalize(weight @ v, dim=0)
        v = torch.nn.functional.normalize(weight.T @ u, dim=0)
    return u, v


def _get(state: Mapping[str, Tensor], name: str, dimensions: int | None = None) -> Tensor:
    if name not in state:
        raise ValueError(f"this is no transformer agent of metamon: it has no tensor {name!r}")
    tensor = state[name]
    if dimensions is not None and tensor.ndim != dimensions:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}, not {dimensions} dimensions")
    return tensor


def _count(state: Mapping[str, Tensor], pattern: str, *, at_least: int = 1) -> int:
    """Number of layers whose names match."""
    found = {int(match[1]) for name in state if (match := re.match(pattern, name))}
    if len(found) < at_least or found != set(range(len(found))):
        raise ValueError(f"layers {sorted(found)} instead of 0, 1, ... for {pattern!r}")
    return len(found)
