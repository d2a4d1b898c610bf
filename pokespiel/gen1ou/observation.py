"""What one player may know of a battle, as arrays: the layout, and the arrays from engine rows.

`pokespiel.gen1ou.showdown.observation` builds the same arrays from what a Showdown server says;
a test holds the two equal. Their shapes are those `pokespiel.policies.battle_network` takes.

==============  =======  ==================================================================
array           shape    meaning
==============  =======  ==================================================================
`ids`           (12, 6)  per Pokémon: species, status (`STATUS_*`), four moves; 0 is
                         unknown. Own team in its original order, then the opponent's in
                         the order in which it was revealed. An opponent's moves are those
                         it was seen to use, in ascending order; one in two turns counts while
                         it is prepared, and for good once it strikes.
`pokemon`       (12, F)  hp (own: exact, opponent's: in percent, as shown), active, fainted,
                         known; for the two active Pokémon while they stand: boosts / 6
                         (attack, defense, special, speed, accuracy, evasion), and flags:
                         substitute, Reflect, Leech Seed, confusion, Focus Energy, Mist,
                         Disable, Bide, recharging, preparing a two-turn move, Light Screen;
                         turns it was seen asleep / 7; PP left of the four moves in `ids`,
                         as a share of the most that its slot can have, at most 1. What Mimic
                         copied is paid by Mimic's slot: for the opponent it is a use of Mimic.
`move_ids`      (4,)     moves in the active Pokémon's slots
`moves`         (4, M)   there, legal, power / 100, accuracy, effectiveness against the
                         opponent's active Pokémon / 4, same-type bonus, status move,
                         estimated damage (power x effectiveness x bonus x accuracy / 200),
                         explodes
`last_moves`    (2,)     what own and opponent's active Pokémon used last, since either of
                         them came in; 0 for nothing yet, and for the fainted. A two-turn
                         move counts once it strikes.
`battle`        (B,)     forced switch, may switch, turn / 100 (at most 1), own Pokémon left
                         / 6, opponent's left / 6
==============  =======  ==================================================================

What a player has seen and a battle's row no longer tells is kept in a small record beside it,
which `reveal` brings up to date after each step.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import prange
from numpy.typing import NDArray

from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables
from pokespiel.gen1ou.engine.compilation import compiled, entry_point

Observation: TypeAlias = dict[str, NDArray[Any]]

NUM_SPECIES = 152
NUM_MOVES = 166
NUM_STATUSES = 9
POKEMON_FEATURES = 26
MOVE_FEATURES = 9
BATTLE_FEATURES = 5

STATUS_NONE, STATUS_BRN, STATUS_FRZ, STATUS_PAR = 1, 2, 3, 4
STATUS_PSN, STATUS_SLP, STATUS_TOX, STATUS_FNT = 5, 6, 7, 8
FIRST_BOOST, FIRST_EFFECT = 4, 10
NUM_EFFECTS = 8
RECHARGING, PREPARING, LIGHT_SCREEN, SLEPT, FIRST_PP = 18, 19, 20, 21, 22
MOST_SLEEP = 7
MOST_COPIED_PP = 5  # of a move that Transform copied

# The record of what was seen of one side. A place is a Pokémon's in the order of appearance.
KNOWN_SLOTS = 0  # team slots in the order of appearance, then -1 (6)
KNOWN_SLEEP = 6  # ends of turn at which each place was seen asleep, in its present sleep (6)
KNOWN_LAST_MOVE = 12
KNOWN_ACTIVE = 13  # place of the active Pokémon
KNOWN_TURN = 14
# Mimic may copy a move that its user knows. Nobody is told from which of the two slots it is used
# then; all such uses count as Mimic's.
KNOWN_TWICE = 15  # the active Pokémon's move of which this holds now, and the PP of its own slot
KNOWN_TWICE_PP = 16
KNOWN_COPIED = 17  # by place, the last such move (6), and how often its own slot paid for it (6)
KNOWN_COPIED_USES = 23
KNOWLEDGE = 29

POWER = np.asarray(tables.POWER[:NUM_MOVES] / 100.0, dtype=np.float32)
ACCURACY = np.array(
    [1.0] + [1.0 if m["accuracy"] is None else m["accuracy"] / 100.0 for m in tables.DATA["moves"]],
    dtype=np.float32,
)
IS_STATUS = np.asarray(tables.CATEGORY[:NUM_MOVES] == tables.STATUS_MOVE, dtype=np.float32)
EXPLODES = np.asarray(tables.EXPLODES[:NUM_MOVES] != 0, dtype=np.float32)
MOVE_TYPE = tables.TYPE[:NUM_MOVES].copy()
TYPE_CHART = np.select(
    [tables.EFFECTIVENESS == 1, tables.EFFECTIVENESS == -1, tables.EFFECTIVENESS == tables.IMMUNE],
    [2.0, 0.5, 0.0],
    1.0,
).astype(np.float32)
"""Damage multiplier ``[attacking type, defending type]``, by the engine's type numbers."""

