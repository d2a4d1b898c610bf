"""Payoff tables from elsewhere and for elsewhere: files of records, OpenSpiel, pygambit, nashpy."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from pokespiel.empirical_game import EmpiricalGame
from solvers.base import Payoffs, as_payoffs

Table: TypeAlias = EmpiricalGame | Payoffs | ArrayLike
"""What can be converted: an empirical game (its means), or payoffs as the solvers take them."""

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


def read_npz(path: str | Path, *, symmetric: bool = False) -> EmpiricalGame:
    """Read an empirical game as `EmpiricalGame.save` writes it, or one array of exact payoffs.

    Parameters
    ----------
    symmetric
        For a payoff tensor: one population serves every player (checked). A matrix always is one
        population.

    Raises
    ------
    ValueError
        If the file is no npz archive, or holds neither.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files
            array = archive[names[0]] if len(names) == 1 else None
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a readable npz archive: {error}") from error
    if "metadata" in names:
        return EmpiricalGame.load(path)
    if array is None:
        raise ValueError(
            f"{path} must hold an empirical game or one array of payoffs, it has "
            f"{', '.join(names) or 'none'}"
        )
    try:
        return exact_game(array, symmetric=symmetric)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def exact_game(payoffs: ArrayLike | Payoffs, *, symmetric: bool = False) -> EmpiricalGame:
    """Payoffs that are known, as an empirical game.

    Parameters
    ----------
    payoffs
        ``(n, n)`` matrix (one population) or ``(players, n1, ..., nN)`` tensor.
    symmetric
        For a tensor: one population serves every player (checked).

    Raises
    ------
    ValueError
        If the payoffs are malformed, or not symmetric where they should be.
    """
    valid = as_payoffs(payoffs, symmetric=symmetric or None)
    tensor = valid.tensor
    game = EmpiricalGame(
        valid.num_players,
        symmetric=valid.symmetric,
        zero_sum=valid.constant_sum is not None,
        payoff_bounds=(float(tensor.min()), float(tensor.max())),
        sizes=valid.num_strategies,
    )
    everyone: Any = slice(None)
    for cell in game.cells:
        game.record_exact(cell, tensor[(everyone, *cell)])
    return game


def from_openspiel(game: Any, *, symmetric: bool = False) -> EmpiricalGame:
    """A one-shot OpenSpiel game (matrix game, tensor game, Blotto, ...) as an empirical game.

    Strategies are the players' legal actions, in order.

    Raises
    ------
    ValueError
        If the game is not one-shot, or not symmetric where it should be.
    """
    state = game.new_initial_state()
    if not state.is_simultaneous_node() or game.max_game_length() != 1:
        raise ValueError(
            f"{game} is not a one-shot game; sequential games are played as "
            "pokespiel.openspiel.OpenSpielGame, or brought to normal form first by "
            "pyspiel.extensive_to_tensor_game"
        )
    actions = [state.legal_actions(player) for player in range(game.num_players())]
    sizes = tuple(len(legal) for legal in actions)
    tensor = np.empty((game.num_players(), *sizes))
    for profile in np.ndindex(*sizes):
        after = state.clone()
        after.apply_actions([legal[i] for legal, i in zip(actions, profile, strict=True)])
        if not after.is_terminal():
            raise ValueError(f"{game} goes on after the first actions; it is not a one-shot game")
        tensor[(slice(None), *profile)] = after.returns()
    return exact_game(tensor, symmetric=symmetric)


def to_openspiel(table: Table) -> Any:
    """A `pyspiel.MatrixGame` of two players, a `pyspiel.TensorGame` of any other number."""
    import pyspiel

    payoffs = _payoffs(table)
    if payoffs.num_players == 2:
        return pyspiel.create_matrix_game(*payoffs.tensor)
    return pyspiel.create_tensor_game(
        [own.ravel() for own in payoffs.tensor], list(payoffs.num_strategies)
    )


def from_gambit(game: Any, *, symmetric: bool = False) -> EmpiricalGame:
    """A `pygambit.Game` (its strategic form, if it is a tree) as an empirical game."""
    return exact_game(
        np.array([np.asarray(own, dtype=np.float64) for own in game.to_arrays(dtype=float)]),
        symmetric=symmetric,
    )


def to_gambit(table: Table, *, title: str = "Empirical game") -> Any:
    """A `pygambit.Game` in strategic form. Needs the extra ``gambit``."""
    import pygambit

    return pygambit.Game.from_arrays(*_payoffs(table).tensor, title=title)


def from_nashpy(game: Any, *, symmetric: bool = False) -> EmpiricalGame:
    """A `nashpy.Game` as an empirical game."""
    return exact_game(np.array(game.payoff_matrices), symmetric=symmetric)


def to_nashpy(table: Table) -> Any:
    """A `nashpy.Game`.

    Raises
    ------
    ValueError
        If the game has other than two players.
    """
    import nashpy

    payoffs = _payoffs(table)
    if payoffs.num_players != 2:
        raise ValueError(f"nashpy takes two-player games, this one has {payoffs.num_players}")
    return nashpy.Game(*payoffs.tensor)


def _payoffs(table: Table) -> Payoffs:
    return table.payoffs() if isinstance(table, EmpiricalGame) else as_payoffs(table)


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
