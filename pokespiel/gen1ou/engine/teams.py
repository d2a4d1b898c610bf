"""Teams: what players bring, checked against [Gen 1] OU and packed for the engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import layout as at
from .layout import Row
from .tables import (
    BASE_STATS,
    DATA,
    MAX_PP,
    MOVE_IDS,
    MOVE_NUMBER,
    SPECIES_IDS,
    SPECIES_NUMBER,
    SPECIES_TYPES,
    STRUGGLE,
)

STAT_NAMES = ("hp", "atk", "def", "spe", "spa")
_LEGAL_MOVES = {s["id"]: frozenset(s["moves"]) for s in DATA["species"]}
_ILLEGAL_PAIRS = {s["id"]: [frozenset(p) for p in s["illegalPairs"]] for s in DATA["species"]}
_CLAUSE_BANS = frozenset(
    ["dig", "fly", "fissure", "guillotine", "horndrill", "doubleteam", "minimize"]
)


def to_id(name: str) -> str:
    """Showdown's id of a name: lower case letters and digits only."""
    return "".join(c for c in name.lower() if c.isalnum() and c.isascii())


@dataclass(frozen=True)
class PokemonSet:
    """One Pokémon of a team.

    Parameters
    ----------
    species, moves
        Names or Showdown ids; one to four different moves.
    level
        1 to 100.
    ivs, evs
        HP, Attack, Defense, Speed and Special, in Showdown's scale: an IV is twice a DV (0 to 30),
        EVs are 0 to 255. Full by default.
    """

    species: str
    moves: tuple[str, ...]
    level: int = 100
    ivs: tuple[int, ...] = (30,) * 5
    evs: tuple[int, ...] = (252,) * 5


Team = Sequence[PokemonSet] | Sequence[tuple[str, Sequence[str]]]


def _as_set(entry: PokemonSet | tuple[str, Sequence[str]]) -> PokemonSet:
    if isinstance(entry, PokemonSet):
        return entry
    try:
        species, moves = entry
        if not isinstance(species, str) or isinstance(moves, str):
            raise TypeError
        known = PokemonSet(species, tuple(moves))
        if not all(isinstance(move, str) for move in known.moves):
            raise TypeError
    except (TypeError, ValueError):
        raise ValueError(
            f"a team has entry {entry!r}: expected a PokemonSet or (species, moves), as "
            "('Tauros', ['Body Slam', 'Blizzard'])"
        ) from None
    return known


