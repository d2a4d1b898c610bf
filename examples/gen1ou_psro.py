"""PSRO on Gen 1 OU: a population of torch policies, grown on the engine or on real Showdown.

    python examples/gen1ou_psro.py --iterations 2 --battles-per-cell 400 --directory runs/first

Each iteration plays the missing cells of the payoff table, solves it, and trains a best response
to the mixture by PPO. Every best response is then judged on fresh battles: how far it exploits the
mixture that it answers (a lower bound on that mixture's exploitability), and head-to-heads against
the policy the population started from and against heuristics (beating those proves little; losing
to them says much). At the end the table is shown with its intervals, and what its own strategies
gain against the mixture on fresh battles.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import matplotlib
import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from pokespiel import PSRO, PSROResult
from pokespiel.cli.opponents import room_for, start_of
from pokespiel.cli.psro import gen1ou_oracle
from pokespiel.exploitability.exact import Exploitability
from pokespiel.exploitability.restricted import restricted
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.showdown import ShowdownError
from pokespiel.psro import Step, admit_always
from pokespiel.report.records import Measurements, record_measurements
from pokespiel.variants.evidence import EVIDENCE, JudgedOracle, admit_if_significant

CLOSING = 2**32 - 1
"""Marks the random numbers of the closing battles, apart from those of any iteration."""

DOING = {
    "iteration": "next iteration",
    "evaluate": "playing cells of the table",
    "respond": "training a best response",
}

ON_SHOWDOWN = {"episodes_per_batch": 40, "learning_rate": 5e-4, "minibatch": 1024}
"""Where battles cost much, small batches learn more of each."""

RIVALS = ("max_damage", "simple_heuristics")
"""Heuristics that best responses are measured against."""


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
    """Battles that each best response learns from; default: 16000, on Showdown 300."""
    fresh_battles: int | None = None
    """Battles behind each closing measurement, per strategy; default: 2000 and 80."""
    initial: Annotated[str, tyro.conf.arg(aliases=("--init",))] = "starter"
    """Where the population starts: the network that comes with PokéSpiel, "network" for one with
    fresh weights, the name of a baseline, an agent of metamon's (SyntheticRLV2; metamon-small to
    try without a download), or a stored policy's directory. Best responses from an agent of
    metamon's are adapters to it."""
    admit: Literal["always", "significant"] = "always"
    """Whether best responses that do not beat the mixture significantly join, too."""
    concurrency: int | None = None
    """Battles under way at once; default: 1024, on Showdown 40, and 256 from an agent of metamon's,
    which remembers its battles."""
    seed: int = 0
    """Of everything but the simulator's own dice."""
    directory: Path | None = None
    """Where the run is stored; default: runs/gen1ou-seed<SEED>."""
    resume: bool = False
    """Continue the run in the directory, if it holds one."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the network's passes while learning; bfloat16 is faster on GPUs, and on processors that
    have it."""
    threads: int = 1
    """CPU threads of torch; the simulator needs a core too."""

    def __post_init__(self) -> None:
        """Fill in what the backend affords in a few minutes on two cores."""
        cell, training, fresh = {"engine": (400, 16000, 2000), "showdown": (60, 300, 80)}[
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
    initial = start_of(arguments.initial)
    game = Gen1OU(
        backend=arguments.backend,
        initial=initial,
        concurrency=arguments.concurrency or room_for(initial, arguments.backend),
        seed=arguments.seed,
    )
    rivals = {"start": game.initial_policies()[0]}
    rivals |= {rival: game.baselines[rival]() for rival in RIVALS}
    oracle = JudgedOracle(
        replace(
            gen1ou_oracle(arguments.training_battles, initial),
            precision=arguments.precision,
            checkpoint=directory / "training",
            progress=lambda done, total, mean, throughput: bars.update(
                task, description="training", where=str(throughput)
            ),
            **(ON_SHOWDOWN if arguments.backend == "showdown" else {}),
        ),
        games=arguments.fresh_battles,
        rivals=rivals,
    )
    bars = progress_bars(console)
    task = bars.add_task("starting the server", total=None, where="")
    game.progress = lambda done, total: bars.update(task, completed=done, total=total)
    with game, bars:
        psro = PSRO(
            game,
            oracle=oracle,
            meta_solver=arguments.meta_solver,
            episodes_per_cell=arguments.battles_per_cell,
            admit=admit_always if arguments.admit == "always" else admit_if_significant,
            seed=arguments.seed,
            directory=directory,
            resume=arguments.resume,
            monitor=lambda what, done, total: bars.update(task, description=DOING[what], where=""),
        )
        for number in range(len(psro.steps), arguments.iterations):
            if psro.converged:
                break
            cost = psro.step().responses[0]["cost"]
            curve = cost["outcome_per_batch"]
            console.print(
                f"Iteration {number}: {name(number + 1)} trained on {cost['episodes']} battles "
                f"({cost['decisions']} decisions, {cost['seconds']:.0f} s, {cost['device']}); "
                f"win rate against the mixture {curve[0]:.2f} in the first batch, "
                f"{curve[-1]:.2f} in the last"
            )
        result = psro.result()
        bars.update(task, description="fresh battles", where="")
        rng = np.random.default_rng([arguments.seed, CLOSING])
        found = restricted(
            game, result.populations, result.meta_strategy, arguments.fresh_battles, rng=rng
        )
    record_measurements(directory, Measurements(result.table.sizes, (found,)))
    picture = directory / "payoffs.png"
    draw(result, picture)
    console.print(payoff_table(result))
    console.print(evidence_table(result.steps))
    console.print(
        "Restricted exploitability of the last mixture, what the table's own strategies gain on "
        f"fresh battles: {interval_of(found)}"
    )
    console.print(
        f"{result.table.total_episodes()} battles in the table; "
        f"{time.perf_counter() - started:.0f} s. Run: {directory}. Picture: {picture}"
    )


def name(index: int) -> str:
    """How tables call a strategy."""
    return "start" if index == 0 else f"BR{index}"


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


def evidence_table(steps: Sequence[Step]) -> Table:
    """How each best response did on fresh battles."""
    table = Table(title="Fresh battles [95 % interval]")
    table.add_column("", no_wrap=True)
    table.add_column("exploits the mixture\nbefore it by at least", justify="right", no_wrap=True)
    table.add_column("win rate against", justify="right", no_wrap=True)
    for number, step in enumerate(steps):
        evidence = step.responses[0]["cost"][EVIDENCE]
        bound = Exploitability.from_json(evidence["mixture"])
        rates = [f"{name}: {shown(**rate)}" for name, rate in evidence["rivals"].items()]
        joins = "" if step.responses[0]["index"] is not None else ", not admitted"
        table.add_row(f"{name(number + 1)}{joins}", interval_of(bound), "\n".join(rates))
    return table


def interval_of(found: Exploitability) -> str:
    """Estimate and interval."""
    assert found.interval is not None
    return shown(found.estimate, float(found.interval.low), float(found.interval.high))


def shown(mean: float, low: float, high: float) -> str:
    """As tables show it."""
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


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
    """One line that says what is being done, how far it is, and where a training's time goes."""
    return Progress(
        TextColumn("{task.description:28}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("battles"),
        TimeElapsedColumn(),
        TextColumn(
            "{task.fields[where]}",
            table_column=Column(no_wrap=True, max_width=max(console.width - 80, 1)),
        ),
        console=console,
        transient=True,
    )


if __name__ == "__main__":
    stdout = Console(width=None if sys.stdout.isatty() else 110)
    try:
        main(tyro.cli(Arguments), stdout)
    except (ValueError, OSError, ShowdownError) as error:
        sys.exit(f"gen1ou_psro: {error}")
    except KeyboardInterrupt:
        sys.exit("gen1ou_psro: interrupted; --resume continues the run")
