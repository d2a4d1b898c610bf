"""Battles as a vectorised environment: auto-reset, rewards, statistics, wrappers."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel.gen1ou.arena import EngineArena
from pokespiel.gen1ou.baselines import MaxDamagePolicy, RandomPolicy
from pokespiel.gen1ou.engine import Battle
from pokespiel.gen1ou.env import Gen1OUEnv
from pokespiel.gen1ou.teams import legal_sets, load_teams

YOUNG = "Dragonite|||NoAbility|wrap|Serious|252,252,252,252,252,252|N|||5|"
"""A team that only its level makes illegal."""


def choose(legal, rng):
    return (rng.random(legal.shape) * legal).argmax(axis=2)


def play(env, steps, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        yield env.step(choose(env.legal, rng))


def test_same_seed_and_actions_same_battles():
    def record(seed):
        env = Gen1OUEnv(8, seed=seed)
        rewards = [r.copy() for r, _ in play(env, 60)]
        return np.stack(rewards), {name: array.copy() for name, array in env.observations.items()}

    (first, seen), (again, seen_again), (other, _) = record(1), record(1), record(2)
    np.testing.assert_array_equal(first, again)
    assert all(np.array_equal(seen[name], seen_again[name]) for name in seen)
    assert not np.array_equal(first, other)


def test_ended_battles_are_replaced_and_counted():
    env = Gen1OUEnv(16, seed=0)
    ends = 0
    won = np.zeros(2, np.int64)
    for rewards, ended in play(Gen1OUEnv(16, seed=0, reward="win"), 400):
        ends += int(ended.sum())
        won += (rewards > 0).sum(axis=0)
    for _, ended in play(env, 400):
        for battle in np.flatnonzero(ended):
            assert env.legal[battle].any(axis=1).all()
            assert env.observations["battle"][battle, :, 2] == pytest.approx(0.01)
            assert (env.observations["pokemon"][battle, :, :6, 0] == 1).all()
    found = env.statistics
    assert found.battles == ends > 16
    assert found.wins == tuple(won)
    assert sum(found.wins) + found.ties == found.battles
    assert f"{ends} battles" in str(found)


def test_shaped_rewards_of_a_battle_are_the_learners():
    """The reward between a player's decisions is the one that training records."""
    from pokespiel.gen1ou.rewards import reward_states, shaped_rewards

    env = Gen1OUEnv(4, seed=5)
    last = reward_states(env.rows, env._battles, env._players).reshape(4, 2, -1)
    compared = 0
    for rewards, ended in play(env, 120):
        states = reward_states(env.rows, env._battles, env._players).reshape(4, 2, -1)
        asked = env.waiting & ~ended[:, None]
        np.testing.assert_allclose(
            rewards[asked], shaped_rewards(last[asked], states[asked]), atol=1e-6
        )
        assert (rewards[~asked & ~ended[:, None]] == 0).all()
        # Who was not asked is still owed what has happened since the last decision.
        last = np.where((asked | ended[:, None])[..., None], states, last)
        compared += int(asked.sum())
    assert compared > 500


def test_winning_is_worth_a_hundred_more():
    env = Gen1OUEnv(16, seed=3)
    ends = [rewards[ended] for rewards, ended in play(env, 300)]
    finals = np.concatenate(ends)
    decided = np.abs(finals).max(axis=1) > 50
    assert decided.mean() > 0.9
    assert (np.sign(finals[decided, 0]) == -np.sign(finals[decided, 1])).all()
    assert np.abs(finals[decided]).min() > 95


def test_only_the_battles_asked_for_move():
    env = Gen1OUEnv(6, seed=0)
    before = env.rows.copy()
    where = np.array([True, False, True, False, False, False])
    env.step(choose(env.legal, np.random.default_rng(0)), where=where)
    assert (env.rows[~where] == before[~where]).all()
    assert (env.rows[where] != before[where]).any(axis=1).all()


