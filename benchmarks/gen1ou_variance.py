"""What antithetic sides and common teams are worth: the variance of a cell, and of a difference.

    OMP_NUM_THREADS=1 python benchmarks/gen1ou_variance.py

All battles are played once, in antithetic pairs on common teams, as Gen1OU plays them; each way to
sample is then judged by the covariances that it brings into play. With x and y the returns of the
two battles of a pair, independent battles give a mean of n battles the variance Var(x) / n and
antithetic ones Var((x + y) / 2) / (n / 2). A difference of two cells adds the variances of its
cells unless they share their teams. A ratio below 1 is what that way saves at equal battles.
Intervals are percentiles of a bootstrap over the pairs of battles.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from pokespiel.gen1ou.baselines import BASELINES
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.teams import generate_team, load_teams, write_packed

CELLS = (
    ("max_damage", "grunt"),
    ("switch_aware", "grunt"),
    ("simple_heuristics", "grunt"),
    ("gym_leader", "grunt"),
    ("gen1_boss", "grunt"),
    ("random", "grunt"),
)
DIFFERENCES = ((0, 1), (1, 2), (2, 3), (0, 3), (3, 4), (4, 5))


@dataclass
class Arguments:
    """Antithetic sides and common teams."""

    pairs: int = 4000
    """Pairs of battles of each cell."""
    teams: str = "library"
    """"library", or "generated" for one generated team each time."""
    resamples: int = 2000
    """Of the bootstrap."""
    seed: int = 0
    """Of everything."""


def pair_variances(x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Variance per battle of a mean of ``(..., pairs, 2)`` returns: independent, antithetic."""
    single = x.reshape(*x.shape[:-2], -1).var(axis=-1)
    return single, 2.0 * x.mean(axis=-1).var(axis=-1)


def cell_ratio(x: NDArray[Any]) -> NDArray[Any]:
    """Antithetic over independent, of one cell's returns ``(..., pairs, 2)``."""
    single, antithetic = pair_variances(x)
    return np.asarray(antithetic / single)


def difference_ratios(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Antithetic, common, and both, over independent: of the difference of two cells."""
    single = pair_variances(x)[0] + pair_variances(y)[0]
    antithetic = pair_variances(x)[1] + pair_variances(y)[1]
    common, both = pair_variances(x - y)
    return np.asarray(np.stack([antithetic, common, both], axis=-1) / single[..., None])


def interval(
    ratio: Callable[..., NDArray[Any]], *cells: NDArray[Any], resamples: int, seed: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The ratio, and its 95 % interval."""
    rng = np.random.default_rng(seed)
    pairs = len(cells[0])
    drawn = [
        ratio(*(cell[rows] for cell in cells))
        for rows in (rng.integers(pairs, size=pairs) for _ in range(resamples))
    ]
    low, high = np.quantile(np.array(drawn), [0.025, 0.975], axis=0)
    return ratio(*cells), low, high


def said(found: tuple[NDArray[Any], ...], column: int = 0) -> str:
    """One of the ratios with its interval."""
    value, low, high = (float(np.atleast_1d(entry)[column]) for entry in found)
    return f"{value:.3f} ({low:.3f}, {high:.3f})"


def main(arguments: Arguments) -> None:
    """Play, and print two tables."""
    rng = np.random.default_rng(arguments.seed)
    teams = load_teams()
    if arguments.teams == "generated":
        teams = [write_packed(generate_team(rng)) for _ in range(2000)]
    elif arguments.teams != "library":
        raise ValueError(f"teams are 'library' or 'generated', got {arguments.teams!r}")
    game = Gen1OU(teams)
    profiles = [(BASELINES[one](), BASELINES[two]()) for one, two in CELLS]
    wall, cpu = time.perf_counter(), time.process_time()
    returns = game.play(profiles, 2 * arguments.pairs, rng=rng)[:, :, 0]
    cells = returns.reshape(len(CELLS), arguments.pairs, 2)
    print(
        f"{returns.size} battles in {time.perf_counter() - wall:.0f} s, "
        f"{time.process_time() - cpu:.0f} s of CPU; {len(teams)} teams\n",
        file=sys.stderr,
    )
    resamples, seed = arguments.resamples, arguments.seed
    print("| cell | win rate | antithetic sides, of its variance |\n| --- | --- | --- |")
    for names, cell in zip(CELLS, cells, strict=True):
        found = interval(cell_ratio, cell, resamples=resamples, seed=seed)
        print(f"| {names[0]} v {names[1]} | {cell.mean():.3f} | {said(found)} |")
    print("\n| difference of | antithetic | common teams | both |\n| --- | --- | --- | --- |")
    for one, two in DIFFERENCES:
        found = interval(difference_ratios, cells[one], cells[two], resamples=resamples, seed=seed)
        columns = " | ".join(said(found, column) for column in range(3))
        print(f"| {CELLS[one][0]} and {CELLS[two][0]} v {CELLS[one][1]} | {columns} |")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
