"""The Gen 1 OU teams that come with PokéSpiel, and Showdown's packed form of a team.

The teams are Showdown export text, one file each. The first line of a file is a comment that
names the archetype. Stat experience is maximal throughout, as in every Gen 1 team, and unsaid.
"""

from __future__ import annotations

import importlib.resources

TEAM_SIZE = 6
MOVES_PER_POKEMON = 4


def load_teams() -> list[str]:
    """All teams packed, in the order of their names."""
    return [pack(text) for text in load_exports().values()]


def load_exports() -> dict[str, str]:
    """Export text of all teams by name."""
    folder = importlib.resources.files("pokespiel.gen1ou.teams")
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".txt"))
    return {
        name.removesuffix(".txt"): _without_comments(folder.joinpath(name).read_text("utf-8"))
        for name in files
    }


def pack(export: str) -> str:
    """Packed form of Gen 1 export text, as `/utm` takes it.

    The ability is ``No Ability`` and the stat experience maximal, which the packed form must say:
    left out, the simulator would fill in something else.

    Parameters
    ----------
    export
        Blocks of a species line and move lines (``- Body Slam``), with a blank line between two
        Pokémon. A species line may give a nickname (``Tank (Snorlax)``). ``Ability:``, ``EVs:``
        and similar lines are skipped. Legality is for Showdown's validator to judge.

    Raises
    ------
    ValueError
        If the text is not that.
    """
    paragraphs = _without_comments(export).split("\n\n")
    blocks = [[line for line in text.splitlines() if line] for text in paragraphs if text.strip()]
    if not 1 <= len(blocks) <= TEAM_SIZE:
        raise ValueError(f"a team has 1 to {TEAM_SIZE} Pokémon, got {len(blocks)}")
    return "]".join(_pack_pokemon(lines) for lines in blocks)


def _without_comments(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    return "\n".join(lines).strip() + "\n"


def _pack_pokemon(lines: list[str]) -> str:
    header = lines[0].split(" @ ")[0].strip()
    nickname, _, species = header.rpartition(" (")
    species = species.removesuffix(")") if nickname else header
    moves = [line.removeprefix("-").strip() for line in lines[1:] if line.startswith("-")]
    if not 1 <= len(moves) <= MOVES_PER_POKEMON:
        raise ValueError(f"{species} has 1 to {MOVES_PER_POKEMON} moves, got {len(moves)}")
    names = (nickname, species) if nickname else (species, "")
    move_ids = ",".join("".join(move.split()).replace("-", "") for move in moves)
    return f"{names[0]}|{names[1]}||NoAbility|{move_ids}|Serious|252,252,252,252,252,252|N||||"
