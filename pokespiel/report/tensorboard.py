"""A run's history as TensorBoard's scalars."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from pokespiel.report.run import CONFIDENCE, Run, lower_bounds, strategy_name
from pokespiel.runs.step import Step
from solvers.comparison import entropy


class TensorBoardLog:
    """Writes one iteration after the other.

    ==============================  ==============================================================
    tag                             against the iteration
    ==============================  ==============================================================
    ``exploitability/exact``        NashConv / players, where it is known
    ``exploitability/lower_bound``  what the responses gained on the table's games, with its ends
    ``population/player_P``         strategies after the iteration
    ``meta_strategy/entropy_P``     in nats, of the meta-strategy that was answered
    ``cost/...``                    seconds, games in the table, training games
    ``throughput/player_P/...``     decisions per second of a training, and the shares of its time
    ``learning/player_P/NAME``      against the batch: mean outcome while the response learnt
    ==============================  ==============================================================

    Parameters
    ----------
    directory
        Where TensorBoard's event files go.
    start
        First iteration to come; what the directory has from it on is replaced.

    Raises
    ------
    ImportError
        If TensorBoard is not installed.
    """

    def __init__(self, directory: str | Path, *, start: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoard logs need the package tensorboard: pip install tensorboard"
            ) from error
        writer: Any = SummaryWriter
        self._writer = writer(str(directory), purge_step=start or None)

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    def step(self, step: Step) -> None:
        """Write what one iteration did."""
        marginals = step.meta_strategy.marginals
        if step.exploitability is not None:
            self._scalar("exploitability/exact", step.exploitability, step.iteration)
        for player, (size, marginal) in enumerate(zip(step.sizes, marginals, strict=True)):
            self._scalar(f"population/player_{player}", size, step.iteration)
            self._scalar(f"meta_strategy/entropy_{player}", entropy(marginal), step.iteration)
        training = sum(int(r["cost"].get("episodes", 0)) for r in step.responses)
        self._scalar("cost/seconds", step.seconds, step.iteration)
        self._scalar("cost/games_in_table", step.episodes, step.iteration)
        self._scalar("cost/training_games", training, step.iteration)
        for response in step.responses:
            index = response["index"]
            name = f"not_admitted_{step.iteration}" if index is None else strategy_name(index)
            self._throughput(response["cost"], f"throughput/player_{response['player']}", step)
            curve = response["cost"].get("outcome_per_batch", ())
            for batch, outcome in enumerate(curve, start=1):
                self._scalar(f"learning/player_{response['player']}/{name}", outcome, batch)
        self._writer.flush()

    def _throughput(self, cost: Mapping[str, Any], tag: str, step: Step) -> None:
        """Of oracles that say where their time went."""
        names = ("environment_steps_per_second", "decisions_per_second")
        for name in names:
            if name in cost:
                self._scalar(f"{tag}/{name}", cost[name], step.iteration)
        parts = {part: cost.get(f"{part}_seconds", 0.0) for part in ("rollout", "learning")}
        total = sum(parts.values())
        if total:
            parts["inference"] = cost["inference_seconds"]
            for part, seconds in parts.items():
                self._scalar(f"{tag}/share_of_{part}", seconds / total, step.iteration)

    def bounds(self, run: Run) -> None:
        """Write the lower bounds that the table's games give."""
        for iteration, bound in lower_bounds(run, run.table.intervals(CONFIDENCE)):
            for end in ("value", "low", "high"):
                tag = "exploitability/lower_bound" + ("" if end == "value" else f"_{end}")
                self._scalar(tag, getattr(bound, end), iteration)

    def _scalar(self, tag: str, value: float, at: int) -> None:
        self._writer.add_scalar(tag, float(value), at)


def write_tensorboard(run: Run, directory: str | Path) -> None:
    """Write a whole run.

    Raises
    ------
    ImportError
        If TensorBoard is not installed.
    """
    with TensorBoardLog(directory) as log:
        for step in run.steps:
            log.step(step)
        log.bounds(run)
