"""Battles on a real server: played together, counted once, never lost, never hanging."""

import asyncio
import gc
import itertools
import os
import signal
import threading
import time
from collections import Counter

import numpy as np
import pytest

from pokespiel.gen1ou.actions import NUM_ACTIONS
from pokespiel.gen1ou.baselines import MaxDamagePolicy, RandomPolicy, SimpleHeuristicsPolicy
from pokespiel.gen1ou.showdown import (
    Arena,
    Match,
    PolicyError,
    ShowdownError,
    ShowdownServer,
    validate_teams,
)
from pokespiel.gen1ou.showdown.players import Slot
from pokespiel.gen1ou.teams import load_teams

pytestmark = pytest.mark.showdown

TEAMS = load_teams()
# Multi-turn moves, trapping, Transform, Mimic, Metronome, Disable: every kind of request.
ODD_TEAMS = [
    "Ditto\n- Transform\n\nClefable\n- Metronome\n- Mimic\n- Sing\n- Body Slam\n\n"
    "Arbok\n- Wrap\n- Glare\n- Rage\n- Earthquake\n\nKadabra\n- Disable\n- Psywave\n- Bide\n",
    "Dragonite\n- Wrap\n- Agility\n- Razor Wind\n- Hyper Beam\n\nVenusaur\n- Solar Beam\n"
    "- Leech Seed\n- Toxic\n- Sleep Powder\n\nPrimeape\n- Thrash\n- Mimic\n- Counter\n\n"
    "Mr. Mime\n- Metronome\n- Mimic\n- Substitute\n\nNidoran-F\n- Mimic\n- Bide\n",
]


class Watcher(RandomPolicy):
    """Plays another policy's game and notes what it was asked and told."""

    def __init__(self, policy=None):
        self.policy = policy or RandomPolicy()
        self.batches = []
        self.threads = set()
        self.asked = {}
        self.told = Counter()
        self.results = {}
        self.abandonments = Counter()

    def act(self, decisions, rng):
        self.batches.append([decision.battle_id for decision in decisions])
        self.threads.add(threading.get_ident())
        for decision in decisions:
            assert decision.legal.shape == (NUM_ACTIONS,)
            assert decision.legal.any()
            assert decision.battle.player_role == f"p{decision.player + 1}"
            self.asked.setdefault(decision.battle_id, decision)
        return self.policy.act(decisions, rng)

    def finished(self, battle_id, result):
        self.told[battle_id] += 1
        self.results[battle_id] = result

    def abandoned(self, battle_id):
        self.abandonments[battle_id] += 1


def species(team):
    return [member.split("|")[0] for member in team.split("]")]


def draw(rng, size, policies=None):
    policy = MaxDamagePolicy()
    return [
        Match(policies or (policy, policy), (TEAMS[i], TEAMS[j]))
        for i, j in rng.integers(len(TEAMS), size=(size, 2))
    ]


def assert_counted_once(server, results, start=0):
    """Every result is one line of the server's own record, and no tag comes twice."""
    record = {battle.battle_tag: battle for battle in server.finished_battles()[start:]}
    assert len(record) == len(server.finished_battles()[start:])
    assert len({result.battle_tag for result in results}) == len(results)
    for result in results:
        assert record[result.battle_tag].returns == result.returns
        assert record[result.battle_tag].turns == result.turns


