"""Types, stats and damage of a `View`, as the heuristics of the field estimate them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.baselines.view import FOE, OWN, FloatArray, IntArray, View
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables
from pokespiel.gen1ou.observation import ACCURACY, MOVE_TYPE, NUM_MOVES, TYPE_CHART

# The last type is none at all: Bide's, and what an empty slot has.
_CHART = TYPE_CHART.astype(np.float64)
POWER = np.asarray(tables.POWER[:NUM_MOVES], dtype=np.float64)
HIT_CHANCE = ACCURACY.astype(np.float64).round(2)
IS_PHYSICAL = np.asarray(tables.CATEGORY[:NUM_MOVES] == tables.PHYSICAL_MOVE)
IS_STATUS = np.asarray(tables.CATEGORY[:NUM_MOVES] == tables.STATUS_MOVE)
FEWEST_HITS = np.ones(NUM_MOVES)
MEAN_HITS = np.ones(NUM_MOVES)
for _number in range(1, NUM_MOVES):
    _hits = int(tables.HITS[_number])
    if _hits == tables.TWO_TO_FIVE_HITS:
        FEWEST_HITS[_number], MEAN_HITS[_number] = 2.0, 3.0
    elif _hits > 1:
        FEWEST_HITS[_number] = MEAN_HITS[_number] = _hits
BASE = tables.BASE_STATS.astype(np.float64)
"""HP, attack, defense, speed, special by species."""


def effectiveness(kinds: NDArray[np.integer], defender: IntArray) -> FloatArray:
    """Multiplier of attacks of types ``kinds`` on defenders with types ``(..., 2)``."""
    first, second = defender[..., 0], defender[..., 1]
    twice = np.where(first == second, 1.0, _CHART[kinds, second])
    return np.asarray(_CHART[kinds, first] * twice)


def team_types(view: View) -> IntArray:
    """Types ``(n, 6, 2)`` of the own team; those the active Pokémon has now."""
    kinds = tables.SPECIES_TYPES[view.species].copy()
    kinds[np.arange(len(view)), view.active] = view.types[:, OWN]
    return np.asarray(kinds, dtype=np.int64)


def team_shapes(view: View) -> IntArray:
    """Species ``(n, 6)`` that the own team has the base stats of."""
    shapes = view.species.copy()
    shapes[np.arange(len(view)), view.active] = view.shape[:, OWN]
    return shapes


def active_moves(view: View) -> IntArray:
    """Moves ``(n, 4)`` of the own active Pokémon."""
    return np.asarray(view.moves[np.arange(len(view)), view.active], dtype=np.int64)


def foe_hit_points(view: View) -> FloatArray:
    """Hit points ``(n,)`` that the opponent's Pokémon has left, of the most its species has."""
    return np.asarray(view.foe_hp * (2.0 * BASE[view.foe_species, 0] + 203.0))


def boosted(stat: FloatArray, boost: IntArray) -> FloatArray:
    """A stat with its boost."""
    factor = np.where(boost >= 0, (2.0 + boost) / 2.0, 2.0 / (2.0 - np.minimum(boost, 0)))
    return np.asarray(stat * factor)


def foe_stat(view: View, stat: int) -> FloatArray:
    """A stat ``(n,)`` of the opponent's Pokémon: the most its species has, with its boost."""
    full = 2.0 * BASE[view.shape[:, FOE], stat + 1] + 98.0
    return boosted(full, view.boosts[:, FOE, stat])


def own_stat(view: View, stat: int) -> FloatArray:
    """A stat ``(n, 6)`` of the own team, with the active Pokémon's boost."""
    values = view.stats[:, :, stat].astype(np.float64)
    one = np.arange(len(view))
    values[one, view.active] = boosted(values[one, view.active], view.boosts[:, OWN, stat])
    return values


