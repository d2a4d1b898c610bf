"""What a payoff table's noise does to the meta-strategy, and where more games would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pokespiel.empirical_game import EmpiricalGame
from pokespiel.stats import FloatArray, Interval
from solvers.base import MetaSolver, MetaStrategy


@dataclass(frozen=True)
class MetaStrategyUncertainty:
    """The meta-strategies of many resampled tables.

    Distributions are given per population: one entry for a symmetric game, else one per player.

    Attributes
    ----------
    estimate : MetaStrategy
        Of the table as it is.
    inclusion : tuple of float64 arrays ``(n_p,)``
        Share of tables in whose meta-strategy each strategy has weight.
    alone : tuple of float64 arrays ``(n_p,)``
        Share of tables in which each strategy has all the weight of its population.
    mean_weights : tuple of float64 arrays ``(n_p,)``
    weights : tuple of Interval, ends ``(n_p,)``
        Percentiles of each weight.
    values : Interval, ends ``(players,)``
        Percentiles of each player's value.
    samples : int
        Tables drawn.
    method : str
        How they were drawn; see `EmpiricalGame.resample`.

    Notes
    -----
    Support alone is no evidence: pure noise gives an LP equilibrium a support of about half of
    the strategies, whatever the number of games.
    """

    estimate: MetaStrategy
    inclusion: tuple[FloatArray, ...]
    alone: tuple[FloatArray, ...]
    mean_weights: tuple[FloatArray, ...]
    weights: tuple[Interval, ...]
    values: Interval
    samples: int
    method: str

    def __str__(self) -> str:
        return self.describe()

    def describe(self, names: Sequence[Sequence[str]] | None = None) -> str:
        """The table to print; ``names`` are those of each population's strategies."""
        confidence = self.values.confidence
        lines = [f"{self.samples} tables resampled ({self.method})"]
        for population, interval in enumerate(self.weights):
            size = len(self.inclusion[population])
            labels = [str(i) for i in range(size)] if names is None else list(names[population])
            if len(labels) != size:
                raise ValueError(f"population {population} has {size} strategies, not {labels}")
            head = "strategy" if len(self.weights) == 1 else f"player {population}"
            left = max(len(label) for label in [head, *labels])
            lines.append(
                f"{head:{left}}  weight  in support  alone   mean  "
                f"{confidence:.0%} interval of the weight"
            )
            for i, label in enumerate(labels):
                lines.append(
                    f"{label:{left}}  {self.estimate.marginals[population][i]:6.3f}"
                    f"  {self.inclusion[population][i]:10.3f}"
                    f"  {self.alone[population][i]:5.3f}"
                    f"  {self.mean_weights[population][i]:5.3f}"
                    f"  [{interval.low[i]:.3f}, {interval.high[i]:.3f}]"
                )
        alike = len(self.weights) == 1
        for player, value in enumerate(self.estimate.values[:1] if alike else self.estimate.values):
            lines.append(
                f"value{'' if alike else f' of player {player}'}: {value:.4g} "
                f"[{self.values.low[player]:.4g}, {self.values.high[player]:.4g}]"
            )
        return "\n".join(lines)


def meta_strategy_uncertainty(
    table: EmpiricalGame,
    solver: MetaSolver,
    *,
    samples: int = 1000,
    rng: np.random.Generator,
    method: str = "auto",
    prior: float = 1.0,
    confidence: float = 0.95,
    tolerance: float = 1e-3,
) -> MetaStrategyUncertainty:
    """Solve many resampled tables, and say how far their meta-strategies agree.

    Parameters
    ----------
    table, method, prior
        See `EmpiricalGame.resample`.
    solver
        For example ``solvers.get("nash")``.
    tolerance
        A strategy belongs to the support if its weight is larger.

    Raises
    ------
    ValueError
        If the table cannot be resampled or solved, or ``samples`` is less than 2.
    """
    if samples < 2:
        raise ValueError(f"samples must be at least 2, got {samples}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie strictly between 0 and 1, got {confidence}")
    drawn = [solver.solve(table.resample(rng, method=method, prior=prior)) for _ in range(samples)]
    tails = [(1.0 - confidence) / 2, (1.0 + confidence) / 2]

    def percentiles(values: FloatArray) -> Interval:
        low, high = np.quantile(values, tails, axis=0)
        return Interval(low, high, confidence, "percentile")

    weights = [
        np.array([strategy.marginals[p] for strategy in drawn])
        for p in range(table.num_populations)
    ]
    return MetaStrategyUncertainty(
        estimate=solver.solve(table.payoffs()),
        inclusion=tuple(np.mean(w > tolerance, axis=0) for w in weights),
        alone=tuple(np.mean(w > 1.0 - tolerance, axis=0) for w in weights),
        mean_weights=tuple(w.mean(axis=0) for w in weights),
        weights=tuple(percentiles(w) for w in weights),
        values=percentiles(np.array([strategy.values for strategy in drawn])),
        samples=samples,
        method=method if method != "auto" else table.resampling_method(),
    )