_MIMIC = tables.MOVE_IDS.index("mimic")
_STATUS_OF = np.array(
    [STATUS_NONE, STATUS_SLP, STATUS_PSN, STATUS_BRN, STATUS_FRZ, STATUS_PAR, STATUS_TOX],
    dtype=np.int16,
)
_BOOST_OF = np.array([0, 1, 3, 2, 4, 5])
"""Where the engine keeps attack, defense, special, speed, accuracy, evasion."""
_EFFECT_BITS = np.array(
    [
        at.SUBSTITUTE,
        at.REFLECT,
        at.LEECH_SEEDED,
        at.CONFUSED,
        at.FOCUS_ENERGY,
        at.MIST,
        at.DISABLED,
        at.BIDING,
    ]
)


def empty(size: int) -> Observation:
    """Arrays for ``size`` observations."""
    return {
        "ids": np.zeros((size, 12, 6), np.int16),
        "pokemon": np.zeros((size, 12, POKEMON_FEATURES), np.float32),
        "move_ids": np.zeros((size, 4), np.int16),
        "last_moves": np.zeros((size, 2), np.int16),
        "moves": np.zeros((size, 4, MOVE_FEATURES), np.float32),
        "battle": np.zeros((size, BATTLE_FEATURES), np.float32),
    }


def nothing_seen(size: int) -> NDArray[np.int16]:
    """Records of both sides for ``size`` battles that have not begun."""
    known = np.zeros((size, 2, KNOWLEDGE), np.int16)
    known[:, :, KNOWN_SLOTS : KNOWN_SLOTS + 6] = -1
    return known


def observe(
    rows: NDArray[np.int32],
    revealed: NDArray[np.int16],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    legal: NDArray[np.bool_],
) -> Observation:
    """Observe ``n`` decisions.

    Parameters
    ----------
    rows : int32 ``(battles, ROW)``
        Engine battles.
    revealed : int16 ``(battles, 2, KNOWLEDGE)``
        What was seen of each side; see `nothing_seen` and `reveal`.
    battles, players : int64 ``(n,)``
        Who decides.
    legal : bool ``(n, 10)``
    """
    out = empty(len(battles))
    _fill(out, rows, revealed, battles, players, legal)
    return out


def observe_into(
    out: Observation,
    rows: NDArray[np.int32],
    revealed: NDArray[np.int16],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    legal: NDArray[np.bool_],
) -> None:
    """`observe`, into arrays that are there already."""
    for array in out.values():
        array.fill(0)
    _fill(out, rows, revealed, battles, players, legal)


def _fill(
    out: Observation,
    rows: NDArray[np.int32],
    revealed: NDArray[np.int16],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    legal: NDArray[np.bool_],
) -> None:
    # In one layout each, since Numba compiles the function anew for every other.
    _observe(
        rows,
        revealed,
        np.ascontiguousarray(battles),
        np.ascontiguousarray(players),
        np.ascontiguousarray(legal),
        out["ids"],
        out["pokemon"],
        out["move_ids"],
        out["moves"],
        out["last_moves"],
        out["battle"],
    )


@entry_point
def reveal(rows: NDArray[np.int32], revealed: NDArray[np.int16]) -> None:
    """Note what the last step showed; call it after the start and after each step."""
    for i in prange(rows.shape[0]):
        b, stayed = rows[i], True
        for s in range(2):
            if not _appear(b[s * at.SIDE + at.ORDER], revealed[i, s]):
                revealed[i, s, KNOWN_TWICE] = 0
                stayed = False
        for s in range(2):
            known = revealed[i, s]
            p = s * at.SIDE + b[s * at.SIDE + at.ORDER] * at.POKEMON
            _count_twice(b, s * at.SIDE, p, known)
            last = b[s * at.SIDE + at.LAST_MOVE]
            # The row forgets it in sleep and frost, too.
            if last != 0 or not stayed or b[p + at.HP] == 0:
                known[KNOWN_LAST_MOVE] = last
            if known[KNOWN_TURN] != b[at.TURN]:
                known[KNOWN_TURN] = b[at.TURN]
                place = KNOWN_SLEEP + known[KNOWN_ACTIVE]
                known[place] = known[place] + 1 if b[p + at.STATUS] == at.ASLEEP else 0


@compiled
def _appear(slot: int, known: NDArray[np.int16]) -> bool:
    """Note who is active; whether it was so before."""
    place = 0
    while known[KNOWN_SLOTS + place] >= 0 and known[KNOWN_SLOTS + place] != slot:
        place += 1
    known[KNOWN_SLOTS + place] = slot
    stayed: bool = known[KNOWN_ACTIVE] == place
    known[KNOWN_ACTIVE] = place
    return stayed


