"""What [Gen 1] OU allows, without Showdown: our own rules, held equal to its validator.

The format is Showdown's "[Gen 1] OU": no Mewtwo, no Mew; Species, Nickname, OHKO and Evasion
Clause; no Dig, no Fly; no tradebacks. What a species can know comes from ``data/learnsets.json``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pokespiel.gen1ou.teams.sets import (
    MOVES_PER_POKEMON,
    STATS,
    TEAM_SIZE,
    Member,
    Team,
    learnsets,
    move_names,
    species_names,
    to_id,
)

LONGEST_NICKNAME = 18
HIGHEST_LEVEL = 100
HIGHEST_EV = 255
LIMITED_TOTALS = (508, 510)
"""Sums of EVs that Showdown takes for a team of a later generation."""


class IllegalTeamError(ValueError):
    """[Gen 1] OU refuses a team; the message holds every complaint."""


def check_team(team: Team) -> None:
    """Raise `IllegalTeamError` with all that `problems` finds, if anything."""
    found = problems(team)
    if found:
        raise IllegalTeamError("; ".join(found))


def problems(team: Team) -> list[str]:
    """Everything that is illegal about a team, one sentence each; empty for a legal team."""
    if not 1 <= len(team) <= TEAM_SIZE:
        return [f"a team has 1 to {TEAM_SIZE} Pokémon, got {len(team)}"]
    found = [problem for member in team for problem in _member_problems(member)]
    species = [to_id(member.species) for member in team]
    for name in sorted({name for name in species if species.count(name) > 1}):
        found.append(f"Species Clause: more than one {species_names().get(name, name)}")
    nicknames = [_shown_name(member) for member in team if _has_nickname(member)]
    for nickname in sorted({name for name in nicknames if nicknames.count(name) > 1}):
        found.append(f"Nickname Clause: more than one {nickname!r}")
    return found


@cache
def _species() -> dict[str, dict[str, Any]]:
    return {to_id(entry["name"]): entry for entry in learnsets()["species"]}


def _member_problems(member: Member) -> list[str]:
    entry = _species().get(to_id(member.species))
    if entry is None:
        return [f"{member.species!r} is not one of the 151 Pokémon of Gen 1"]
    name = entry["name"]
    found = []
    if entry["banned"]:
        found.append(f"{name} is banned")
    found += _nickname_problems(member, name)
    if member.level > HIGHEST_LEVEL:
        found.append(f"{name} has level {member.level}, above {HIGHEST_LEVEL}")
    elif member.level < entry["minimumLevel"]:
        found.append(
            f"{name} has level {member.level}, it exists from level {entry['minimumLevel']} on"
        )
    found += [f"{name}: {problem}" for problem in _move_problems(member, entry)]
    found += [f"{name}: {problem}" for problem in _spread_problems(member)]
    return found


def _move_problems(member: Member, entry: dict[str, Any]) -> list[str]:
    moves = [to_id(move) for move in member.moves]
    if not 1 <= len(moves) <= MOVES_PER_POKEMON:
        return [f"1 to {MOVES_PER_POKEMON} moves, got {len(moves)}"]
    found = []
    for move in sorted(set(moves)):
        known = move_names().get(move)
        if known is None:
            found.append(f"{move!r} is not a move of Gen 1")
            continue
        if moves.count(move) > 1:
            found.append(f"{known} more than once")
        if move in learnsets()["bannedMoves"]:
            found.append(f"{known} is banned")
        level = entry["moves"].get(move)
        if level is None:
            found.append(f"cannot learn {known}")
        elif member.level < level:
            found.append(f"knows {known} from level {level} on")
    for exclusive in entry["exclusive"]:
        if set(exclusive) <= set(moves):
            together = " and ".join(move_names()[move] for move in exclusive)
            found.append(f"cannot know {together} together")
    return found


def _spread_problems(member: Member) -> list[str]:
    if len(member.ivs) != len(STATS) or any(not 0 <= iv <= 31 for iv in member.ivs):
        return [f"IVs are six numbers from 0 to 31, got {member.ivs}"]
    found = []
    attack, defense, special, speed = (member.ivs[k] // 2 for k in (1, 2, 3, 5))
    implied = attack % 2 * 8 + defense % 2 * 4 + speed % 2 * 2 + special % 2
    if member.ivs[0] // 2 != implied:
        found.append(f"its other DVs make its HP DV {implied}, got {member.ivs[0] // 2}")
    if len(member.evs) != len(STATS) or any(not 0 <= ev <= HIGHEST_EV for ev in member.evs):
        return [*found, f"EVs are six numbers from 0 to {HIGHEST_EV}, got {member.evs}"]
    hp, attack, defense, special, _, speed = member.evs
    total = hp + attack + defense + 2 * special + speed
    # Showdown takes these for mistakes of a later generation's player.
    if total == 0 and member.level > 1:
        found.append("no EVs at all; 1 of any says that it is meant")
    elif total in LIMITED_TOTALS:
        found.append(f"{total} EVs in all look like a later generation's limit")
    if member.level == 50 and total % 4 == 0:
        found.append("level 50 looks like a mistake; 1 EV more says that it is meant")
    return found


def _shown_name(member: Member) -> str:
    return member.nickname or member.species


def _has_nickname(member: Member) -> bool:
    return to_id(_shown_name(member)) != to_id(member.species)


def _nickname_problems(member: Member, species: str) -> list[str]:
    if len(member.nickname) > LONGEST_NICKNAME:
        return [f"the nickname {member.nickname!r} is longer than {LONGEST_NICKNAME} letters"]
    other = _names_of_species().get(member.nickname.lower(), species)
    return [f"{species} must not be called {member.nickname}"] if other != species else []


@cache
def _names_of_species() -> dict[str, str]:
    """Which species, of any generation, a nickname would be taken for."""
    names = {name: name for name in species_names().values()} | learnsets()["otherNames"]
    return {name.lower(): species for name, species in names.items()}
