"""Policies of networks: which there are, how they are stored, and that both kinds learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pokespiel.gen1ou.baselines import RandomPolicy
from pokespiel.gen1ou.meta_game import STARTER, Gen1OU
from pokespiel.gen1ou.neural import NeuralPolicy
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.policies.battle_network import point
from pokespiel.policies.battle_transformer import BattleTransformer
from pokespiel.protocols import Mixture

SMALL = "transformer-50k"


@pytest.mark.parametrize("network", ["compact", SMALL])
def test_what_is_stored_is_what_plays(tmp_path, network):
    game = Gen1OU(initial="network", network=network)
    (policy,) = game.initial_policies()
    game.save_policy(policy, tmp_path)
    loaded = game.load_policy(tmp_path)
    assert type(loaded.network) is type(policy.network)
    assert loaded.network.config == policy.network.config
    played = [
        game.play([(one, RandomPolicy())], 10, rng=np.random.default_rng(0))
        for one in (policy, loaded)
    ]
    np.testing.assert_array_equal(*played)


def test_unknown_networks_are_named():
    with pytest.raises(
        ValueError, match=r"unknown network 'huge'; available: compact, transformer"
    ):
        Gen1OU(network="huge")


def test_the_games_name_tells_its_networks():
    assert "network" not in Gen1OU().name
    assert f"network={SMALL}" in Gen1OU(network=SMALL).name


def test_a_policy_of_another_kind_is_refused(tmp_path):
    game = Gen1OU(initial="random")
    game.save_policy(game.initial_policies()[0], tmp_path)
    with pytest.raises(ValueError, match=r"kind 'gen1ou/random', not 'gen1ou/battle-network' or"):
        NeuralPolicy.load(tmp_path)


def test_a_transformer_learns():
    """A response to random play, in three batches."""
    game = Gen1OU(network=SMALL, initial="random")
    random = Mixture(tuple(game.initial_policies()), np.ones(1))
    oracle = PPOOracle(
        episodes=120, episodes_per_batch=40, learning_rate=3e-3, epochs=2, device="cpu"
    )
    response = oracle.best_response(game, 0, [random, random], rng=np.random.default_rng(0))
    assert isinstance(response.policy.network, BattleTransformer)
    assert response.cost["outcome_per_batch"][-1] > 0.55


def test_the_starters_heads_are_what_they_would_be_on_each_entity_by_itself():
    """The part of a head on the trunk is computed once; the sum is the whole head's."""
    network = NeuralPolicy.load(STARTER).network
    trunk, entities = torch.randn(5, 128), torch.randn(5, 6, 64)
    each = [torch.cat([trunk, entities[:, k]], dim=-1) for k in range(6)]
    expected = torch.stack([network.switch_head(one).squeeze(-1) for one in each], dim=1)
    torch.testing.assert_close(
        point(network.switch_head, trunk, entities), expected, atol=1e-5, rtol=1e-5
    )
