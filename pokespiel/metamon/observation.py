"""Metamon's DefaultObservationSpace and its nine actions, for Gen 1.

An observation is 87 words and 48 numbers. Words:

====== =====================================================================================
0 - 1  ``<gen1ou>``, then ``<anychoice>`` or ``<forcedswitch>``
2 - 9  ``<player>``: name, item, ability, two types, effect, status of the active Pokémon
10- 25 four times ``<move>``: name, type, category
26- 70 five times ``<switch>``: name, item, ability, ``<moveset>``, four names of moves
71- 78 ``<opponent>`` as ``<player>``
79- 82 ``<conditions>``: weather, own side, opponent's side
83- 86 ``<player_prev>`` and ``<opp_prev>`` with the previous moves of the active Pokémon
====== =====================================================================================

Numbers: opponents left / 6; hp, level / 100, six base stats / 255, seven boosts / 6 of the own
active Pokémon; power / 200, accuracy, priority / 5 of four moves; hp of five Pokémon on the
bench; the opponent's active Pokémon as the own one. What is missing is -2 or ``<blank>``.

Moves and bench stand in alphabetical order, and the actions with them: 0 to 3 are the active
Pokémon's moves, 4 to 8 the switches, so that these shift when a Pokémon faints or comes in.

Where the server offers one move that is none of the four (recharge, Struggle, or the bare
``fight`` of a Pokémon that sleeps, is frozen or partially trapped), every move's action stands
for it; where it is recharge, those of the switches do as well. So the agents see it in training.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from poke_env.battle import Battle, Move, Pokemon, SideCondition
from poke_env.data import GenData

from pokespiel.gen1ou.actions import NUM_MOVES, move_slots
from pokespiel.metamon.history import NO_EFFECT, History
from pokespiel.metamon.network import NUM_ACTIONS

BENCH = 5
BLANK = "<blank>"
MISSING = -2.0
RECHARGE = "recharge"

_STATS = ("atk", "spa", "def", "spd", "spe", "hp")
_BOOSTS = ("atk", "spa", "def", "spd", "spe", "accuracy", "evasion")
_DATA = GenData.from_gen(1)


@dataclass(frozen=True, slots=True)
class PokemonView:
    """A Pokémon as metamon's agents see it.

    Attributes
    ----------
    name : str
        Species in lower-case letters and digits.
    hp : float
        Of its maximum; of an opponent's in full per cent, rounded up.
    types : (str, str)
        Sorted; a single type has ``"notype"`` beside it.
    moves : tuple of str
        Known moves, sorted, at most four.
    boosts : tuple of int
        Attack, special attack, defense, special defense, speed, accuracy, evasion.
    base_stats : tuple of int
        The same without the last two, and hp.
    status, effect : str
    level : int
    """

    name: str
    hp: float
    types: tuple[str, str]
    moves: tuple[str, ...]
    boosts: tuple[int, ...] = (0,) * len(_BOOSTS)
    base_stats: tuple[int, ...] = (0,) * len(_STATS)
    status: str = "nostatus"
    effect: str = NO_EFFECT
    level: int = 100


@dataclass(frozen=True, slots=True)
class View:
    """One decision as metamon's agents see it.

    Attributes
    ----------
    active, opponent : PokemonView
    bench : tuple of PokemonView
        Own Pokémon that may still come in, sorted by name.
    previous_move, opponent_previous_move : str
        Last moves of the two active Pokémon.
    opponents_left : int
        Opponents not yet seen to faint.
    forced_switch : bool
    weather, conditions, opponent_conditions : str
        Nothing in Gen 1 sets them.
    """

    active: PokemonView
    opponent: PokemonView
    bench: tuple[PokemonView, ...]
    previous_move: str
    opponent_previous_move: str
    opponents_left: int
    forced_switch: bool
    weather: str = "noweather"
    conditions: str = "noconditions"
    opponent_conditions: str = "noconditions"
    format: str = field(default="gen1ou")


@dataclass(frozen=True, slots=True)
class MoveFacts:
    """Words and numbers of a move."""

    type: str
    category: str
    power: float
    accuracy: float
    priority: float


def view(battle: Battle, history: History) -> View:
    """See a battle as its player does.

    Parameters
    ----------
    battle : poke-env battle
        With both active Pokémon, at a request of its player.
    history
        Of this battle, read up to now.
    """
    active, opponent = battle.active_pokemon, battle.opponent_active_pokemon
    if active is None or opponent is None:
        raise ValueError(f"{battle.battle_tag} has no active Pokémon yet")
    role = battle.player_role or "p1"
    rival = "p2" if role == "p1" else "p1"
    fainted = sum(pokemon.fainted for pokemon in battle.opponent_team.values())
    own_effect = history.effect(active.identifier(role))
    return View(
        active=_see(active, moves=[move.id for move in move_slots(battle)], effect=own_effect),
        opponent=_see(opponent, effect=history.effect(opponent.identifier(rival))),
        bench=tuple(sorted((_see(p) for p in bench(battle)), key=lambda p: p.name)),
        previous_move=move_word(history.previous_move(active.identifier(role))),
        opponent_previous_move=move_word(history.previous_move(opponent.identifier(rival))),
        opponents_left=6 - fainted,
        forced_switch=bool(battle.force_switch),
        conditions=_conditions(battle.side_conditions),
        opponent_conditions=_conditions(battle.opponent_side_conditions),
    )


def bench(battle: Battle) -> list[Pokemon]:
    """Own Pokémon that have not fainted and are not active, in metamon's order."""
    there = [p for p in battle.team.values() if not p.fainted and not p.active]
    return sorted(there, key=lambda p: p.species)