@compiled
def _count_twice(b: NDArray[np.int32], side: int, p: int, known: NDArray[np.int16]) -> None:
    """Count what the own slot paid for a move that the active Pokémon has twice."""
    move, place = known[KNOWN_TWICE], known[KNOWN_ACTIVE]
    if move != 0:
        for k in range(4):
            if b[p + at.MOVES + k] == move and b[p + at.PP + k] != known[KNOWN_TWICE_PP]:
                if known[KNOWN_COPIED + place] != move:
                    known[KNOWN_COPIED + place] = move
                    known[KNOWN_COPIED_USES + place] = 0
                known[KNOWN_COPIED_USES + place] += 1
    known[KNOWN_TWICE] = 0
    if b[p + at.HP] == 0 or b[side + at.TRANSFORMED]:
        return
    for copy in range(4):
        number = b[side + at.ACTIVE_MOVES + copy]
        if number == b[p + at.MOVES + copy]:
            continue
        for k in range(4):
            if b[p + at.MOVES + k] == number:
                known[KNOWN_TWICE] = number
                known[KNOWN_TWICE_PP] = b[p + at.PP + k]


@compiled
def _shown_pp(number: int, left: int, known: NDArray[np.int16], place: int) -> int:
    """PP left of a slot, as far as messages tell."""
    uses = int(known[KNOWN_COPIED_USES + place])
    if number != 0 and number == known[KNOWN_COPIED + place]:
        return left + uses
    if number == _MIMIC:
        # PP of a move that goes on by force wrap around at 64.
        return (left - uses) & 63
    return left


