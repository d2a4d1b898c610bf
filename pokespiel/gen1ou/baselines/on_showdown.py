"""Expected damage as poke-env's battles tell it, for `MaxDamagePolicy` on Showdown."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from poke_env.battle import Battle, Effect, Move, Pokemon, PokemonType, Status

from pokespiel.gen1ou.actions import NUM_ACTIONS, NUM_MOVES, move_slots

FloatArray: TypeAlias = NDArray[np.float64]

SPECIAL_TYPES = frozenset(
    {
        PokemonType.FIRE, PokemonType.WATER, PokemonType.GRASS, PokemonType.ELECTRIC,
        PokemonType.ICE, PokemonType.PSYCHIC, PokemonType.DRAGON,
    }
)  # fmt: skip
FIXED_DAMAGE = {"seismictoss": 100.0, "nightshade": 100.0, "psywave": 75.0, "dragonrage": 40.0,
                "sonicboom": 20.0}  # fmt: skip
HIGH_CRITICAL = frozenset({"slash", "razorleaf", "crabhammer", "karatechop"})
SELF_DESTRUCTION = frozenset({"selfdestruct", "explosion"})
# A turn to charge before the hit, or to rest after it.
TWO_TURNS = frozenset({"hyperbeam", "razorwind", "solarbeam", "skyattack", "skullbash"})
MEAN_ROLL = (217 + 255) / 2 / 255


def action_values(battle: Battle, legal: NDArray[np.bool_]) -> FloatArray:
    """Expected damage of each action, -inf for those that are out of the question."""
    values = np.full(NUM_ACTIONS, -np.inf)
    active, target = battle.active_pokemon, battle.opponent_active_pokemon
    if legal[:NUM_MOVES].any():
        values[:NUM_MOVES][legal[:NUM_MOVES]] = 0.0
        if active is not None and target is not None and legal[:NUM_MOVES].sum() > 1:
            for slot, move in enumerate(move_slots(battle)):
                if legal[slot]:
                    values[slot] = _taken(move, active, target)
        return values
    for place, member in enumerate(battle.team.values()):
        if legal[NUM_MOVES + place]:
            values[NUM_MOVES + place] = 0.0
            if target is not None:
                values[NUM_MOVES + place] = max(
                    _taken(move, member, target) for move in member.moves.values()
                )
    return values


def _taken(move: Move, user: Pokemon, target: Pokemon) -> float:
    """Hit points a move is expected to take, at most what the target has left.

    Halved for a move that takes two turns, quartered for one that costs the user.
    """
    left = target.current_hp_fraction * (2 * target.base_stats["hp"] + 203)
    damage = expected_damage(move, user, target)
    if move.id in SELF_DESTRUCTION:
        # These halve the target's defense, and cost a Pokémon.
        damage /= 4.0
    elif move.id in TWO_TURNS and damage < left:
        damage /= 2.0
    return min(damage, left) * float(move.accuracy)


def expected_damage(move: Move, user: Pokemon, target: Pokemon) -> float:
    """Mean damage of a Gen 1 move that hits, in hit points of a level 100 Pokémon.

    The Gen 1 formula with the mean roll, the chance of a critical hit, types, boosts, Reflect,
    burn, and the number of hits. Stats are the maximal ones of the species, known for both sides.
    """
    if move.id in FIXED_DAMAGE:
        # In Gen 1 these ignore types altogether.
        return FIXED_DAMAGE[move.id]
    if move.id == "superfang":
        return target.current_hp_fraction * (2 * target.base_stats["hp"] + 203) / 2.0
    if not move.base_power or (move.id == "dreameater" and target.status != Status.SLP):
        return 0.0
    attack, defense = ("spa", "spd") if move.type in SPECIAL_TYPES else ("atk", "def")
    strength = _stat(user, attack)
    resistance = _stat(target, defense)
    if attack == "atk" and user.status == Status.BRN:
        strength /= 2.0
    if attack == "atk" and Effect.REFLECT in target.effects:
        resistance *= 2.0
    if move.id in SELF_DESTRUCTION:
        resistance /= 2.0
    effectiveness = target.damage_multiplier(move.type)
    bonus = 1.5 if move.type in user.types else 1.0
    critical = min(user.base_stats["spe"] * (4 if move.id in HIGH_CRITICAL else 0.5), 255) / 256
    plain = (42.0 * move.base_power * strength / resistance / 50.0 + 2.0) * bonus * effectiveness
    # Two to five hits are three on average in Gen 1, where poke-env says 19 / 6.
    hits = 3.0 if move.n_hit == (2, 5) else float(move.expected_hits)
    # A critical hit doubles the level: 82 in place of 42.
    return plain * (1.0 + critical * 40.0 / 42.0) * MEAN_ROLL * hits


def _stat(pokemon: Pokemon, stat: str) -> float:
    boost = pokemon.boosts[stat]
    factor = (2 + boost) / 2 if boost >= 0 else 2 / (2 - boost)
    return (2 * pokemon.base_stats[stat] + 98) * factor
