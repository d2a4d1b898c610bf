"""The PSRO family on one game: exploitability against iterations, oracle calls and CPU seconds.

    python examples/compare_psro_variants.py leduc_poker --seconds 4 --seeds 5

Every run starts from pure policies drawn at random by its seed; everything after that is exact
and deterministic. An oracle call is one best response of one player; the regret minimisers at the
end of the list compute one set of counterfactual values per player and iteration, which costs as
much and is counted as one. Exploitability is exact, and measuring it is not timed. Seconds are the
process's own CPU time, so that other work on the machine does not count; set OMP_NUM_THREADS=1.
Of JPSRO's joint the marginals are measured: in a zero-sum game they are a Nash equilibrium of the
table.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import tyro

import solvers
from pokespiel import PSRO
from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import OpenSpielGame
from pokespiel.openspiel.cfr import cfr
from pokespiel.openspiel.magnetic_mirror_descent import magnetic_mirror_descent
from pokespiel.openspiel.policy import TabularPolicy
from pokespiel.oracles.exact import ExactOracle
from pokespiel.protocols import Mixture
from pokespiel.variants.anytime import anytime_psro
from pokespiel.variants.correlated import AdmitNovel, recommendation_targets
from pokespiel.variants.pipeline import pipeline_psro
from pokespiel.variants.rectified import rectified_target
from pokespiel.variants.self_play import self_play_psro
from pokespiel.variants.xdo import xdo

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SELF_PLAY_STEPS = 10
PIPELINE_LEVELS = 3


@dataclass
class Arguments:
    """Compare PSRO variants on a two-player zero-sum game."""

    game: Annotated[str, tyro.conf.Positional] = "kuhn_poker"
    """OpenSpiel's name of the game."""
    seconds: float = 2.0
    """CPU time that each run gets."""
    iterations: int = 300
    """Iterations that each run gets at most."""
    seeds: int = 5
    """Runs per variant."""
    variants: tuple[str, ...] = ()
    """Which variants; default: all."""
    output: Path = Path("psro_variants")
    """Where the picture (.png) and the table (.md) go."""


@dataclass(frozen=True)
class Curve:
    """One run: an entry per iteration, the starting point included."""

    calls: np.ndarray[Any, Any]
    seconds: np.ndarray[Any, Any]
    exploitability: np.ndarray[Any, Any]


Moves = Iterator[tuple[Any, int]]
"""Yields (strategies to be measured, oracle calls since the last)."""


def random_start(name: str, seed: int, *, symmetric: bool) -> OpenSpielGame:
    """The game with populations that start from random pure policies."""
    form = OpenSpielGame(name).form
    rng = np.random.default_rng(seed)
    parts = {}
    for player, own in enumerate(form.players):
        behaviour = np.zeros(own.num_sequences)
        behaviour[0] = 1.0
        behaviour[own.first_sequence[:-1] + rng.integers(own.num_actions)] = 1.0
        parts[player] = behaviour
    start = (
        [TabularPolicy(parts)] if symmetric else [TabularPolicy({p: b}) for p, b in parts.items()]
    )
    return OpenSpielGame(form.game, symmetric=symmetric, initial=start)


def from_loop(loop: PSRO, calls_per_response: int = 1) -> Moves:
    """Iterate the loop; what is measured is solved before the next step needs it anyway."""
    yield loop.result().mixtures(), 0
    while not loop.converged:
        step = loop.step()
        yield loop.result().mixtures(), len(step.responses) * calls_per_response


def psro(meta_solver: str, **settings: Any) -> Callable[[OpenSpielGame], Moves]:
    """PSRO with exact best responses and a meta-solver."""
    return lambda game: from_loop(
        PSRO(game, oracle=ExactOracle(), meta_solver=solvers.get(meta_solver, **settings))
    )


def correlated(game: OpenSpielGame) -> Moves:
    """JPSRO with correlated equilibria: a response to every recommendation."""
    return from_loop(
        PSRO(
            game,
            oracle=ExactOracle(),
            meta_solver="mgce",
            targets=recommendation_targets,
            admit=AdmitNovel(),
        )
    )


