"""What the heuristics do on the engine: positions by hand, secrets kept, strengths in order."""

import dataclasses

import numpy as np
import pytest

from pokespiel.gen1ou import observation as layout
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.baselines import BASELINES
from pokespiel.gen1ou.baselines.simple_heuristics import matchup_scores
from pokespiel.gen1ou.baselines.trainers import type_scores
from pokespiel.gen1ou.baselines.view import engine_view
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.batch import begin_all, call, legal_all, step_all
from pokespiel.gen1ou.engine.teams import pack
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.teams import engine_sets, library

TEAMS = [pack(engine_sets(team.members)) for team in library().values()]


def positions(number, steps, rng):
    """Decisions of both players of battles played at random for some steps."""
    packed = np.stack(
        [[TEAMS[int(k)] for k in rng.integers(len(TEAMS), size=2)] for _ in range(number)]
    )
    rows = np.zeros((number, at.ROW), np.int32)
    call(begin_all, rows, packed, rng.integers(2**63, size=number, dtype=np.uint64))
    results = np.zeros(number, np.int32)
    legal = np.zeros((number, 2, 10), np.bool_)
    for _ in range(steps):
        legal[:] = False
        call(legal_all, rows, legal)
        drawn = np.argmax(rng.random(legal.shape) * legal, axis=2)
        call(step_all, rows, np.where(legal.any(axis=2), drawn, -1).astype(np.int32), results)
    legal[:] = False
    call(legal_all, rows, legal)
    where, players = np.nonzero(legal.any(axis=2))
    return Decisions(
        rows, layout.nothing_seen(number), where, players, where, legal[where, players]
    )


def duel(own, foe, *, own_hp=1.0, foe_hp=1.0, boosts=()):
    """A decision of player 1: team ``[(species, moves), ...]`` against one Pokémon."""
    rows = np.zeros((1, at.ROW), np.int32)
    full = pack([*own], rules=None), pack([foe], rules=None)
    call(begin_all, rows, np.stack(full)[None], np.array([7], dtype=np.uint64))
    row = rows[0]
    row[at.HP] = max(1, int(row[at.MAX_HP] * own_hp))
    row[at.SIDE + at.HP] = max(1, int(row[at.SIDE + at.MAX_HP] * foe_hp))
    for stat, stages in boosts:
        row[at.BOOST + stat] = stages
    legal = np.zeros((1, 2, 10), np.bool_)
    call(legal_all, rows, legal)
    zero = np.zeros(1, np.int64)
    return Decisions(rows, layout.nothing_seen(1), zero, zero, zero, legal[:, 0])


def chosen(name, decision, times=60):
    """All actions that a policy takes."""
    rng = np.random.default_rng(0)
    return {int(BASELINES[name]().act_on_engine(decision, rng)[0]) for _ in range(times)}


STARMIE = ("starmie", ("surf", "thunderbolt", "thunderwave", "recover"))
TAUROS = ("tauros", ("bodyslam", "hyperbeam", "blizzard", "earthquake"))
JOLTEON = ("jolteon", ("thunderbolt", "thunderwave", "pinmissile", "rest"))
RHYDON = ("rhydon", ("earthquake", "rockslide", "bodyslam", "substitute"))
SLOWBRO = ("slowbro", ("amnesia", "surf", "psychic", "rest"))


class TestChoices:
    @pytest.mark.parametrize(
        "name", ["max_damage", "switch_aware", "simple_heuristics", "grunt", "gym_leader"]
    )
    def test_the_effective_move(self, name):
        assert chosen(name, duel([STARMIE, TAUROS], RHYDON)) == {0}

    def test_simple_heuristics_leaves_a_lost_matchup(self):
        # Electric against ground: nothing given, double taken, and that for a tenth for speed
        # is just worth staying while it is healthy.
        assert chosen("simple_heuristics", duel([JOLTEON, STARMIE], RHYDON)) == {2}
        assert chosen("simple_heuristics", duel([JOLTEON, STARMIE], RHYDON, own_hp=0.5)) == {5}
        assert chosen("simple_heuristics", duel([JOLTEON], RHYDON, own_hp=0.5)) == {2}

    def test_simple_heuristics_leaves_when_its_stats_are_down(self):
        down = [(at.DEFENSE, -3)]
        assert chosen("simple_heuristics", duel([STARMIE, SLOWBRO], RHYDON)) == {0}
        assert chosen("simple_heuristics", duel([STARMIE, SLOWBRO], RHYDON, boosts=down)) == {5}

    def test_switch_aware_leaves_a_lost_race(self):
        assert chosen("switch_aware", duel([JOLTEON, STARMIE], RHYDON)) == {5}
        assert chosen("switch_aware", duel([STARMIE, JOLTEON], RHYDON)) == {0}

    def test_grunt_and_boss_stay(self):
        assert chosen("grunt", duel([JOLTEON, STARMIE], RHYDON)) <= {0, 1, 2, 3}
        assert chosen("gen1_boss", duel([JOLTEON, STARMIE], RHYDON)) <= {0, 1, 2, 3}

    def test_the_boss_ranks_types_and_prepares_on_the_first_turn(self):
        # Rhydon resists none of the types; Amnesia alone prepares.
        first = duel([SLOWBRO], RHYDON)
        assert chosen("gen1_boss", first) == {0}
        policy, rng = BASELINES["gen1_boss"](), np.random.default_rng(0)
        policy.act_on_engine(first, rng)
        first.rows[0, at.TURN] = 2
        later = {int(policy.act_on_engine(first, rng)[0]) for _ in range(60)}
        assert later == {0, 1, 2, 3}

    def test_the_gym_leader_boosts_at_first_or_attacks(self):
        assert chosen("gym_leader", duel([SLOWBRO], STARMIE)) == {0, 1}

    def test_the_gym_leader_knocks_out_when_it_is_sure(self):
        assert chosen("gym_leader", duel([SLOWBRO], RHYDON, foe_hp=0.3)) == {1}

    def test_the_gym_leader_recovers_when_low(self):
        assert chosen("gym_leader", duel([STARMIE], TAUROS, own_hp=0.2)) == {0, 3}

    def test_the_gym_leader_leaves_when_helpless(self):
        only = ("jolteon", ("thunderbolt", "thunder"))
        assert chosen("gym_leader", duel([only, STARMIE], RHYDON)) == {5}


