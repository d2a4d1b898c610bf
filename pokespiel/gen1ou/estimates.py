"""Expected damage of a player's actions in engine battles, from what that player may know."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables
from pokespiel.gen1ou.engine.compilation import compiled, entry_point
from pokespiel.gen1ou.observation import ACCURACY, EXPLODES, MOVE_TYPE, TYPE_CHART

_MEAN_ROLL = (217 + 255) / 2 / 255
_FIXED = np.zeros(166)
_HITS = np.ones(166)
_TWO_TURNS = np.zeros(166, dtype=np.bool_)
for _name, _amount in (
    ("seismictoss", 100.0),
    ("nightshade", 100.0),
    ("psywave", 75.0),
    ("dragonrage", 40.0),
    ("sonicboom", 20.0),
):
    _FIXED[tables.MOVE_NUMBER[_name]] = _amount
for _name in ("hyperbeam", "razorwind", "solarbeam", "skyattack", "skullbash"):
    _TWO_TURNS[tables.MOVE_NUMBER[_name]] = True
for _number in range(1, 166):
    _hits = int(tables.HITS[_number])
    # Two to five hits: twice with 3/8 each, then 1/8 each, so three on average.
    _HITS[_number] = 3.0 if _hits == tables.TWO_TO_FIVE_HITS else max(_hits, 1)
_SUPER_FANG = tables.MOVE_NUMBER["superfang"]
_DREAM_EATER = tables.MOVE_NUMBER["dreameater"]
_IS_SPECIAL = tables.CATEGORY[:166] == tables.SPECIAL_MOVE


def expected_damage(
    rows: NDArray[np.int32],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    legal: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Hit points that each action is expected to take from the opponent's active Pokémon.

    The Gen 1 formula with the mean roll, the chance of a critical hit, types, boosts, Reflect,
    burn, accuracy and the number of hits, at most what the target has left as its player shows
    it. Moves that take another turn count half, moves that cost the user its life a quarter.
    Stats are the maximal ones of the species. A switch is worth the best move of the Pokémon that
    comes in.

    Returns
    -------
    float64 ``(n, 10)``
        ``-inf`` where an action is not legal.
    """
    values = np.full((len(battles), 10), -np.inf)
    # In one layout each, since Numba compiles the function anew for every other.
    deciding = np.ascontiguousarray(battles), np.ascontiguousarray(players)
    _expected_damage(rows, *deciding, np.ascontiguousarray(legal), values)
    return values


@entry_point
def _expected_damage(
    rows: NDArray[np.int32],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    legal: NDArray[np.bool_],
    values: NDArray[np.float64],
) -> None:
    for n in prange(battles.shape[0]):
        b = rows[battles[n]]
        s = players[n]
        o = s * at.SIDE
        for action in range(10):
            if not legal[n, action]:
                continue
            values[n, action] = 0.0
            if action < 4:
                values[n, action] = _taken(b, s, b[o + at.ORDER], b[o + at.ACTIVE_MOVES + action])
            else:
                p = o + (action - 4) * at.POKEMON
                for k in range(4):
                    taken = _taken(b, s, action - 4, b[p + at.MOVES + k])
                    values[n, action] = max(values[n, action], taken)


@compiled
def _taken(b: NDArray[np.int32], s: int, slot: int, move: int) -> Any:
    """Hit points a move of the Pokémon in team slot ``slot`` is expected to take."""
    if move == 0 or move >= 166:
        return 0.0
    o, f = s * at.SIDE, (1 - s) * at.SIDE
    user, target = o + slot * at.POKEMON, f + b[f + at.ORDER] * at.POKEMON
    is_active = slot == b[o + at.ORDER]
    # Of the target only what its player shows: whole percents, rounded up, 99 if hurt at all.
    percent = -(-100 * b[target + at.HP] // b[target + at.MAX_HP])
    if percent == 100 and b[target + at.HP] < b[target + at.MAX_HP]:
        percent = 99
    left = (2.0 * tables.BASE_STATS[b[target + at.SPECIES], 0] + 203.0) * percent / 100.0
    damage = _damage(b, s, user, is_active, target, move, left)
    if EXPLODES[move]:
        damage /= 4.0
    elif _TWO_TURNS[move] and damage < left:
        damage /= 2.0
    return min(damage, left) * ACCURACY[move]


@compiled
def _damage(
    b: NDArray[np.int32], s: int, user: int, is_active: bool, target: int, move: int, left: float
) -> Any:
    o, f = s * at.SIDE, (1 - s) * at.SIDE
    if _FIXED[move] > 0.0:
        return _FIXED[move]
    if move == _SUPER_FANG:
        return left / 2.0
    if tables.POWER[move] == 0 or (move == _DREAM_EATER and b[target + at.STATUS] != at.ASLEEP):
        return 0.0
    attack, defense = (4, 4) if _IS_SPECIAL[move] else (1, 2)
    strength = 2.0 * tables.BASE_STATS[b[user + at.SPECIES], attack] + 98.0
    resistance = 2.0 * tables.BASE_STATS[b[target + at.SPECIES], defense] + 98.0
    # Base stats count hp first, boosts do not.
    if is_active:
        strength *= _factor(b[o + at.BOOST + attack - 1])
    resistance *= _factor(b[f + at.BOOST + defense - 1])
    if attack == 1 and b[user + at.STATUS] == at.BURNED:
        strength /= 2.0
    if attack == 1 and b[f + at.VOLATILES] & at.REFLECT:
        resistance *= 2.0
    if EXPLODES[move]:
        resistance /= 2.0
    first, second = b[f + at.ACTIVE_TYPES], b[f + at.ACTIVE_TYPES + 1]
    effectiveness = TYPE_CHART[MOVE_TYPE[move], first]
    if second != first:
        effectiveness *= TYPE_CHART[MOVE_TYPE[move], second]
    own = user + at.TYPES
    matches = MOVE_TYPE[move] == b[own] or MOVE_TYPE[move] == b[own + 1]
    speed = tables.BASE_STATS[b[user + at.SPECIES], 3]
    critical = min(speed * (4.0 if tables.HIGH_CRITICAL[move] else 0.5), 255.0) / 256.0
    plain = 42.0 * tables.POWER[move] * strength / resistance / 50.0 + 2.0
    bonus = 1.5 if matches else 1.0
    # A critical hit doubles the level: 82 in place of 42.
    return plain * bonus * effectiveness * (1.0 + critical * 40.0 / 42.0) * _MEAN_ROLL * _HITS[move]


@compiled
def _factor(boost: int) -> float:
    return (2.0 + boost) / 2.0 if boost >= 0 else 2.0 / (2.0 - boost)
