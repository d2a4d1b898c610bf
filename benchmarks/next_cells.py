"""Games needed for one accuracy: cells chosen by `next_cells`, against all cells alike.

    OMP_NUM_THREADS=1 python benchmarks/next_cells.py --kind skill

Random symmetric win/loss games. The accuracy is the true exploitability (in win rate) of the Nash
equilibrium of the table as estimated, averaged over the games. Both ways start from the same few
episodes in every cell and then grow their table step by step. The ratio is the games that uniform
sampling took to its best accuracy over the games that chosen cells took to it, 0 if they never got
there; its interval is a bootstrap over the random games.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
import tyro
from numpy.typing import NDArray

import solvers
from pokespiel import EmpiricalGame
from pokespiel.next_cells import next_cells


@dataclass
class Arguments:
    """Adaptive against uniform sampling."""

    kind: Literal["gaussian", "skill"] = "gaussian"
    """Log-odds of a win: antisymmetric noise, or a skill and a rotation of each strategy."""
    strategies: int = 10
    """Size of the games."""
    games: int = 40
    """Random games."""
    start: int = 10
    """Episodes of every cell at the start."""
    steps: int = 8
    """Times that the table grows."""
    growth: float = 1.5
    """Of the table's episodes at each step."""
    samples: int = 100
    """Tables that next_cells resamples."""
    seed: int = 0
    """Of everything."""


def win_rates(kind: str, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random matrix of win rates ``(n, n)``."""
    if kind == "gaussian":
        noise = rng.normal(size=(n, n))
        odds = (noise - noise.T) / np.sqrt(2.0)
    else:
        skill, (u, v) = rng.normal(size=n), rng.normal(size=(2, n))
        odds = skill[:, None] - skill + np.outer(u, v) - np.outer(v, u)
    rates: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-odds))
    return rates


def curve(
    rates: NDArray[np.float64], arguments: Arguments, *, chosen: bool, rng: np.random.Generator
) -> NDArray[np.float64]:
    """True exploitability ``(steps + 1,)`` as the table grows."""
    n = len(rates)
    table = EmpiricalGame(2, symmetric=True, zero_sum=True, payoff_bounds=(0.0, 1.0), sizes=(n, n))
    solver = solvers.get("nash")
    cells = [cell for cell, _ in table.missing(1)]
    plan = [(cell, arguments.start) for cell in cells]
    result: list[float] = []
    for total in totals(arguments):
        if result:
            budget = total - table.total_episodes()
            if chosen:
                plan = next_cells(table, solver, budget, rng=rng, samples=arguments.samples)
            else:
                plan = [(cell, share) for cell, share in spread(cells, budget)]
        for cell, episodes in plan:
            wins = (rng.random(episodes) < rates[cell]).astype(float)
            table.record(cell, np.stack([wins, 1.0 - wins], axis=1))
        strategy = solver.solve(table.payoffs()).marginals[0]
        result.append(float((rates @ strategy).max()) - 0.5)
    return np.array(result)


def totals(arguments: Arguments) -> list[int]:
    """Episodes in the table at each step."""
    cells = arguments.strategies * (arguments.strategies - 1) // 2
    return [
        int(cells * arguments.start * arguments.growth**step) for step in range(arguments.steps + 1)
    ]


def spread(cells: list[tuple[int, ...]], budget: int) -> list[tuple[tuple[int, ...], int]]:
    """The budget in equal shares."""
    share, extra = divmod(budget, len(cells))
    return [(cell, share + (number < extra)) for number, cell in enumerate(cells)]


def games_to_reach(target: float, curve: NDArray[np.float64], played: list[int]) -> float:
    """Games at which a curve first is as low as the target; infinite if it never is."""
    reached = np.flatnonzero(curve <= target)
    if not len(reached):
        return math.inf
    last = int(reached[0])
    if last == 0:
        return float(played[0])
    # Both axes are logarithmic; a curve may be exactly 0.
    above, below, aim = np.log(np.maximum([curve[last - 1], curve[last], target], 1e-12))
    share = (above - aim) / (above - below) if above > below else 1.0
    return float(played[last - 1] * (played[last] / played[last - 1]) ** share)


def ratio(uniform: NDArray[np.float64], chosen: NDArray[np.float64], played: list[int]) -> float:
    """Games of uniform sampling over games of chosen cells, at uniform's best accuracy.

    Each way counts up to where it first gets there: mean curves of few games are not monotone.
    """
    one, other = uniform.mean(axis=0), chosen.mean(axis=0)
    target = float(one.min())
    return games_to_reach(target, one, played) / games_to_reach(target, other, played)


def main(arguments: Arguments) -> None:
    """Run, and print both curves and the ratio."""
    started = time.perf_counter()
    played = totals(arguments)
    curves: dict[bool, list[NDArray[np.float64]]] = {False: [], True: []}
    for number in range(arguments.games):
        rates = win_rates(
            arguments.kind, arguments.strategies, np.random.default_rng([arguments.seed, number])
        )
        for chosen in curves:
            rng = np.random.default_rng([arguments.seed, number, chosen])
            curves[chosen].append(curve(rates, arguments, chosen=chosen, rng=rng))
    uniform, chosen_curves = np.array(curves[False]), np.array(curves[True])
    print(f"{'games played':>14}{'uniform':>12}{'chosen':>12}   (mean true exploitability)")
    for total, one, other in zip(
        played, uniform.mean(axis=0), chosen_curves.mean(axis=0), strict=True
    ):
        print(f"{total:14d}{one:12.5f}{other:12.5f}")
    rng = np.random.default_rng(arguments.seed)
    picks = rng.integers(arguments.games, size=(1000, arguments.games))
    ratios = [ratio(uniform[pick], chosen_curves[pick], played) for pick in picks]
    low, high = np.quantile(ratios, [0.025, 0.975])
    print(
        f"{arguments.kind} games, {arguments.strategies} strategies, {arguments.games} of them: "
        f"uniform sampling needs {ratio(uniform, chosen_curves, played):.2f} times the games "
        f"[{low:.2f}, {high:.2f}] (95 %, bootstrap); {time.perf_counter() - started:.0f} s"
    )


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except ValueError as error:
        sys.exit(f"next_cells: {error}")