class TestScores:
    def test_simple_heuristics_matchup_by_hand(self):
        view = engine_view(duel([STARMIE, JOLTEON], RHYDON, foe_hp=0.5))
        foe = view.foe_hp[0]
        # Water on ground and rock 4, ground and rock on water and psychic 1; faster; healthier.
        assert matchup_scores(view)[0, 0] == pytest.approx(4 - 1 + 0.1 + 0.4 * (1 - foe))
        assert matchup_scores(view)[0, 1] == pytest.approx(0 - 2 + 0.1 + 0.4 * (1 - foe))

    def test_type_scores_by_hand(self):
        view = engine_view(duel([STARMIE, JOLTEON], RHYDON))
        # Starmie attacks with Surf (4) and with no psychic move; ground and rock deal it 1 each.
        assert type_scores(view)[0, :2].tolist() == [4.0 - 2.0, 0.0 - 3.0]


class TestSecrets:
    @pytest.mark.parametrize("name", list(BASELINES))
    def test_what_the_opponent_hides_changes_nothing(self, name):
        rng = np.random.default_rng(11)
        for steps in (0, 6, 25):
            both = positions(60, steps, rng)
            for player in (0, 1):
                asked = both.players == player
                decisions = dataclasses.replace(
                    both,
                    where=both.where[asked],
                    players=both.players[asked],
                    battles=both.battles[asked],
                    legal=both.legal[asked],
                )
                rows = both.rows.copy()
                for row in rows:
                    hide(row, 1 - player, rng)
                changed = dataclasses.replace(decisions, rows=rows)
                answers = [
                    BASELINES[name]().act_on_engine(asked, np.random.default_rng(3))
                    for asked in (decisions, changed)
                ]
                np.testing.assert_array_equal(*answers)

    def test_hit_points_count_as_they_are_shown(self):
        one, two = duel([TAUROS], RHYDON), duel([TAUROS], RHYDON)
        full = one.rows[0, at.SIDE + at.MAX_HP]
        one.rows[0, at.SIDE + at.HP], two.rows[0, at.SIDE + at.HP] = full - 1, full - 3
        assert engine_view(one).foe_hp.tolist() == engine_view(two).foe_hp.tolist() == [0.99]


def hide(row, foe, rng):
    """Change all that a player keeps to itself: its bench, moves, PP, stats, counters."""
    side = foe * at.SIDE
    active = row[side + at.ORDER]
    for slot in range(6):
        member = side + slot * at.POKEMON
        row[member + at.PP : member + at.PP + 4] = rng.integers(1, 20, size=4)
        row[member + at.MOVES : member + at.MOVES + 4] = rng.integers(1, 165, size=4)
        row[member + at.STATS : member + at.STATS + 4] = rng.integers(100, 400, size=4)
        row[member + at.SLEEP_TURNS] = rng.integers(1, 7)
        if slot != active:
            row[member + at.SPECIES] = rng.integers(1, 152)
            row[member + at.HP] = rng.integers(0, 200)
            row[member + at.STATUS] = rng.integers(0, 7)
    for field in (at.STAT, at.STORED_STAT, at.ACTIVE_MOVES, at.ACTIVE_PP):
        row[side + field : side + field + 4] = rng.integers(1, 160, size=4)
    for field in (at.CONFUSION_TURNS, at.SUBSTITUTE_HP, at.DISABLE_TURNS, at.BIDE_DAMAGE):
        row[side + field] = rng.integers(1, 90)


class TestStrength:
    @pytest.mark.parametrize(
        ("better", "worse", "least"),
        [
            ("gen1_boss", "random", 0.85),
            ("grunt", "gen1_boss", 0.6),
            ("gym_leader", "gen1_boss", 0.6),
            ("simple_heuristics", "gen1_boss", 0.7),
            ("switch_aware", "gen1_boss", 0.6),
        ],
    )
    def test_as_the_field_has_it(self, better, worse, least):
        game = Gen1OU()
        pair = BASELINES[better](), BASELINES[worse]()
        returns = game.play([pair], 200, rng=np.random.default_rng(0))[0, :, 0]
        assert returns.mean() > least

    @pytest.mark.parametrize("name", list(BASELINES))
    def test_a_seed_gives_the_same_battles(self, name):
        game = Gen1OU()
        returns = [
            game.play(
                [(BASELINES[name](), BASELINES["random"]())], 20, rng=np.random.default_rng(5)
            )
            for _ in range(2)
        ]
        np.testing.assert_array_equal(*returns)
