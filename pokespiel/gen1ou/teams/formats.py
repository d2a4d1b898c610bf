"""Showdown's two ways to write a team, export text and the packed form, read and written.

Gen 1 has no items, abilities, natures or genders: they are read over, and written as Showdown's
own packer writes them. Export text that gives no EVs means full ones, as Showdown's client does.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

from pokespiel.gen1ou.teams.sets import (
    FULL_EVS,
    FULL_IVS,
    MOVES_PER_POKEMON,
    STATS,
    TEAM_SIZE,
    Member,
    Team,
    move_names,
    named,
    species_names,
    to_id,
)

METAMON_SUFFIX = ".gen1ou_team"
_PACKED_FIELDS = 12
_SKIPPED = (
    "ability:",
    "shiny:",
    "happiness:",
    "gender:",
    "pokeball:",
    "hidden power:",
    "tera type:",
)
_GENDER = re.compile(r"\s\([MF]\)$")
_NICKNAMED = re.compile(r"^(?P<nickname>.+) \((?P<species>[^()]+)\)$")


class TeamFormatError(ValueError):
    """Text that is no team; the message names the file, if any, and the line."""


def read_team(path: str | Path) -> list[Member]:
    """Read one team from a file, in export text or packed.

    Raises
    ------
    TeamFormatError
        If the file holds no team: file, line, and what is wrong there.
    OSError
        If there is no such file.
    """
    return parse_team(Path(path).read_text("utf-8"), source=str(path))


def read_folder(folder: str | Path, *, suffix: str = METAMON_SUFFIX) -> dict[str, list[Member]]:
    """Read all teams below a folder, one file each, by the file's path relative to it.

    metamon's team sets are folders of ``*.gen1ou_team`` files with export text, the default.

    Raises
    ------
    TeamFormatError
        If a file holds no team.
    ValueError
        If there is no such folder, or no such file in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder")
    files = sorted(path for path in root.rglob(f"*{suffix}") if path.is_file())
    if not files:
        raise ValueError(f"no file below {root} ends in {suffix!r}")
    return {path.relative_to(root).as_posix(): read_team(path) for path in files}


def parse_team(text: str, *, source: str = "team") -> list[Member]:
    """Read a team in either form; ``source`` is what errors call it."""
    content = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(content) == 1 and content[0].count("|") >= _PACKED_FIELDS - 1:
        return parse_packed(content[0], source=source)
    return parse_export(text, source=source)


def parse_export(text: str, *, source: str = "team") -> list[Member]:
    """Read export text: a block for each Pokémon, blank lines between them.

    Lines that start with ``#``, and ``=== headings ===``, are comments.

    Raises
    ------
    TeamFormatError
        If a line cannot be read, names a species or move that Gen 1 has not, or there are not 1
        to 6 Pokémon with 1 to 4 moves each.
    """
    blocks = list(_blocks(text))
    if not 1 <= len(blocks) <= TEAM_SIZE:
        raise TeamFormatError(f"{source}: a team has 1 to {TEAM_SIZE} Pokémon, got {len(blocks)}")
    return [_parse_block(block, source) for block in blocks]


def parse_packed(text: str, *, source: str = "team") -> list[Member]:
    """Read Showdown's packed form.

    Raises
    ------
    TeamFormatError
        As `parse_export`; the place is the Pokémon's, counted from one.
    """
    if not isinstance(text, str):
        raise TeamFormatError(f"{source}: expected Showdown's packed text, got {text!r}")
    packed = text.strip().split("]")
    if not 1 <= len(packed) <= TEAM_SIZE or not text.strip():
        number = len(packed) if text.strip() else 0
        raise TeamFormatError(f"{source}: a team has 1 to {TEAM_SIZE} Pokémon, got {number}")
    return [_parse_packed(entry, f"{source}, Pokémon {k}") for k, entry in enumerate(packed, 1)]


def write_packed(team: Team) -> str:
    """The team as `/utm` takes it, letter by letter as Showdown's own packer writes it."""
    return "]".join(_packed(named(member)) for member in team)


def write_export(team: Team) -> str:
    """The team as export text; full EVs and IVs stay unsaid."""
    return "\n".join(_exported(named(member)) for member in team)


# Export text ---------------------------------------------------------------------------------