def hit_damage(view: View, *, roll: FloatArray | float, critical: bool = False) -> FloatArray:
    """Damage ``(n, 6, 4)`` of one hit of each move of the own team on the opponent's Pokémon.

    metamon's simplified formula: ``(2 level / 5 * power * attack / defense / 50 + 2) * roll``
    times same-type bonus, effectiveness and burn; a critical hit uses stats without boosts and
    ``(2 level + 5) / (level + 5)``, at level 100. Status moves do nothing, and fixed damage has
    the power that Showdown's tables give it, 1.
    """
    moves = view.moves
    kinds = MOVE_TYPE[moves]
    physical = IS_PHYSICAL[moves]
    if critical:
        attack, special = (view.stats[:, :, s].astype(np.float64) for s in (at.ATTACK, at.SPECIAL))
        unboosted = 2.0 * BASE[view.shape[:, FOE]] + 98.0
        against = unboosted[:, 1 + at.DEFENSE], unboosted[:, 1 + at.SPECIAL]
    else:
        attack, special = own_stat(view, at.ATTACK), own_stat(view, at.SPECIAL)
        against = foe_stat(view, at.DEFENSE), foe_stat(view, at.SPECIAL)
    strength = np.where(physical, attack[:, :, None], special[:, :, None])
    resistance = np.where(physical, against[0][:, None, None], against[1][:, None, None])
    damage = 40.0 * POWER[moves] * strength / resistance / 50.0 + 2.0
    own_kinds = team_types(view)
    same = (kinds == own_kinds[:, :, :1]) | (kinds == own_kinds[:, :, 1:])
    damage *= np.where(same, 1.5, 1.0) * effectiveness(kinds, view.types[:, None, None, FOE])
    burned = np.zeros(view.species.shape, np.bool_)
    one = np.arange(len(view))
    burned[one, view.active] = view.status[:, OWN] == at.BURNED
    damage *= np.where(physical & burned[:, :, None], 0.5, 1.0) * roll
    if critical:
        damage *= 205.0 / 105.0
    return np.where(IS_STATUS[moves] | (moves == 0), 0.0, damage)


def hit_chance(view: View) -> FloatArray:
    """Chance ``(n, 6, 4)`` to hit, with the boosts of the active Pokémon; at most 255 in 256."""
    one = np.arange(len(view))
    own = np.zeros(view.species.shape, np.int64)
    own[one, view.active] = view.boosts[:, OWN, at.ACCURACY]
    aim = boosted(np.ones(own.shape), own) * boosted(
        np.ones((len(view), 1)), -view.boosts[:, FOE, at.EVASION, None]
    )
    return np.minimum(HIT_CHANCE[view.moves] * aim[:, :, None], 255.0 / 256.0)


FIXED = np.zeros(NUM_MOVES)
for _name, _amount in (
    ("seismictoss", 100.0),
    ("nightshade", 100.0),
    ("psywave", 75.0),
    ("dragonrage", 40.0),
    ("sonicboom", 20.0),
):
    FIXED[tables.MOVE_NUMBER[_name]] = _amount
TWO_TURNS = np.zeros(NUM_MOVES, dtype=np.bool_)
for _name in ("hyperbeam", "razorwind", "solarbeam", "skyattack", "skullbash"):
    TWO_TURNS[tables.MOVE_NUMBER[_name]] = True
EXPLODES = np.asarray(tables.EXPLODES[:NUM_MOVES] != 0)


def expected_damage(view: View) -> FloatArray:
    """Hit points ``(n, 6, 4)`` that each move of the own team is expected to take, if used.

    With the mean roll and critical hits, the number of hits and the chance to hit, at most what
    the opponent's Pokémon has left. Half for a move that takes two turns unless it ends the
    matter, a quarter for one that costs its user. Counter and Bide count for nothing.
    """
    moves, left = view.moves, foe_hit_points(view)[:, None, None]
    speed = BASE[team_shapes(view), 3][:, :, None]
    critical = np.minimum(speed * np.where(tables.HIGH_CRITICAL[moves], 4.0, 0.5), 255.0) / 256.0
    roll = (217 + 255) / 2 / 255
    damage = (1.0 - critical) * hit_damage(view, roll=roll)
    damage += critical * hit_damage(view, roll=roll, critical=True)
    damage *= MEAN_HITS[moves]
    damage = np.where(FIXED[moves] > 0, FIXED[moves], damage)
    damage = np.where(moves == tables.MOVE_NUMBER["superfang"], left / 2.0, damage)
    asleep = (view.status[:, FOE] == at.ASLEEP)[:, None, None]
    damage = np.where((moves == tables.MOVE_NUMBER["dreameater"]) & ~asleep, 0.0, damage)
    damage = np.where(moves == tables.COUNTER, 0.0, damage)
    damage /= np.where(TWO_TURNS[moves] & (damage < left), 2.0, 1.0)
    damage /= np.where(EXPLODES[moves], 4.0, 1.0)
    return np.asarray(np.minimum(damage, left) * hit_chance(view))
