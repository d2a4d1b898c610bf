"""The baselines head to head on the engine, and beside it the same matchups on Showdown.

    OMP_NUM_THREADS=1 python benchmarks/gen1ou_heuristics.py
    OMP_NUM_THREADS=1 python benchmarks/gen1ou_heuristics.py --showdown 200
    OMP_NUM_THREADS=1 python benchmarks/gen1ou_heuristics.py --player starter --showdown 500

Win rates of the row's policy with Wilson intervals, a tie for half a win; the battles come in
antithetic pairs on common teams, so that the intervals are a little too wide. With a player, that
policy against each baseline instead. On Showdown, simple_heuristics is poke-env's own player, and
random draws as its RandomPlayer does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import tyro

from pokespiel.cli.opponents import resolve
from pokespiel.gen1ou.baselines import BASELINES
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.stats import wilson

ORIGINALS = ("random", "simple_heuristics")


@dataclass
class Arguments:
    """The baselines head to head."""

    player: str | None = None
    """A policy as the command line names it (starter, RUN:STRATEGY, a directory)."""
    battles: int = 1000
    """Of each cell on the engine."""
    showdown: int = 0
    """Of each cell that holds one of poke-env's own players on Showdown; 0 leaves it out."""
    seed: int = 0
    """Of the battles."""


def played(
    backend: str, cells: list[tuple[str, str]], battles: int, seed: int
) -> Iterator[tuple[tuple[str, str], float]]:
    """Each cell with the wins of its first policy, half a win for a tie."""
    policies = {name: resolve(name).policy for cell in cells for name in cell}
    wall, cpu = time.perf_counter(), time.process_time()
    with Gen1OU(backend=backend) as game:
        for one, two in cells:
            profile = policies[one], policies[two]
            # The same seed: the same teams in all cells.
            returns = game.play([profile], battles, rng=np.random.default_rng(seed))
            yield (one, two), float(returns[0, :, 0].sum())
    print(
        f"{backend}: {len(cells)} cells of {battles} battles in "
        f"{time.perf_counter() - wall:.0f} s, {time.process_time() - cpu:.0f} s of CPU",
        file=sys.stderr,
    )


def said(wins: float, games: int) -> str:
    """A win rate with its interval, in percent."""
    bounds = wilson(wins, games)
    return f"{100 * wins / games:.1f} ({100 * bounds.low:.1f}, {100 * bounds.high:.1f})"


def against(player: str, arguments: Arguments) -> None:
    """Play one policy against the baselines, on Showdown against poke-env's."""
    print("| win rate against | engine | Showdown |\n| --- | --- | --- |", flush=True)
    on_showdown: dict[tuple[str, str], float] = {}
    if arguments.showdown:
        cells = [(player, name) for name in ORIGINALS]
        on_showdown = dict(played("showdown", cells, arguments.showdown, arguments.seed))
    cells = [(player, name) for name in BASELINES]
    for cell, count in played("engine", cells, arguments.battles, arguments.seed):
        there = said(on_showdown[cell], arguments.showdown) if cell in on_showdown else ""
        print(f"| {cell[1]} | {said(count, arguments.battles)} | {there} |", flush=True)


def main(arguments: Arguments) -> None:
    """Play, and print the tables."""
    if arguments.player is not None:
        against(arguments.player, arguments)
        return
    names = list(BASELINES)
    cells = list(combinations(names, 2))
    wins = dict(played("engine", cells, arguments.battles, arguments.seed))
    print(f"| | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for row in names:
        entries = []
        for column in names:
            if row == column:
                entries.append("")
            elif (row, column) in wins:
                entries.append(said(wins[row, column], arguments.battles))
            else:
                entries.append(said(arguments.battles - wins[column, row], arguments.battles))
        print(f"| {row} | {' | '.join(entries)} |")
    if not arguments.showdown:
        return
    # poke-env's better player first; its battles are the shorter ones too.
    shared = [cell for name in reversed(ORIGINALS) for cell in cells if name in cell]
    shared = list(dict.fromkeys(shared))
    print("\n| | engine | Showdown | difference |\n| --- | --- | --- | --- |", flush=True)
    for cell, count in played("showdown", shared, arguments.showdown, arguments.seed):
        rates = wins[cell] / arguments.battles, count / arguments.showdown
        print(
            f"| {cell[0]} v {cell[1]} | {said(wins[cell], arguments.battles)} "
            f"| {said(count, arguments.showdown)} | {100 * (rates[0] - rates[1]):+.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(tyro.cli(Arguments))
