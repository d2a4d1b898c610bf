"""Agents of metamon's family as learners: what is shared, what is trained, what is stored."""

from __future__ import annotations

from weakref import WeakValueDictionary

import numpy as np
import pytest
import torch

from pokespiel import PSRO, EmpiricalGame
from pokespiel.gen1ou.arena import EngineArena
from pokespiel.gen1ou.baselines import MaxDamagePolicy
from pokespiel.gen1ou.distillation import distil
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.neural import NeuralPolicy
from pokespiel.gen1ou.teams import load_teams
from pokespiel.metamon import finetune
from pokespiel.metamon.engine_observation import every_word
from pokespiel.metamon.finetune import PARTS, TrainedPolicy, trainable
from pokespiel.metamon.lora import LoRALinear
from pokespiel.metamon.network import MetamonConfig
from pokespiel.metamon.policy import MetamonPolicy
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import Mixture
from pokespiel.psro import admit_always
from tests.metamon.conftest import SMALL, new_network

WORDS = every_word()
SIZES = MetamonConfig(**{**vars(SMALL), "vocabulary": len(WORDS), "context": 64})


@pytest.fixture(scope="module")
def base():
    network = new_network(SIZES)
    with torch.no_grad():
        for parameter in network.actor.parameters():
            parameter.mul_(3.0)
    return MetamonPolicy(network, WORDS, name="small")


def oracle(**settings):
    usual = {"episodes": 4, "episodes_per_batch": 2, "epochs": 1, "learning_rate": 1e-2}
    return PPOOracle(**{**usual, "device": "cpu", **settings})


def response(policy, **settings):
    game = Gen1OU(load_teams()[:4], initial=policy)
    against = Mixture((MaxDamagePolicy(),), np.ones(1))
    own = Mixture((policy,), np.ones(1))
    found = oracle(**settings).best_response(game, 0, [own, against], rng=np.random.default_rng(0))
    return found.policy


@pytest.mark.parametrize("part", PARTS)
def test_it_starts_as_the_agent_plays(base, part):
    """Same battles by the same seed, move for move; only the value head is new."""
    teams = [(a, b) for a, b in zip(load_teams()[:3], load_teams()[3:6], strict=True)]
    results = []
    for agent in (base, trainable(base, part=part)):
        rng = np.random.default_rng(5)
        results.append(EngineArena().play([(agent, agent)] * 3, teams, rng=rng))
        results.append(rng.random())
    np.testing.assert_array_equal(results[0], results[2])
    assert results[1] == results[3]


@pytest.mark.parametrize("part", PARTS)
def test_training_changes_its_part_and_nothing_else(base, part):
    before = {name: p.clone() for name, p in base.network.named_parameters()}
    policy = trainable(base, part=part)
    learnt = response(policy)
    for name, parameter in base.network.named_parameters():
        assert torch.equal(parameter, before[name]), name
    own = dict(learnt.agent.named_parameters())
    start = dict(policy.agent.named_parameters())
    for name, parameter in own.items():
        if parameter.requires_grad:
            assert parameter is not start[name]
        else:
            assert parameter is start[name], "frozen weights are shared, not copied"
    changed = {name for name, p in own.items() if not torch.equal(p, start[name])}
    expected = {
        "last": ("actor.", "norm."),
        "lora": ("actor.", "norm.", "blocks."),
        "all": ("actor.", "norm.", "blocks.", "turn.", "embed."),
    }[part]
    assert {next(e for e in expected if name.startswith(e)) for name in changed} == set(expected)
    if part == "lora":
        assert all(".up" in n or ".down" in n for n in changed if n.startswith("blocks."))
        assert isinstance(learnt.agent.blocks[0].ff1, LoRALinear)