def _stats(species: int, level: int, ivs: Sequence[int], evs: Sequence[int]) -> list[int]:
    base = [int(value) for value in BASE_STATS[species]]
    raw = [2 * base[k] + ivs[k] + evs[k] // 4 for k in range(5)]
    return [(raw[0] + 100) * level // 100 + 10, *(r * level // 100 + 5 for r in raw[1:])]


def _numbers(entry: PokemonSet) -> tuple[int, list[int]]:
    species = SPECIES_NUMBER.get(to_id(entry.species))
    if species is None:
        raise ValueError(f"unknown species {entry.species!r}: expected one of the 151 of Gen 1")
    moves = []
    for name in entry.moves:
        number = MOVE_NUMBER.get(to_id(name), 0)
        if not 1 <= number <= STRUGGLE:
            raise ValueError(f"unknown move {name!r} of {entry.species}: expected one of Gen 1's")
        moves.append(number)
    if not 1 <= len(moves) <= 4 or len(set(moves)) != len(moves):
        raise ValueError(f"{entry.species} has moves {entry.moves}: expected 1 to 4 different ones")
    if not 1 <= entry.level <= 100:
        raise ValueError(f"{entry.species} has level {entry.level}: expected 1 to 100")
    if len(entry.ivs) != 5 or any(not 0 <= iv <= 31 for iv in entry.ivs):
        raise ValueError(f"{entry.species} has IVs {entry.ivs}: expected five from 0 to 31")
    if len(entry.evs) != 5 or any(not 0 <= ev <= 255 for ev in entry.evs):
        raise ValueError(f"{entry.species} has EVs {entry.evs}: expected five from 0 to 255")
    return species, moves


def check_gen1ou(team: Team) -> None:
    """Raise ValueError, naming the rule, unless the team is legal in [Gen 1] OU.

    The table of legal moves and of pairs that exclude each other comes from Showdown's own
    validator.
    """
    seen: set[int] = set()
    for entry in map(_as_set, team):
        species, moves = _numbers(entry)
        if species in seen:
            raise ValueError(f"Species Clause: more than one {entry.species}")
        seen.add(species)
        name = SPECIES_IDS[species]
        if not _LEGAL_MOVES[name]:
            raise ValueError(f"{entry.species} is banned from [Gen 1] OU")
        ids = [MOVE_IDS[move] for move in moves]
        for move in ids:
            if move in _CLAUSE_BANS:
                raise ValueError(f"{move} of {entry.species} is banned from [Gen 1] OU")
            if move not in _LEGAL_MOVES[name]:
                raise ValueError(f"illegal moveset: {entry.species} cannot learn {move} in Gen 1")
        for pair in _ILLEGAL_PAIRS[name]:
            if pair <= set(ids):
                together = " and ".join(sorted(pair))
                raise ValueError(
                    f"illegal moveset: {entry.species} cannot have {together} together"
                )


def pack(team: Team, *, rules: str | None = "gen1ou") -> Row:
    """A team as the engine stores it.

    Parameters
    ----------
    team
        One to six entries, each a `PokemonSet` or ``(species, moves)``.
    rules
        ``"gen1ou"`` checks the format's clauses and movesets; ``None`` accepts any of Gen 1's
        Pokémon with any of its moves.

    Returns
    -------
    ndarray of int32, shape ``(6, POKEMON)``
        Rows of zeros beyond the team's size.

    Raises
    ------
    ValueError
        Naming what is wrong and what is accepted.
    """
    if isinstance(team, str) or not isinstance(team, Sequence):
        raise ValueError(f"a team is a list of Pokémon, got {team!r}")
    if not 1 <= len(team) <= 6:
        raise ValueError(f"a team of {len(team)} Pokémon: expected 1 to 6")
    if rules not in ("gen1ou", None):
        raise ValueError(f"unknown rules {rules!r}: expected 'gen1ou' or None")
    if rules is not None:
        check_gen1ou(team)
    packed = np.zeros((6, at.POKEMON), np.int32)
    for member, entry in zip(packed, map(_as_set, team), strict=False):
        species, moves = _numbers(entry)
        stats = _stats(species, entry.level, entry.ivs, entry.evs)
        member[at.MAX_HP] = member[at.HP] = stats[0]
        member[at.STATS : at.STATS + 4] = stats[1:]
        member[at.SPECIES] = species
        member[at.LEVEL] = entry.level
        member[at.TYPES : at.TYPES + 2] = SPECIES_TYPES[species]
        member[at.MOVES : at.MOVES + len(moves)] = moves
        member[at.PP : at.PP + len(moves)] = MAX_PP[moves]
        member[at.SPEED_GENES] = entry.ivs[3] + entry.evs[3] // 4
    return packed


def unpack(packed: Row) -> list[tuple[str, list[str]]]:
    """The species and move ids of a packed team."""
    return [
        (
            SPECIES_IDS[member[at.SPECIES]],
            [MOVE_IDS[m] for m in member[at.MOVES : at.MOVES + 4] if m],
        )
        for member in packed
        if member[at.SPECIES]
    ]


def from_showdown(sets: Sequence[dict[str, Any]]) -> list[PokemonSet]:
    """Sets as Showdown's JSON has them (``species``, ``moves``, ``level``, ``ivs``, ``evs``)."""
    team = []
    for entry in sets:
        ivs = {"hp": 30, "atk": 30, "def": 30, "spe": 30, "spa": 30, **entry.get("ivs", {})}
        evs = {name: 252 for name in STAT_NAMES} | dict(entry.get("evs", {}))
        team.append(
            PokemonSet(
                entry.get("species") or entry["name"],
                tuple(entry["moves"]),
                entry.get("level", 100),
                tuple(ivs[name] for name in STAT_NAMES),
                tuple(evs[name] for name in STAT_NAMES),
            )
        )
    return team
