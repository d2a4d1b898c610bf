"""Metamon's words, numbers and actions for many engine battles at once.

What `pokespiel.metamon.observation` builds from poke-env's battles is built here from the engine's
rows, in compiled code, with the same results (a test holds them equal decision by decision). What
the rows do not keep, the last moves of all Pokémon and the order in which effects came, is read
from the transcript of each step: a `Chronicle`, the counterpart of `pokespiel.metamon.history`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numba import prange
from numpy.typing import NDArray

from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables
from pokespiel.gen1ou.engine import transcript as tell
from pokespiel.gen1ou.engine.choices import RECHARGE, lone_move, lone_slot
from pokespiel.gen1ou.engine.compilation import compiled, entry_point
from pokespiel.gen1ou.observation import shown_percent
from pokespiel.metamon import observation as obs
from pokespiel.metamon.network import NUM_ACTIONS, NUM_NUMBERS, NUM_WORDS

IntArray: TypeAlias = NDArray[np.int64]

EFFECTS = (
    "bide",
    "confusion",
    "disable",
    "focusenergy",
    "haze",
    "leechseed",
    "lightscreen",
    "mimic",
    "minimize",
    "mist",
    "reflect",
    "substitute",
    "typechange",
)
"""What metamon's agents can see on a Pokémon."""
_NUM_EFFECTS = len(EFFECTS)
_BIDE, _CONFUSION, _DISABLE, _HAZE = (
    EFFECTS.index(name) for name in ("bide", "confusion", "disable", "haze")
)
_MIMIC, _MINIMIZE, _MIST, _SUBSTITUTE, _TYPECHANGE = (
    EFFECTS.index(name) for name in ("mimic", "minimize", "mist", "substitute", "typechange")
)
_BITS = np.array(
    [at.CONFUSED, at.MIST, at.FOCUS_ENERGY, at.LIGHT_SCREEN, at.REFLECT, at.SUBSTITUTE,
     at.LEECH_SEEDED, at.BIDING, at.DISABLED]
)  # fmt: skip
_OF_BITS = np.array(
    [EFFECTS.index(name) for name in ("confusion", "mist", "focusenergy", "lightscreen", "reflect",
                                      "substitute", "leechseed", "bide", "disable")]
)  # fmt: skip
_MINIMIZES = tables.MOVE_NUMBER["minimize"]

# One side of a chronicle.
PREVIOUS = 0  # last move of each Pokémon, in team order; 0 for none (6)
BOOSTS = 6  # of the active Pokémon, kept when it faints: atk, def, spe, special, acc, eva (6)
TYPES = 12  # of the active Pokémon (2)
SHAPE = 14  # the species that it has the base stats of
CLOCK = 15
STARTED = 16  # by effect, when it came; 0 where it is not there
COUNTS = STARTED + _NUM_EFFECTS
CHRONICLE = COUNTS + _NUM_EFFECTS

# metamon's order of the engine's attack, defense, speed, special, accuracy, evasion
_BOOST_ORDER = np.array([0, 3, 1, 3, 2, 4, 5])
# atk, spa, def, spd, spe, hp of the engine's hp, attack, defense, speed, special
_STAT_ORDER = np.array([1, 4, 2, 4, 3, 0])
_STATUSES = ("nostatus", "slp", "psn", "brn", "frz", "par", "tox", "fnt")
_FAINTED = len(_STATUSES) - 1

_PLAYER, _MOVES, _BENCH, _OPPONENT = 3, 10, 26, 72
_PREVIOUS_OWN, _PREVIOUS_FOE = 84, 86
_MOVE_NUMBERS, _BENCH_NUMBERS, _OPPONENT_NUMBERS = 16, 28, 33


