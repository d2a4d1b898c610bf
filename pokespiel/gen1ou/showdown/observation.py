"""The arrays of `pokespiel.gen1ou.observation` from what a Showdown server said to one player.

poke-env holds only what was sent to that player, so nothing hidden can leak in here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from poke_env.battle import Battle, Effect, Pokemon, PokemonType, Status

from pokespiel.gen1ou import observation as layout
from pokespiel.gen1ou.actions import move_slots
from pokespiel.gen1ou.engine.tables import MOVE_NUMBER, SPECIES_NUMBER, TYPE_NAMES
from pokespiel.gen1ou.observation import Observation
from pokespiel.gen1ou.showdown.memory import Memory, memory_of

_EFFECTS = (
    Effect.SUBSTITUTE,
    Effect.REFLECT,
    Effect.LEECH_SEED,
    Effect.CONFUSION,
    Effect.FOCUS_ENERGY,
    Effect.MIST,
    Effect.DISABLE,
    Effect.BIDE,
)
_BOOSTS = ("atk", "def", "spa", "spe", "accuracy", "evasion")
_STATUS = {
    None: layout.STATUS_NONE,
    Status.BRN: layout.STATUS_BRN,
    Status.FRZ: layout.STATUS_FRZ,
    Status.PAR: layout.STATUS_PAR,
    Status.PSN: layout.STATUS_PSN,
    Status.SLP: layout.STATUS_SLP,
    Status.TOX: layout.STATUS_TOX,
    Status.FNT: layout.STATUS_FNT,
}


def _fights(pokemon: Pokemon) -> bool:
    return bool(pokemon.active and not pokemon.fainted)


@cache
def _type_number(kind: PokemonType) -> int:
    return TYPE_NAMES.index(kind.name.capitalize())


def _move_number(move: str) -> int:
    number = MOVE_NUMBER.get(move, 0)
    return number if number < layout.NUM_MOVES else 0


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
        One row of `pokespiel.gen1ou.observation.observe`.
    """
    arrays = {name: array[0] for name, array in layout.empty(1).items()}
    memory = memory_of(battle)
    own = list(battle.team.values())[:6]
    foes = list(battle.opponent_team.values())[:6]
    for row, (ident, pokemon) in enumerate(list(battle.team.items())[:6]):
        moves = [move.id for move in move_slots(battle)] if _fights(pokemon) else []
        moves = moves or list(pokemon.moves)[:4]
        _describe(pokemon, moves, arrays["ids"][row], arrays["pokemon"][row])
        _recall(memory, ident, pokemon, arrays["pokemon"][row])
        arrays["pokemon"][row, layout.FIRST_PP :][: len(moves)] = _own_pp(
            memory, ident, pokemon, moves, battle
        )
    for row, (ident, pokemon) in enumerate(list(battle.opponent_team.items())[:6], start=6):
        moves = _moves_seen(memory, ident, pokemon)
        _describe(pokemon, moves, arrays["ids"][row], arrays["pokemon"][row])
        _recall(memory, ident, pokemon, arrays["pokemon"][row])
        for column, move in enumerate(moves, start=layout.FIRST_PP):
            arrays["pokemon"][row, column] = memory.pp_left(ident, move)
    arrays["last_moves"][:] = (
        memory.last_moves.get(battle.player_role or "", 0),
        memory.last_moves.get(battle.opponent_role or "", 0),
    )
    _describe_moves(battle, legal, arrays["move_ids"], arrays["moves"])
    fainted = sum(pokemon.fainted for pokemon in foes)
    arrays["battle"][:] = (
        bool(battle.force_switch),
        legal[4:].any(),
        min(battle.turn / 100.0, 1.0),
        sum(not pokemon.fainted for pokemon in own) / 6.0,
        (6 - fainted) / 6.0,
    )
    return arrays