@compiled
def shown_percent(hp: int, most: int) -> int:
    """An opponent's hp as Showdown shows it: rounded up, and 100 only where nothing is missing."""
    percent = -((-100 * hp) // most)
    if percent == 100 and hp < most:
        percent = 99
    return percent


@entry_point
def _observe(
    rows: NDArray[np.int32],
    revealed: NDArray[np.int16],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    legal: NDArray[np.bool_],
    ids: NDArray[np.int16],
    pokemon: NDArray[np.float32],
    move_ids: NDArray[np.int16],
    moves: NDArray[np.float32],
    last_moves: NDArray[np.int16],
    battle: NDArray[np.float32],
) -> None:
    for n in prange(battles.shape[0]):
        i, own = battles[n], players[n]
        b, foe = rows[i], 1 - players[n]
        o, f = own * at.SIDE, foe * at.SIDE
        left = 0
        for slot in range(6):
            p = o + slot * at.POKEMON
            if b[p + at.SPECIES] == 0:
                continue
            left += b[p + at.HP] > 0
            is_active = slot == b[o + at.ORDER]
            ids[n, slot, 0] = b[p + at.SPECIES]
            ids[n, slot, 1] = STATUS_FNT if b[p + at.HP] == 0 else _STATUS_OF[b[p + at.STATUS]]
            fights = is_active and b[p + at.HP] > 0
            base = o + at.ACTIVE_MOVES if fights else p + at.MOVES
            left_of = o + at.ACTIVE_PP if fights else p + at.PP
            place = 0
            while revealed[i, own, place] != slot and place < 5:
                place += 1
            for k in range(4):
                ids[n, slot, 2 + k] = b[base + k]
                if b[base + k] != 0:
                    most = tables.MAX_PP[b[p + at.MOVES + k]]
                    pp = b[left_of + k]
                    if fights and b[o + at.TRANSFORMED]:
                        most = MOST_COPIED_PP
                    else:
                        pp = _shown_pp(b[p + at.MOVES + k], pp, revealed[i, own], place)
                    pokemon[n, slot, FIRST_PP + k] = min(pp / most, 1.0)
            pokemon[n, slot, 0] = b[p + at.HP] / b[p + at.MAX_HP]
            pokemon[n, slot, 1] = is_active
            pokemon[n, slot, 2] = b[p + at.HP] == 0
            pokemon[n, slot, 3] = 1
            if is_active and b[p + at.HP] > 0:
                _active(b, o, pokemon[n, slot])
        fainted = 0
        for k in range(6):
            slot = revealed[i, foe, k]
            if slot < 0:
                break
            p = f + slot * at.POKEMON
            fainted += b[p + at.HP] == 0
            is_active = slot == b[f + at.ORDER]
            row = 6 + k
            ids[n, row, 0] = b[p + at.SPECIES]
            ids[n, row, 1] = STATUS_FNT if b[p + at.HP] == 0 else _STATUS_OF[b[p + at.STATUS]]
            charged = 0
            if is_active and b[f + at.VOLATILES] & at.CHARGING:
                charged = b[f + at.CHARGED_MOVE]
            _moves_seen(b, p, charged, revealed[i, foe], k, ids[n, row], pokemon[n, row])
            _sleep_seen(b[p + at.STATUS], revealed[i, foe, KNOWN_SLEEP + k], pokemon[n, row])
            pokemon[n, row, 0] = shown_percent(b[p + at.HP], b[p + at.MAX_HP]) / 100
            pokemon[n, row, 1] = is_active
            pokemon[n, row, 2] = b[p + at.HP] == 0
            pokemon[n, row, 3] = 1
            if is_active and b[p + at.HP] > 0:
                _active(b, f, pokemon[n, row])
        for k in range(6):
            slot = revealed[i, own, k]
            if slot >= 0:
                status = b[o + slot * at.POKEMON + at.STATUS]
                _sleep_seen(status, revealed[i, own, KNOWN_SLEEP + k], pokemon[n, slot])
        last_moves[n, 0] = revealed[i, own, KNOWN_LAST_MOVE]
        last_moves[n, 1] = revealed[i, foe, KNOWN_LAST_MOVE]
        may_switch = False
        for action in range(4, 10):
            may_switch |= legal[n, action]
        for k in range(4):
            number = b[o + at.ACTIVE_MOVES + k]
            if number == 0 or number >= NUM_MOVES:
                continue
            move_ids[n, k] = number
            effect = np.float32(1.0)
            first, second = b[f + at.ACTIVE_TYPES], b[f + at.ACTIVE_TYPES + 1]
            effect = TYPE_CHART[MOVE_TYPE[number], first]
            if second != first:
                effect *= TYPE_CHART[MOVE_TYPE[number], second]
            matches = (
                MOVE_TYPE[number] == b[o + at.ACTIVE_TYPES]
                or MOVE_TYPE[number] == b[o + at.ACTIVE_TYPES + 1]
            )
            bonus = np.float32(1.5) if matches else np.float32(1.0)
            moves[n, k, 0] = 1
            moves[n, k, 1] = legal[n, k]
            moves[n, k, 2] = POWER[number]
            moves[n, k, 3] = ACCURACY[number]
            moves[n, k, 4] = effect / 4
            moves[n, k, 5] = bonus - 1
            moves[n, k, 6] = IS_STATUS[number]
            moves[n, k, 7] = POWER[number] * effect * bonus * ACCURACY[number] / 2
            moves[n, k, 8] = EXPLODES[number]
        battle[n, 0] = b[o + at.REQUEST] == at.SWITCH_REQUEST
        battle[n, 1] = may_switch
        battle[n, 2] = min(b[at.TURN] / 100, 1.0)
        battle[n, 3] = left / 6
        battle[n, 4] = (6 - fainted) / 6


@compiled
def _active(b: NDArray[np.int32], side: int, features: NDArray[np.float32]) -> None:
    """Boosts and effects of the active Pokémon of the side that starts at ``side``."""
    for k in range(6):
        features[FIRST_BOOST + k] = b[side + at.BOOST + _BOOST_OF[k]] / 6
    bits = b[side + at.VOLATILES]
    for k in range(NUM_EFFECTS):
        features[FIRST_EFFECT + k] = (bits & _EFFECT_BITS[k]) != 0
    features[RECHARGING] = (bits & at.MUST_RECHARGE) != 0
    features[PREPARING] = (bits & at.CHARGING) != 0
    features[LIGHT_SCREEN] = (bits & at.LIGHT_SCREEN) != 0


@compiled
def _sleep_seen(status: int, ends_of_turn: int, features: NDArray[np.float32]) -> None:
    if status == at.ASLEEP:
        features[SLEPT] = min(ends_of_turn, MOST_SLEEP) / MOST_SLEEP


@compiled
def _moves_seen(
    b: NDArray[np.int32],
    p: int,
    charged: int,
    known: NDArray[np.int16],
    shown_as: int,
    ids: NDArray[np.int16],
    features: NDArray[np.float32],
) -> None:
    """Moves whose PP has gone down and the one being charged, in ascending order.

    Every use is announced.
    """
    count = 0
    for k in range(4):
        number = b[p + at.MOVES + k]
        left = _shown_pp(number, b[p + at.PP + k], known, shown_as)
        used = number != 0 and left != tables.MAX_PP[number]
        if number == 0 or not (used or number == charged):
            continue
        place = 2 + count
        while place > 2 and ids[place - 1] > number:
            ids[place] = ids[place - 1]
            features[FIRST_PP + place - 2] = features[FIRST_PP + place - 3]
            place -= 1
        ids[place] = number
        features[FIRST_PP + place - 2] = min(left / tables.MAX_PP[number], 1.0)
        count += 1
