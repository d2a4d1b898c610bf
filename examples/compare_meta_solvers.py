"""Every meta-solver on one game, as a table and a picture.

    python examples/compare_meta_solvers.py --game biased_rps
    python examples/compare_meta_solvers.py --file table.csv --solvers nash alpharank

A CSV holds a square matrix (win rates or payoffs), with or without a header row and a first column
of names; an npz holds one array: an (n, n) matrix or a (players, n1, ..., nN) tensor.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import tyro
from numpy.typing import ArrayLike
from rich.console import Console
from rich.table import Table

import solvers
from solvers.comparison import describe, per_player
from solvers.drawing import draw_comparison, draw_response_graph, phase_portrait
from solvers.replicator import replicator_velocity
from solvers.response_graph import response_graph

GAMES = {
    "rps": [[0, -1, 1], [1, 0, -1], [-1, 1, 0]],
    "biased_rps": [[0, -0.25, 0.5], [0.25, 0, -0.05], [-0.5, 0.05, 0]],
    "hawk_dove": [[-1, 4], [0, 2]],
    "prisoners_dilemma": [[3, 0], [5, 1]],
    "matching_pennies": [[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]],
    "coordination": [[[1, 0], [0, 1]], [[1, 0], [0, 1]]],
    "chicken": [[[6, 2], [7, 0]], [[6, 7], [2, 0]]],
    "shapley": [[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 0, 1], [1, 0, 0], [0, 1, 0]]],
    "phase_zero": [
        [0.50, 0.62, 0.48, 0.96, 1.00],
        [0.38, 0.50, 0.38, 0.90, 0.88],
        [0.52, 0.62, 0.50, 0.86, 0.94],
        [0.04, 0.10, 0.14, 0.50, 0.50],
        [0.00, 0.12, 0.06, 0.50, 0.50],
    ],
}
NAMES = {
    "rps": ["rock", "paper", "scissors"],
    "biased_rps": ["rock", "paper", "scissors"],
    "hawk_dove": ["hawk", "dove"],
    "prisoners_dilemma": ["cooperate", "defect"],
    "phase_zero": [
        "SyntheticRLV2",
        "SyntheticRLV1",
        "SyntheticRLV1_SelfPlay",
        "PokeEnvHeuristic",
        "GymLeader",
    ],
}


@dataclass
class Arguments:
    """Compare meta-solvers on one game."""

    game: str = "biased_rps"
    """A built-in game: biased_rps, chicken, coordination, hawk_dove, matching_pennies,
    phase_zero, prisoners_dilemma, rps, shapley."""
    file: Path | None = None
    """A CSV or npz file with the payoffs, instead of a built-in game."""
    solvers: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ()
    """Meta-solvers to run; all of them by default."""
    picture: Path = Path("meta_solvers.png")
    """Where to draw the comparison."""
    list: bool = False
    """List the meta-solvers and stop."""


def read_csv(path: Path) -> tuple[list[list[float]], list[str] | None]:
    """Read a matrix, and the names in its header or first column if it has any."""
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    header = None if any(_is_number(cell) for cell in rows[0]) else rows.pop(0)
    if not rows:
        raise ValueError(f"{path} has a header but no payoffs")
    named = not any(_is_number(row[0]) for row in rows)
    matrix = []
    for number, row in enumerate(rows, start=1):
        for cell in row[named:]:
            if not _is_number(cell):
                raise ValueError(f"{path}, row {number} of the payoffs: {cell!r} is not a number")
        matrix.append([float(cell) for cell in row[named:]])
    if named:
        return matrix, [row[0] for row in rows]
    return matrix, header


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read(arguments: Arguments) -> tuple[ArrayLike, list[str] | None]:
    """The payoffs asked for, and names of the strategies if known."""
    if arguments.file is None:
        if arguments.game not in GAMES:
            raise ValueError(f"unknown game {arguments.game!r}; built in: {', '.join(GAMES)}")
        return np.array(GAMES[arguments.game], dtype=float), NAMES.get(arguments.game)
    if arguments.file.suffix == ".npz":
        with np.load(arguments.file, allow_pickle=False) as archive:
            if len(archive.files) != 1:
                raise ValueError(f"{arguments.file} holds {archive.files}; one array is wanted")
            return archive[archive.files[0]], None
    return read_csv(arguments.file)


_WIDTHS = {"regret": 8, "support": 7, "entropy": 14, "ms": 7}
"""Columns of figures, which a long refusal must not squeeze."""


def show(comparison: solvers.Comparison, names: list[str] | None, console: Console) -> None:
    """Print the comparison as a table."""
    table = Table(title="meta-solvers compared")
    table.add_column("solver", min_width=20, no_wrap=True)
    for column in _WIDTHS:
        table.add_column(column, justify="right", min_width=_WIDTHS[column], no_wrap=True)
    table.add_column("first player's strategy", no_wrap=True, overflow="ellipsis")
    for row in comparison:
        if row.result is None:
            table.add_row(row.name, "-", "-", "-", "-", f"[dim]refused: {row.refusal}[/dim]")
            continue
        table.add_row(
            row.name,
            f"{row.result.restricted_exploitability:.3g}",
            per_player(row.support_sizes, "d"),
            per_player(row.entropies, ".2f"),
            f"{1e3 * row.seconds:.1f}",
            _named(row.result.marginals[0], names),
        )
    console.print(table)


def _named(distribution: np.ndarray, names: list[str] | None) -> str:
    if names is None:
        return describe(distribution)
    order = [i for i in np.argsort(-distribution, kind="stable")[:3] if distribution[i] > 5e-4]
    return ", ".join(f"{names[i]} {distribution[i]:.3f}" for i in order)


def draw(
    payoffs: ArrayLike, comparison: solvers.Comparison, names: list[str] | None, path: Path
) -> None:
    """Draw the comparison, and beside it the game: its phase portrait or its response graph."""
    game = solvers.as_payoffs(payoffs)
    answered = sum(row.result is not None for row in comparison)
    figure, (left, right) = plt.subplots(
        1,
        2,
        figsize=(14, max(4.0, 0.28 * answered + 1.5)),
        width_ratios=(1.7, 1.0),
        layout="constrained",
    )
    draw_comparison(comparison, left, labels=names)
    simplex = game.symmetric and game.num_strategies == (3, 3)
    if simplex or game.num_strategies == (2, 2):
        phase_portrait(game, replicator_velocity(), right, labels=names if simplex else None)
        right.set_title("replicator dynamics", fontsize=10, pad=18)
    else:
        draw_response_graph(response_graph(game), right, labels=names)
        right.set_title("better responses; sink components dark", fontsize=10)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(arguments: Arguments) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    if arguments.list:
        for info in solvers.available():
            console.print(
                f"[bold]{info.name}[/bold]: {info.summary} [dim]({info.games}; {info.paper})"
            )
        return
    payoffs, names = read(arguments)
    comparison = solvers.compare(payoffs, arguments.solvers or None)
    show(comparison, names, console)
    draw(payoffs, comparison, names, arguments.picture)
    console.print(f"picture: {arguments.picture}")


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {error}") from None
