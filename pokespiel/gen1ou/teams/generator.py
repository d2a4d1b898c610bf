"""Plausible teams, drawn at random: what one meets beyond the library.

A team is drawn as players build them: a lead, then five more by how common they are, each with
one of its usual sets. The weights in ``data/usage.json`` are this project's own estimate of play
in the format, not counted from games: out of a hundred teams about so many have the Pokémon, or
lead with it, or give it that set.
"""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.teams.legality import problems
from pokespiel.gen1ou.teams.sets import TEAM_SIZE, Member

OTHER_MOVE = 0.1
"""Chance of a set to have one of its moves replaced by one from the species' other sets."""


@dataclass(frozen=True)
class Usage:
    """How often a species is met, leads, and which sets it has with which weights."""

    species: str
    weight: float
    lead: float
    sets: tuple[tuple[str, ...], ...]
    set_weights: tuple[float, ...]


@cache
def usages() -> tuple[Usage, ...]:
    """The table the generator draws from, see ``data/usage.json``."""
    data = importlib.resources.files(__package__).joinpath("data", "usage.json")
    return tuple(
        Usage(
            species=entry["species"],
            weight=entry["weight"],
            lead=entry["lead"],
            sets=tuple(tuple(usual["moves"]) for usual in entry["sets"]),
            set_weights=tuple(usual["weight"] for usual in entry["sets"]),
        )
        for entry in json.loads(data.read_text("utf-8"))
    )


def generate_team(rng: np.random.Generator, *, size: int = TEAM_SIZE) -> list[Member]:
    """Draw a legal team.

    Parameters
    ----------
    rng
        The same state gives the same team.
    size : int
        1 to 6 Pokémon.

    Raises
    ------
    ValueError
        For another size.
    """
    if not 1 <= size <= TEAM_SIZE:
        raise ValueError(f"a team has 1 to {TEAM_SIZE} Pokémon, got size {size}")
    table = usages()
    left = np.ones(len(table), dtype=np.bool_)
    team = []
    for place in range(size):
        # Drawn without replacement by their odds, the common ones come about as often as they say.
        shares = np.array([usage.lead if place == 0 else usage.weight for usage in table]) / 100.0
        drawn = _draw(shares / (1.0 - shares) * left, rng)
        left[drawn] = False
        team.append(_member(table[drawn], rng))
    return team


def _member(usage: Usage, rng: np.random.Generator) -> Member:
    moves = list(usage.sets[_draw(np.array(usage.set_weights), rng)])
    others = sorted({move for usual in usage.sets for move in usual} - set(moves))
    if others and rng.random() < OTHER_MOVE:
        replaced = moves.copy()
        replaced[int(rng.integers(len(moves)))] = others[int(rng.integers(len(others)))]
        # Moves that are legal each may not be together.
        if not problems([Member(usage.species, tuple(replaced))]):
            moves = replaced
    return Member(usage.species, tuple(moves))


def _draw(weights: NDArray[np.float64], rng: np.random.Generator) -> int:
    cumulative = np.cumsum(weights)
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
