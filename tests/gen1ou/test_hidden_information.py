"""A player's observation holds nothing that Showdown would not show that player.

Every field of the engine's rows is named here as shown or hidden, so that a new one must be
thought about. In battles under way the hidden ones are then changed at random, and neither the
observation nor the legal actions may move.
"""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel.gen1ou import observation as obs
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables
from pokespiel.gen1ou.engine.batch import begin_all, call, legal_all, step_all
from pokespiel.gen1ou.engine.teams import pack
from pokespiel.gen1ou.teams import legal_sets, load_teams

POKEMON_FIELDS = {
    # Of a Pokémon that has appeared: hp to the percent, its name, condition and used moves.
    "shown": {"HP", "STATUS", "SPECIES", "TYPES", "MOVES", "PP", "SLEPT_BY_ITSELF", "LEVEL"},
    "hidden": {"MAX_HP", "STATS", "SLEEP_TURNS", "SUBSTITUTE_BROKE", "SPEED_GENES"},
}
SIDE_FIELDS = {
    "shown": {
        *("ORDER", "BOOST", "ACTIVE_TYPES", "ACTIVE_SPECIES", "TRANSFORMED", "LAST_MOVE"),
        *("VOLATILES", "DISABLED_MOVE", "CHARGED_MOVE", "TRAPPING_MOVE", "POKEMON_LEFT"),
        *("REQUEST", "TOXIC_COUNTER", "LOCKED_MOVE"),
    },
    "hidden": {
        *("STAT", "STORED_STAT", "ACTIVE_MOVES", "ACTIVE_PP", "QUEUE_SPEED", "CONFUSION_TURNS"),
        *("SUBSTITUTE_HP", "DISABLE_TURNS", "BIDE_TURNS", "BIDE_DAMAGE", "LOCKED_TURNS"),
        *("LOCKED_ACCURACY", "RAGE_ACCURACY", "TRAPPING_TURNS", "TRAPPING_TOTAL"),
        *("TRAPPING_DAMAGE", "TRAPPED_TURNS", "FALSE_TRAP_TURNS"),
        *("LAST_SELECTED_MOVE", "LAST_SELECTED_SLOT", "LAST_ENEMY_SELECTED_MOVE"),
        *("LAST_ENEMY_MOVE", "FAINTED_THIS_TURN", "FAINT_QUEUED", "PENDING_MOVE"),
        *("DISABLED_SLOT", "TRAPPING_TARGET", "TRAPPED_BY", "TRAP_MAY_END", "FALSE_TRAP_WITH"),
    },
}
# Volatiles that no message tells the opponent of, or that say what it worked out by itself.
HIDDEN_VOLATILES = at.FLINCHED | at.TOXIC_COUNTED | at.TRAPPED | at.FALSELY_TRAPPED
BATTLE_FIELDS = {
    "shown": {"TURN", "RESULT"},
    "hidden": {"LAST_DAMAGE", "FAINTS", "PRNG_HIGH", "PRNG_LOW"},
}
# What even its own player is not told of its active Pokémon. (Own numbers, like hp, it knows.)
HIDDEN_FROM_ITSELF = {
    *("CONFUSION_TURNS", "DISABLE_TURNS", "BIDE_TURNS", "BIDE_DAMAGE", "LOCKED_TURNS"),
    *("LOCKED_ACCURACY", "RAGE_ACCURACY", "SUBSTITUTE_HP", "TRAPPED_TURNS"),
}


def fields(first: str, end: str) -> dict[str, tuple[int, int]]:
    """Names of the layout's consecutive fields with their offsets and sizes."""
    names = list(vars(at))
    names = names[names.index(first) : names.index(end) + 1]
    offsets = [int(getattr(at, name)) for name in names]
    return {n: (a, b - a) for n, a, b in zip(names, offsets, offsets[1:], strict=False)}


POKEMON = fields("MAX_HP", "POKEMON")
SIDE = fields("ORDER", "SIDE")
BATTLE = fields("TURN", "ROW")


@pytest.mark.parametrize(
    ("layout", "named"), [(POKEMON, POKEMON_FIELDS), (SIDE, SIDE_FIELDS), (BATTLE, BATTLE_FIELDS)]
)
def test_every_field_of_a_row_is_shown_or_hidden(layout, named):
    assert not named["shown"] & named["hidden"]
    assert set(layout) == named["shown"] | named["hidden"]


