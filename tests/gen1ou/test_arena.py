"""Many battles at once on the engine."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel.gen1ou.arena import EngineArena
from pokespiel.gen1ou.baselines import RandomPolicy
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.teams import load_teams


class FirstLegal:
    """Always the first legal action: its battles depend on their seeds alone."""

    def __init__(self, name="first"):
        self.name = name
        self.asked = set()
        self.over = {}
        self.most = 0

    def act_on_engine(self, decisions, rng):
        self.asked |= set(zip(decisions.battles.tolist(), decisions.players.tolist(), strict=True))
        self.most = max(self.most, len(decisions.rows))
        return np.argmax(decisions.legal, axis=1)

    def ended(self, battles, players, states, returns):
        for battle, player, outcome in zip(battles, players, returns, strict=True):
            assert (int(battle), int(player)) not in self.over
            self.over[int(battle), int(player)] = float(outcome)


def _pairs(count):
    teams = load_teams()
    return [(teams[i % len(teams)], teams[(7 * i + 3) % len(teams)]) for i in range(count)]


def test_places_of_battles_that_are_over_are_filled_and_change_nothing():
    """With 5 battles at a time or all at once, each is played by the same seed and teams."""
    count = 40
    results = []
    for concurrency in (5, count):
        policy = FirstLegal()
        arena = EngineArena(concurrency)
        results.append(
            arena.play([(policy, policy)] * count, _pairs(count), rng=np.random.default_rng(3))
        )
        assert policy.most == concurrency
    np.testing.assert_array_equal(*results)


def test_each_battle_is_played_and_ended_by_its_own_policies():
    """``ended`` is called once for each seat, with what the seat got."""
    count = 30
    a, b, c = (FirstLegal(name) for name in "abc")
    seats = [[(a, b), (b, c), (c, c)][i % 3] for i in range(count)]
    returns = EngineArena(7).play(seats, _pairs(count), rng=np.random.default_rng(4))
    assert set(returns.sum(axis=1)) == {1.0}
    for policy in (a, b, c):
        own = {(i, s): returns[i, s] for i in range(count) for s in (0, 1) if seats[i][s] is policy}
        assert policy.asked == set(own)
        assert policy.over == own


def test_progress_counts_every_battle_once():
    calls = []
    EngineArena(4).play(
        [(RandomPolicy(), RandomPolicy())] * 10,
        _pairs(10),
        rng=np.random.default_rng(5),
        progress=lambda done, of: calls.append((done, of)),
    )
    assert calls[-1] == (10, 10)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_no_battles_are_no_results():
    assert EngineArena().play([], [], rng=np.random.default_rng(0)).shape == (0, 2)


def test_policies_that_cannot_play_here_and_empty_arenas_are_named():
    with pytest.raises(ValueError, match="policy object cannot play on the engine"):
        EngineArena().play([(object(), RandomPolicy())], _pairs(1), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="concurrency must be at least 1, got 0"):
        EngineArena(0)


def test_rows_given_to_policies_are_battles_under_way():
    class Watching(FirstLegal):
        def act_on_engine(self, decisions, rng):
            assert (decisions.rows[decisions.where, at.TURN] >= 0).all()
            assert (decisions.rows[:, at.RESULT] == at.ONGOING).all()
            return super().act_on_engine(decisions, rng)

    policy = Watching()
    EngineArena(3).play([(policy, policy)] * 9, _pairs(9), rng=np.random.default_rng(6))