def words(seen: View) -> list[str]:
    """The `NUM_WORDS` words of an observation."""
    return [
        f"<{seen.format}>",
        "<forcedswitch>" if seen.forced_switch else "<anychoice>",
        "<player>",
        *_describe(seen.active, item="noitem"),
        *chain.from_iterable(_move_words(seen.active.moves, slot) for slot in range(NUM_MOVES)),
        *chain.from_iterable(_bench_words(seen.bench, place) for place in range(BENCH)),
        "<opponent>",
        *_describe(seen.opponent, item="unknownitem"),
        "<conditions>",
        seen.weather,
        seen.conditions,
        seen.opponent_conditions,
        "<player_prev>",
        seen.previous_move,
        "<opp_prev>",
        seen.opponent_previous_move,
    ]


def numbers(seen: View) -> NDArray[np.float32]:
    """The numbers of an observation, float32 ``(NUM_NUMBERS,)``."""
    row = [seen.opponents_left / 6, *_measure(seen.active)]
    for slot in range(NUM_MOVES):
        if slot < len(seen.active.moves):
            facts = move_facts(seen.active.moves[slot])
            row += [facts.power, facts.accuracy, facts.priority]
        else:
            row += [MISSING] * 3
    row += [p.hp for p in seen.bench[:BENCH]] + [MISSING] * (BENCH - len(seen.bench))
    row += _measure(seen.opponent)
    return np.array(row, dtype=np.float32)


def tokens(text: list[str], vocabulary: dict[str, int]) -> NDArray[np.int64]:
    """Numbers of words, -1 for an unknown one, int64 ``(len(text),)``."""
    return np.array([vocabulary.get(word, -1) for word in text], dtype=np.int64)