def rectified(game: OpenSpielGame) -> Moves:
    """Rectified PSRO; in one population a response is a best response in both seats."""
    return from_loop(
        PSRO(game, oracle=ExactOracle(), meta_solver="rectified", targets=rectified_target),
        calls_per_response=2,
    )


def self_play(game: OpenSpielGame) -> Moves:
    """Self-play PSRO: half of the responses are averages, which take many best responses."""
    loop = self_play_psro(game, steps=SELF_PLAY_STEPS)
    for mixtures, calls in from_loop(loop):
        yield mixtures, calls // 2 * (1 + SELF_PLAY_STEPS)


def pipeline(game: OpenSpielGame) -> Moves:
    """Pipeline PSRO; every level of both players answers in every round."""
    yield [Mixture((policy,), np.ones(1)) for policy in game.initial_policies()], 0
    for step in pipeline_psro(game, oracle=ExactOracle(), levels=PIPELINE_LEVELS):
        yield step.mixtures, 2 * PIPELINE_LEVELS


def extensive_form_double_oracle(game: OpenSpielGame) -> Moves:
    """XDO, from its own start."""
    for step in xdo(game):
        yield [Mixture((policy,), np.ones(1)) for policy in step.policies], 2


def self_improving(plans_of: Callable[[Any], Any]) -> Callable[[OpenSpielGame], Moves]:
    """A regret minimiser on the compiled game."""

    def run(game: OpenSpielGame) -> Moves:
        form = game.form
        for plans in plans_of(form):
            policies = [
                TabularPolicy({p: own.behaviour(plan)})
                for p, (own, plan) in enumerate(zip(form.players, plans, strict=True))
            ]
            yield [Mixture((policy,), np.ones(1)) for policy in policies], 2

    return run


VARIANTS: dict[str, Callable[[OpenSpielGame], Moves]] = {
    "PSRO, Nash": psro("nash"),
    "PSRO, uniform (fictitious play)": psro("uniform"),
    "PSRO, regret matching+": psro("regret_matching_plus"),
    "PRD-PSRO": psro("prd", target_regret=0.02),
    "alpha-PSRO": psro("alpharank"),
    "JPSRO, max-Gini CCE": psro("mgcce"),
    "JPSRO, max-Gini CE": correlated,
    "rectified PSRO (one population)": rectified,
    "anytime PSRO": lambda game: from_loop(anytime_psro(game)),
    "self-play PSRO": self_play,
    "pipeline PSRO": pipeline,
    "XDO": extensive_form_double_oracle,
    "CFR+ (baseline)": self_improving(lambda form: cfr(form, plus=True)),
    "magnetic mirror descent (baseline)": self_improving(magnetic_mirror_descent),
}


def run(variant: str, name: str, seed: int, arguments: Arguments) -> Curve:
    """One run, until its time or its iterations are up, or it has converged."""
    game = random_start(name, seed, symmetric=variant.startswith("rectified"))
    calls, seconds, measured = [0], [0.0], []
    moves = VARIANTS[variant](game)
    while len(measured) <= arguments.iterations and seconds[-1] < arguments.seconds:
        started = time.process_time()
        made = next(moves, None)
        spent = time.process_time() - started
        if made is None:
            break
        mixtures, called = made
        measured.append(exploitability(game, mixtures).estimate)
        calls.append(calls[-1] + called)
        seconds.append(seconds[-1] + spent)
    return Curve(np.array(calls[1:]), np.array(seconds[1:]), np.array(measured))


def at(budget: float, spent: np.ndarray[Any, Any], curve: Curve) -> float:
    """The last exploitability within a budget; NaN before the first."""
    within = np.flatnonzero(spent <= budget)
    return float(curve.exploitability[within[-1]]) if len(within) else float("nan")


def ended_before(budget: float, spent: np.ndarray[Any, Any], curve: Curve) -> bool:
    """Whether the run was cut off before its budget was spent, and had not converged."""
    return bool(spent[-1] < budget and curve.exploitability[-1] > 1e-9)


