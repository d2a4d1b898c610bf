"""What one player may know of a battle, as arrays, read from poke-env's view of it.

poke-env holds only what Showdown sent to that player, so nothing hidden can leak in here.
Shapes and meanings of the arrays are those of `pokespiel.policies.battle_network.BattleNetwork`.

Per Pokémon (`POKEMON_FEATURES`): hp, active, fainted, known, stat boosts / 6 (attack, defense,
special, speed, accuracy, evasion), and one flag per effect of `EFFECTS`, recharging, preparing.

Per move slot (`MOVE_FEATURES`): there, legal, base power / 100, accuracy, type effectiveness
against the opponent's active Pokémon / 4, same-type bonus, PP left as a fraction, status move,
estimated damage (power x effectiveness x bonus x accuracy) / 200, uses up the user.

Battle (`BATTLE_FEATURES`): forced switch, trapped, turn / 100 (at most 1), own Pokémon alive / 6,
opponent's alive / 6.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from poke_env.battle import Battle, Effect, Move, MoveCategory, Pokemon, PokemonType, Status
from poke_env.data import GenData

from pokespiel.gen1ou.actions import move_slots

Observation: TypeAlias = dict[str, NDArray[Any]]

EFFECTS = (
    Effect.SUBSTITUTE,
    Effect.REFLECT,
    Effect.LEECH_SEED,
    Effect.CONFUSION,
    Effect.FOCUS_ENERGY,
    Effect.MIST,
    Effect.PARTIALLY_TRAPPED,
    Effect.DISABLE,
    Effect.BIDE,
    Effect.RAGE,
)
_BOOSTS = ("atk", "def", "spa", "spe", "accuracy", "evasion")
_STATUS = {
    None: 1,
    Status.BRN: 2,
    Status.FRZ: 3,
    Status.PAR: 4,
    Status.PSN: 5,
    Status.SLP: 6,
    Status.TOX: 7,
    Status.FNT: 8,
}

NUM_SPECIES = 152
NUM_MOVES = 166
NUM_STATUSES = 9
POKEMON_FEATURES = 4 + len(_BOOSTS) + len(EFFECTS) + 2
MOVE_FEATURES = 10
BATTLE_FEATURES = 5

_DATA = GenData.from_gen(1)


@cache
def _species_number(species: str) -> int:
    number = int(_DATA.pokedex[species]["num"])
    return number if 0 < number < NUM_SPECIES else 0


@cache
def _move_number(move: str) -> int:
    number = int(_DATA.moves.get(move, {}).get("num", 0))
    return number if 0 < number < NUM_MOVES else 0


@cache
def _effectiveness(attack: PokemonType, defenders: tuple[PokemonType, ...]) -> float:
    return float(attack.damage_multiplier(*defenders[:2], type_chart=_DATA.type_chart))


@cache
def _move_constants(move: str) -> tuple[float, float, PokemonType, bool, bool]:
    """Base power, accuracy, type, whether a status move, whether the user faints."""
    entry = Move(move, gen=1)
    return (
        float(entry.base_power),
        float(entry.accuracy),
        entry.type,
        entry.category is MoveCategory.STATUS,
        bool(entry.self_destruct),
    )


def observe(battle: Battle, legal: NDArray[np.bool_]) -> Observation:
    """Observe one decision.

    Parameters
    ----------
    battle : poke-env battle
        As the deciding player sees it.
    legal : bool array ``(10,)``

    Returns
    -------
    dict of arrays
        ``ids`` int16 ``(12, 6)``, ``pokemon`` float32 ``(12, POKEMON_FEATURES)``, ``move_ids``
        int16 ``(4,)``, ``moves`` float32 ``(4, MOVE_FEATURES)``, ``battle`` float32
        ``(BATTLE_FEATURES,)``.
    """
    ids = np.zeros((12, 6), dtype=np.int16)
    features = np.zeros((12, POKEMON_FEATURES), dtype=np.float32)
    own = list(battle.team.values())[:6]
    opponent = list(battle.opponent_team.values())[:6]
    for row, pokemon in enumerate(own):
        _describe(pokemon, ids[row], features[row])
    for row, pokemon in enumerate(opponent, start=6):
        _describe(pokemon, ids[row], features[row])
    move_ids, moves = _describe_moves(battle, legal)
    fainted = sum(pokemon.fainted for pokemon in opponent)
    overview = np.array(
        [
            bool(battle.force_switch),
            bool(battle.trapped),
            min(battle.turn / 100.0, 1.0),
            sum(not pokemon.fainted for pokemon in own) / 6.0,
            (6 - fainted) / 6.0,
        ],
        dtype=np.float32,
    )
    return {
        "ids": ids,
        "pokemon": features,
        "move_ids": move_ids,
        "moves": moves,
        "battle": overview,
    }


def _describe(pokemon: Pokemon, ids: NDArray[np.int16], features: NDArray[np.float32]) -> None:
    """Fill one Pokémon's rows."""
    ids[0] = _species_number(pokemon.base_species)
    ids[1] = _STATUS[pokemon.status]
    for slot, move in enumerate(list(pokemon.moves)[:4], start=2):
        ids[slot] = _move_number(move)
    features[0] = pokemon.current_hp_fraction
    features[1] = pokemon.active
    features[2] = pokemon.fainted
    features[3] = 1.0
    if not pokemon.active:
        return
    boosts = pokemon.boosts
    for column, stat in enumerate(_BOOSTS, start=4):
        features[column] = boosts[stat] / 6.0
    offset = 4 + len(_BOOSTS)
    effects = pokemon.effects
    if effects:
        for column, effect in enumerate(EFFECTS, start=offset):
            features[column] = effect in effects
    features[offset + len(EFFECTS)] = pokemon.must_recharge
    features[offset + len(EFFECTS) + 1] = bool(pokemon.preparing)


def _describe_moves(
    battle: Battle, legal: NDArray[np.bool_]
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Move numbers and features of the active Pokémon's slots."""
    numbers = np.zeros(4, dtype=np.int16)
    features = np.zeros((4, MOVE_FEATURES), dtype=np.float32)
    active, target = battle.active_pokemon, battle.opponent_active_pokemon
    if active is None:
        return numbers, features
    for slot, move in enumerate(move_slots(battle)):
        numbers[slot] = _move_number(move.id)
        if not numbers[slot]:
            continue
        power, accuracy, move_type, is_status, self_destruct = _move_constants(move.id)
        effect = 1.0 if target is None else _effectiveness(move_type, tuple(target.types))
        bonus = 1.5 if move_type in active.types else 1.0
        features[slot] = (
            1.0,
            legal[slot],
            power / 100.0,
            accuracy,
            effect / 4.0,
            bonus - 1.0,
            move.current_pp / max(move.max_pp, 1),
            is_status,
            power * effect * bonus * accuracy / 200.0,
            self_destruct,
        )
    return numbers, features
