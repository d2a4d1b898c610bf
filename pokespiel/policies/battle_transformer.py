"""A transformer over the Pokémon of a battle (Vaswani et al. 2017), with pointer heads.

Each Pokémon is a token, and the battle itself is one more; all attend to all. As in
`pokespiel.policies.battle_network` the actions point at what they act with, so that the order of
the team makes no difference. It takes the same observations and gives the same outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from pokespiel.policies.battle_network import point, scalar_head
from pokespiel.policies.memory import Memory

TEAM = 6


@dataclass(frozen=True)
class BattleTransformerConfig:
    """Sizes of a `BattleTransformer`; the first six describe the observation.

    Raises
    ------
    ValueError
        If the heads do not divide the width.
    """

    num_species: int
    num_moves: int
    num_statuses: int
    pokemon_features: int
    move_features: int
    battle_features: int
    width: int = 128
    """Of the tokens."""
    layers: int = 5
    heads: int = 4
    """Of attention."""
    embedding: int = 32
    """Width of the embeddings of species and moves."""
    memory: int = 0
    """Width of a `pokespiel.policies.memory.Memory` beside the battle's token; 0 for none."""

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {self.width}")


SIZES: dict[str, dict[str, int]] = {
    "50k": {"width": 32, "layers": 3, "heads": 2, "embedding": 16},
    "250k": {"width": 64, "layers": 4, "heads": 4, "embedding": 32},
    "1m": {"width": 128, "layers": 5, "heads": 4, "embedding": 32},
    "5m": {"width": 256, "layers": 6, "heads": 8, "embedding": 64},
    "20m": {"width": 512, "layers": 6, "heads": 8, "embedding": 64},
}
"""Settings of a `BattleTransformerConfig` by about how many parameters they make."""


class BattleTransformer(nn.Module):
    """See the module; inputs and outputs are those of a `BattleNetwork`."""

    def __init__(self, config: BattleTransformerConfig) -> None:
        super().__init__()
        self.config = config
        width, embedding = config.width, config.embedding
        self.species = nn.Embedding(config.num_species, embedding)
        self.status = nn.Embedding(config.num_statuses, 4)
        self.move = nn.Embedding(config.num_moves, embedding)
        self.side = nn.Parameter(0.02 * torch.randn(2, width))
        self.pokemon = nn.Linear(2 * embedding + 4 + config.pokemon_features, width)
        self.battle = nn.Linear(2 * embedding + config.battle_features, width)
        self.blocks = nn.ModuleList(
            _Block(width, config.heads, config.layers) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.move_head = scalar_head(width + embedding + config.move_features, width)
        self.switch_head = scalar_head(2 * width, width)
        self.value_head = scalar_head(width, width)
        self.memory = Memory(width, config.memory) if config.memory else None
        self.recurrent = self.memory is not None

    def forward(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Logits ``(B, 10)``, not masked, values ``(B,)``, and the memory where one is given."""
        ids, features = observation["ids"].long(), observation["pokemon"].float()
        known = torch.cat(
            [
                self.species(ids[..., 0]),
                self.status(ids[..., 1]),
                self.move(ids[..., 2:]).mean(dim=-2),
                features,
            ],
            dim=-1,
        )
        pokemon = self.pokemon(known) + self.side.repeat_interleave(TEAM, dim=0)
        last_moves = self.move(observation["last_moves"].long()).flatten(1)
        battle = self.battle(torch.cat([last_moves, observation["battle"].float()], dim=-1))
        tokens = torch.cat([battle.unsqueeze(1), pokemon], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        battle, own, _ = self.norm(tokens).split([1, TEAM, TEAM], dim=1)
        trunk = battle.squeeze(1)
        after: tuple[Tensor, ...] = ()
        if self.memory is not None:
            trunk, after = self.memory(trunk, observation)
        move_inputs = [self.move(observation["move_ids"].long()), observation["moves"].float()]
        moves = point(self.move_head, trunk, torch.cat(move_inputs, dim=-1))
        switches = point(self.switch_head, trunk, own)
        value: Tensor = self.value_head(trunk).squeeze(-1)
        return torch.cat([moves, switches], dim=-1), value, *after


class _Block(nn.Module):
    """Attention and a layer of its own for each token, both normalised before and added after."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.projections = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.before_layer = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 4 * width)
        self.outer = nn.Linear(4 * width, width)
        for last in (self.attended, self.outer):
            # What the blocks add then has about the size of what they start from (GPT-2).
            nn.init.normal_(last.weight, std=0.02 / (2 * layers) ** 0.5)
            nn.init.zeros_(last.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        projected = self.projections(self.before_attention(tokens))
        shape = (batch, count, 3, self.heads, width // self.heads)
        query, key, value = projected.view(shape).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.attended(mixed.transpose(1, 2).reshape(batch, count, width))
        inner = functional.gelu(self.inner(self.before_layer(tokens)))
        result: Tensor = tokens + self.outer(inner)
        return result
