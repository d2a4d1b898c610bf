"""A compact network for Pokémon battles: entities in, one logit per move slot and team member out.

Every Pokémon becomes a token; the actions point at what they act with: a move's logit reads the
move, a switch's logit reads the team member. The network is therefore indifferent to the order of
the team, and one that has learned what Thunderbolt does need not learn it again for each slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from pokespiel.policies.memory import Memory


@dataclass(frozen=True)
class BattleNetworkConfig:
    """Sizes of a `BattleNetwork`; the first five describe the observation."""

    num_species: int
    num_moves: int
    num_statuses: int
    pokemon_features: int
    move_features: int
    battle_features: int
    embedding: int = 16
    """Width of the embeddings of species and moves."""
    token: int = 64
    """Width of a Pokémon's token."""
    hidden: int = 128
    """Width of the trunk."""
    memory: int = 0
    """Width of a `pokespiel.policies.memory.Memory` beside the trunk; 0 for none."""


class BattleNetwork(nn.Module):
    """Entity network with pointer heads.

    Inputs (``B`` decisions)
    ------------------------
    ids : int ``(B, 12, 6)``
        Per Pokémon (own team first, then the opponent's): species, status, four moves; 0 unknown.
    pokemon : float ``(B, 12, pokemon_features)``
        Feature 0 is hp in [0, 1], feature 1 whether the Pokémon is active.
    moves : float ``(B, 4, move_features)``
        Features of the active Pokémon's move slots.
    move_ids : int ``(B, 4)``
        Their moves; 0 where there is none.
    last_moves : int ``(B, 2)``
        What the own and the opponent's active Pokémon used last; 0 for nothing.
    battle : float ``(B, battle_features)``
    memory or first
        Of networks with a memory; see `pokespiel.policies.memory.Memory`.

    Outputs
    -------
    logits : float ``(B, 10)``
        Moves 0-3, then switches to team members 0-5. Not masked.
    value : float ``(B,)``
        Expected discounted return, in the learner's normalised units.
    memory : float ``(B, config.memory)``
        After the decision; only where one before it is given.
    """

    def __init__(self, config: BattleNetworkConfig) -> None:
        super().__init__()
        self.config = config
        width, token, hidden = config.embedding, config.token, config.hidden
        self.species = nn.Embedding(config.num_species, width)
        self.status = nn.Embedding(config.num_statuses, 4)
        self.move = nn.Embedding(config.num_moves, width)
        self.pokemon = nn.Sequential(
            nn.Linear(2 * width + 4 + config.pokemon_features, token),
            nn.ReLU(),
            nn.Linear(token, token),
            nn.ReLU(),
        )
        self.trunk = nn.Sequential(
            nn.Linear(4 * token + 2 * width + config.battle_features, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )
        self.move_head = scalar_head(hidden + width + config.move_features, hidden)
        self.switch_head = scalar_head(hidden + token, hidden)
        self.value_head = scalar_head(hidden, hidden)
        self.memory = Memory(hidden, config.memory) if config.memory else None
        self.recurrent = self.memory is not None

    def forward(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Logits, values, and the memory where one is given; see the class for shapes."""
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
        tokens = self.pokemon(known)
        # In two pieces at once: a slice's gradient would be padded with zeros for each slice.
        own, foe = tokens.chunk(2, dim=1)
        own_active, foe_active = features[..., 1:2].chunk(2, dim=1)
        summary = [
            (own * own_active).sum(dim=1),
            (foe * foe_active).sum(dim=1),
            own.mean(dim=1),
            foe.mean(dim=1),
            self.move(observation["last_moves"].long()).flatten(1),
            observation["battle"].float(),
        ]
        trunk = self.trunk(torch.cat(summary, dim=-1))
        after: tuple[Tensor, ...] = ()
        if self.memory is not None:
            trunk, after = self.memory(trunk, observation)
        move_inputs = [self.move(observation["move_ids"].long()), observation["moves"].float()]
        moves = point(self.move_head, trunk, torch.cat(move_inputs, dim=-1))
        switches = point(self.switch_head, trunk, own)
        value: Tensor = self.value_head(trunk).squeeze(-1)
        return torch.cat([moves, switches], dim=-1), value, *after


def point(head: nn.Sequential, trunk: Tensor, entities: Tensor) -> Tensor:
    """A logit ``(B, n)`` for each entity: ``head([trunk, entity])``.

    The first layer's part on the trunk, ``(B, hidden)``, is the same for all ``n`` entities, which
    are ``(B, n, width)``: it is computed once.
    """
    first, last = head[0], head[-1]
    assert isinstance(first, nn.Linear)
    of_trunk, of_entity = first.weight.split([trunk.shape[-1], entities.shape[-1]], dim=1)
    hidden = functional.linear(entities, of_entity)
    hidden = hidden + functional.linear(trunk, of_trunk, first.bias).unsqueeze(1)
    logits: Tensor = last(torch.relu(hidden)).squeeze(-1)
    return logits


def scalar_head(inputs: int, hidden: int) -> nn.Sequential:
    """An MLP to one number, near zero at the start: a new policy plays almost uniformly."""
    last = nn.Linear(hidden, 1)
    nn.init.normal_(last.weight, std=0.01 / hidden**0.5)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), last)
