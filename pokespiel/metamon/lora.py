"""Low-rank adapters (LoRA, Hu et al. 2022, arXiv:2106.09685) on an agent's trajectory encoder.

An adapted agent shares every weight of its base: a population of twenty costs one base and twenty
pairs of thin matrices. (`peft` adapts a model in place and keeps its adapters by name inside it;
a population needs agents that can be copied, stored and met one by one, so the layer is here.)
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pokespiel.metamon.cache import KeyValueCache
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


class MixedLinear(nn.Module):
    """A linear layer with the adapters of several agents, each row of a batch with those of one.

    All adapters are applied to all rows, as two products with all thin matrices side by side, and
    between them what is another agent's is set to zero. In arithmetic twenty agents of rank 8 add
    about a fifth to SyntheticRLV2's layers, and no loop over them.

    Parameters
    ----------
    layers
        The same layer of each agent, adapted or not.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        plain = [layer.base if isinstance(layer, LoRALinear) else layer for layer in layers]
        base = plain[0]
        assert isinstance(base, nn.Linear)
        if any(one.weight is not base.weight for one in plain):
            raise ValueError("only agents with the same base can be asked in one pass")
        adapters = [layer for layer in layers if isinstance(layer, LoRALinear)]
        owners = [n for n, layer in enumerate(layers) if isinstance(layer, LoRALinear)]
        ranks = torch.tensor([len(one.down) for one in adapters], dtype=torch.int64)
        self.base = base
        self.owners = torch.repeat_interleave(torch.tensor(owners, dtype=torch.int64), ranks)
        if adapters:
            self.down = torch.cat([one.down.detach() for one in adapters])
            self.up = torch.cat([one.scale * one.up.detach() for one in adapters], dim=1)
            self.owners = self.owners.to(self.down.device)
        self.whose = torch.empty(0, dtype=torch.int64)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base(x)
        if not len(self.owners):
            return out
        low = nn.functional.linear(x, self.down)
        low = low.masked_fill(self.whose.unsqueeze(1) != self.owners, 0.0)
        return out + nn.functional.linear(low, self.up)


class MixedTrunk:
    """The trajectory encoders of several agents with one base, in one pass.

    Parameters
    ----------
    agents
        Their adapters are copied: what they learn later is not seen here.

    Raises
    ------
    ValueError
        If they do not share their base.
    """

    def __init__(self, agents: Sequence[MetamonNetwork]) -> None:
        shared = {id(parameter): parameter for parameter in agents[0].parameters()}
        self.network = copy.deepcopy(agents[0], dict(shared))
        self._mixed: list[MixedLinear] = []
        for number, block in enumerate(self.network.blocks):
            for name in ADAPTED:
                mixed = MixedLinear([getattr(agent.blocks[number], name) for agent in agents])
                setattr(block, name, mixed)
                self._mixed.append(mixed)

    def advance(
        self, turns: Tensor, times: Tensor, whose: Tensor, views: Sequence[KeyValueCache.View]
    ) -> Tensor:
        """As `MetamonNetwork.advance`, without the last norm.

        Parameters
        ----------
        turns : tensor ``(B, scratch_tokens * turn_width)``
        times : int tensor ``(B,)``
        whose : int64 tensor ``(B,)``, ascending
            Number of each row's agent.
        views
            The memory of each agent that has rows, opened for them.

        Returns
        -------
        tensor ``(B, width)``
        """
        for mixed in self._mixed:
            mixed.whose = whose.to(turns.device)
        return self.network.carry(turns, times, _Views(views))


class _Views:
    """Memories of several agents, opened for rows that follow each other."""

    def __init__(self, views: Sequence[KeyValueCache.View]) -> None:
        self._views = views
        self._sizes = [view.rows for view in views]

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        parts = zip(*(tensor.split(self._sizes) for tensor in (query, key, value)), strict=True)
        return torch.cat(
            [view.attend(layer, *part) for view, part in zip(self._views, parts, strict=True)]
        )

    def close(self) -> None:
        for view in self._views:
            view.close()
