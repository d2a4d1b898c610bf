"""The transformer: sizes, symmetries, storage."""

from __future__ import annotations

import pytest
import torch

from pokespiel.gen1ou.neural import NETWORKS
from pokespiel.policies.battle_transformer import (
    SIZES,
    BattleTransformer,
    BattleTransformerConfig,
)
from pokespiel.policies.storage import load_config, load_weights, save_network
from tests.policies.test_battle_network import CONFIG as COMPACT
from tests.policies.test_battle_network import observation

INPUTS = {name: getattr(COMPACT, name) for name in list(vars(COMPACT))[:6]}
CONFIG = BattleTransformerConfig(**INPUTS, width=32, layers=2, heads=2, embedding=8)


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = BattleTransformer(CONFIG)
    with torch.no_grad():
        for head in (network.move_head, network.switch_head, network.value_head):
            head[-1].weight.normal_()
    return network


def test_gives_ten_logits_and_a_value_per_decision(network):
    logits, value = network(observation(batch=7))
    assert logits.shape == (7, 10)
    assert value.shape == (7,)


def test_a_batch_is_its_rows(network):
    whole, _ = network(observation())
    rows = [
        network({name: tensor[i : i + 1] for name, tensor in observation().items()})[0]
        for i in range(4)
    ]
    torch.testing.assert_close(torch.cat(rows), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("first", [0, 6])
def test_permuting_a_team_permutes_its_switches_and_nothing_else(network, first):
    original = observation()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    permuted = {name: tensor.clone() for name, tensor in original.items()}
    for name in ("ids", "pokemon"):
        permuted[name][:, first : first + 6] = original[name][:, first + order]
    logits, value = network(original)
    switches = logits[:, 4:][:, order] if first == 0 else logits[:, 4:]
    expected = torch.cat([logits[:, :4], switches], dim=-1)
    torch.testing.assert_close(network(permuted)[0], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(network(permuted)[1], value, atol=1e-5, rtol=1e-5)


def test_whose_pokemon_it_is_makes_a_difference(network):
    original = observation()
    turned = {name: tensor.clone() for name, tensor in original.items()}
    for name in ("ids", "pokemon"):
        turned[name] = original[name].roll(6, dims=1)
    assert (network(turned)[1] - network(original)[1]).abs().min() > 1e-3


def test_permuting_the_moves_permutes_their_logits(network):
    original = observation()
    order = torch.tensor([2, 0, 3, 1])
    permuted = dict(original)
    for name in ("move_ids", "moves"):
        permuted[name] = original[name][:, order]
    logits, _ = network(original)
    expected = torch.cat([logits[:, :4][:, order], logits[:, 4:]], dim=-1)
    torch.testing.assert_close(network(permuted)[0], expected, atol=1e-5, rtol=1e-5)


def test_every_parameter_learns(network):
    logits, value = network(observation(batch=64))
    (logits.square().sum() + value.square().sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0.0, name


@pytest.mark.parametrize("size", SIZES)
def test_sizes_have_about_as_many_parameters_as_they_say(size):
    with torch.device("meta"):
        network = BattleTransformer(NETWORKS[f"transformer-{size}"])
    said = float(size[:-1]) * {"k": 1e3, "m": 1e6}[size[-1]]
    count = sum(parameter.numel() for parameter in network.parameters())
    assert 0.85 < count / said < 1.25, f"{count:,}"


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="5 heads do not divide a width of 128"):
        BattleTransformerConfig(**INPUTS, heads=5)


def test_storage_round_trip(network, tmp_path):
    save_network(tmp_path, kind="test", config=CONFIG, network=network)
    _, config = load_config(tmp_path)
    other = BattleTransformer(BattleTransformerConfig(**config))
    load_weights(tmp_path, other)
    torch.testing.assert_close(other(observation())[0], network(observation())[0])