def test_what_is_trained_is_what_was_played(base):
    """Log-probabilities over whole episodes equal those of playing decision by decision."""
    policy = trainable(base, part="lora")
    played = []
    original = policy._probabilities

    def spy(text, numbers, feedback, times, slots, legal):
        probabilities = original(text, numbers, feedback, times, slots, legal)
        played.append((int(times[0]), probabilities[0]))
        return probabilities

    policy._probabilities = spy
    game = Gen1OU(load_teams()[:2], initial=policy)
    against = Mixture((MaxDamagePolicy(),), np.ones(1))
    own = Mixture((policy,), np.ones(1))
    (episode,) = game.collect(policy, 0, [own, against], 1, rng=np.random.default_rng(1))
    count = len(episode.actions)
    assert count == len(played)
    tensors = {name: torch.as_tensor(array) for name, array in episode.observations.items()}
    tensors["first"] = torch.arange(count) == 0
    with torch.no_grad():
        logits, values = policy.network(tensors)
    assert values.shape == (count,)
    masked = logits.masked_fill(~torch.as_tensor(episode.legal), float("-inf"))
    inside = min(count, SIZES.context)
    np.testing.assert_allclose(
        torch.softmax(masked, dim=-1)[:inside].numpy(),
        np.stack([row for _, row in played])[:inside],
        atol=1e-5,
    )


def test_it_is_stored_and_loaded(base, tmp_path):
    learnt = response(trainable(base, part="lora", rank=3, alpha=6.0))
    learnt.save(tmp_path)
    again = Gen1OU().load_policy(tmp_path)
    assert isinstance(again, TrainedPolicy)
    assert (again.part, again.adapters) == ("lora", (3, 6.0))
    for (name, one), (_, other) in zip(
        learnt.network.named_parameters(), again.network.named_parameters(), strict=True
    ):
        assert torch.equal(one, other), name
        assert one.requires_grad == other.requires_grad, name


def test_of_a_published_agent_only_the_adapters_are_stored(base, tmp_path, monkeypatch):
    """And of all that are read back it is there once."""
    published = MetamonPolicy(base.network, WORDS, name="small", source=("Small", 3))
    calls = []

    def load(name, *, epoch, **_):
        calls.append((name, epoch))
        return published

    monkeypatch.setattr(finetune, "load", load)
    policy = trainable(published, part="lora")
    policy.save(tmp_path)
    whole = sum(p.numel() for p in base.network.parameters()) * 4
    assert (tmp_path / "weights.safetensors").stat().st_size < 0.5 * whole
    beside = TrainedPolicy.load(tmp_path)
    assert calls == []
    monkeypatch.setattr(finetune, "_BASES", WeakValueDictionary())
    later = [TrainedPolicy.load(tmp_path) for _ in range(3)]
    assert calls == [("Small", 3)]
    assert {p.shares for p in (policy, beside, *later)} == {published.shares}


def test_psro_answers_with_adapters_and_resumes_to_the_same_table(base, tmp_path):
    def run(directory, *iterations):
        for number in iterations:
            game = Gen1OU(load_teams()[:4], initial=trainable(base, part="lora"))
            loop = PSRO(
                game,
                oracle=oracle(),
                admit=admit_always,
                episodes_per_cell=4,
                directory=directory,
                resume=directory.exists(),
            )
            result = loop.run(number)
            loop.close()
        return result

    whole = run(tmp_path / "whole", 3)
    assert whole.table.sizes == (4, 4)
    parts = run(tmp_path / "parts", 1, 3)
    tables = [EmpiricalGame.load(tmp_path / d / "empirical_game.npz") for d in ("whole", "parts")]
    assert tables[0] == tables[1]
    shared = {id(p.agent.embed.weight) for p in whole.populations[0]}
    assert len(shared) == 1, "a population has one base"
    assert len(parts.populations[0]) == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"part": "first"}, "unknown part 'first'; available: lora, last, all"),
        ({"rank": 0}, "rank must be at least 1, got 0"),
    ],
)
def test_bad_settings_are_named(base, settings, message):
    with pytest.raises(ValueError, match=message):
        trainable(base, **settings)


def test_an_agent_teaches_a_compact_network(base):
    """Its probabilities over the engine's actions are those it draws from."""
    game = Gen1OU(load_teams()[:4])
    student = NeuralPolicy.new(rng=np.random.default_rng(0))
    found = distil(
        game, base, student, rng=np.random.default_rng(0), battles=20, held_out=0.2, epochs=3
    )
    assert found.divergence[-1] < found.divergence[0]
    assert base.battles == 0


def test_it_learns_on_the_engine_only(base):
    policy = trainable(base)
    game = Gen1OU(backend="showdown", initial=policy)
    sides = [Mixture((policy,), np.ones(1))] * 2
    with pytest.raises(ValueError, match="small cannot be trained on the showdown backend"):
        game.collect(policy, 0, sides, 1, rng=np.random.default_rng(0))