@dataclass(frozen=True)
class Words:
    """Token numbers of everything that an observation can say; -1 where the vocabulary has none.

    Attributes
    ----------
    fixed : int64 ``(NUM_WORDS,)``
        What always stands there.
    phases : int64 ``(2,)``
        Any choice, forced switch.
    species, moves, move_types, move_categories : int64 ``(152,)`` and ``(166,)``
        By the engine's numbers; 0 is what stands for nothing (``nomove`` for a move).
    types : int64 ``(TYPELESS + 1, TYPELESS + 1, 2)``
        The two words of a pair of types.
    statuses, effects : int64 ``(8,)`` and ``(len(EFFECTS) + 1,)``
        The last effect is none.
    move_numbers : float32 ``(166, 3)``
        No words: power, accuracy and priority of the moves.
    blank, no_item, no_ability, moveset : int
    """

    fixed: IntArray
    phases: IntArray
    species: IntArray
    moves: IntArray
    move_types: IntArray
    move_categories: IntArray
    types: IntArray
    statuses: IntArray
    effects: IntArray
    move_numbers: NDArray[np.float32]
    blank: int
    no_item: int
    no_ability: int
    moveset: int


def words_of(vocabulary: dict[str, int]) -> Words:
    """Look everything up once."""

    def of(*names: str) -> IntArray:
        return obs.tokens(list(names), vocabulary)

    def one(name: str) -> int:
        return int(of(name)[0])

    fixed = np.full(NUM_WORDS, one(obs.BLANK), dtype=np.int64)
    fixed[[0, 2, 71, 79, 83, 85]] = of(
        "<gen1ou>", "<player>", "<opponent>", "<conditions>", "<player_prev>", "<opp_prev>"
    )
    fixed[[4, 5, 73, 74]] = of("noitem", "noability", "unknownitem", "noability")
    fixed[[10, 14, 18, 22]] = one("<move>")
    fixed[26:71:9] = one("<switch>")
    fixed[[80, 81, 82]] = of("noweather", "noconditions", "noconditions")
    names = [obs.move_word(move) for move in tables.MOVE_IDS[1 : len(_MOVE_RANK)]]
    facts = [obs.move_facts(name) for name in names]
    kinds = [*(name.lower() for name in tables.TYPE_NAMES), "notype"]
    pairs = [
        [sorted((one_, "notype" if one_ == other else other)) for other in kinds] for one_ in kinds
    ]
    return Words(
        fixed=fixed,
        phases=of("<anychoice>", "<forcedswitch>"),
        species=of("", *tables.SPECIES_IDS[1:]),
        moves=of("nomove", *names),
        move_types=of(obs.BLANK, *(fact.type for fact in facts)),
        move_categories=of(obs.BLANK, *(fact.category for fact in facts)),
        types=np.array([[of(*pair) for pair in row] for row in pairs]),
        statuses=of(*_STATUSES),
        effects=of(*EFFECTS, "noeffect"),
        move_numbers=_move_numbers(),
        blank=one(obs.BLANK),
        no_item=one("noitem"),
        no_ability=one("noability"),
        moveset=one("<moveset>"),
    )


def every_word() -> dict[str, int]:
    """A vocabulary of what an observation can say, for agents that never saw metamon's."""
    names = [
        obs.BLANK,
        *("<gen1ou>", "<anychoice>", "<forcedswitch>", "<player>", "<opponent>", "<conditions>"),
        *("<player_prev>", "<opp_prev>", "<move>", "<switch>", "<moveset>"),
        *("noitem", "unknownitem", "noability", "noweather", "noconditions", "nomove"),
        *("notype", "noeffect", "physical", "special", "status", "threequestionmarks"),
        *(name.lower() for name in tables.TYPE_NAMES),
        *EFFECTS,
        *_STATUSES,
        *tables.SPECIES_IDS[1:],
        *(obs.move_word(move) for move in tables.MOVE_IDS[1:_NUM_MOVES]),
    ]
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _ranks(names: list[str]) -> IntArray:
    """Place of each name in alphabetical order."""
    order = sorted(range(len(names)), key=lambda k: names[k])
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[order] = np.arange(len(names))
    return ranks


_NUM_MOVES = tables.MOVE_NUMBER["struggle"] + 1
_MOVE_RANK = _ranks(["", *(obs.move_word(move) for move in tables.MOVE_IDS[1:_NUM_MOVES])])
_SPECIES_RANK = _ranks(list(tables.SPECIES_IDS))


def _move_numbers() -> NDArray[np.float32]:
    """Power, accuracy and priority as metamon scales them, float32 ``(_NUM_MOVES, 3)``."""
    numbers = np.full((_NUM_MOVES, 3), obs.MISSING, dtype=np.float32)
    for number, move in enumerate(tables.MOVE_IDS[1:_NUM_MOVES], start=1):
        facts = obs.move_facts(obs.move_word(move))
        numbers[number] = facts.power, facts.accuracy, facts.priority
    return numbers


