"""PSRO on Gen 1 OU: a population of torch policies, grown on the engine or on real Showdown.

    python examples/gen1ou_psro.py --iterations 2 --battles-per-cell 400 --directory runs/first

Each iteration plays the missing cells of the payoff table, solves it, and trains a best response
to the mixture by PPO. At the end the table is shown with its intervals, and what judges the run is
measured on fresh battles: what each strategy gains against the mixture, how far the newest best
response exploits the mixture that it answers, and head-to-heads against baselines (beating those
proves little; losing to them says much).
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pokespiel import PSRO, Mixture, PSROResult
from pokespiel.exploitability.approximate import lower_bound
from pokespiel.exploitability.exact import Exploitability
from pokespiel.exploitability.restricted import restricted
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.showdown import ShowdownError
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.stats import wilson

CLOSING = 2**32 - 1
"""Marks the random numbers of the closing battles, apart from those of any iteration."""

DOING = {
    "iteration": "next iteration",
    "evaluate": "playing cells of the table",
    "respond": "training a best response",
}


@dataclass
class Arguments:
    """PSRO on Gen 1 OU."""

    backend: Literal["engine", "showdown"] = "engine"
    """Who plays the battles: PokéSpiel's compiled rules, or the real simulator."""
    iterations: int = 2
    """Best responses to add to the population."""
    battles_per_cell: int | None = None
    """Battles behind each entry of the payoff table; default: 400 on the engine, 60 on Showdown."""
    meta_solver: Literal["nash", "alpharank", "replicator", "uniform"] = "nash"
    """What makes a mixture of the table."""
    training_battles: int | None = None
    """Battles that each best response learns from; default: 1500 on the engine, 300 on Showdown."""
    fresh_battles: int | None = None
    """Battles behind each closing measurement, per strategy; default: 400 and 80."""
    seed: int = 0
    """Of everything but the simulator's own dice."""
    directory: Path | None = None
    """Where the run is stored; default: runs/gen1ou-seed<SEED>."""
    resume: bool = False
    """Continue the run in the directory, if it holds one."""
    threads: int = 1
    """CPU threads of torch; the simulator needs a core too."""

    def __post_init__(self) -> None:
        """Fill in what the backend affords in a few minutes on two cores."""
        cell, training, fresh = {"engine": (400, 1500, 400), "showdown": (60, 300, 80)}[
            self.backend
        ]
        self.battles_per_cell = self.battles_per_cell or cell
        self.training_battles = self.training_battles or training
        self.fresh_battles = self.fresh_battles or fresh


def main(arguments: Arguments, console: Console) -> None:
    """Run the loop, then measure and draw what it found."""
    started = time.perf_counter()
    torch.set_num_threads(arguments.threads)
    directory = arguments.directory or Path(f"runs/gen1ou-seed{arguments.seed}")
    game = Gen1OU(backend=arguments.backend, seed=arguments.seed)
    oracle = PPOOracle(
        episodes=arguments.training_battles,
        episodes_per_batch=100 if arguments.backend == "engine" else 40,
        learning_rate=1e-3,
    )
    bars = progress_bars(console)
    task = bars.add_task("starting the server", total=None)
    game.progress = lambda done, total: bars.update(task, completed=done, total=total)
    with game, bars:
        psro = PSRO(
            game,
            oracle=oracle,
            meta_solver=arguments.meta_solver,
            episodes_per_cell=arguments.battles_per_cell,
            seed=arguments.seed,
            directory=directory,
            resume=arguments.resume,
            monitor=lambda what, done, total: bars.update(task, description=DOING[what]),
        )
        for number in range(len(psro.steps), arguments.iterations):
            cost = psro.step().responses[0]["cost"]
            curve = cost["outcome_per_batch"]
            console.print(
                f"Iteration {number}: {name(number + 1)} trained on {cost['episodes']} battles "
                f"({cost['decisions']} decisions, {cost['seconds']:.0f} s, {cost['device']}); "
                f"win rate against the mixture {curve[0]:.2f} in the first batch, "
                f"{curve[-1]:.2f} in the last"
            )
        result = psro.result()
        bars.update(task, description="fresh battles")
        verdict = measure(game, result, arguments)
    picture = directory / "payoffs.png"
    draw(result, picture)
    console.print(payoff_table(result))
    console.print(closing_table(verdict, name(len(result.populations[0]) - 1)))
    console.print(
        f"{result.table.total_episodes()} battles in the table; "
        f"{time.perf_counter() - started:.0f} s. Run: {directory}. Picture: {picture}"
    )


def name(index: int) -> str:
    """How tables call a strategy."""
    return "start" if index == 0 else f"BR{index}"


@dataclass(frozen=True)
class Verdict:
    """What fresh battles say of a run."""

    restricted: Exploitability
    """What the population's own strategies gain against the mixture."""
    lower_bound: Exploitability | None
    """What the newest best response gains against the mixture that it answers."""
    head_to_head: dict[str, NDArray[np.float64]]
    """Returns ``(battles,)`` of the newest strategy against each baseline."""


