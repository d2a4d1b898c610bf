"""Policies of networks: which there are, how they are stored, and that both kinds learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pokespiel.gen1ou.baselines import RandomPolicy
from pokespiel.gen1ou.meta_game import STARTER, Gen1OU
from pokespiel.gen1ou.neural import NETWORKS, NeuralPolicy, RememberingPolicy
from pokespiel.gen1ou.recording import ShowdownRecorder
from pokespiel.gen1ou.rewards import STATE
from pokespiel.gen1ou.showdown.decision import BattleResult, Decision
from pokespiel.oracles.ppo import PPOOracle, _to_tensors
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


@pytest.mark.parametrize("architecture", ["compact", SMALL])
class TestMemory:
    @pytest.fixture
    def game(self, architecture):
        config = replace(NETWORKS[architecture], memory=16)
        return Gen1OU(initial="network", network=config, concurrency=16)

    @pytest.fixture
    def policy(self, game):
        (found,) = game.initial_policies()
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(0)
            for head in ("move_head", "switch_head"):
                getattr(found.network, head)[-1].weight.normal_(std=0.3)
            found.network.memory.recalled.weight.normal_()
        return found

    def test_what_was_played_is_what_is_learnt(self, game, policy):
        """Probabilities of each decision, played one by one and read as whole battles."""
        played = {}

        class Watched:
            name, network = "watched", policy.network
            ended, forget = policy.ended, policy.forget

            def act_and_tell(self, decisions, rng):
                actions, weights = policy.act_and_weigh(decisions, rng)
                for battle, weight in zip(decisions.battles.tolist(), weights, strict=True):
                    played.setdefault(battle, []).append(weight)
                return decisions.observations, decisions.legal, actions, actions

        sides = [Mixture((policy,), np.ones(1))] * 2
        episodes = game.collect(Watched(), 0, sides, 20, rng=np.random.default_rng(0))
        batch = _to_tensors(episodes, torch.device("cpu"), recurrent=True)
        with torch.no_grad():
            logits, _ = policy.network(batch["observations"])
        learnt = torch.softmax(logits.masked_fill(~batch["legal"], float("-inf")), dim=-1)
        by_one = np.concatenate([np.stack(played[battle]) for battle in sorted(played)])
        np.testing.assert_allclose(learnt, by_one, atol=1e-4)
        seen = {name: tensor.numpy() for name, tensor in batch["observations"].items()}
        blank = policy.weigh(seen, batch["legal"].numpy())
        assert np.abs(blank - by_one).max() > 0.1
        assert policy.battles == 0

    def test_on_showdown_each_seat_has_its_own(self, game, policy, monkeypatch):
        """Two seats are asked together and recorded; each plays as its whole battle says."""
        showdown = pytest.importorskip("pokespiel.gen1ou.showdown.observation")
        rewards = pytest.importorskip("pokespiel.gen1ou.showdown.rewards")
        sides = [Mixture((policy,), np.ones(1))] * 2
        battles = game.collect(policy, 0, sides, 2, rng=np.random.default_rng(0))
        state = np.zeros(STATE)
        monkeypatch.setattr(showdown, "observe", lambda battle, legal: battle)
        monkeypatch.setattr(rewards, "reward_state", lambda battle: state)
        recorder, weighed = ShowdownRecorder(policy), {7: [], 12: []}
        remember = policy._weigh_on_showdown

        def weigh(seats, observations, legal):
            weights = remember(seats, observations, legal)
            for seat, weight in zip(seats.tolist(), weights, strict=True):
                weighed[seat].append(weight)
            return weights

        monkeypatch.setattr(policy, "_weigh_on_showdown", weigh)
        lengths = [len(battle.actions) for battle in battles]
        for step in range(max(lengths)):
            waiting = [
                Decision(seat, 0, {n: a[step] for n, a in b.observations.items()}, b.legal[step])
                for seat, b, length in zip(weighed, battles, lengths, strict=True)
                if step < length
            ]
            recorder.act(waiting, np.random.default_rng(0))
        assert policy.battles == 2
        recorder.finished(7, BattleResult("one", (1.0, 0.0), 9, 18, ("", ""), 0))
        assert policy.battles == 1
        recorder.abandoned(12)
        assert policy.battles == 0
        assert len(recorder.episodes) == 1
        batch = _to_tensors(battles, torch.device("cpu"), recurrent=True)
        with torch.no_grad():
            logits, _ = policy.network(batch["observations"])
        whole = torch.softmax(logits.masked_fill(~batch["legal"], float("-inf")), dim=-1)
        np.testing.assert_allclose(whole, np.concatenate([*weighed.values()]), atol=1e-4)

    def test_what_was_broken_off_is_forgotten(self, game, policy):
        def interrupt(done, total):
            raise KeyboardInterrupt

        usual = game.play([(policy, RandomPolicy())], 20, rng=np.random.default_rng(0))
        game.progress = interrupt
        with pytest.raises(KeyboardInterrupt):
            game.play([(policy, RandomPolicy())], 20, rng=np.random.default_rng(1))
        assert policy.battles > 0
        game.progress = None
        again = game.play([(policy, RandomPolicy())], 20, rng=np.random.default_rng(0))
        np.testing.assert_array_equal(usual, again)

    def test_it_is_stored_copied_and_trained(self, game, policy, tmp_path):
        game.save_policy(policy, tmp_path)
        stored, copied = game.load_policy(tmp_path), policy.copy()
        assert type(stored) is type(copied) is RememberingPolicy
        played = [
            game.play([(one, RandomPolicy())], 10, rng=np.random.default_rng(0))
            for one in (policy, stored, copied)
        ]
        np.testing.assert_array_equal(played[0], played[1])
        np.testing.assert_array_equal(played[0], played[2])
        oracle = PPOOracle(
            episodes=40, episodes_per_batch=20, minibatch=256, precision="bfloat16", device="cpu"
        )
        sides = [Mixture((policy,), np.ones(1)), Mixture((RandomPolicy(),), np.ones(1))]
        trained = oracle.best_response(game, 0, sides, rng=np.random.default_rng(0)).policy
        before, after = (p.network.memory.unit.weight_hh_l0 for p in (policy, trained))
        assert not torch.equal(before, after)
        assert policy.battles == trained.battles == 0


def test_unknown_networks_are_named():
    with pytest.raises(
        ValueError, match=r"unknown network 'huge'; available: compact, compact-memory, transformer"
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