_BASE_STATS = (tables.BASE_STATS[:, _STAT_ORDER] / 255).astype(np.float32)


def new_chronicles(size: int) -> NDArray[np.int32]:
    """Chronicles ``(size, 2, CHRONICLE)`` of battles that have not begun."""
    return np.zeros((size, 2, CHRONICLE), np.int32)


@entry_point
def read_transcripts(
    rows: NDArray[np.int32], where: IntArray, chronicles: NDArray[np.int32], places: IntArray
) -> None:
    """Read what the last step of ``rows[where]`` told into ``chronicles[places]``."""
    for n in prange(where.shape[0]):
        b, told = rows[where[n]], chronicles[places[n]]
        for k in range(b[tell.NOTES]):
            note = tell.FIRST_NOTE + k * tell.NOTE
            kind, s, mine, theirs = b[note], b[note + 1], b[note + 2], b[note + 3]
            x, y = b[note + 6], b[note + 7]
            side = told[s]
            if kind == tell.MOVE:
                side[PREVIOUS + mine] = 0 if x == tables.STRUGGLE else x
                if x == _MINIMIZES:
                    _start(side, _MINIMIZE)
            elif kind == tell.SWITCH:
                _forget_effects(side)
                side[BOOSTS : BOOSTS + 6] = 0
                _take_shape(side, b[s * at.SIDE + mine * at.POKEMON + at.SPECIES])
            elif kind == tell.FAINT:
                # poke-env lets it keep boosts, and the types of Transform but not of Conversion.
                own = b[s * at.SIDE + mine * at.POKEMON + at.SPECIES]
                if side[STARTED + _TYPECHANGE] != 0:
                    _take_shape(side, own)
                side[SHAPE] = own
                _forget_effects(side)
            elif kind in (tell.START, tell.START_SILENT):
                for e in range(_BITS.shape[0]):
                    if x == _BITS[e]:
                        _start(side, _OF_BITS[e])
            elif kind in (tell.END, tell.END_SILENT):
                for e in range(_BITS.shape[0]):
                    if x == _BITS[e]:
                        side[STARTED + _OF_BITS[e]] = 0
            elif kind == tell.ACTIVATE:
                _start(side, _activated(x))
            elif kind == tell.SUBSTITUTE_TAKES:
                _start(side, _SUBSTITUTE)
            elif kind == tell.MIMIC:
                _start(side, _MIMIC)
            elif kind == tell.DISABLE:
                _start(side, _DISABLE)
            elif kind == tell.CONVERT:
                _start(side, _TYPECHANGE)
                side[TYPES] = x // 16
                side[TYPES + 1] = x % 16
            elif kind == tell.TRANSFORM:
                side[BOOSTS : BOOSTS + 6] = told[1 - s, BOOSTS : BOOSTS + 6]
                # As poke-env: the target's own species, even where that is transformed itself.
                _take_shape(side, b[(1 - s) * at.SIDE + theirs * at.POKEMON + at.SPECIES])
            elif kind == tell.CLEAR_ALL:
                told[0, BOOSTS : BOOSTS + 6] = 0
                told[1, BOOSTS : BOOSTS + 6] = 0
            elif kind in (tell.RAISE, tell.RAISE_BY_RAGE, tell.LOWER):
                _boost(side, x, y, kind == tell.LOWER)
            elif kind == tell.TURN:
                for who in range(2):
                    for e in (_BIDE, _DISABLE):
                        told[who, COUNTS + e] += told[who, STARTED + e] != 0


@compiled
def _take_shape(side: NDArray[np.int32], species: int) -> None:
    side[SHAPE] = species
    side[TYPES] = tables.SPECIES_TYPES[species, 0]
    side[TYPES + 1] = tables.SPECIES_TYPES[species, 1]


@compiled
def _forget_effects(side: NDArray[np.int32]) -> None:
    side[STARTED : STARTED + _NUM_EFFECTS] = 0


