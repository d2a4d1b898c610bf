"""Meta-solvers against OpenSpiel, nashpy, scipy and cvxpy: one thread, one run, medians.

    python benchmarks/meta_solvers.py            # every bar, a few minutes
    python benchmarks/meta_solvers.py --quick    # small sizes, under a minute
    python benchmarks/meta_solvers.py --json results.json

Within each comparison the competitors take turns, so that a busy machine slows all of them alike.
OpenSpiel's linear program needs the package ecos.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
# This file has the name of the package it measures, and would be imported instead of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import json
import platform
import resource
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from statistics import median
from time import perf_counter

import cvxpy as cp
import nashpy
import numpy as np
import pyspiel
import tyro
from open_spiel.python.algorithms import lp_solver, projected_replicator_dynamics
from open_spiel.python.egt import alpharank as openspiel_alpharank
from rich.console import Console
from rich.table import Table
from scipy.optimize import linprog

import solvers
from solvers.alpharank import stationary


@dataclass
class Arguments:
    """Measure the meta-solvers."""

    json: Path | None = None
    """Where to write the figures."""
    quick: bool = False
    """Small sizes only: shows that the benchmark works, says nothing of the bars."""
    seed: int = 0
    """Of the random games."""


@dataclass
class Comparison:
    """Median seconds of each competitor on one task.

    Attributes
    ----------
    ours : str
        The key of ``seconds`` that is ours.
    against : str
        The key that the bar is about.
    bar : float
        How many times faster ours should be.
    """

    task: str
    ours: str
    against: str
    bar: float
    seconds: dict[str, float]
    note: str = ""
    ratio: float = field(init=False)
    met: bool = field(init=False)

    def __post_init__(self) -> None:
        self.ratio = self.seconds[self.against] / self.seconds[self.ours]
        self.met = self.ratio >= self.bar


def paired(competitors: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each, taking turns; the first turn of each is not counted."""
    times: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(repeats + 1):
        for name, call in competitors.items():
            start = perf_counter()
            call()
            times[name].append(perf_counter() - start)
    return {name: median(measured[1:]) for name, measured in times.items()}


def antisymmetric(rng: np.random.Generator, n: int) -> np.ndarray:
    upper = np.triu(rng.uniform(-1.0, 1.0, (n, n)), 1)
    return upper - upper.T


def cold_cvxpy(matrix: np.ndarray) -> np.ndarray:
    """The maximin program as one writes it down in cvxpy."""
    strategy = cp.Variable(matrix.shape[0], nonneg=True)
    value = cp.Variable()
    constraints = [matrix.T @ strategy >= value, cp.sum(strategy) == 1]
    cp.Problem(cp.Maximize(value), constraints).solve(solver=cp.HIGHS)
    return strategy.value


def scipy_highs(matrix: np.ndarray) -> np.ndarray:
    n = len(matrix)
    result = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.column_stack([-matrix.T, np.ones(n)]),
        b_ub=np.zeros(n),
        A_eq=np.append(np.ones(n), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * n + [(None, None)],
        method="highs",
    )
    return result.x


def nash_lp(rng: np.random.Generator, n: int, bar: float, repeats: int) -> Comparison:
    matrix = antisymmetric(rng, n)
    game = pyspiel.create_matrix_game(matrix, -matrix)
    ours = solvers.get("nash")
    through_cvxpy = solvers.get("nash", lp_solver="HIGHS")
    seconds = paired(
        {
            "ours": lambda: ours.solve(matrix),
            "ours through cvxpy": lambda: through_cvxpy.solve(matrix),
            "OpenSpiel": lambda: lp_solver.solve_zero_sum_matrix_game(game),
            "nashpy": lambda: nashpy.Game(matrix, -matrix).linear_program(),
            "scipy HiGHS": lambda: scipy_highs(matrix),
            "cvxpy HIGHS, cold": lambda: cold_cvxpy(matrix),
        },
        repeats,
    )
    regret = ours.solve(matrix).regrets.max()
    return Comparison(
        f"Nash LP, n = {n}", "ours", "OpenSpiel", bar, seconds, f"our regret {regret:.1e}"
    )


def growing(rng: np.random.Generator, last: int, repeats: int) -> Comparison:
    matrix = antisymmetric(rng, last)

    def grow(solve: Callable[[np.ndarray], object]) -> None:
        for n in range(10, last + 1):
            solve(matrix[:n, :n])

    return Comparison(
        f"growing matrix, 10 to {last}",
        "ours",
        "cvxpy HIGHS, cold",
        3.0,
        paired(
            {
                "ours": lambda: grow(solvers.get("nash").solve),
                "ours through cvxpy": lambda: grow(solvers.get("nash", lp_solver="HIGHS").solve),
                "cvxpy HIGHS, cold": lambda: grow(cold_cvxpy),
                "scipy HiGHS": lambda: grow(scipy_highs),
            },
            repeats,
        ),
        "a new solver each time; compiling counts",
    )


def one_population(rng: np.random.Generator, n: int, repeats: int) -> Comparison:
    matrix = antisymmetric(rng, n)
    expected = openspiel_alpharank.compute([matrix], m=50, alpha=1.0)[2]
    error = np.abs(stationary(matrix, 1.0) - expected).max()
    return Comparison(
        f"alpha-Rank, one population, n = {n}",
        "ours",
        "OpenSpiel",
        100.0,
        paired(
            {
                "ours": lambda: stationary(matrix, 1.0),
                "OpenSpiel": lambda: openspiel_alpharank.compute([matrix], m=50, alpha=1.0),
            },
            repeats,
        ),
        f"alpha = 1; largest difference {error:.1e}",
    )


