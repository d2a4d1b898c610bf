"""Shrink a battle on which engine and simulator differ to the smallest teams that still do."""

import dataclasses
from typing import Any

from ..teams import PokemonSet
from .replay import Difference, record, replay

Teams = list[list[PokemonSet]]


def _as_json(team: list[PokemonSet]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(member) for member in team]


def _differs(teams: Teams, seed: int, battles: int) -> bool:
    recordings, _ = record("team", battles, seed, team=[_as_json(team) for team in teams])
    return bool(replay(recordings))


def _smaller(teams: Teams) -> list[Teams]:
    """Every way to leave out one Pokémon or one move."""
    found = []
    for s, team in enumerate(teams):
        for k, member in enumerate(team):
            if len(team) > 1:
                found.append([t[:k] + t[k + 1 :] if i == s else t for i, t in enumerate(teams)])
            for move in member.moves if len(member.moves) > 1 else ():
                fewer = dataclasses.replace(
                    member, moves=tuple(m for m in member.moves if m != move)
                )
                found.append(
                    [
                        [*t[:k], fewer, *t[k + 1 :]] if i == s else list(t)
                        for i, t in enumerate(teams)
                    ]
                )
    return found


def minimize(difference: Difference, *, battles: int = 60, seed: int = 1) -> dict[str, Any]:
    """Teams as small as still part engine and simulator within ``battles`` random battles.

    Returns
    -------
    dict
        ``{"teams": ..., "seed": ..., "battles": ...}``, to record and replay again.
    """
    teams: Teams = [list(team) for team in difference.recording.teams]
    shrinking = True
    while shrinking:
        shrinking = False
        for smaller in _smaller(teams):
            if _differs(smaller, seed, battles):
                teams, shrinking = smaller, True
                break
    return {"teams": [_as_json(team) for team in teams], "seed": seed, "battles": battles}
