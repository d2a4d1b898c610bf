"""A run as it stands on disk, read without touching it; it may still be going on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import solvers
from pokespiel.empirical_game import EmpiricalGame
from pokespiel.exploitability.sampling import combine
from pokespiel.report.records import Command, Measurements, read_commands, read_measurements
from pokespiel.runs.directory import RunError
from pokespiel.runs.step import Step, step_from_json
from pokespiel.stats import FloatArray, Interval
from pokespiel.variants.evidence import measured
from solvers.base import MetaSolver, MetaStrategy, Payoffs

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with what is known of its error; exact where the ends are equal."""

    value: float
    low: float
    high: float

    @property
    def is_exact(self) -> bool:
        """Whether it has no error."""
        return self.low == self.high


@dataclass(frozen=True)
class Run:
    """Everything the report draws.

    Attributes
    ----------
    path : Path
    config : mapping
        What the run was asked for.
    steps : tuple of Step
    table : EmpiricalGame
    payoffs : Payoffs or None
        Mean payoffs; None while cells are unplayed.
    solver : MetaSolver or None
        The run's own; None if it has other than default hyperparameters.
    strategy : MetaStrategy or None
        On the table as it stands; None where it cannot be solved for again.
    commands : tuple of Command
    measurements : Measurements or None
        None also where the populations have grown since.
    """

    path: Path
    config: dict[str, Any]
    steps: tuple[Step, ...]
    table: EmpiricalGame
    payoffs: Payoffs | None
    solver: MetaSolver | None
    strategy: MetaStrategy | None
    commands: tuple[Command, ...]
    measurements: Measurements | None

    @property
    def populations(self) -> int:
        """One for a symmetric game, else one per player."""
        return self.table.num_populations

    def names(self, population: int) -> list[str]:
        """What the strategies of a population are called."""
        return [strategy_name(index) for index in range(self.table.sizes[population])]


def strategy_name(index: int) -> str:
    """``start``, then ``BR1``, ``BR2``, ..."""
    return "start" if index == 0 else f"BR{index}"


def read_run(path: str | Path) -> Run:
    """Read a run.

    Raises
    ------
    RunError
        If the directory holds no run, or a damaged one.
    """
    path = Path(path)
    if not (path / "config.json").is_file():
        raise RunError(f"{path} holds no run (no config.json); a run is what psro --directory made")
    if not (path / "empirical_game.npz").is_file():
        raise RunError(f"{path} has no payoff table yet; wait until its first cells are played")
    try:
        config = json.loads((path / "config.json").read_text("utf-8"))
        history = path / "history.jsonl"
        lines = history.read_text("utf-8").splitlines() if history.exists() else []
        steps = tuple(step_from_json(json.loads(line)) for line in lines)
        table = EmpiricalGame.load(path / "empirical_game.npz")
        commands, measurements = tuple(read_commands(path)), read_measurements(path)
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged: {error}") from None
    try:
        payoffs = table.payoffs()
    except ValueError:
        payoffs = None
    solver = _solver(str(config.get("meta_solver", "")))
    if measurements is not None and measurements.sizes != table.sizes:
        measurements = None
    return Run(
        path=path,
        config=config,
        steps=steps,
        table=table,
        payoffs=payoffs,
        solver=solver,
        strategy=solver.solve(payoffs) if solver is not None and payoffs is not None else None,
        commands=commands,
        measurements=measurements,
    )


def _solver(description: str) -> MetaSolver | None:
    """The solver whose default form is described so."""
    for info in solvers.available():
        solver = solvers.get(info.name)
        if repr(solver) == description:
            return solver
    return None


def cell(run: Run, player: int, profile: tuple[int, ...], interval: Interval) -> Estimate:
    """One entry of the table, from ``player``'s view; NaN if it was never played."""
    at = (player, *profile)
    assert run.payoffs is not None
    value = float(run.payoffs.tensor[at])
    return Estimate(value, float(interval.low[at]), float(interval.high[at]))


def against_mixture(
    run: Run, response: int, weights: FloatArray, interval: Interval, player: int = 0
) -> Estimate:
    """What a strategy of ``player`` earns against a mixture of the other's, from the table's games.

    Two players only. The games were played after the strategy was found, so training has not seen
    them.
    """
    assert run.payoffs is not None
    size = len(weights)

    def row(tensor: FloatArray) -> FloatArray:
        # Either player's own payoffs, the opponent's strategies along the axis.
        own: FloatArray = tensor[0, response] if player == 0 else tensor[1, :, response]
        return own[:size]

    means = row(run.payoffs.tensor)
    ends = Interval(row(interval.low), row(interval.high), CONFIDENCE, interval.method)
    low, high = combine(weights, means, ends)
    return Estimate(float(weights @ means), low, high)


def judged_bounds(run: Run) -> list[tuple[int, Estimate]]:
    """Bounds from fresh games, where one population's every iteration has one; else none."""
    found = []
    for step in run.steps if run.table.symmetric else ():
        for bound in measured(step):
            if bound.kind == "lower bound" and bound.interval is not None:
                low, high = float(bound.interval.low), float(bound.interval.high)
                found.append((step.iteration, Estimate(bound.estimate, low, high)))
    return found if len(found) == len(run.steps) else []


def lower_bounds(run: Run, interval: Interval) -> list[tuple[int, Estimate]]:
    """Per iteration, what its responses gain over the meta-strategy that they answered.

    In a two-player constant-sum game the responses' payoffs, less the constant, are a lower bound
    on NashConv, whatever the meta-strategy earns; the games behind them are not those that the
    meta-strategy was solved from. Given as exploitability (NashConv / 2).

    A response of one population that was judged on fresh games has its bound from there: whoever
    was not admitted has no games in the table, and one number is enough.
    """
    game = run.table
    if judged := judged_bounds(run):
        return judged
    if run.payoffs is None or game.num_players != 2 or not game.zero_sum:
        return []
    if run.config.get("targets") != "meta_strategy_target":
        return []
    constant = float(run.payoffs.tensor.sum(axis=0).mean())
    found = []
    for step in run.steps:
        responses = [r for r in step.responses if r["index"] is not None]
        if len(responses) != game.num_populations or step.meta_strategy.joint is not None:
            continue
        each = []
        for response in responses:
            player = int(response["player"])
            weights = step.meta_strategy.marginals[1 - player]
            each.append(against_mixture(run, int(response["index"]), weights, interval, player))
        copies = 2 // len(each)
        value = copies * sum(e.value for e in each) - constant
        down = np.sqrt(sum((e.value - e.low) ** 2 for e in each)) * copies
        up = np.sqrt(sum((e.high - e.value) ** 2 for e in each)) * copies
        ends = [max(x / 2, 0.0) for x in (value, value - down, value + up)]
        found.append((step.iteration, Estimate(*ends)))
    return found
