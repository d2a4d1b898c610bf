"""Every meta-solver on one game, as a table and a picture.

    python examples/compare_meta_solvers.py --game biased_rps
    python examples/compare_meta_solvers.py --file examples/data/phase0.csv --solvers nash alpharank

A file is what `pokespiel solve` takes: a CSV of match records or of a square matrix with or without
names, an npz or JSON of an (n, n) matrix or a (players, n1, ..., nN) tensor, or a run's table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import tyro
from rich.console import Console
from rich.table import Table

import solvers
from pokespiel.cli.common import most_weight
from pokespiel.cli.payoff_files import read_payoffs
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
}
NAMES = {
    "rps": ["rock", "paper", "scissors"],
    "biased_rps": ["rock", "paper", "scissors"],
    "hawk_dove": ["hawk", "dove"],
    "prisoners_dilemma": ["cooperate", "defect"],
}


@dataclass
class Arguments:
    """Compare meta-solvers on one game."""

    game: str = "biased_rps"
    """A built-in game: biased_rps, chicken, coordination, hawk_dove, matching_pennies,
    prisoners_dilemma, rps, shapley."""
    file: Path | None = None
    """A CSV, npz or JSON file with the payoffs, instead of a built-in game."""
    solvers: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ()
    """Meta-solvers to run; all of them by default."""
    picture: Path = Path("meta_solvers.png")
    """Where to draw the comparison."""


def read(arguments: Arguments) -> tuple[solvers.Payoffs, list[str] | None]:
    """The payoffs asked for, and names of the strategies if known."""
    if arguments.file is not None:
        found = read_payoffs(arguments.file)
        return found.payoffs, None if found.names is None else list(found.names[0])
    if arguments.game not in GAMES:
        raise ValueError(f"unknown game {arguments.game!r}; built in: {', '.join(GAMES)}")
    return solvers.as_payoffs(GAMES[arguments.game]), NAMES.get(arguments.game)


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
        first = row.result.marginals[0]
        table.add_row(
            row.name,
            f"{row.result.restricted_exploitability:.3g}",
            per_player(row.support_sizes, "d"),
            per_player(row.entropies, ".2f"),
            f"{1e3 * row.seconds:.1f}",
            describe(first) if names is None else most_weight(first, names, most=3),
        )
    console.print(table)


def draw(
    game: solvers.Payoffs, comparison: solvers.Comparison, names: list[str] | None, path: Path
) -> None:
    """Draw the comparison, and beside it the game: its phase portrait or its response graph."""
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
    """Solve, print and draw."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
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
