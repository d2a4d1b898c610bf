"""Agents of metamon's family as policies: memory per battle, actions, storage, real battles."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pokespiel.gen1ou.arena import EngineArena
from pokespiel.gen1ou.baselines import MaxDamagePolicy
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.showdown import Arena, ShowdownError, ShowdownServer
from pokespiel.gen1ou.showdown.arena import Match
from pokespiel.gen1ou.showdown.decision import Decision
from pokespiel.gen1ou.showdown.install import find_node, showdown_directory
from pokespiel.gen1ou.teams import load_teams
from pokespiel.metamon.policy import MetamonPolicy, load
from pokespiel.policies.storage import save_network
from tests.metamon.conftest import SMALL, new_network
from tests.metamon.test_observation import battle, legal

WORDS = {f"word{number}": number for number in range(SMALL.vocabulary)}


class FirstLegal:
    """A policy of another kind, to share the battles with."""

    def act(self, decisions, rng):
        return np.array([np.flatnonzero(one.legal)[0] for one in decisions])


def skip_without_showdown():
    try:
        find_node()
        showdown_directory()
    except ShowdownError as error:
        pytest.skip(str(error))


def policy(**options):
    return MetamonPolicy(new_network(), WORDS, **options)


def decision(battle_id, current=None, mask=None):
    current = battle() if current is None else current
    return Decision(battle_id, 0, current, legal(0, 1, 2, 3, 5, 6) if mask is None else mask)


def test_battles_do_not_disturb_each_other():
    """The same battle, alone and among others that come and go, has the same probabilities."""
    seen = []
    alone, busy = policy(), policy()
    for one in (alone, busy):
        record = []
        original = one._probabilities

        def spy(*arguments, original=original, record=record):
            probabilities = original(*arguments)
            record.append(probabilities[0])
            return probabilities

        one._probabilities = spy
        seen.append(record)
    for step in range(12):
        alone.act([decision(7)], np.random.default_rng(step))
        others = [decision(100 + step + k) for k in range(step % 4)]
        busy.act([decision(7), *others], np.random.default_rng(step))
        if step > 3:
            busy.finished(100 + step - 1, None)
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-6)


def test_slots_are_given_back():
    player = policy()
    for number in range(30):
        player.act([decision(number)], np.random.default_rng(0))
        if number % 2:
            player.finished(number, None)
        else:
            player.abandoned(number)
    assert player.battles == 0
    assert player._cache.slots == 8


def test_a_cache_grows_with_the_battles():
    player = policy()
    for number in range(20):
        player.act([decision(number)], np.random.default_rng(0))
    assert player.battles == 20
    assert player._cache.slots == 32
    assert sorted(b.slot for b in player._battles.values()) == sorted(
        {b.slot for b in player._battles.values()}
    )


def test_large_batches_are_split():
    player = policy(max_batch=3)
    actions = player.act([decision(k) for k in range(8)], np.random.default_rng(0))
    assert all(legal(0, 1, 2, 3, 5, 6)[action] for action in actions)


@pytest.mark.parametrize("distribution", ["masked", "published"])
def test_actions_are_legal(distribution):
    player, rng = policy(distribution=distribution), np.random.default_rng(0)
    mask = legal(2, 6)
    chosen = {int(player.act([decision(k, mask=mask)], rng)[0]) for k in range(40)}
    assert chosen == {2, 6}


def test_feedback_tells_the_previous_action():
    player = policy()
    told = []
    original = player._probabilities

    def spy(text, numbers, feedback, *rest):
        told.append(feedback[0].copy())
        return original(text, numbers, feedback, *rest)

    player._probabilities = spy
    for _ in range(2):
        player.act([decision(1, mask=legal(3))], np.random.default_rng(0))
    assert told[0].tolist() == [0.0] * 10
    # Slot 3 is Blizzard, alphabetically the first move; nothing happened, so no reward.
    assert told[1].tolist() == [0.0, 1.0] + [0.0] * 8


def test_policies_are_stored(tmp_path):
    player = policy(distribution="published", name="small")
    player.save(tmp_path)
    again = MetamonPolicy.load(tmp_path, WORDS)
    assert (again.name, again.distribution) == ("small", "published")
    assert again.network.config == player.network.config
    for name, value in player.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value)


def test_another_kind_of_policy_is_refused(tmp_path):
    save_network(tmp_path, kind="gen1ou/other", config=SMALL, network=new_network())
    with pytest.raises(ValueError, match="kind 'gen1ou/other', not 'metamon/agent'"):
        MetamonPolicy.load(tmp_path, WORDS)


def test_copies_are_independent():
    player = policy()
    player.act([decision(1)], np.random.default_rng(0))
    other = player.copy()
    assert other.battles == 0
    assert other.network is not player.network


def test_a_wrong_vocabulary_is_refused():
    with pytest.raises(ValueError, match="has 1 words; the network was trained with 1407"):
        MetamonPolicy(new_network(), {"word": 0})


def test_an_unknown_distribution_is_refused():
    with pytest.raises(ValueError, match="'argmax'; available: masked, published"):
        policy(distribution="argmax")


def test_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load(tmp_path / "policy_epoch_3.pt")


@pytest.mark.showdown
def test_real_battles():
    """Of both distributions and against another policy, past the context, to the end."""
    skip_without_showdown()
    network = new_network(replace(SMALL, context=16))
    masked = MetamonPolicy(network, WORDS)
    published = MetamonPolicy(network, WORDS, distribution="published")
    teams = load_teams()
    pairs = [(masked, masked), (published, masked), (FirstLegal(), masked)]
    matches = [Match(pair, (teams[k], teams[-1 - k])) for k, pair in enumerate(pairs)]
    with ShowdownServer() as server, Arena(server, concurrency=3) as arena:
        results = arena.play(matches, rng=np.random.default_rng(0))
        assert arena.rejected_choices == 0
    assert max(result.decisions for result in results) > 2 * 16
    assert masked.battles == published.battles == 0


class TestOnTheEngine:
    def pairs(self, count):
        teams = load_teams()
        return [(teams[i % len(teams)], teams[(5 * i + 2) % len(teams)]) for i in range(count)]

    def test_it_plays_itself_and_others_and_keeps_nothing(self):
        agent = policy()
        seats = [(agent, agent), (agent, MaxDamagePolicy()), (MaxDamagePolicy(), agent)] * 3
        returns = EngineArena(4).play(seats, self.pairs(9), rng=np.random.default_rng(0))
        assert set(returns.sum(axis=1)) == {1.0}
        assert agent.battles == 0
        assert not agent._on_engine.places

    def test_battles_beside_it_change_nothing(self):
        """A battle's probabilities do not hang on which others share the batch, nor when."""
        seen = {}
        for concurrency in (1, 6):
            agent = policy()
            told = []
            original = agent._probabilities

            def spy(*arguments, original=original, told=told):
                probabilities = original(*arguments)
                told.append((arguments[0].sum(axis=1), probabilities))
                # Always the likeliest, so that nothing is drawn.
                return np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]

            agent._probabilities = spy
            rng = np.random.default_rng(1)
            returns = EngineArena(concurrency).play([(agent, agent)] * 6, self.pairs(6), rng=rng)
            rows = sorted(
                (int(text), *np.round(row, 4))
                for texts, rows in told
                for text, row in zip(texts, rows, strict=True)
            )
            seen[concurrency] = returns, np.array(rows)
        np.testing.assert_array_equal(seen[1][0], seen[6][0])
        np.testing.assert_allclose(seen[1][1], seen[6][1], atol=2e-4)

    def test_a_wrapper_beside_it_shares_its_memory(self):
        """What happened is read once, though both sit at the same battle."""

        class Wrapper:
            name = "wrapper"

            def __init__(self, agent):
                self.watch, self.ended = agent.watch, agent.ended
                self.act_on_engine = agent.act_on_engine

        games = []
        for wrap in (False, True):
            agent, asked = policy(), []
            original = agent._probabilities

            def spy(*arguments, original=original, asked=asked):
                asked.append(arguments[1])
                return np.eye(9)[original(*arguments).argmax(axis=1)]

            agent._probabilities = spy
            seats = [(agent, Wrapper(agent) if wrap else agent)] * 4
            EngineArena().play(seats, self.pairs(4), rng=np.random.default_rng(4))
            games.append(np.concatenate(asked))
        assert np.abs(games[0][:, 9:16]).max() > 0.0, "boosts were seen"
        np.testing.assert_array_equal(*(np.sort(game, axis=0) for game in games))

    def test_a_game_that_starts_from_it_stores_and_loads_it(self, tmp_path, monkeypatch):
        monkeypatch.setattr("pokespiel.metamon.policy.load_vocabulary", lambda: WORDS)
        game = Gen1OU(initial=policy(name="small"))
        assert "initial=small" in game.name
        (start,) = game.initial_policies()
        game.save_policy(start, tmp_path)
        again = game.load_policy(tmp_path)
        assert type(again) is MetamonPolicy
        returns = game.play([(start, again)], 4, rng=np.random.default_rng(2))
        assert returns.shape == (1, 4, 2)

    def test_an_arena_that_was_left_in_the_middle_leaves_no_history(self):
        class Failing(MaxDamagePolicy):
            def act_on_engine(self, decisions, rng):
                raise RuntimeError("lost")

        agent = policy()
        for seats in ([(agent, Failing())], [(agent, agent)]):
            try:
                EngineArena().play(seats, self.pairs(1), rng=np.random.default_rng(3))
            except RuntimeError:
                assert agent.battles == 1
        assert agent.battles == 0
