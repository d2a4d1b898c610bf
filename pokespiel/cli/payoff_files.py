"""Payoffs from files: records of matches, matrices, tensors, stored empirical games."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pokespiel.empirical_game import EmpiricalGame
from pokespiel.tables import read_csv
from solvers.base import Payoffs, as_payoffs

ACCEPTED = (
    "a CSV of records (row, column, wins, losses, draws) or of a square matrix with or without "
    "names; an npz or JSON of an (n, n) matrix or a (players, n1, ..., nN) tensor; "
    "an empirical_game.npz of a run"
)


@dataclass(frozen=True)
class PayoffFile:
    """What a file holds.

    Attributes
    ----------
    payoffs : Payoffs
    names : tuple of tuples of str, or None
        Per population, where the file names its strategies.
    table : EmpiricalGame or None
        With the counts, where the file has them.
    """

    payoffs: Payoffs
    names: tuple[tuple[str, ...], ...] | None = None
    table: EmpiricalGame | None = None


def read_payoffs(path: Path) -> PayoffFile:
    """Read a payoff file by its suffix.

    Raises
    ------
    ValueError
        If it is none of what is accepted; the message says what was wrong.
    """
    if not path.is_file():
        raise ValueError(f"no file {path}; accepted is {ACCEPTED}")
    readers = {".csv": _csv, ".npz": _npz, ".json": _json}
    if path.suffix not in readers:
        raise ValueError(f"{path} ends in {path.suffix or 'nothing'!r}; accepted is {ACCEPTED}")
    try:
        return readers[path.suffix](path)
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file; accepted is {ACCEPTED}") from None
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path}: {error}") from None


def _of_table(table: EmpiricalGame, names: tuple[tuple[str, ...], ...] | None) -> PayoffFile:
    return PayoffFile(table.payoffs(), names, table)


def _csv(path: Path) -> PayoffFile:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [[field.strip() for field in row] for row in csv.reader(file)]
    rows = [row for row in rows if any(row)]
    if not rows:
        raise ValueError(f"{path} is empty; accepted is {ACCEPTED}")
    if {"row", "column"} <= set(rows[0]):
        named = read_csv(path)
        return _of_table(named.game, named.names)
    first, *others = rows[0]
    numbers = _is_number(first) or (bool(others) and all(map(_is_number, others)))
    header = None if numbers else rows.pop(0)
    named_rows = bool(rows) and not all(_is_number(row[0]) for row in rows)
    matrix = []
    for row in rows:
        cells = row[1:] if named_rows else row
        wrong = [cell for cell in cells if not _is_number(cell)]
        if wrong:
            raise ValueError(f"{path}: {wrong[0]!r} is not a number; accepted is {ACCEPTED}")
        matrix.append([float(cell) for cell in cells])
    payoffs = as_payoffs(matrix)
    names = [row[0] for row in rows] if named_rows else None
    columns = None if header is None else header[-len(matrix) :]
    if names is not None and columns is not None and columns != names:
        raise ValueError(
            f"{path} names its rows {', '.join(names)} and its columns {', '.join(columns)}; one "
            "population wants the same names in the same order"
        )
    names = names or columns
    if names is not None and len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path} names two strategies {twice!r}")
    return PayoffFile(payoffs, (tuple(names),) if names is not None else None)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _npz(path: Path) -> PayoffFile:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a readable npz: {error}") from None
    if "metadata" in arrays:
        return _of_table(EmpiricalGame.load(path), None)
    if len(arrays) != 1:
        raise ValueError(f"{path} holds {', '.join(arrays) or 'nothing'}; one array is wanted")
    return PayoffFile(as_payoffs(next(iter(arrays.values()))))


def _json(path: Path) -> PayoffFile:
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if isinstance(document, dict):
        return _of_table(EmpiricalGame.load(path), None)
    return PayoffFile(as_payoffs(document))
