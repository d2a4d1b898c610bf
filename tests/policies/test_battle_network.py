"""The battle network: shapes, symmetries, storage."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from pokespiel.policies.battle_network import BattleNetwork, BattleNetworkConfig
from pokespiel.policies.storage import load_config, load_weights, save_network

CONFIG = BattleNetworkConfig(
    num_species=10,
    num_moves=12,
    num_statuses=9,
    pokemon_features=5,
    move_features=3,
    battle_features=2,
)


def observation(batch=4, seed=0):
    rng = np.random.default_rng(seed)
    arrays = {
        "ids": rng.integers(0, 9, size=(batch, 12, 6)),
        "pokemon": rng.random((batch, 12, 5)),
        "move_ids": rng.integers(0, 12, size=(batch, 4)),
        "last_moves": rng.integers(0, 12, size=(batch, 2)),
        "moves": rng.random((batch, 4, 3)),
        "battle": rng.random((batch, 2)),
    }
    return {name: torch.as_tensor(array) for name, array in arrays.items()}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return BattleNetwork(CONFIG)


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
    torch.testing.assert_close(torch.cat(rows), whole)


def test_permuting_the_team_permutes_the_switches_and_nothing_else(network):
    original = observation()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    permuted = {name: tensor.clone() for name, tensor in original.items()}
    for name in ("ids", "pokemon"):
        permuted[name][:, :6] = original[name][:, order]
    logits, value = network(original)
    expected = torch.cat([logits[:, :4], logits[:, 4:][:, order]], dim=-1)
    torch.testing.assert_close(network(permuted)[0], expected)
    torch.testing.assert_close(network(permuted)[1], value)


def test_permuting_the_moves_permutes_their_logits(network):
    original = observation()
    order = torch.tensor([2, 0, 3, 1])
    permuted = dict(original)
    for name in ("move_ids", "moves"):
        permuted[name] = original[name][:, order]
    logits, _ = network(original)
    expected = torch.cat([logits[:, :4][:, order], logits[:, 4:]], dim=-1)
    torch.testing.assert_close(network(permuted)[0], expected)


def test_a_new_network_is_almost_uniform(network):
    logits, _ = network(observation(batch=64))
    probabilities = torch.softmax(logits, dim=-1)
    assert probabilities.min() > 0.09
    assert probabilities.max() < 0.11


def test_storage_round_trip(network, tmp_path):
    save_network(tmp_path, kind="test", config=CONFIG, network=network)
    kind, config = load_config(tmp_path)
    assert kind == "test"
    other = BattleNetwork(BattleNetworkConfig(**config))
    load_weights(tmp_path, other)
    torch.testing.assert_close(other(observation())[0], network(observation())[0])


def test_damaged_storage_is_named(network, tmp_path):
    with pytest.raises(ValueError, match=r"holds no policy \(no config.json\)"):
        load_config(tmp_path)
    save_network(tmp_path, kind="test", config=CONFIG, network=network)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"weights.safetensors does not fit this network"):
        load_weights(tmp_path, network)
    (tmp_path / "config.json").write_text(json.dumps({"kind": "test"}))
    with pytest.raises(ValueError, match=r"config.json is not a policy's configuration"):
        load_config(tmp_path)
