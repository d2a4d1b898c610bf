"""PSRO on any OpenSpiel game, with any meta-solver and any oracle.

    python examples/openspiel_psro.py leduc_poker --iterations 50
    python examples/openspiel_psro.py "kuhn_poker(players=3)" --meta-solver mgcce
    python examples/openspiel_psro.py leduc_poker --oracle ppo --episodes 20000 --iterations 5
    python examples/openspiel_psro.py phantom_ttt --sampled --oracle tabular_q --iterations 2

Small games are compiled: the payoff table, the exact oracle's responses and the exploitability
shown are then exact. Games too large for that are ``--sampled``; there only a learning oracle
works, and the gain shown is what its response gained in training: a lower bound at best.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

import solvers
from pokespiel import PSRO
from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import OpenSpielGame
from pokespiel.oracles.exact import ExactOracle
from pokespiel.oracles.tabular_q import TabularQOracle
from pokespiel.protocols import BestResponseOracle, JointMixture, Mixture, Opponents
from pokespiel.runs.step import Step


@dataclass
class Arguments:
    """PSRO on an OpenSpiel game."""

    game: Annotated[str, tyro.conf.Positional]
    """OpenSpiel's name of the game, with its parameters."""
    meta_solver: str = "nash"
    """What makes a meta-strategy of the table: a name that `solvers.available()` lists."""
    oracle: Literal["exact", "tabular_q", "ppo"] = "exact"
    """Who finds best responses."""
    iterations: int = 20
    """Best responses per player."""
    episodes: int = 20_000
    """Episodes that each learned response trains on."""
    sampled: bool = False
    """Do not compile the game; estimate the table from sampled episodes."""
    episodes_per_cell: int = 1000
    """Episodes behind each entry of a sampled table."""
    one_population: bool = False
    """One population for all players, with seats drawn at random."""
    seed: int = 0
    """Of everything random."""
    directory: Path | None = None
    """Store the run here."""
    resume: bool = False
    """Continue the run in the directory, if it holds one."""


def make_oracle(arguments: Arguments) -> BestResponseOracle:
    """The oracle of that name."""
    if arguments.oracle == "exact":
        return ExactOracle()
    if arguments.oracle == "tabular_q":
        return TabularQOracle(episodes=arguments.episodes)
    from pokespiel.oracles.ppo import PPOOracle

    return PPOOracle(
        episodes=arguments.episodes,
        episodes_per_batch=min(1000, arguments.episodes),
        minibatch=512,
        learning_rate=2e-3,
        entropy=0.003,
    )


def main(arguments: Arguments, console: Console) -> None:
    """Run the loop and show every iteration."""
    if arguments.iterations < 0:
        raise ValueError(f"iterations must not be negative, got {arguments.iterations}")
    game = OpenSpielGame(
        arguments.game, exact=not arguments.sampled, symmetric=arguments.one_population
    )
    loop = PSRO(
        game,
        oracle=make_oracle(arguments),
        meta_solver=solvers.get(arguments.meta_solver),
        episodes_per_cell=arguments.episodes_per_cell,
        seed=arguments.seed,
        directory=arguments.directory,
        resume=arguments.resume,
    )
    measure = "exploitability (exact)" if game.is_exact else "last training return"
    console.print(f"[bold]{game.name}[/bold]: iteration, strategies, {measure}, seconds")
    for number in range(len(loop.steps), arguments.iterations):
        if loop.converged:
            console.print("no response gains anything: an equilibrium of the whole game")
            break
        step = loop.step()
        if game.is_exact:
            shown = f"{exploitability(game, answered(loop, step)).estimate:.6f}"
        else:
            curves = [response["cost"]["outcome_per_batch"] for response in step.responses]
            shown = ", ".join(f"{curve[-1]:+.3f}" for curve in curves)
        console.print(f"{number:4d}  {step.sizes}  {shown}  {step.seconds:.2f} s")
    show(loop, game, console)


def answered(loop: PSRO, step: Step) -> Opponents:
    """The meta-strategy that the step's responses answered, as playable mixtures."""
    strategy = step.meta_strategy
    populations = [
        loop.populations[0 if loop.game.is_symmetric else player]
        for player in range(loop.game.num_players)
    ]
    if strategy.joint is None:
        return [
            Mixture(tuple(population[: len(weights)]), weights)
            for population, weights in zip(populations, strategy.marginals, strict=True)
        ]
    cells = np.argwhere(strategy.joint > 0.0)
    profiles = tuple(
        tuple(population[i] for population, i in zip(populations, cell, strict=True))
        for cell in cells
    )
    return JointMixture(profiles, strategy.joint[tuple(cells.T)])


def show(loop: PSRO, game: OpenSpielGame, console: Console) -> None:
    """The meta-strategy that the run ends with."""
    result = loop.result()
    strategy = result.meta_strategy
    table = Table(title="Meta-strategy")
    for column in ("player", "value", "strategies with weight"):
        table.add_column(column)
    for player, marginal in enumerate(strategy.marginals):
        weights = ", ".join(f"{k}: {w:.3f}" for k, w in enumerate(marginal) if w > 1e-6)
        table.add_row(str(player), f"{strategy.values[player]:+.6f}", weights)
    console.print(table)
    if game.is_exact and strategy.joint is None:
        console.print(f"exploitability {exploitability(game, result.mixtures()).estimate:.6f}")
    elif not game.is_exact:
        console.print(
            f"{result.table.total_episodes()} episodes in the table; exploitability is unknown"
        )


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments), Console())
    except (ValueError, OSError) as error:
        sys.exit(f"openspiel_psro: {error}")
