"""Agents that share a base are asked in one pass, and answer what they would answer alone."""

import numpy as np
import pytest
import torch

from pokespiel.gen1ou.arena import EngineArena
from pokespiel.gen1ou.baselines import MaxDamagePolicy
from pokespiel.gen1ou.teams import load_teams
from pokespiel.metamon.finetune import trainable
from pokespiel.metamon.lora import LoRALinear, MixedLinear, MixedTrunk
from pokespiel.metamon.policy import Joined, MetamonPolicy
from tests.metamon.conftest import new_network
from tests.metamon.test_finetune import SIZES, WORDS


@pytest.fixture(scope="module")
def population():
    """A base, its actor trained, and two adapted agents, as if training had moved them far."""
    base = MetamonPolicy(new_network(SIZES), WORDS, name="base")
    found = [base, trainable(base, part="last"), trainable(base, rank=2), trainable(base, rank=3)]
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for policy in found[1:]:
            for parameter in policy.agent.parameters():
                if parameter.requires_grad:
                    noise = torch.randn(parameter.shape, generator=generator)
                    parameter.add_(0.3 * noise)
    return found


def test_each_row_of_a_mixed_layer_has_its_own_adapter():
    base = torch.nn.Linear(6, 4)
    layers = [base, LoRALinear(base, 2, 4.0), LoRALinear(base, 3, 3.0)]
    for layer in layers[1:]:
        torch.nn.init.normal_(layer.up)
    mixed = MixedLinear(layers)
    x, mixed.whose = torch.randn(5, 6), torch.tensor([0, 0, 1, 2, 2])
    expected = torch.stack([layers[n](row) for n, row in zip(mixed.whose, x, strict=True)])
    torch.testing.assert_close(mixed(x), expected)


def test_agents_of_different_bases_are_not_mixed():
    with pytest.raises(ValueError, match="only agents with the same base"):
        MixedTrunk([new_network(seed=0), new_network(seed=1)])


def test_who_shares_a_base_can_be_joined(population):
    base = population[0]
    assert {policy.shares for policy in population} == {base.shares}
    assert trainable(base, part="all").shares != base.shares


def test_a_mixed_pass_plays_the_same_battles(population, monkeypatch):
    """Every pair of agents and a stranger between them: same draws, same results, fewer passes."""
    teams = load_teams()
    seats = [(a, b) for a in population for b in population] + [(MaxDamagePolicy(), population[2])]
    pairs = [(teams[k % len(teams)], teams[3 * k % len(teams)]) for k in range(len(seats))]
    passes = []

    def counted(self, *arguments, original=Joined._probabilities):
        passes.append(len(set(arguments[0].tolist())))
        return original(self, *arguments)

    monkeypatch.setattr(Joined, "_probabilities", counted)
    joined = EngineArena().play(seats, pairs, rng=np.random.default_rng(0))
    assert max(passes) == len(population)
    monkeypatch.setattr(MetamonPolicy, "shares", None)
    alone = EngineArena().play(seats, pairs, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(joined, alone)
    assert all(policy.battles == 0 for policy in population)


def test_large_mixed_batches_are_split(population):
    teams = load_teams()[:2]
    small = [trainable(policy) for policy in (population[0], population[0])]
    for policy in small:
        policy.max_batch = 3
    seats = [(small[0], small[1])] * 4
    returns = EngineArena().play(seats, [tuple(teams)] * 4, rng=np.random.default_rng(1))
    assert set(returns.sum(axis=1)) == {1.0}
