"""Low-rank adapters (LoRA, Hu et al. 2022, arXiv:2106.09685) on an agent's trajectory encoder.

An adapted agent shares every weight of its base: a population of twenty costs one base and twenty
pairs of thin matrices. (`peft` adapts a model in place and keeps its adapters by name inside it;
a population needs agents that can be copied, stored and met one by one, so the layer is here.)
"""

from __future__ import annotations

import copy

from torch import Tensor, nn

from pokespiel.metamon.network import MetamonNetwork, TrajectoryBlock

ADAPTED = ("qkv", "out", "ff1", "ff2")
"""Layers of each block that get adapters."""


class LoRALinear(nn.Module):
    """A frozen linear layer plus ``scale * B A``; ``B`` starts at zero, so nothing changes yet.

    Parameters
    ----------
    base
    rank : int
    alpha : float
        The scale is ``alpha / rank``.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        self.down = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.up = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        low = nn.functional.linear(nn.functional.linear(x, self.down), self.up)
        out: Tensor = self.base(x) + self.scale * low
        return out


def sharing(network: nn.Module) -> nn.Module:
    """A copy of a network that shares its frozen parameters and has its own of the others."""
    frozen = {id(p): p for p in network.parameters() if not p.requires_grad}
    return copy.deepcopy(network, dict(frozen))


def add_adapters(network: MetamonNetwork, *, rank: int, alpha: float) -> None:
    """Put adapters on every block, in place; their parameters are the ones that require gradients.

    Raises
    ------
    ValueError
        If the rank is less than one.
    """
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    for block in network.blocks:
        assert isinstance(block, TrajectoryBlock)
        for name in ADAPTED:
            setattr(block, name, LoRALinear(getattr(block, name), rank, alpha))
