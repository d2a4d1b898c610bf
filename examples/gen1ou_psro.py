"""PSRO on Gen 1 OU: a population of torch policies, grown on the engine or on real Showdown.

    python examples/gen1ou_psro.py --iterations 2 --battles-per-cell 400 --directory runs/first

Each iteration plays the missing cells of the payoff table, solves it, and trains a best response
to the mixture by PPO. Every best response is then judged on fresh battles: how far it exploits the
mixture that it answers (a lower bound on that mixture's exploitability), and head-to-heads against
the policy the population started from and against heuristics (beating those proves little; losing
to them says much). At the end the table is shown with its intervals, and what its own strategies
gain against the mixture on fresh battles. ``--self-play`` trains plain self-play on the same number
of battles beside it.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from pokespiel import PSRO, PSROResult
from pokespiel.cli.opponents import room_for, start_of
from pokespiel.cli.psro import gen1ou_oracle
from pokespiel.exploitability.restricted import restricted
from pokespiel.exploitability.sampling import mean_interval
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.showdown import ShowdownError
from pokespiel.protocols import Mixture
from pokespiel.psro import admit_always
from pokespiel.report.records import Measurements, record_measurements
from pokespiel.report.run import strategy_name
from pokespiel.report.summary import (
    draw_payoffs,
    evidence_table,
    interval_of,
    payoff_table,
    shown,
)
from pokespiel.targets import Targets, meta_strategy_target, newest_target
from pokespiel.variants.evidence import JudgedOracle, admit_if_significant

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
    self_play: bool = False
    """Also train by self-play, as many responses on as many battles, each against the newest alone
    (in DIRECTORY/self-play), and play its last against PSRO's last mixture."""
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
    bars = progress_bars(console)
    task = bars.add_task("starting the server", total=None, where="")
    game.progress = lambda done, total: bars.update(task, completed=done, total=total)
    rng = np.random.default_rng([arguments.seed, CLOSING])
    with game, bars:
        console.print(f"[bold]PSRO[/bold], {arguments.meta_solver} meta-strategy")
        result = grow(game, arguments, directory, meta_strategy_target, console, bars)
        bars.update(task, description="fresh battles", where="")
        found = restricted(
            game, result.populations, result.meta_strategy, arguments.fresh_battles, rng=rng
        )
        record_measurements(directory, Measurements(result.table.sizes, (found,)))
        draw_payoffs(result, directory / "payoffs.png")
        console.print(payoff_table(result), evidence_table(result.steps))
        console.print(
            "Restricted exploitability of the last mixture, what the table's own strategies gain "
            f"on fresh battles: {interval_of(found)}"
        )
        if arguments.self_play:
            console.print("[bold]Self-play[/bold], every response to the newest alone")
            alone = grow(game, arguments, directory / "self-play", newest_target, console, bars)
            console.print(evidence_table(alone.steps, "the newest"))
            bars.update(task, description="fresh battles", where="")
            newest = Mixture((alone.populations[0][-1],), np.ones(1))
            pair = (result.mixtures()[0], newest)
            wins = game.play([pair], arguments.fresh_battles, rng=rng)[0, :, 0]
            between = mean_interval(wins, game.payoff_bounds, confidence=0.95)
            console.print(
                "PSRO's last mixture against self-play's newest, win rate on fresh battles: "
                + shown(float(wins.mean()), float(between.low), float(between.high))
            )
    console.print(
        f"{result.table.total_episodes()} battles in the table; "
        f"{time.perf_counter() - started:.0f} s. Run: {directory}. "
        f"Picture: {directory / 'payoffs.png'}"
    )


def grow(
    game: Gen1OU,
    arguments: Arguments,
    directory: Path,
    targets: Targets,
    console: Console,
    bars: Progress,
) -> PSROResult:
    """The loop, told line by line."""
    task = bars.task_ids[0]
    rivals = {"start": game.initial_policies()[0]}
    rivals |= {rival: game.baselines[rival]() for rival in RIVALS}
    oracle = JudgedOracle(
        replace(
            gen1ou_oracle(arguments.training_battles, game.initial),
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
    psro = PSRO(
        game,
        oracle=oracle,
        meta_solver=arguments.meta_solver,
        targets=targets,
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
            f"Iteration {number}: {strategy_name(number + 1)} trained on {cost['episodes']} "
            f"battles ({cost['decisions']} decisions, {cost['seconds']:.0f} s, {cost['device']}); "
            f"win rate against whom it answers {curve[0]:.2f} in the first batch, "
            f"{curve[-1]:.2f} in the last"
        )
    return psro.result()


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