def battles_under_way(battles, steps, rng, archetype=None):
    teams = load_teams(archetype=archetype)
    teams = np.stack([pack(legal_sets(team)) for team in teams])
    rows = np.zeros((battles, at.ROW), np.int32)
    pairs = teams[rng.integers(len(teams), size=(battles, 2))]
    call(begin_all, rows, pairs, rng.integers(2**64, size=battles, dtype=np.uint64))
    revealed = obs.nothing_seen(battles)
    obs.reveal(rows, revealed)
    results = np.zeros(battles, np.int32)
    for _ in range(steps):
        yield rows, revealed
        legal = legal_of(rows)
        draws = rng.random(legal.shape) * legal
        actions = np.where(legal.any(axis=2), draws.argmax(axis=2), -1).astype(np.int32)
        call(step_all, rows, actions, results)
        obs.reveal(rows, revealed)


def legal_of(rows):
    legal = np.zeros((len(rows), 2, 10), np.bool_)
    call(legal_all, rows, legal)
    return legal


def disturb(rows, revealed, viewer, rng):
    """The same battles and records, everything hidden from ``viewer`` drawn anew."""
    rows, revealed = rows.copy(), revealed.copy()
    own, foe = viewer * at.SIDE, (1 - viewer) * at.SIDE
    for name, (start, size) in SIDE.items():
        if name in SIDE_FIELDS["hidden"]:
            rows[:, foe + start : foe + start + size] = rng.integers(1, 9, (len(rows), size))
        if name in HIDDEN_FROM_ITSELF:
            rows[:, own + start : own + start + size] = rng.integers(1, 9, (len(rows), size))
    for name, (start, size) in BATTLE.items():
        if name in BATTLE_FIELDS["hidden"]:
            rows[:, start : start + size] = rng.integers(-(2**31), 2**31, (len(rows), size))
    drawn = rng.integers(2**31, size=len(rows)) & HIDDEN_VOLATILES
    rows[:, foe + at.VOLATILES] = rows[:, foe + at.VOLATILES] & ~HIDDEN_VOLATILES | drawn
    for row, seen in zip(rows, revealed[:, 1 - viewer, :6], strict=True):
        for slot in range(6):
            own_mon = row[own + slot * at.POKEMON :][: at.POKEMON]
            if own_mon[at.STATUS] == at.ASLEEP:
                own_mon[at.SLEEP_TURNS] = rng.integers(1, 8)
            mon = row[foe + slot * at.POKEMON :][: at.POKEMON]
            if slot in seen:
                is_charging = row[foe + at.VOLATILES] & at.CHARGING
                prepared = row[foe + at.CHARGED_MOVE] if is_charging else 0
                _change_what_was_seen(mon, prepared, rng)
            else:
                _change_everything(mon, rng)
        _change_places(row[foe : foe + at.SIDE], seen, rng)
    return rows, revealed


def _change_places(side, seen, rng):
    """Another order of the opponent's team, and of its bench; ``seen`` follows."""
    places = rng.permutation(6)
    team = side[: at.ORDER].reshape(6, at.POKEMON)
    team[places] = team.copy()
    order = side[at.ORDER : at.ORDER + 6]
    order[:] = places[order]
    rng.shuffle(order[1:])
    seen[seen >= 0] = places[seen[seen >= 0]]


def _change_everything(mon, rng):
    mon[at.MAX_HP] = mon[at.HP] = rng.integers(200, 704)
    mon[at.SPECIES] = rng.integers(1, 152)
    mon[at.MOVES : at.MOVES + 4] = rng.choice(np.arange(1, 165), 4, replace=False)
    mon[at.PP : at.PP + 4] = rng.integers(1, 40, 4)
    mon[at.STATS : at.STATS + 4] = rng.integers(1, 999, 4)
    mon[at.TYPES : at.TYPES + 2] = rng.integers(0, 15, 2)
    mon[at.LEVEL] = rng.integers(1, 101)
    mon[at.SPEED_GENES] = rng.integers(1, 99)