class TestPlay:
    def test_results_come_in_the_order_of_the_matches(self, server, arena, rng):
        start = len(server.finished_battles())
        watchers = Watcher(), Watcher(MaxDamagePolicy())
        matches = draw(rng, 24, policies=watchers)
        calls = []
        results = arena.play(matches, rng=rng, progress=lambda *done: calls.append(done))
        assert [result.teams for result in results] == [match.teams for match in matches]
        assert all(result.returns in ((1.0, 0.0), (0.0, 1.0), (0.5, 0.5)) for result in results)
        assert all(result.turns > 0 and result.decisions >= result.turns for result in results)
        assert calls == [(done, 24) for done in range(1, 25)]
        assert np.mean([result.returns[1] for result in results]) > 0.7
        assert len(server.finished_battles()) - start == len(results)
        assert_counted_once(server, results, start)

    def test_each_player_has_its_side_and_its_team(self, arena, rng):
        watchers = Watcher(), Watcher()
        matches = draw(rng, 6, policies=watchers)
        arena.play(matches, rng=rng)
        for side, watcher in enumerate(watchers):
            teams = Counter()
            for decision in watcher.asked.values():
                assert decision.player == side
                # In the original order, whatever was switched since.
                teams[tuple(p.base_species for p in decision.battle.team.values())] += 1
            expected = Counter(
                tuple(name.lower() for name in species(match.teams[side])) for match in matches
            )
            assert teams == expected

    def test_one_policy_may_play_both_sides(self, arena, rng):
        watcher = Watcher()
        arena.play(draw(rng, 4, policies=(watcher, watcher)), rng=rng)
        assert sorted(decision.player for decision in watcher.asked.values()) == [0] * 4 + [1] * 4
        assert any(len(batch) > 1 for batch in watcher.batches)

    def test_every_battle_id_is_told_its_end_once(self, arena, rng):
        watchers = Watcher(), Watcher()
        results = arena.play(draw(rng, 10, policies=watchers), rng=rng)
        for side, watcher in enumerate(watchers):
            assert watcher.told == Counter(watcher.asked.keys())
            assert sorted(r.battle_tag for r in watcher.results.values()) == sorted(
                r.battle_tag for r in results
            )
            for battle_id, result in watcher.results.items():
                battle = watcher.asked[battle_id].battle
                assert battle.battle_tag == result.battle_tag
                # The battle object shows the end when `finished` is called.
                assert {True: 1.0, False: 0.0, None: 0.5}[battle.won] == result.returns[side]
        assert not set(watchers[0].asked) & set(watchers[1].asked)

    def test_waiting_decisions_share_a_batch(self, arena, rng):
        """All twenty battles, both players: one call asks for many decisions, none twice."""
        watcher = Watcher(MaxDamagePolicy())
        results = arena.play(draw(rng, 40, policies=(watcher, watcher)), rng=rng)
        sizes = [len(batch) for batch in watcher.batches]
        assert sum(sizes) == sum(result.decisions for result in results)
        assert all(len(batch) == len(set(batch)) for batch in watcher.batches)
        assert np.mean(sizes) > 4
        assert max(sizes) > 10

    def test_policies_run_in_the_callers_thread(self, arena, rng):
        watcher = Watcher()
        arena.play(draw(rng, 2, policies=(watcher, watcher)), rng=rng)
        assert watcher.threads == {threading.get_ident()}

    def test_it_plays_inside_a_running_event_loop(self, arena, rng):
        """As in a notebook."""

        async def cell():
            return arena.play(draw(rng, 3), rng=rng)

        assert len(asyncio.run(cell())) == 3

    def test_nothing_to_play(self, arena, rng):
        assert arena.play([], rng=rng) == []

    def test_the_mask_is_what_the_server_accepts(self, arena, rng):
        """Random play with the oddest moves: no choice is refused, no battle replayed."""
        teams = validate_teams(ODD_TEAMS)
        refused = arena.rejected_choices
        policies = RandomPolicy(), RandomPolicy()
        pairs = itertools.product(teams, teams)
        results = arena.play([Match(policies, pair) for pair in pairs] * 3, rng=rng)
        assert arena.rejected_choices == refused
        assert sum(result.replays for result in results) == 0

    def test_connections_are_kept_and_battles_are_not(self, arena, rng):
        """Battles, locks and tasks do not pile up in the players."""
        arena.play(draw(rng, 10), rng=rng)
        before = {slot for slot in gc.get_objects() if isinstance(slot, Slot)}
        for _ in range(2):
            arena.play(draw(rng, 10), rng=rng)
        slots = {slot for slot in gc.get_objects() if isinstance(slot, Slot) and slot.is_usable}
        assert slots <= before
        assert len(slots) <= arena.concurrency
        for user in (user for slot in slots for user in slot.users):
            assert not user.battles
            # The last battle's farewell may be unread, and tasks just done not yet dropped; a
            # battle has dozens.
            assert len(user.ps_client._battle_locks) <= 1
            tasks = user.ps_client._active_tasks
            assert sum(not task.done() for task in tasks) <= 2
            assert len(tasks) <= 5


class Faulty(RandomPolicy):
    """Plays at random until it has been asked a few times."""

    name = "faulty"

    def __init__(self, fault):
        self.fault = fault
        self.calls = 0

    def act(self, decisions, rng):
        self.calls += 1
        if self.calls < 8:
            return super().act(decisions, rng)
        return self.fault(decisions)