def table(curves: dict[str, list[Curve]], arguments: Arguments) -> str:
    """Mean and range over the seeds at equal oracle calls and at equal CPU seconds, as Markdown."""
    calls = [10, 20, 50, 100, 200]
    seconds = [arguments.seconds * share for share in (0.05, 0.25, 0.95)]
    heads = [f"{c} calls" for c in calls] + [f"{s:.2g} s" for s in seconds]
    lines = [f"| {arguments.game} | " + " | ".join(heads) + " |", "| --- " * (len(heads) + 1) + "|"]
    for variant, runs in curves.items():
        cells = []
        for budget in calls:
            cut = any(ended_before(budget, c.calls, c) for c in runs)
            cells.append("-" if cut else cell([at(budget, c.calls, c) for c in runs]))
        for budget in seconds:
            # Cut off by its iterations: with the time that was left it could only have improved.
            cut = any(ended_before(budget, c.seconds, c) for c in runs)
            shown = cell([at(budget, c.seconds, c) for c in runs])
            cells.append(f"≤ {shown}" if cut else shown)
        lines.append(f"| {variant} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(values: list[float]) -> str:
    """Mean over the seeds, plus or minus their standard deviation."""
    if np.isnan(values).any():
        return "-"
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"


def draw(curves: dict[str, list[Curve]], arguments: Arguments, path: Path) -> None:
    """Three panels on logarithmic axes; a line per variant, thin ones per seed."""
    figure, axes = plt.subplots(1, 3, figsize=(18, 6), sharey=True, layout="constrained")
    colours = plt.get_cmap("tab20")
    for number, (variant, runs) in enumerate(curves.items()):
        for curve in runs:
            label = variant if curve is runs[0] else None
            for axis, spent in zip(
                axes,
                (np.arange(1, len(curve.calls) + 1), np.maximum(curve.calls, 1), curve.seconds),
                strict=True,
            ):
                shown = np.maximum(curve.exploitability, 1e-6)
                axis.plot(spent, shown, color=colours(number), alpha=0.7, lw=1, label=label)
    for axis, what in zip(axes, ("iterations", "oracle calls", "CPU seconds"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel=what)
        axis.grid(alpha=0.3)
    axes[0].set(ylabel="exploitability (exact)", title=arguments.game)
    axes[2].legend(fontsize=8)
    figure.savefig(path, dpi=120)


def main(arguments: Arguments) -> None:
    """Run all variants and seeds, then write the table and the picture."""
    unknown = set(arguments.variants) - set(VARIANTS)
    if unknown:
        raise SystemExit(f"unknown variants {sorted(unknown)}; there are {list(VARIANTS)}")
    for name in ("seconds", "iterations", "seeds"):
        if not getattr(arguments, name) > 0:
            raise ValueError(f"{name} must be positive, got {getattr(arguments, name)}")
    form = OpenSpielGame(arguments.game).form
    if form.num_players != 2 or not form.is_zero_sum:
        raise ValueError(f"{arguments.game} is not a two-player zero-sum game")
    curves: dict[str, list[Curve]] = {}
    for variant in arguments.variants or VARIANTS:
        # What solvers load when they are first used counts for no run.
        one_population = variant.startswith("rectified")
        for _ in islice(
            VARIANTS[variant](random_start("kuhn_poker", 0, symmetric=one_population)), 2
        ):
            pass
        seeds = range(arguments.seeds)
        curves[variant] = [run(variant, arguments.game, seed, arguments) for seed in seeds]
        last = [curve.exploitability[-1] for curve in curves[variant]]
        print(f"{variant}: {np.mean(last):.4f} at the end", flush=True)
    text = table(curves, arguments)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.with_suffix(".md").write_text(text + "\n")
    draw(curves, arguments, arguments.output.with_suffix(".png"))
    print(text)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except (ValueError, OSError) as error:
        sys.exit(f"compare_psro_variants: {error}")