def _blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """Numbered lines of each Pokémon."""
    block: list[tuple[int, str]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("#") or line.startswith("==="):
            continue
        if line:
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _parse_block(block: list[tuple[int, str]], source: str) -> Member:
    first, header = block[0]
    nickname, species = _parse_header(header, f"{source}:{first}")
    moves: list[str] = []
    level = 100
    evs: tuple[int, ...] = FULL_EVS
    ivs: tuple[int, ...] = FULL_IVS
    for number, line in block[1:]:
        place = f"{source}:{number}"
        key = line.lower()
        if line.startswith(("-", "~")):
            moves.append(_known(line[1:].strip(), move_names(), "move", place))
        elif key.startswith("level:"):
            level = _number(line.partition(":")[2], "level", place)
        elif key.startswith("evs:"):
            evs = _parse_spread(line.partition(":")[2], 0, place)
        elif key.startswith("ivs:"):
            ivs = _parse_spread(line.partition(":")[2], 31, place)
        elif not key.startswith(_SKIPPED) and not key.endswith(" nature"):
            raise TeamFormatError(f"{place}: cannot read {line!r}")
    if not 1 <= len(moves) <= MOVES_PER_POKEMON:
        raise TeamFormatError(
            f"{source}:{first}: {species} has 1 to {MOVES_PER_POKEMON} moves, got {len(moves)}"
        )
    return Member(species, tuple(moves), nickname, level, evs, ivs)


def _parse_header(header: str, place: str) -> tuple[str, str]:
    """Nickname, empty if there is none, and species."""
    text = _GENDER.sub("", header.partition(" @ ")[0].strip())
    match = _NICKNAMED.match(text)
    if match is None:
        return "", _known(text, species_names(), "species", place)
    species = _known(match["species"], species_names(), "species", place)
    return ("" if match["nickname"] == species else match["nickname"]), species


def _parse_spread(text: str, default: int, place: str) -> tuple[int, ...]:
    values = dict.fromkeys(STATS, default)
    for part in text.split("/"):
        amount, _, stat = part.strip().partition(" ")
        name = next((name for name in STATS if name.lower() == stat.strip().lower()), None)
        if name is None:
            raise TeamFormatError(f"{place}: expected '<number> <{'|'.join(STATS)}>', got {part!r}")
        values[name] = _number(amount, name, place)
    return tuple(values.values())


def _exported(member: Member) -> str:
    head = f"{member.nickname} ({member.species})" if member.nickname else member.species
    lines = [head]
    if member.level != 100:
        lines.append(f"Level: {member.level}")
    if member.evs != FULL_EVS:
        lines.append(f"EVs: {_exported_spread(member.evs, 0)}")
    if member.ivs != FULL_IVS:
        lines.append(f"IVs: {_exported_spread(member.ivs, 31)}")
    return "\n".join([*lines, *(f"- {move}" for move in member.moves)]) + "\n"


def _exported_spread(values: tuple[int, ...], default: int) -> str:
    said = [f"{v} {stat}" for v, stat in zip(values, STATS, strict=True) if v != default]
    return " / ".join(said or [f"{values[0]} {STATS[0]}"])


# Packed form ---------------------------------------------------------------------------------


def _parse_packed(text: str, place: str) -> Member:
    fields = text.split("|")
    if len(fields) != _PACKED_FIELDS:
        raise TeamFormatError(
            f"{place}: expected {_PACKED_FIELDS} fields between '|', got {len(fields)}: {text!r}"
        )
    name, species, moves, evs, ivs, level = (fields[k] for k in (0, 1, 4, 6, 8, 10))
    known = _known(species or name, species_names(), "species", place)
    ids = [move for move in moves.split(",") if move]
    if not 1 <= len(ids) <= MOVES_PER_POKEMON:
        raise TeamFormatError(
            f"{place}: {known} has 1 to {MOVES_PER_POKEMON} moves, got {len(ids)}"
        )
    return Member(
        species=known,
        moves=tuple(_known(move, move_names(), "move", place) for move in ids),
        nickname="" if to_id(name) == to_id(known) else name,
        level=_number(level, "level", place) if level else 100,
        evs=_packed_spread(evs, 0, place) if evs else FULL_EVS,
        ivs=_packed_spread(ivs, 31, place) if ivs else FULL_IVS,
    )


def _packed_spread(text: str, default: int, place: str) -> tuple[int, ...]:
    values = text.split(",")
    if len(values) != len(STATS):
        raise TeamFormatError(f"{place}: expected {len(STATS)} numbers, got {text!r}")
    return tuple(_number(v, s, place) if v else default for v, s in zip(values, STATS, strict=True))


def _packed(member: Member) -> str:
    species = _letters(member.species)
    name, own = (member.nickname, species) if member.nickname else (member.species, "")
    moves = ",".join(_letters(move) for move in member.moves)
    evs = ",".join(str(ev) if ev else "" for ev in member.evs)
    ivs = ",".join("" if iv == 31 else str(iv) for iv in member.ivs)
    level = "" if member.level == 100 else str(member.level)
    # No EVs at all would be read as full ones; 0 is read as 0.
    evs = "0" + evs if evs == "," * 5 else evs
    return (
        f"{name}|{own}||NoAbility|{moves}|Serious|{evs}|N|{'' if ivs == ',' * 5 else ivs}||{level}|"
    )


# Both ----------------------------------------------------------------------------------------


def _letters(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "", name)


def _number(text: str, what: str, place: str) -> int:
    if not re.fullmatch(r"\s*\d+\s*", text):
        raise TeamFormatError(f"{place}: {what} is a whole number, got {text.strip()!r}")
    return int(text)


def _known(name: str, names: dict[str, str], kind: str, place: str) -> str:
    known = names.get(to_id(name))
    if known is not None:
        return known
    close = difflib.get_close_matches(to_id(name), names, n=1)
    hint = f"; did you mean {names[close[0]]}?" if close else ""
    raise TeamFormatError(f"{place}: {name!r} is not a {kind} of Gen 1{hint}")
