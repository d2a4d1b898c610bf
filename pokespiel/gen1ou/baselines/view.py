"""What the heuristics look at, as arrays, from either backend.

Everything here is known to the player who decides: its own team, and of the opponent only what
is on the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.actions import NUM_ACTIONS, NUM_MOVES, TEAM_SIZE, move_slots
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables

if TYPE_CHECKING:
    from poke_env.battle import Battle, Pokemon

    from pokespiel.gen1ou.showdown.decision import Decision

BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]

OWN, FOE = 0, 1
BOOSTS = ("atk", "def", "spe", "spa", "accuracy", "evasion")
STATS = ("atk", "def", "spe", "spa")


@dataclass(frozen=True)
class View:
    """``n`` decisions.

    Attributes
    ----------
    legal : bool ``(n, 10)``
    forced : bool ``(n,)``
        The player has to send in another Pokémon.
    active : int ``(n,)``
        Place of the own active Pokémon in the team.
    species : int ``(n, 6)``
        The own team, 0 for nothing.
    moves : int ``(n, 6, 4)``
        Its moves; of the active one those it has now. 0 for none.
    hp : float ``(n, 6)``
        Share of its hit points.
    stats : int ``(n, 6, 4)``
        Its attack, defense, speed and special, without boosts.
    order : int ``(n, 6)``
        Where the team's Pokémon stand in its player's list: who came in last stands first.
    foe_species : int ``(n,)``
    foe_hp : float ``(n,)``
        As shown: whole percents, rounded up, 99 if hurt at all.
    status : int ``(n, 2)``
        Of the active Pokémon, own first, as the engine numbers them.
    shape : int ``(n, 2)``
        Species that the active Pokémon have the base stats of, which Transform changes.
    types : int ``(n, 2, 2)``
        Types of the active Pokémon now, the same twice where there is only one.
    boosts : int ``(n, 2, 6)``
        Attack, defense, speed, special, accuracy, evasion of the active Pokémon; 0 once fainted.
    """

    legal: BoolArray
    forced: BoolArray
    active: IntArray
    species: IntArray
    moves: IntArray
    hp: FloatArray
    stats: IntArray
    order: IntArray
    foe_species: IntArray
    foe_hp: FloatArray
    status: IntArray
    shape: IntArray
    types: IntArray
    boosts: IntArray

    def __len__(self) -> int:
        return len(self.legal)


def engine_view(decisions: Decisions) -> View:
    """The view of players of engine battles."""
    rows = decisions.rows[decisions.where].astype(np.int64)
    n = len(rows)
    one = np.arange(n)
    sides = rows[:, : 2 * at.SIDE].reshape(n, 2, at.SIDE)
    both = np.stack([sides[one, decisions.players], sides[one, 1 - decisions.players]], axis=1)
    teams = both[:, :, : TEAM_SIZE * at.POKEMON].reshape(n, 2, TEAM_SIZE, at.POKEMON)
    slots = both[:, :, at.ORDER]
    own = teams[:, OWN]
    foe = teams[one, FOE, slots[:, FOE]]
    moves = own[:, :, at.MOVES : at.MOVES + 4].copy()
    standing = own[one, slots[:, OWN], at.HP] > 0
    now = both[:, OWN, at.ACTIVE_MOVES : at.ACTIVE_MOVES + 4]
    moves[one[standing], slots[standing, OWN]] = now[standing]
    positions = both[:, OWN, at.ORDER : at.ORDER + TEAM_SIZE]
    percent = -(-100 * foe[:, at.HP] // np.maximum(foe[:, at.MAX_HP], 1))
    boosts = both[:, :, at.BOOST : at.BOOST + 6].copy()
    boosts[~standing, OWN] = 0
    boosts[foe[:, at.HP] == 0, FOE] = 0
    hurt = (percent == 100) & (foe[:, at.HP] < foe[:, at.MAX_HP])
    return View(
        legal=decisions.legal,
        forced=both[:, OWN, at.REQUEST] == at.SWITCH_REQUEST,
        active=slots[:, OWN],
        species=own[:, :, at.SPECIES],
        moves=moves,
        hp=own[:, :, at.HP] / np.maximum(own[:, :, at.MAX_HP], 1),
        stats=own[:, :, at.STATS : at.STATS + 4],
        order=np.argsort(positions, axis=1),
        foe_species=foe[:, at.SPECIES],
        foe_hp=(percent - hurt) / 100.0,
        status=np.stack([own[one, slots[:, OWN], at.STATUS], foe[:, at.STATUS]], axis=1),
        shape=both[:, :, at.ACTIVE_SPECIES],
        types=both[:, :, at.ACTIVE_TYPES : at.ACTIVE_TYPES + 2],
        boosts=boosts,
    )


def showdown_view(decisions: Sequence[Decision]) -> View:
    """The view of players of Showdown battles, both of whose active Pokémon are known."""
    n = len(decisions)
    view = View(
        legal=np.stack([decision.legal for decision in decisions]),
        forced=np.zeros(n, np.bool_),
        active=np.zeros(n, np.int64),
        species=np.zeros((n, TEAM_SIZE), np.int64),
        moves=np.zeros((n, TEAM_SIZE, NUM_MOVES), np.int64),
        hp=np.zeros((n, TEAM_SIZE)),
        stats=np.zeros((n, TEAM_SIZE, 4), np.int64),
        order=np.tile(np.arange(TEAM_SIZE), (n, 1)),
        foe_species=np.zeros(n, np.int64),
        foe_hp=np.zeros(n),
        status=np.zeros((n, 2), np.int64),
        shape=np.zeros((n, 2), np.int64),
        types=np.zeros((n, 2, 2), np.int64),
        boosts=np.zeros((n, 2, 6), np.int64),
    )
    for row, decision in enumerate(decisions):
        _look(decision.battle, view, row)
    return view


def _look(battle: Battle, view: View, row: int) -> None:
    view.forced[row] = bool(battle.force_switch)
    listed = battle.last_request["side"]["pokemon"]
    places = {member["ident"]: place for place, member in enumerate(listed)}
    for slot, (ident, pokemon) in enumerate(battle.team.items()):
        entry = listed[places[ident]]
        view.species[row, slot] = tables.SPECIES_NUMBER[pokemon.base_species]
        numbers = [tables.MOVE_NUMBER[move] for move in entry["moves"]][:NUM_MOVES]
        view.moves[row, slot, : len(numbers)] = numbers
        view.hp[row, slot] = pokemon.current_hp_fraction
        view.stats[row, slot] = [entry["stats"][stat] for stat in STATS]
        view.order[row, slot] = places[ident]
        if pokemon.active:
            view.active[row] = slot
    active, foe = battle.active_pokemon, battle.opponent_active_pokemon
    assert active is not None
    assert foe is not None
    if not active.fainted:
        now = [tables.MOVE_NUMBER[move.id] for move in move_slots(battle)]
        view.moves[row, view.active[row], : len(now)] = now
    view.foe_species[row] = tables.SPECIES_NUMBER[foe.base_species]
    view.foe_hp[row] = foe.current_hp_fraction
    for side, pokemon in ((OWN, active), (FOE, foe)):
        view.status[row, side] = _status(pokemon)
        view.shape[row, side] = _shape(pokemon)
        kinds = [tables.TYPE_NAMES.index(kind.name.capitalize()) for kind in pokemon.types]
        view.types[row, side] = kinds[0], kinds[-1]
        if not pokemon.fainted:
            view.boosts[row, side] = [pokemon.boosts[stat] for stat in BOOSTS]


def _status(pokemon: Pokemon) -> int:
    name = "" if pokemon.status is None or pokemon.fainted else pokemon.status.name.lower()
    return tables.STATUS_IDS.index(name)


def _shape(pokemon: Pokemon) -> int:
    """poke-env keeps the base stats of what a Pokémon turned into, not its name."""
    number = tables.SPECIES_NUMBER[pokemon.base_species]
    stats = [pokemon.base_stats[stat] for stat in ("hp", *STATS)]
    if list(tables.BASE_STATS[number])[1:] == stats[1:]:
        return number
    same = np.flatnonzero((tables.BASE_STATS[:, 1:] == stats[1:]).all(axis=1))
    return int(same[0]) if len(same) else number


def first_best(values: FloatArray) -> IntArray:
    """Action with the highest value in each row, the first of equals; -inf is out."""
    return np.asarray(np.argmax(values, axis=1), dtype=np.int64)


def best_switch(view: View, scores: FloatArray) -> IntArray:
    """Legal switch with the highest score ``(n, 6)``, of equals the first in the player's list."""
    values = np.where(view.legal[:, NUM_MOVES:], scores, -np.inf)
    tied = values == values.max(axis=1, keepdims=True)
    place = np.argmin(np.where(tied, view.order, NUM_ACTIONS), axis=1)
    return np.asarray(NUM_MOVES + place, dtype=np.int64)
