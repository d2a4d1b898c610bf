"""Shrink a battle on which engine and simulator differ to the smallest teams that still do."""

import dataclasses
from typing import Any

from ..teams import PokemonSet
from .replay import Difference, Recording, record, replay

Teams = list[list[PokemonSet]]


def _as_json(team: list[PokemonSet]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(member) for member in team]


def _differences(teams: Teams, seed: int, battles: int) -> list[Difference]:
    recordings, _ = record("team", battles, seed, team=[_as_json(team) for team in teams])
    return replay(recordings)


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


def minimize(
    difference: Difference, *, battles: int = 60, seed: int = 1
) -> tuple[dict[str, Any], Recording]:
    """Teams as small as still part engine and simulator within ``battles`` random battles.

    Returns
    -------
    request : dict
        ``{"teams": ..., "seed": ..., "battles": ...}``, to record and replay again.
    recording
        The shortest of those battles on which they part.
    """
    teams: Teams = [list(team) for team in difference.recording.teams]
    left = [difference]
    shrinking = True
    while shrinking:
        shrinking = False
        for smaller in _smaller(teams):
            found = _differences(smaller, seed, battles)
            if found:
                teams, left, shrinking = smaller, found, True
                break
    request = {"teams": [_as_json(team) for team in teams], "seed": seed, "battles": battles}
    return request, min((d.recording for d in left), key=lambda r: len(r.rows))
