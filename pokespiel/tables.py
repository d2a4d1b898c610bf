"""Payoff tables from elsewhere and for elsewhere: files of records, OpenSpiel, pygambit, nashpy."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pokespiel.empirical_game import EmpiricalGame

_COLUMNS = ("row", "column", "wins", "losses", "draws")


@dataclass(frozen=True)
class NamedGame:
    """An empirical game and what its strategies are called.

    Attributes
    ----------
    game : EmpiricalGame
    names : tuple of tuples of str
        One per population, in the order of the game's indices.
    """

    game: EmpiricalGame
    names: tuple[tuple[str, ...], ...]


def read_csv(path: str | Path, *, symmetric: bool = True) -> NamedGame:
    """Read records of matches: ``row, column, wins, losses, draws``, one pairing a line.

    Wins are the row's; they count 1, draws one half. ``draws`` may be left out. Pairings that are
    not in the file are cells that were never played.

    Parameters
    ----------
    symmetric
        Rows and columns are one population, and a pairing may be given from either side, once.
        Otherwise they are the populations of two players.

    Raises
    ------
    ValueError
        If a column is missing or unknown, a count is not a whole number of at least 0, a pairing
        has no games, is given twice, or the file holds no pairing; the message names the line.
    """
    path = Path(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        header = [name.strip() for name in next(lines, [])]
        _check_header(path, header)
        records: dict[tuple[str, str], tuple[int, int, int]] = {}
        for line in lines:
            if not any(field.strip() for field in line):
                continue
            where = f"{path}, line {lines.line_num}"
            if len(line) != len(header):
                raise ValueError(f"{where}: {len(header)} fields expected, got {len(line)}")
            fields = dict(zip(header, (field.strip() for field in line), strict=True))
            row, column = fields["row"], fields["column"]
            if not row or not column:
                raise ValueError(f"{where}: row and column must be named")
            if (row, column) in records or (symmetric and (column, row) in records):
                raise ValueError(f"{where}: {row} against {column} was given before")
            wins, losses, draws = (
                _whole(where, name, fields.get(name, "0")) for name in _COLUMNS[2:]
            )
            if wins + losses + draws == 0:
                raise ValueError(f"{where}: no games; leave out pairings that were not played")
            records[row, column] = wins, losses, draws
    if not records:
        raise ValueError(f"{path} holds no pairings")
    return _named_game(records, symmetric=symmetric)


def write_csv(path: str | Path, named: NamedGame) -> None:
    """Write what `read_csv` reads.

    Raises
    ------
    ValueError
        If the game is not a two-player table of wins, draws and losses.
    """
    outcomes = named.game.outcomes()
    if outcomes is None:
        raise ValueError(f"{named.game!r} is not a table of wins, draws and losses; use save()")
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for (row, column), (wins, draws, losses) in outcomes.items():
            rows, columns = named.names[0], named.names[-1]
            writer.writerow([rows[row], columns[column], wins, losses, draws])


def _check_header(path: Path, header: list[str]) -> None:
    required = set(_COLUMNS) - {"draws"}
    missing, unknown = required - set(header), set(header) - set(_COLUMNS)
    if missing or unknown or len(set(header)) != len(header):
        raise ValueError(
            f"{path} must have the columns {', '.join(_COLUMNS)} (draws may be left out), each "
            f"once, got {', '.join(header) or 'none'}"
        )


def _whole(where: str, name: str, text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = -1
    if count < 0:
        raise ValueError(f"{where}: {name} must be a whole number of at least 0, got {text!r}")
    return count


def _named_game(
    records: dict[tuple[str, str], tuple[int, int, int]], *, symmetric: bool
) -> NamedGame:
    rows = dict.fromkeys(row for row, _ in records)
    columns = dict.fromkeys(column for _, column in records)
    # In order of appearance: strategies that are only ever columns come last.
    names = (tuple(rows | columns),) if symmetric else (tuple(rows), tuple(columns))
    game = EmpiricalGame(
        2,
        symmetric=symmetric,
        zero_sum=True,
        payoff_bounds=(0.0, 1.0),
        sizes=(len(names[0]), len(names[-1])),
    )
    for (row, column), (wins, losses, draws) in records.items():
        wins_of_row = np.repeat([1.0, 0.0, 0.5], [wins, losses, draws])
        game.record(
            (names[0].index(row), names[-1].index(column)),
            np.stack([wins_of_row, 1.0 - wins_of_row], axis=1),
        )
    return NamedGame(game, names)