def measure(game: Gen1OU, result: PSROResult, arguments: Arguments) -> Verdict:
    """Play the closing battles."""
    rng, battles = np.random.default_rng([arguments.seed, CLOSING]), arguments.fresh_battles
    population = result.populations[0]
    bound = None
    if result.steps:
        weights = result.steps[-1].meta_strategy.marginals[0]
        answered = Mixture(population[: len(weights)], weights)
        cost = result.steps[-1].responses[0]["cost"]
        bound = lower_bound(
            game,
            0,
            population[-1],
            [answered, answered],
            battles,
            rng=rng,
            budget={"battles": cost["episodes"], "seconds": round(cost["seconds"])},
        )
    baselines = [(population[-1], baseline()) for baseline in game.baselines.values()]
    returns = game.play(baselines, battles, rng=rng)[:, :, 0]
    return Verdict(
        restricted=restricted(game, result.populations, result.meta_strategy, battles, rng=rng),
        lower_bound=bound,
        head_to_head=dict(zip(game.baselines, returns, strict=True)),
    )


def payoff_table(result: PSROResult) -> Table:
    """Win rate and interval of every cell, and the meta-strategy."""
    weights = result.meta_strategy.marginals[0]
    means, interval = np.asarray(result.table.payoffs()), result.table.intervals(0.95)
    low, high = interval.low[0], interval.high[0]
    table = Table(title="Win rate of the row [95 % interval]")
    for column in ("", *(name(i) for i in range(len(weights))), "weight"):
        table.add_column(column, justify="right")
    for i, weight in enumerate(weights):
        cells = [
            "0.5" if i == j else f"{means[i, j]:.2f} [{low[i, j]:.2f}, {high[i, j]:.2f}]"
            for j in range(len(weights))
        ]
        table.add_row(name(i), *cells, f"{weight:.3f}")
    return table


def closing_table(verdict: Verdict, newest: str) -> Table:
    """The measurements on fresh battles."""
    table = Table(title="Fresh battles (exploitability in win rate above one half)")
    for column in ("", "battles", "estimate", "95 % interval"):
        table.add_column(column, justify="right" if column else "left")

    def add(label: str, battles: int, estimate: float, low: float, high: float) -> None:
        table.add_row(label, str(battles), f"{estimate:.3f}", f"[{low:.3f}, {high:.3f}]")

    labelled = {
        "restricted exploitability of the mixture": verdict.restricted,
        f"exploitability of the mixture before {newest}: lower bound": verdict.lower_bound,
    }
    for label, found in labelled.items():
        if found is not None and found.interval is not None:
            ends = float(found.interval.low), float(found.interval.high)
            add(label, found.games, found.estimate, *ends)
    for label, returns in verdict.head_to_head.items():
        interval = wilson(returns.sum(), len(returns))
        ends = float(interval.low), float(interval.high)
        add(f"win rate of {newest} against {label}", len(returns), returns.mean(), *ends)
    return table


def draw(result: PSROResult, path: Path) -> None:
    """Draw the payoff matrix, its half-widths and the meta-strategy."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    weights = result.meta_strategy.marginals[0]
    means, interval = np.asarray(result.table.payoffs()), result.table.intervals(0.95)
    names = [name(i) for i in range(len(weights))]
    figure, (left, right) = plt.subplots(
        ncols=2, figsize=(9, 4.6), width_ratios=[3, 1], sharey=True, layout="constrained"
    )
    image = left.imshow(means, vmin=0.0, vmax=1.0, cmap="RdBu")
    figure.colorbar(image, ax=left, label="win rate of the row")
    for (i, j), mean in np.ndenumerate(means):
        half = (interval.high[0, i, j] - interval.low[0, i, j]) / 2
        text = f"{mean:.2f}\n± {half:.2f}" if i != j else "0.5"
        color = "white" if abs(mean - 0.5) > 0.3 else "black"
        left.text(j, i, text, ha="center", va="center", color=color)
    left.set_xticks(range(len(names)), names)
    left.set_yticks(range(len(names)), names)
    left.set_title("Payoffs (± half the 95 % interval)")
    right.barh(range(len(names)), weights, color="0.4")
    right.set(xlim=(0, 1), title="Meta-strategy", xlabel="weight")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def progress_bars(console: Console) -> Progress:
    """One line that says what is being done, and how far it is."""
    return Progress(
        TextColumn("{task.description:28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("battles"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


if __name__ == "__main__":
    stdout = Console(width=None if sys.stdout.isatty() else 110)
    try:
        main(tyro.cli(Arguments), stdout)
    except (ValueError, ShowdownError) as error:
        sys.exit(f"gen1ou_psro: {error}")
    except KeyboardInterrupt:
        sys.exit("gen1ou_psro: interrupted; --resume continues the run")
