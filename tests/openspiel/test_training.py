"""Episodes for learners: the same game, compiled or stepped, seen through a learner's eyes."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel.openspiel import OpenSpielGame
from pokespiel.openspiel.env import VectorEnv
from pokespiel.openspiel.policy import InfostatePolicy
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import JointMixture, Mixture, TrainingGame

GOOFSPIEL = "goofspiel(num_cards=3,imp_info=True,points_order=descending)"


def uniform(game: OpenSpielGame) -> list[Mixture]:
    return [Mixture((policy,), np.ones(1)) for policy in game.initial_policies()]


class TestVectorEnv:
    def test_steps_a_learner_through_kuhn(self) -> None:
        game = OpenSpielGame("kuhn_poker", exact=False)
        policies = game.initial_policies()
        env = VectorEnv(game.game, [0] * 50, [policies] * 50, rng=np.random.default_rng(0))
        assert len(env.rows) == 50  # player 0 always acts first
        decisions = 0
        while len(env.rows):
            assert np.all(env.players == 0)
            assert np.all(env.legal)
            decisions += len(env.rows)
            env.step(np.ones(len(env.rows), dtype=np.int64))  # always bet
        assert decisions == 50
        # A bet is folded to (+1), or called and shown down (+-2).
        assert set(np.unique(env.returns[:, 0])) <= {1.0, 2.0, -2.0}
        np.testing.assert_array_equal(env.returns.sum(axis=1), 0.0)

    def test_simultaneous_moves_wait_for_the_learner(self) -> None:
        game = OpenSpielGame("matrix_rps", exact=False)
        always_rock = InfostatePolicy({1: {"Observing player: 1. Non-terminal": np.eye(3)[0]}})
        env = VectorEnv(game.game, [0] * 4, [[always_rock] * 2] * 4, rng=np.random.default_rng(0))
        env.step([1, 1, 1, 2])
        np.testing.assert_array_equal(env.returns[:, 0], [1, 1, 1, -1])

    def test_refuses_wrong_actions(self) -> None:
        game = OpenSpielGame("kuhn_poker", exact=False)
        env = VectorEnv(
            game.game, [0, 0], [game.initial_policies()] * 2, rng=np.random.default_rng(0)
        )
        with pytest.raises(ValueError, match="2 states wait, got 1 actions"):
            env.step([0])
        with pytest.raises(ValueError, match="action 2 is not legal in episode 1"):
            env.step([0, 2])
        with pytest.raises(ValueError, match="1 learners but 2 profiles"):
            VectorEnv(game.game, [0], [game.initial_policies()] * 2, rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", ["kuhn_poker", "leduc_poker", GOOFSPIEL, "kuhn_poker(players=3)"])
@pytest.mark.parametrize("exact", [True, False])
def test_collected_episodes_are_episodes_of_the_game(name: str, exact: bool) -> None:
    reference = OpenSpielGame(name)
    game = OpenSpielGame(name, exact=exact)
    assert isinstance(game, TrainingGame)
    learner = InfostatePolicy()
    for player in range(game.num_players):
        episodes = game.collect(
            learner, player, uniform(game), 1500, rng=np.random.default_rng(player)
        )
        outcomes = np.array([episode.outcome for episode in episodes])
        expected = reference.expected_returns([reference.initial_policies()])[0, player]
        assert len(episodes) == 1500
        assert abs(outcomes.mean() - expected) < 4.5 * outcomes.std() / np.sqrt(1500) + 1e-12
        index = reference.form.players[player].index
        for episode in episodes[:50]:
            length = len(episode.actions)
            assert episode.legal.shape == (length, game.game.num_distinct_actions())
            assert np.all(episode.legal[np.arange(length), episode.actions])
            assert set(episode.observations["player"]) <= {player}
            assert all(key in index for key in episode.observations["key"])
            if length:
                scale = max(abs(bound) for bound in game.payoff_bounds)
                assert episode.rewards.sum() == pytest.approx(episode.outcome / scale)


def test_decisions_come_in_the_order_in_which_they_were_made() -> None:
    for exact in (True, False):
        game = OpenSpielGame("leduc_poker", exact=exact)
        episodes = game.collect(
            InfostatePolicy(), 0, uniform(game), 200, rng=np.random.default_rng(0)
        )
        longest = max(episodes, key=lambda episode: len(episode.actions))
        keys = list(longest.observations["key"])
        assert len(keys) >= 3
        assert keys == sorted(keys, key=len)
        assert keys[0] != keys[-1]


@pytest.mark.parametrize("exact", [True, False])
def test_networks_observe_tensors(exact: bool) -> None:
    game = OpenSpielGame("kuhn_poker", exact=exact)
    policy = game.new_policy(rng=np.random.default_rng(0))
    assert game.is_trainable(policy)
    assert not game.is_trainable(game.initial_policies()[0])
    episodes = game.collect(policy, 1, uniform(game), 20, rng=np.random.default_rng(0))
    (size,) = game.game.information_state_tensor_shape()
    for episode in episodes:
        assert episode.observations["infostate"].shape == (len(episode.actions), size)
        assert episode.observations["infostate"].dtype == np.float32


def test_a_network_plays_the_same_compiled_or_not(tmp_path) -> None:
    compiled = OpenSpielGame("leduc_poker")
    policy = compiled.new_policy(rng=np.random.default_rng(1))
    compiled.save_policy(policy, tmp_path)
    back = OpenSpielGame("leduc_poker", exact=False).load_policy(tmp_path)
    form = compiled.form
    np.testing.assert_allclose(policy.behaviour(form, 0), back.behaviour(form, 0))
    state = form.game.new_initial_state()
    for action in form.tree.history(int(form.players[0].nodes[7])):
        state.apply_action(action)
    low, high = form.players[0].first_sequence[7:9]
    chances = back.probabilities([state], 0, form.legal[0][[7]])[0]
    actions = form.players[0].actions[low:high]
    np.testing.assert_allclose(chances[actions], policy.behaviour(form, 0)[low:high], atol=1e-6)


def test_a_new_network_is_nearly_uniform_and_reproducible() -> None:
    game = OpenSpielGame("kuhn_poker")
    one, same, other = (game.new_policy(rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    behaviours = [policy.behaviour(game.form, 0) for policy in (one, same, other)]
    np.testing.assert_array_equal(behaviours[0], behaviours[1])
    assert not np.array_equal(behaviours[0], behaviours[2])
    np.testing.assert_allclose(behaviours[0], game.form.players[0].uniform(), atol=0.02)


def test_joint_mixtures_are_answered_as_joints() -> None:
    # Opponents agree on their pennies; the learner's return tells which pair was drawn.
    game = OpenSpielGame("matching_pennies_3p")
    heads, tails = (
        [InfostatePolicy({p: {f"Observing player: {p}. Non-terminal": face}}) for p in range(3)]
        for face in (np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    )
    joint = JointMixture((tuple(heads), tuple(tails)), np.array([0.5, 0.5]))
    for exact in (True, False):
        sampled = OpenSpielGame("matching_pennies_3p", exact=exact)
        episodes = sampled.collect(heads[0], 0, joint, 400, rng=np.random.default_rng(0))
        expected = game.expected_returns([[heads[0], *h[1:]] for h in (heads, tails)])[:, 0]
        outcomes = {episode.outcome for episode in episodes}
        assert outcomes == set(expected.tolist())


def test_ppo_learns_kuhn_against_a_uniform_opponent() -> None:
    game = OpenSpielGame("kuhn_poker")
    oracle = PPOOracle(
        episodes=6000, episodes_per_batch=500, start="scratch", learning_rate=2e-3, minibatch=256
    )
    response = oracle.best_response(game, 1, uniform(game), rng=np.random.default_rng(0))
    profile = [game.initial_policies()[0], response.policy]
    best = game.best_response(1, uniform(game))[1]
    assert game.expected_returns([profile])[0, 1] > best - 0.05


def test_games_without_tensors_train_no_networks() -> None:
    game = OpenSpielGame("deep_sea(size=3)", exact=False)
    with pytest.raises(ValueError, match="no information state tensors for networks"):
        game.new_policy(rng=np.random.default_rng(0))
