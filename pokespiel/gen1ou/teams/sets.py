"""A team as Showdown describes it: six numbers per spread, names as they are written."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

from pokespiel.gen1ou.engine.teams import PokemonSet, to_id

TEAM_SIZE = 6
MOVES_PER_POKEMON = 4
STATS = ("HP", "Atk", "Def", "SpA", "SpD", "Spe")
FULL_EVS = (252,) * 6
FULL_IVS = (31,) * 6

__all__ = ["FULL_EVS", "FULL_IVS", "STATS", "TEAM_SIZE", "Member", "Team", "learnsets", "to_id"]


@dataclass(frozen=True)
class Member:
    """One Pokémon of a team.

    Attributes
    ----------
    species : str
    moves : tuple of str
    nickname : str
        Empty for the species' own name.
    level : int
    evs, ivs : tuple of six int
        HP, Attack, Defense, Special twice, Speed. An IV counts as half of it rounded down, a DV:
        30 and 31 are the same. Full by default, as in every Gen 1 team.
    """

    species: str
    moves: tuple[str, ...]
    nickname: str = ""
    level: int = 100
    evs: tuple[int, ...] = FULL_EVS
    ivs: tuple[int, ...] = FULL_IVS


Team: TypeAlias = Sequence[Member]


@cache
def learnsets() -> dict[str, Any]:
    """What Gen 1 knows and allows, as ``learnsets.js`` took it from Showdown.

    The keys are ``source``, ``moves`` (names), ``bannedMoves`` (ids) and ``species`` (name,
    banned, minimumLevel, moves with the level from which they can be known, exclusive sets).
    """
    data = importlib.resources.files(__package__).joinpath("data", "learnsets.json")
    document: dict[str, Any] = json.loads(data.read_text("utf-8"))
    return document


@cache
def species_names() -> dict[str, str]:
    """Names of the 151 species by id."""
    return {to_id(entry["name"]): entry["name"] for entry in learnsets()["species"]}


@cache
def move_names() -> dict[str, str]:
    """Names of the 165 moves by id."""
    return {to_id(name): name for name in learnsets()["moves"]}


def named(member: Member) -> Member:
    """The same member with Showdown's own names; names that Gen 1 has not stay as they are."""
    return replace(
        member,
        species=species_names().get(to_id(member.species), member.species),
        moves=tuple(move_names().get(to_id(move), move) for move in member.moves),
    )


def engine_sets(team: Team) -> list[PokemonSet]:
    """The team as `pokespiel.gen1ou.engine` takes it."""
    return [
        PokemonSet(
            species=member.species,
            moves=member.moves,
            level=member.level,
            ivs=tuple(iv // 2 * 2 for iv in _five(member.ivs)),
            evs=_five(member.evs),
        )
        for member in team
    ]


def _five(spread: tuple[int, ...]) -> tuple[int, ...]:
    hp, attack, defense, special, _, speed = spread
    return hp, attack, defense, speed, special