def two_populations(rng: np.random.Generator, n: int, repeats: int) -> Comparison:
    tensor = rng.uniform(-1.0, 1.0, (2, n, n))
    expected = openspiel_alpharank.compute(list(tensor), m=50, alpha=1.0)[2]
    error = np.abs(stationary(tensor, 1.0).ravel() - expected).max()
    return Comparison(
        f"alpha-Rank, two populations, n = {n}",
        "ours",
        "OpenSpiel",
        50.0,
        paired(
            {
                "ours": lambda: stationary(tensor, 1.0),
                "OpenSpiel": lambda: openspiel_alpharank.compute(list(tensor), m=50, alpha=1.0),
            },
            repeats,
        ),
        f"alpha = 1; largest difference {error:.1e}",
    )


def regret_matching(rng: np.random.Generator, n: int, repeats: int) -> Comparison:
    row = rng.uniform(-1.0, 1.0, (n, n))
    tensor = np.stack([row, -row])
    # Payoffs range over 2, so half of 1e-4 of the range is a regret of 1e-4.
    ours = solvers.get("regret_matching_plus", target_regret=5e-5)
    result = ours.solve(tensor)
    theirs = projected_replicator_dynamics.projected_replicator_dynamics(list(tensor))
    gap = float((row @ theirs[1]).max() - (theirs[0] @ row).min()) / 2.0
    return Comparison(
        f"1e-4 equilibrium, n = {n}",
        "ours",
        "OpenSpiel PRD",
        10.0,
        paired(
            {
                "ours": lambda: ours.solve(tensor),
                "OpenSpiel PRD": lambda: (
                    projected_replicator_dynamics.projected_replicator_dynamics(list(tensor))
                ),
            },
            repeats,
        ),
        f"our regret {result.regrets.max():.1e} after {result.diagnostics['iterations']} "
        f"iterations; PRD's exploitability {gap:.1e}",
    )


_LARGE_CHAIN = """
import resource, sys
from time import perf_counter
import numpy as np
from solvers.alpharank import stationary
n, alpha, kind = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
first, second = np.random.default_rng(0).uniform(-1.0, 1.0, (2, n, n))
second = {"zero-sum": -first, "general": second, "team": first}[kind]
start = perf_counter()
total = stationary(np.stack([first, second]), alpha).sum()
seconds = perf_counter() - start
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, total)
"""


def large_chain(n: int, alpha: float, kind: str) -> dict[str, object]:
    """Two-population alpha-Rank in a process of its own: seconds, and the most memory it held."""
    out = subprocess.run(
        [sys.executable, "-c", _LARGE_CHAIN, str(n), str(alpha), kind],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return {
        "task": f"alpha-Rank, two populations, n = {n}, alpha = {alpha:g}, {kind} game",
        "seconds": float(out[0]),
        "gigabytes": float(out[1]) / 1e9,
        "total": float(out[2]),
        "met": float(out[1]) < 2e9 and abs(float(out[2]) - 1.0) < 1e-9,
    }


def main(arguments: Arguments) -> None:
    warnings.filterwarnings("ignore")
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    rng = np.random.default_rng(arguments.seed)
    if arguments.quick:
        comparisons = [
            nash_lp(rng, 10, 2.0, 5),
            growing(rng, 20, 1),
            one_population(rng, 30, 1),
            two_populations(rng, 8, 1),
            regret_matching(rng, 10, 1),
        ]
        chains = [large_chain(20, 1.0, "general")]
    else:
        comparisons = [
            nash_lp(rng, 10, 2.0, 21),
            nash_lp(rng, 200, 3.0, 5),
            nash_lp(rng, 500, 3.0, 3),
            growing(rng, 100, 3),
            one_population(rng, 200, 5),
            two_populations(rng, 40, 3),
            regret_matching(rng, 200, 3),
        ]
        chains = [
            large_chain(100, 1.0, "general"),
            large_chain(100, 100.0, "zero-sum"),
            large_chain(100, float("inf"), "team"),
        ]
    table = Table(title="seconds, median")
    for column in ("task", "times faster", "bar", "met", "seconds", "note"):
        table.add_column(column)
    for row in comparisons:
        shown = ", ".join(f"{name} {seconds:.4g}" for name, seconds in row.seconds.items())
        table.add_row(
            row.task,
            f"{row.ratio:.1f} ({row.against})",
            f"{row.bar:g}",
            "yes" if row.met else "NO",
            shown,
            row.note,
        )
    for chain in chains:
        table.add_row(
            str(chain["task"]),
            "",
            "2 GB",
            "yes" if chain["met"] else "NO",
            f"{chain['seconds']:.3g}",
            f"most memory held {chain['gigabytes']:.2f} GB",
        )
    console.print(table)
    if arguments.json is not None:
        packages = ("numpy", "scipy", "highspy", "cvxpy", "open_spiel", "nashpy", "ecos")
        arguments.json.write_text(
            json.dumps(
                {
                    "machine": platform.machine(),
                    "python": platform.python_version(),
                    "packages": {name: version(name) for name in packages},
                    "quick": arguments.quick,
                    "comparisons": [asdict(row) for row in comparisons],
                    "large_chains": chains,
                    "peak_memory_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                    / 1e6,
                },
                indent=2,
            )
        )


if __name__ == "__main__":
    main(tyro.cli(Arguments))