PLACE = r"player 0 of battle-gen1ou-\d+, turn \d+"


class TestFaultyPolicies:
    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            (lambda ds: 1 / 0, "raised ZeroDivisionError: division by zero while choosing for "),
            (lambda ds: None, r"must answer an integer array of shape \(\d+,\), got object"),
            (lambda ds: np.zeros(len(ds)), "must answer an integer array .* got float64"),
            (lambda ds: [0] * (len(ds) + 1), r"must answer .* of shape \(\d+,\), for "),
            (lambda ds: [NUM_ACTIONS] * len(ds), "chose action 10 for "),
            (lambda ds: [-1] * len(ds), "chose action -1 for "),
            (lambda ds: [int(np.argmin(d.legal)) for d in ds], r"chose action \d for .*legal are"),
        ],
    )
    def test_one_clear_error(self, arena, rng, fault, message):
        policies = Faulty(fault), RandomPolicy()
        with pytest.raises(PolicyError, match=rf"^policy faulty \(Faulty\) {message}") as error:
            arena.play(draw(rng, 3, policies=policies), rng=rng)
        error.match(PLACE)

    def test_the_cause_is_kept(self, arena, rng):
        with pytest.raises(PolicyError) as error:
            arena.play(draw(rng, 1, (Faulty(lambda ds: 1 / 0), RandomPolicy())), rng=rng)
        assert isinstance(error.value.__cause__, ZeroDivisionError)

    def test_an_error_in_finished(self, arena, rng):
        policy = RandomPolicy()
        policy.finished = lambda battle_id, result: 1 / 0
        with pytest.raises(PolicyError, match=r"policy random .* in `finished` for battle-gen1ou"):
            arena.play(draw(rng, 1, (policy, RandomPolicy())), rng=rng)

    def test_the_arena_plays_on_after_an_error(self, server, arena, rng):
        with pytest.raises(PolicyError):
            arena.play(draw(rng, 5, (Faulty(lambda ds: 1 / 0), RandomPolicy())), rng=rng)
        start = len(server.finished_battles())
        assert_counted_once(server, arena.play(draw(rng, 5), rng=rng), start)

    def test_an_interrupt_ends_the_play(self, arena, rng):
        def interrupt(decisions):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            arena.play(draw(rng, 5, (Faulty(interrupt), RandomPolicy())), rng=rng)
        assert len(arena.play(draw(rng, 2), rng=rng)) == 2

    def test_a_policy_may_be_slower_than_the_stall_timeout(self, server, rng):
        class Slow(RandomPolicy):
            calls = 0

            def act(self, decisions, rng):
                self.calls += 1
                if self.calls in (2, 5):
                    time.sleep(1.5)
                return super().act(decisions, rng)

        with Arena(server, concurrency=3, stall_timeout=0.5) as arena:
            matches = draw(rng, 2, (Slow(), MaxDamagePolicy())) + draw(rng, 4)
            results = arena.play(matches, rng=rng)
        assert [result.replays for result in results] == [0] * 6


class TestRefusals:
    @pytest.mark.parametrize("side", [0, 1])
    def test_an_illegal_team_is_refused_in_showdowns_words(self, arena, rng, side):
        teams = [TEAMS[0], TEAMS[0]]
        teams[side] = "Mewtwo|||NoAbility|Amnesia|Serious|252,252,252,252,252,252|N||||"
        message = rf"(?s)player {side}: Your team was rejected .* Mewtwo is tagged Uber"
        with pytest.raises(ShowdownError, match=message):
            arena.play([Match((RandomPolicy(), RandomPolicy()), tuple(teams))], rng=rng)
        assert len(arena.play(draw(rng, 1), rng=rng)) == 1

    def test_no_battles_at_once(self, server):
        with pytest.raises(ValueError, match="concurrency must be at least 1, got 0"):
            Arena(server, concurrency=0)

    def test_a_closed_arena(self, server, rng):
        arena = Arena(server)
        arena.close()
        arena.close()
        with pytest.raises(RuntimeError, match="closed"):
            arena.play(draw(rng, 1), rng=rng)

    def test_a_policy_cannot_play_in_the_arena_that_asks_it(self, arena, rng):
        policy = Faulty(lambda decisions: arena.play([], rng=rng))
        with pytest.raises(PolicyError, match="this arena is playing already"):
            arena.play(draw(rng, 1, (policy, RandomPolicy())), rng=rng)