def _moves_seen(memory: Memory, ident: str, pokemon: Pokemon) -> list[str]:
    """Moves an opponent's Pokémon paid for, or now prepares, in ascending order."""
    charged = pokemon.preparing_move
    seen = {move for move in memory.moves_paid(ident) if move in MOVE_NUMBER}
    if charged is not None and not memory.is_called(ident):
        seen.add(charged.id)
    return sorted(seen, key=_move_number)[:4]


def _own_pp(
    memory: Memory, ident: str, pokemon: Pokemon, moves: list[str], battle: Battle
) -> list[float]:
    """Shares of PP left; the request has them where it offers all moves."""
    active: list[dict[str, Any]] = battle.last_request.get("active", [{"moves": ()}])[0]["moves"]
    # What Mimic copied is paid by the slot it took.
    slots = moves if pokemon.transformed else list(pokemon.base_moves)[: len(moves)]
    offered = [move["id"] for move in active]
    # Nor is it told which of two slots with the same move pays.
    twice = bool(memory.copies_used(ident) & pokemon.base_moves.keys())
    if not _fights(pokemon) or offered != moves or len(moves) == 1 or twice:
        return [memory.pp_left(ident, slot) for slot in slots]
    most = [memory.most_pp(ident, slot) for slot in slots]
    return [min(move.get("pp", m) / m, 1.0) for move, m in zip(active, most, strict=True)]


def _describe(
    pokemon: Pokemon,
    moves: list[str],
    ids: NDArray[np.int16],
    features: NDArray[np.float32],
) -> None:
    """Fill one Pokémon's rows."""
    ids[0] = SPECIES_NUMBER[pokemon.base_species]
    ids[1] = layout.STATUS_FNT if pokemon.fainted else _STATUS[pokemon.status]
    ids[2 : 2 + len(moves)] = [_move_number(move) for move in moves]
    features[:4] = pokemon.current_hp_fraction, pokemon.active, pokemon.fainted, 1.0
    if not _fights(pokemon):
        return
    boosts, effects = pokemon.boosts, pokemon.effects
    for column, stat in enumerate(_BOOSTS, start=layout.FIRST_BOOST):
        features[column] = boosts[stat] / 6.0
    for column, effect in enumerate(_EFFECTS, start=layout.FIRST_EFFECT):
        features[column] = effect in effects
    features[layout.RECHARGING] = pokemon.must_recharge
    features[layout.PREPARING] = bool(pokemon.preparing)


def _recall(memory: Memory, ident: str, pokemon: Pokemon, features: NDArray[np.float32]) -> None:
    """Fill in what poke-env does not keep."""
    if pokemon.status == Status.SLP:
        ends_of_turn = min(memory.sleep[ident], layout.MOST_SLEEP)
        features[layout.SLEPT] = ends_of_turn / layout.MOST_SLEEP
    features[layout.LIGHT_SCREEN] = _fights(pokemon) and ident in memory.screened


def _describe_moves(
    battle: Battle,
    legal: NDArray[np.bool_],
    numbers: NDArray[np.int16],
    features: NDArray[np.float32],
) -> None:
    """Fill the rows of the active Pokémon's move slots."""
    active, target = battle.active_pokemon, battle.opponent_active_pokemon
    if active is None or target is None:
        return
    own_types = {_type_number(kind) for kind in active.types}
    for slot, move in enumerate(move_slots(battle)):
        number = _move_number(move.id)
        if not number:
            continue
        numbers[slot] = number
        kind = layout.MOVE_TYPE[number]
        effect = np.prod([layout.TYPE_CHART[kind, _type_number(t)] for t in set(target.types)])
        bonus = 1.5 if kind in own_types else 1.0
        power, accuracy = layout.POWER[number], layout.ACCURACY[number]
        features[slot] = (
            1.0,
            legal[slot],
            power,
            accuracy,
            effect / 4.0,
            bonus - 1.0,
            layout.IS_STATUS[number],
            power * effect * bonus * accuracy / 2.0,
            layout.EXPLODES[number],
        )