def _change_what_was_seen(mon, prepared, rng):
    shown = percent(mon[at.HP], mon[at.MAX_HP])
    most = int(rng.integers(200, 704))
    fitting = np.flatnonzero(percent(np.arange(most + 1), most) == shown)
    if len(fitting):
        mon[at.MAX_HP], mon[at.HP] = most, rng.choice(fitting)
    mon[at.STATS : at.STATS + 4] = rng.integers(1, 999, 4)
    mon[at.SUBSTITUTE_BROKE] = rng.integers(2)
    mon[at.SPEED_GENES] = rng.integers(1, 99)
    if mon[at.STATUS] == at.ASLEEP:
        mon[at.SLEEP_TURNS] = rng.integers(1, 8)
    known = set(mon[at.MOVES : at.MOVES + 4].tolist())
    for k in range(4):
        move = mon[at.MOVES + k]
        if move not in (0, prepared) and mon[at.PP + k] == tables.MAX_PP[move]:
            other = next(m for m in rng.integers(1, 165, 8).tolist() if m not in known)
            mon[at.MOVES + k], mon[at.PP + k] = other, tables.MAX_PP[other]
    slots = rng.permutation(4)
    for first in (at.MOVES, at.PP):
        mon[first : first + 4] = mon[first + slots]


def percent(hp, most):
    """As Showdown shows an opponent's hp."""
    shown = -(-100 * hp // most)
    return np.where((shown == 100) & (hp < most), 99, shown)


@pytest.mark.parametrize("viewer", [0, 1])
def test_nothing_hidden_moves_the_observation_or_the_legal_actions(viewer):
    rng = np.random.default_rng(viewer)
    compared = 0
    for rows, revealed in battles_under_way(40, 60, rng):
        asked = np.flatnonzero(legal_of(rows)[:, viewer].any(axis=1))
        if not len(asked):
            break
        changed, known = disturb(rows, revealed, viewer, rng)
        legal = legal_of(rows)[asked, viewer]
        np.testing.assert_array_equal(legal_of(changed)[asked, viewer], legal)
        players = np.full(len(asked), viewer)
        before = obs.observe(rows, revealed, asked, players, legal)
        after = obs.observe(changed, known, asked, players, legal)
        for name in before:
            np.testing.assert_array_equal(after[name], before[name], err_msg=name)
        compared += len(asked)
    assert compared > 1500


def test_a_trap_that_may_have_ended_looks_like_one_that_only_seems_to_hold():
    """Showdown leaves a player unsure whether its Pokémon is held; nothing else may tell."""
    rng = np.random.default_rng(0)
    compared = 0
    for rows, revealed in battles_under_way(200, 60, rng, archetype="wrap"):
        changed = rows.copy()
        for s in range(2):
            side = changed[:, s * at.SIDE : (s + 1) * at.SIDE]
            bits, unsure = side[:, at.VOLATILES].copy(), side[:, at.TRAP_MAY_END] != 0
            really, seemingly = bits & at.TRAPPED != 0, bits & at.FALSELY_TRAPPED != 0
            really &= unsure & ~seemingly
            seemingly &= bits & at.TRAPPED == 0
            either = at.TRAPPED | at.FALSELY_TRAPPED
            side[really | seemingly, at.VOLATILES] ^= either
            side[seemingly, at.TRAP_MAY_END] = 1
            compared += int((really | seemingly).sum())
        legal = legal_of(rows)
        np.testing.assert_array_equal(legal_of(changed), legal)
        battles, players = np.nonzero(legal.any(axis=2))
        before = obs.observe(rows, revealed, battles, players, legal[battles, players])
        after = obs.observe(changed, revealed, battles, players, legal[battles, players])
        for name in before:
            np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    assert compared > 40


def test_what_is_shown_does_move_the_observation():
    """The test above can fail: an opponent's shown hp, status or used move is observed."""
    rng = np.random.default_rng(3)
    *_, (rows, revealed) = battles_under_way(40, 25, rng)
    legal = legal_of(rows)
    asked = np.flatnonzero(legal[:, 0].any(axis=1))
    players = np.zeros(len(asked), np.int64)
    before = obs.observe(rows, revealed, asked, players, legal[asked, 0])
    for field, value in ((at.HP, 1), (at.STATUS, at.PARALYZED), (at.PP, 0)):
        changed = rows.copy()
        slots = at.SIDE + rows[:, at.SIDE + at.ORDER] * at.POKEMON
        changed[np.arange(len(rows)), slots + field] = value
        after = obs.observe(changed, revealed, asked, players, legal[asked, 0])
        assert any(not np.array_equal(after[name], before[name]) for name in before)
