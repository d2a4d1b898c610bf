"""Gen 1 OU teams: a library, a generator, Showdown's and metamon's files, and what is legal.

The library is Showdown export text in ``library/``, one file for each team. The first line of a
file names its archetype, the second its plan; docs/teams.md describes the archetypes. Stat
experience is maximal throughout, as in every Gen 1 team, and unsaid.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from pokespiel.gen1ou.engine.teams import PokemonSet
from pokespiel.gen1ou.teams.formats import (
    METAMON_SUFFIX,
    TeamFormatError,
    parse_export,
    parse_packed,
    parse_team,
    read_folder,
    read_team,
    write_export,
    write_packed,
)
from pokespiel.gen1ou.teams.generator import generate_team
from pokespiel.gen1ou.teams.legality import IllegalTeamError, check_team, problems
from pokespiel.gen1ou.teams.sets import (
    MOVES_PER_POKEMON,
    TEAM_SIZE,
    Member,
    Team,
    engine_sets,
)

__all__ = [
    "METAMON_SUFFIX",
    "MOVES_PER_POKEMON",
    "TEAM_SIZE",
    "IllegalTeamError",
    "LibraryTeam",
    "Member",
    "Team",
    "TeamFormatError",
    "check_team",
    "engine_sets",
    "generate_team",
    "legal_sets",
    "library",
    "load_exports",
    "load_teams",
    "pack",
    "parse_export",
    "parse_packed",
    "parse_team",
    "problems",
    "read_folder",
    "read_team",
    "teams_or_all",
    "write_export",
    "write_packed",
]

_ARCHETYPE = "# Archetype:"


@dataclass(frozen=True)
class LibraryTeam:
    """A team that comes with PokéSpiel: its name, archetype, plan in a sentence, and members."""

    name: str
    archetype: str
    plan: str
    members: tuple[Member, ...]


@cache
def library() -> dict[str, LibraryTeam]:
    """All teams of the library by name, in the order of their names."""
    folder = importlib.resources.files(__package__).joinpath("library")
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".txt"))
    return {
        name.removesuffix(".txt"): _library_team(name, folder.joinpath(name).read_text("utf-8"))
        for name in files
    }


def _library_team(file: str, text: str) -> LibraryTeam:
    archetype, plan = text.splitlines()[:2]
    return LibraryTeam(
        name=file.removesuffix(".txt"),
        archetype=archetype.removeprefix(_ARCHETYPE).strip(),
        plan=plan.removeprefix("#").strip(),
        members=tuple(parse_export(text, source=file)),
    )


def load_teams(*, archetype: str | None = None, names: Iterable[str] | None = None) -> list[str]:
    """Teams of the library packed, in the order of their names.

    Parameters
    ----------
    archetype
        Only teams of this archetype.
    names
        Only these teams, in this order.

    Raises
    ------
    ValueError
        If there is no such archetype or team; the message lists those there are.
    """
    teams = library()
    if names is not None:
        wanted = list(names)
        for name in wanted:
            if name not in teams:
                raise ValueError(f"no team is called {name!r}; there are {', '.join(teams)}")
        teams = {name: teams[name] for name in wanted}
    if archetype is not None:
        known = sorted({team.archetype for team in library().values()})
        if archetype not in known:
            raise ValueError(f"no archetype is called {archetype!r}; there are {', '.join(known)}")
        teams = {name: team for name, team in teams.items() if team.archetype == archetype}
    return [write_packed(team.members) for team in teams.values()]


def teams_or_all(teams: Sequence[str] | None) -> list[str]:
    """The packed teams that a game is given, or all that come with PokéSpiel.

    Raises
    ------
    ValueError
        If it is given no list, or an empty one.
    """
    if isinstance(teams, str) or not isinstance(teams, Sequence | None):
        raise ValueError(f"teams is a list of packed teams, got {teams!r}")
    found = load_teams() if teams is None else list(teams)
    if not found:
        raise ValueError("Gen 1 OU needs at least one team")
    return found


def legal_sets(packed: str, *, source: str = "team") -> list[PokemonSet]:
    """The engine's sets of a team in Showdown's packed form that [Gen 1] OU allows.

    Parameters
    ----------
    packed
    source
        What errors call the team.

    Raises
    ------
    TeamFormatError
        If the text is no team.
    IllegalTeamError
        With everything that is illegal about it.
    """
    members = parse_packed(packed, source=source)
    try:
        check_team(members)
    except IllegalTeamError as error:
        raise IllegalTeamError(f"{source}: {error}") from None
    return engine_sets(members)


def load_exports() -> dict[str, str]:
    """Export text of all teams of the library by name."""
    return {name: write_export(team.members) for name, team in library().items()}


def pack(export: str) -> str:
    """Packed form of Gen 1 export text, as `/utm` takes it; see `parse_export`.

    The ability is ``No Ability`` and the stat experience maximal where the text does not say
    otherwise, which the packed form must say: left out, the simulator would fill in something
    else.

    Raises
    ------
    TeamFormatError
        If the text is no team.
    """
    return write_packed(parse_export(export))
