"""What one player may know of a battle, as arrays: the layout, and the arrays from engine rows.

`pokespiel.gen1ou.showdown.observation` builds the same arrays from what a Showdown server says;
a test holds the two equal. Their shapes are those `pokespiel.policies.battle_network` takes.

==========  =======  ======================================================================
array       shape    meaning
==========  =======  ======================================================================
`ids`       (12, 6)  per Pokémon: species, status (`STATUS_*`), four moves; 0 is unknown.
                     Own team in its original order, then the opponent's in the order in
                     which it was revealed. An opponent's moves are those it was seen to
                     use, in ascending order.
`pokemon`   (12, F)  hp (own: exact, opponent's: in percent, as shown), active, fainted,
                     known; for the two active Pokémon while they stand: boosts / 6
                     (attack, defense, special, speed, accuracy, evasion), and flags:
                     substitute, Reflect, Leech Seed, confusion, Focus Energy, Mist,
                     Disable, Bide, recharging, preparing a two-turn move
`move_ids`  (4,)     moves in the active Pokémon's slots
`moves`     (4, M)   there, legal, power / 100, accuracy, effectiveness against the
                     opponent's active Pokémon / 4, same-type bonus, status move, estimated
                     damage (power x effectiveness x bonus x accuracy / 200), explodes
`battle`    (B,)     forced switch, may switch, turn / 100 (at most 1), own Pokémon left / 6,
                     opponent's left / 6
==========  =======  ======================================================================
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
POKEMON_FEATURES = 20
MOVE_FEATURES = 9
BATTLE_FEATURES = 5

STATUS_NONE, STATUS_BRN, STATUS_FRZ, STATUS_PAR = 1, 2, 3, 4
STATUS_PSN, STATUS_SLP, STATUS_TOX, STATUS_FNT = 5, 6, 7, 8
FIRST_BOOST, FIRST_EFFECT = 4, 10
NUM_EFFECTS = 8
RECHARGING, PREPARING = 18, 19

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
        "moves": np.zeros((size, 4, MOVE_FEATURES), np.float32),
        "battle": np.zeros((size, BATTLE_FEATURES), np.float32),
    }


def observe(
    rows: NDArray[np.int32],
    revealed: NDArray[np.int8],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    legal: NDArray[np.bool_],
) -> Observation:
    """Observe ``n`` decisions.

    Parameters
    ----------
    rows : int32 ``(battles, ROW)``
        Engine battles.
    revealed : int8 ``(battles, 2, 6)``
        Team slots of each side's Pokémon in the order in which they appeared, then -1; see
        `reveal`.
    battles, players : int64 ``(n,)``
        Who decides.
    legal : bool ``(n, 10)``
    """
    out = empty(len(battles))
    _observe(
        rows,
        revealed,
        battles,
        players,
        legal,
        out["ids"],
        out["pokemon"],
        out["move_ids"],
        out["moves"],
        out["battle"],
    )
    return out


@entry_point
def reveal(rows: NDArray[np.int32], revealed: NDArray[np.int8]) -> None:
    """Note which Pokémon have appeared; call it after the start and after each step."""
    for i in prange(rows.shape[0]):
        for s in range(2):
            slot = rows[i, s * at.SIDE + at.ORDER]
            for k in range(6):
                if revealed[i, s, k] == slot:
                    break
                if revealed[i, s, k] == -1:
                    revealed[i, s, k] = slot
                    break


@entry_point
def _observe(
    rows: NDArray[np.int32],
    revealed: NDArray[np.int8],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    legal: NDArray[np.bool_],
    ids: NDArray[np.int16],
    pokemon: NDArray[np.float32],
    move_ids: NDArray[np.int16],
    moves: NDArray[np.float32],
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
            base = o + at.ACTIVE_MOVES if is_active and b[p + at.HP] > 0 else p + at.MOVES
            for k in range(4):
                ids[n, slot, 2 + k] = b[base + k]
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
            _moves_seen(b, p, ids[n, row])
            percent = -((-100 * b[p + at.HP]) // b[p + at.MAX_HP])
            if percent == 100 and b[p + at.HP] < b[p + at.MAX_HP]:
                percent = 99
            pokemon[n, row, 0] = percent / 100
            pokemon[n, row, 1] = is_active
            pokemon[n, row, 2] = b[p + at.HP] == 0
            pokemon[n, row, 3] = 1
            if is_active and b[p + at.HP] > 0:
                _active(b, f, pokemon[n, row])
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


@compiled
def _moves_seen(b: NDArray[np.int32], p: int, ids: NDArray[np.int16]) -> None:
    """Moves whose PP has gone down, in ascending order: every use is announced."""
    count = 0
    for k in range(4):
        number = b[p + at.MOVES + k]
        if number == 0 or b[p + at.PP + k] == tables.MAX_PP[number]:
            continue
        place = 2 + count
        while place > 2 and ids[place - 1] > number:
            ids[place] = ids[place - 1]
            place -= 1
        ids[place] = number
        count += 1