def test_tensors_share_the_arrays_memory():
    torch = pytest.importorskip("torch")
    env = Gen1OUEnv(4)
    tensors = env.tensors()
    assert set(tensors) == {*env.observations, "legal"}
    before = tensors["pokemon"].clone()
    list(play(env, 5))
    assert not torch.equal(before, tensors["pokemon"])
    assert tensors["pokemon"].data_ptr() == env.observations["pokemon"].ctypes.data


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_battles": 0}, "num_battles must be at least 1, got 0"),
        ({"num_battles": 2, "reward": "binary"}, "unknown reward 'binary'; available: win, shaped"),
        ({"num_battles": 2, "teams": []}, "at least one team"),
        ({"num_battles": 2, "teams": 5}, "teams is a list of packed teams, got 5"),
        ({"num_battles": 2, "teams": ["Tauros"]}, r"teams\[0\], Pokémon 1: "),
        ({"num_battles": 2, "teams": [YOUNG]}, r"teams\[0\]: Dragonite has level 5, it exists"),
        ({"num_battles": 2, "seed": -1}, "seed must be a non-negative integer, got -1"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Gen1OUEnv(**settings)


def test_an_illegal_action_is_named_and_nothing_is_played():
    env = Gen1OUEnv(3)
    before = env.rows.copy()
    actions = choose(env.legal, np.random.default_rng(0))
    actions[2, 1] = 4  # to the Pokémon that is out already
    with pytest.raises(
        ValueError, match="action 4 of player 2 in battle 2 is not legal; legal are"
    ):
        env.step(actions)
    with pytest.raises(ValueError, match=r"expected integers of shape \(3, 2\)"):
        env.step(actions[:2])
    np.testing.assert_array_equal(env.rows, before)


class TestGymnasium:
    @pytest.fixture
    def env(self):
        pytest.importorskip("gymnasium")
        pytest.importorskip("pettingzoo")
        from pokespiel.gen1ou.wrappers import Gen1OUVectorEnv

        return Gen1OUVectorEnv(8, MaxDamagePolicy(), seed=0, reward="win")

    def test_keeps_its_promises(self, env):
        rng = np.random.default_rng(0)
        seen, infos = env.reset(seed=4)
        assert infos == {}
        ends = 0
        for _ in range(200):
            assert env.observation_space.contains(seen)
            assert seen["action_mask"].any(axis=1).all()
            actions = choose(seen["action_mask"][:, None], rng)[:, 0]
            assert env.action_space.contains(actions)
            seen, rewards, terminated, truncated, infos = env.step(actions)
            assert rewards.shape == terminated.shape == truncated.shape == (8,)
            assert not truncated.any()
            assert ("final_obs" in infos) == terminated.any()
            if terminated.any():
                np.testing.assert_array_equal(infos["_final_obs"], terminated)
                last = {name: array[terminated][0] for name, array in infos["final_obs"].items()}
                assert env.single_observation_space.contains(last)
                assert not last["action_mask"].any()
            assert (rewards[~terminated] == 0).all()
            ends += int(terminated.sum())
        assert ends == env.battles.statistics.battles > 8

    def test_gymnasiums_own_wrapper_counts_the_episodes(self, env):
        from gymnasium.wrappers.vector import RecordEpisodeStatistics

        recorded = RecordEpisodeStatistics(env)
        rng = np.random.default_rng(0)
        seen, _ = recorded.reset(seed=0)
        returns = []
        for _ in range(150):
            seen, _, ended, _, infos = recorded.step(
                choose(seen["action_mask"][:, None], rng)[:, 0]
            )
            if ended.any():
                returns += infos["episode"]["r"][ended].tolist()
        found = env.battles.statistics
        assert len(returns) == found.battles
        assert sum(r > 0 for r in returns) == found.wins[0]

    def test_an_opponent_wins_as_in_the_arena(self, env):
        """Random play against max damage, here and in the arena."""
        rng = np.random.default_rng(1)
        seen, _ = env.reset(seed=1)
        while env.battles.statistics.battles < 150:
            seen, *_ = env.step(choose(seen["action_mask"][:, None], rng)[:, 0])
        teams = load_teams()
        pairs = [(teams[int(a)], teams[int(b)]) for a, b in rng.integers(len(teams), size=(200, 2))]
        played = EngineArena().play([(RandomPolicy(), MaxDamagePolicy())] * 200, pairs, rng=rng)
        share = env.battles.statistics.wins[0] / env.battles.statistics.battles
        assert share == pytest.approx(played[:, 0].mean(), abs=0.12)


def test_pettingzoos_own_test():
    pytest.importorskip("gymnasium")
    test = pytest.importorskip("pettingzoo.test")
    from pokespiel.gen1ou.wrappers import Gen1OUParallelEnv

    test.parallel_api_test(Gen1OUParallelEnv(seed=0), num_cycles=400)


def test_a_battle_here_is_the_engines_battle():
    """The same seed, teams and choices through `Battle`."""
    env = Gen1OUEnv(1, teams=load_teams()[:1], seed=9)
    team = legal_sets(load_teams()[0])
    rng = np.random.default_rng(9)
    rng.integers(1, size=(1, 2))
    battle = Battle(team, team, int(rng.integers(2**64, size=1, dtype=np.uint64)[0]))
    draws = np.random.default_rng(0)
    for _ in range(40):
        np.testing.assert_array_equal(battle.row[: env.rows.shape[1]], env.rows[0])
        actions = choose(env.legal, draws)
        words = [
            {action: word for word, action in battle._choices(p)[1].items()}.get(int(actions[0, p]))
            for p in (0, 1)
        ]
        _, ended = env.step(actions)
        battle.choose(*words)
        if ended[0]:
            assert battle.result != "ongoing"
            return