@compiled
def _start(side: NDArray[np.int32], effect: int) -> None:
    if side[STARTED + effect] == 0:
        side[CLOCK] += 1
        side[STARTED + effect] = side[CLOCK]
        side[COUNTS + effect] = 0


@compiled
def _activated(x: int) -> int:
    if x == at.CONFUSED:
        return _CONFUSION
    if x == at.BIDING:
        return _BIDE
    return _MIST if x == at.MIST else _HAZE


@compiled
def _boost(side: NDArray[np.int32], stat: int, amount: int, lower: bool) -> None:
    """As poke-env reads the lines: a boost that bounced is followed by its undoing."""
    sign = -1 if lower else 1
    stages = side[BOOSTS + stat] + sign * (amount % tell.BOUNCED)
    stages = min(max(stages, -6), 6)
    if amount >= tell.BOUNCED:
        stages = min(max(stages - sign, -6), 6)
    side[BOOSTS + stat] = stages


@compiled
def _effect(side: NDArray[np.int32]) -> int:
    """The effect that is observed: the lowest counter, among equals the oldest."""
    best = _NUM_EFFECTS
    for e in range(_NUM_EFFECTS):
        if side[STARTED + e] == 0:
            continue
        if best == _NUM_EFFECTS or (
            side[COUNTS + e] < side[COUNTS + best]
            or (
                side[COUNTS + e] == side[COUNTS + best] and side[STARTED + e] < side[STARTED + best]
            )
        ):
            best = e
    return best


def describe(
    rows: NDArray[np.int32],
    revealed: NDArray[np.int16],
    chronicles: NDArray[np.int32],
    places: IntArray,
    where: IntArray,
    players: IntArray,
    legal: NDArray[np.bool_],
    words: Words,
) -> tuple[IntArray, NDArray[np.float32], IntArray]:
    """Describe ``n`` decisions to an agent.

    Parameters
    ----------
    rows, revealed, where, players, legal
        As in `pokespiel.gen1ou.arena.Decisions`.
    chronicles : int32 ``(slots, 2, CHRONICLE)``
    places : int64 ``(n,)``
        The chronicle of each decision's battle.
    words
        Of the agent's vocabulary.

    Returns
    -------
    text : int64 ``(n, NUM_WORDS)``
    numbers : float32 ``(n, NUM_NUMBERS)``
    meanings : int64 ``(n, NUM_ACTIONS)``
        What each of metamon's actions stands for; see `pokespiel.metamon.observation.action_map`.
    """
    size = len(where)
    text = np.repeat(words.fixed[None], size, axis=0)
    numbers = np.full((size, NUM_NUMBERS), obs.MISSING, dtype=np.float32)
    meanings = np.full((size, NUM_ACTIONS), -1, dtype=np.int64)
    _describe(
        rows,
        revealed,
        chronicles,
        places,
        where,
        players,
        legal,
        words.phases,
        words.species,
        words.moves,
        words.move_types,
        words.move_categories,
        words.types,
        words.statuses,
        words.effects,
        words.move_numbers,
        np.array([words.blank, words.no_item, words.no_ability, words.moveset]),
        text,
        numbers,
        meanings,
    )
    return text, numbers, meanings