def action_map(battle: Battle, legal: NDArray[np.bool_]) -> NDArray[np.int64]:
    """What each of metamon's actions stands for.

    Parameters
    ----------
    battle
        At a request of its player.
    legal : bool array ``(10,)``
        See `pokespiel.gen1ou.actions`.

    Returns
    -------
    int64 array ``(NUM_ACTIONS,)``
        Actions of `pokespiel.gen1ou.actions`, all legal; -1 where metamon's action is not.
    """
    actions = np.full(NUM_ACTIONS, -1, dtype=np.int64)
    slots = [move.id for move in move_slots(battle)]
    # Mimic can copy a move that is there already, so places count, not names.
    known = sorted(range(len(slots)), key=lambda slot: move_word(slots[slot]))
    offered = [move["id"] for active in battle.last_request.get("active", ()) for move in
               active["moves"]]  # fmt: skip
    alone = offered[0] if len(offered) == 1 and offered[0] not in slots else None
    if not battle.force_switch:
        for place, slot in enumerate(known):
            action = 0 if alone else slot
            if legal[action]:
                actions[place] = action
    members = list(battle.team.values())
    for place, pokemon in enumerate(bench(battle)[:BENCH], start=NUM_MOVES):
        action = NUM_MOVES + members.index(pokemon)
        if legal[action]:
            actions[place] = action
        elif alone == RECHARGE and legal[0]:
            actions[place] = 0
    return actions


@cache
def move_word(move: str) -> str:
    """Metamon's word for a move's identifier."""
    return "".join(letter for letter in move.lower() if letter.isalpha())


@cache
def move_facts(word: str) -> MoveFacts:
    """Constants of a move by metamon's word for it.

    Raises
    ------
    ValueError
        If Gen 1 has no such move.
    """
    if word not in _DATA.moves:
        raise ValueError(f"{word!r} is no move of Gen 1")
    move = Move(word, gen=1)
    # A Gen 1 move's category follows from its type; Bide has none and counts as physical.
    category = "physical" if word == "bide" else move.category.name.lower()
    return MoveFacts(
        type="".join(filter(str.isalnum, move.type.name.lower())),
        category=category,
        power=move.base_power / 200,
        accuracy=float(move.accuracy),
        priority=move.priority / 5,
    )


def _see(
    pokemon: Pokemon, *, moves: list[str] | None = None, effect: str = NO_EFFECT
) -> PokemonView:
    names = list(pokemon.moves) if moves is None else moves
    types = [t.name.lower() for t in pokemon.types[:2] if t is not None]
    first, second = sorted(types + ["notype"] * (2 - len(types)))
    boosts, stats = pokemon.boosts, pokemon.base_stats
    return PokemonView(
        name=pokemon.species,
        hp=float(pokemon.current_hp_fraction),
        types=(first, second),
        moves=tuple(sorted(move_word(name) for name in names[:NUM_MOVES])),
        boosts=tuple(boosts[stat] for stat in _BOOSTS),
        base_stats=tuple(stats[stat] for stat in _STATS),
        status="nostatus" if pokemon.status is None else pokemon.status.name.lower(),
        effect=effect,
        level=pokemon.level,
    )


def _describe(pokemon: PokemonView, *, item: str) -> list[str]:
    status, effect = pokemon.status, pokemon.effect
    return [pokemon.name, item, "noability", *pokemon.types, effect, status]


def _measure(pokemon: PokemonView) -> list[float]:
    return [
        pokemon.hp,
        pokemon.level / 100,
        *(stat / 255 for stat in pokemon.base_stats),
        *(boost / 6 for boost in pokemon.boosts),
    ]


def _move_words(moves: tuple[str, ...], slot: int) -> list[str]:
    if slot >= len(moves):
        return ["<move>", BLANK, BLANK, BLANK]
    facts = move_facts(moves[slot])
    return ["<move>", moves[slot], facts.type, facts.category]


def _bench_words(team: tuple[PokemonView, ...], place: int) -> list[str]:
    if place >= len(team):
        return ["<switch>", *[BLANK] * 8]
    pokemon = team[place]
    moves = [*pokemon.moves, *[BLANK] * (NUM_MOVES - len(pokemon.moves))]
    return ["<switch>", pokemon.name, "noitem", "noability", "<moveset>", *moves]


def _conditions(conditions: dict[SideCondition, int]) -> str:
    if not conditions:
        return "noconditions"
    latest = max(conditions, key=lambda condition: conditions[condition])
    return "".join(filter(str.isalpha, latest.name.lower()))