class Saboteur(Watcher):
    """Plays on, but does something else on its n-th call."""

    def __init__(self, call, deed):
        super().__init__(MaxDamagePolicy())
        self.call = call
        self.deed = deed

    def act(self, decisions, rng):
        if len(self.batches) == self.call:
            self.deed()
        return super().act(decisions, rng)


class TestReplays:
    def test_a_killed_server_is_restarted_and_its_battles_replayed(self, rng):
        with ShowdownServer() as server, Arena(server, concurrency=10) as arena:
            policy = Saboteur(20, lambda: os.kill(server.pid, signal.SIGKILL))
            results = arena.play(draw(rng, 20, (policy, policy)), rng=rng)
            assert server.starts == 2
            assert len(results) == 20
            assert 1 <= sum(result.replays for result in results) <= 10
            # The server has finished these and no others.
            assert len(server.finished_battles()) == 20
            assert_counted_once(server, results)
            # What was begun is told its end or is abandoned, never both.
            assert policy.told + policy.abandonments == Counter(policy.asked.keys())
            assert len(policy.told) == 40
            assert_counted_once(server, results + arena.play(draw(rng, 5), rng=rng))

    def test_a_server_that_dies_again_is_an_error(self, rng):
        with ShowdownServer() as server, Arena(server, concurrency=4) as arena:
            policy = Saboteur(None, None)
            policy.call, policy.deed = 5, lambda: kill_and_again(policy, server)
            with pytest.raises(ShowdownError, match=r"died again .* \(exit status -9\)"):
                arena.play(draw(rng, 20, (policy, policy)), rng=rng)

    def test_a_silent_server_is_restarted(self, rng):
        with (
            ShowdownServer() as server,
            Arena(server, concurrency=4, stall_timeout=1.0) as arena,
        ):
            policy = Saboteur(10, lambda: os.kill(server.pid, signal.SIGSTOP))
            results = arena.play(draw(rng, 6, (policy, policy)), rng=rng)
            assert server.starts == 2
            assert len(server.finished_battles()) == 6
            assert_counted_once(server, results)

    def test_a_lost_connection_is_replaced(self, server, arena, rng):
        start = len(server.finished_battles())

        policy = Saboteur(10, lambda: cut_connections(1))
        results = arena.play(draw(rng, 20, (policy, policy)), rng=rng)
        assert sum(result.replays for result in results) == 1
        assert len(server.finished_battles()) - start == 20
        assert_counted_once(server, results, start)

    def test_replays_are_bounded(self, server, rng):
        class Nuisance(RandomPolicy):
            def act(self, decisions, rng):
                cut_connections(2)
                return super().act(decisions, rng)

        with Arena(server, concurrency=1, max_replays=2) as arena:
            message = r"match 0 could not be finished in 3 attempts; .* lost its connection"
            with pytest.raises(ShowdownError, match=message):
                arena.play(draw(rng, 1, (Nuisance(), RandomPolicy())), rng=rng)


def cut_connections(number):
    """Break connections of players who are in a battle."""
    slots = [slot for slot in gc.get_objects() if isinstance(slot, Slot)]
    users = [user for slot in slots for user in slot.users if user.attempt is not None]
    for user in users[:number]:
        user.ps_client.websocket.transport.abort()


def kill_and_again(policy, server):
    """Kill the server, and once more a few calls after it is back."""
    if server.starts == 2:
        os.kill(server.pid, signal.SIGKILL)
        return
    policy.call = len(policy.batches) + 12
    os.kill(server.pid, signal.SIGKILL)


@pytest.mark.parametrize("policy", [RandomPolicy(), MaxDamagePolicy(), SimpleHeuristicsPolicy()])
def test_baselines_play_whole_battles(arena, rng, policy):
    teams = [*TEAMS, *validate_teams(ODD_TEAMS)]
    matches = [
        Match((policy, RandomPolicy()), (teams[i], teams[j]))
        for i, j in rng.integers(len(teams), size=(12, 2))
    ]
    returns = [result.returns[0] for result in arena.play(matches, rng=rng)]
    if not isinstance(policy, RandomPolicy):
        assert np.mean(returns) > 0.5