@entry_point
def _describe(
    rows: NDArray[np.int32],
    revealed: NDArray[np.int16],
    chronicles: NDArray[np.int32],
    places: IntArray,
    where: IntArray,
    players: IntArray,
    legal: NDArray[np.bool_],
    phases: IntArray,
    species: IntArray,
    moves: IntArray,
    move_types: IntArray,
    move_categories: IntArray,
    types: IntArray,
    statuses: IntArray,
    effects: IntArray,
    move_numbers: NDArray[np.float32],
    constants: IntArray,
    text: IntArray,
    numbers: NDArray[np.float32],
    meanings: IntArray,
) -> None:
    for n in prange(where.shape[0]):
        b, me = rows[where[n]], players[n]
        foe, o = 1 - me, me * at.SIDE
        told = chronicles[places[n]]
        words, measured, means = text[n], numbers[n], meanings[n]
        forced = b[o + at.REQUEST] == at.SWITCH_REQUEST
        words[1] = phases[1 if forced else 0]

        left = 6
        for k in range(6):
            slot = revealed[where[n], foe, k]
            if slot >= 0 and b[foe * at.SIDE + slot * at.POKEMON + at.HP] == 0:
                left -= 1
        measured[0] = left / 6
        for which in range(2):
            s = me if which == 0 else foe
            word = _PLAYER if which == 0 else _OPPONENT
            number = 1 if which == 0 else _OPPONENT_NUMBERS
            side = told[s]
            p = s * at.SIDE + b[s * at.SIDE + at.ORDER] * at.POKEMON
            words[word] = species[b[p + at.SPECIES]]
            words[word + 3] = types[side[TYPES], side[TYPES + 1], 0]
            words[word + 4] = types[side[TYPES], side[TYPES + 1], 1]
            words[word + 5] = effects[_effect(side)]
            alive = b[p + at.HP] > 0
            words[word + 6] = statuses[b[p + at.STATUS] if alive else _FAINTED]
            if which == 0:
                measured[number] = b[p + at.HP] / b[p + at.MAX_HP]
            else:
                measured[number] = shown_percent(b[p + at.HP], b[p + at.MAX_HP]) / 100
            measured[number + 1] = b[p + at.LEVEL] / 100
            for k in range(6):
                measured[number + 2 + k] = _BASE_STATS[side[SHAPE], k]
            for k in range(7):
                measured[number + 8 + k] = side[BOOSTS + _BOOST_ORDER[k]] / 6
            last = _PREVIOUS_OWN if which == 0 else _PREVIOUS_FOE
            words[last] = moves[side[PREVIOUS + b[s * at.SIDE + at.ORDER]]]

        active = b[o + at.ORDER]
        own = o + active * at.POKEMON
        base = o + at.ACTIVE_MOVES if b[own + at.HP] > 0 else own + at.MOVES
        # The bare recharge, Struggle or `fight`, or a move that another one called.
        alone, lone = False, -1
        if b[o + at.REQUEST] == at.MOVE_REQUEST and lone_slot(b, me) >= 0:
            alone, lone = True, lone_move(b, me)
            for k in range(4):
                if b[base + k] != 0 and b[base + k] == lone:
                    alone = False
        taken = 0
        for place in range(4):
            slot = _next(b, base, 4, taken, 1, _MOVE_RANK)
            if slot < 0:
                break
            taken |= 1 << slot
            move = b[base + slot]
            word = _MOVES + 4 * place
            words[word + 1] = moves[move]
            words[word + 2] = move_types[move]
            words[word + 3] = move_categories[move]
            for k in range(3):
                measured[_MOVE_NUMBERS + 3 * place + k] = move_numbers[move, k]
            action = 0 if alone else slot
            if not forced and legal[n, action]:
                means[place] = action

        taken = 1 << active
        for slot in range(6):
            if b[o + slot * at.POKEMON + at.HP] == 0:
                taken |= 1 << slot
        for place in range(5):
            slot = _next(b, o + at.SPECIES, 6, taken, at.POKEMON, _SPECIES_RANK)
            if slot < 0:
                break
            taken |= 1 << slot
            p = o + slot * at.POKEMON
            word = _BENCH + 9 * place
            words[word + 1] = species[b[p + at.SPECIES]]
            words[word + 2] = constants[1]
            words[word + 3] = constants[2]
            words[word + 4] = constants[3]
            known = 0
            for k in range(4):
                which = _next(b, p + at.MOVES, 4, known, 1, _MOVE_RANK)
                words[word + 5 + k] = constants[0]
                if which >= 0:
                    known |= 1 << which
                    words[word + 5 + k] = moves[b[p + at.MOVES + which]]
            measured[_BENCH_NUMBERS + place] = b[p + at.HP] / b[p + at.MAX_HP]
            if legal[n, 4 + slot]:
                means[4 + place] = 4 + slot
            elif alone and lone == RECHARGE and legal[n, 0]:
                means[4 + place] = 0


@compiled
def _next(
    b: NDArray[np.int32], first: int, count: int, taken: int, stride: int, ranks: IntArray
) -> int:
    """Among things not taken and there at all, the first in alphabetical order; -1 for none."""
    best = -1
    for k in range(count):
        number = b[first + k * stride]
        if number == 0 or taken >> k & 1:
            continue
        if best < 0 or ranks[number] < ranks[b[first + best * stride]]:
            best = k
    return best
