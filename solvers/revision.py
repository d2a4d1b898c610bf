"""Smith, Brown-von Neumann-Nash and logit dynamics: strategies may appear from nothing.

Sandholm 2010, "Population Games and Evolutionary Dynamics", section 5. The rest points of the
first two are exactly the Nash equilibria; of the last, the logit quantal response equilibria.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from solvers.base import FloatArray, MetaStrategy, Payoffs, as_payoffs
from solvers.dynamics import Velocity, integrate, rest_point


def smith_velocity(mix: FloatArray, values: FloatArray) -> FloatArray:
    """Switch between each pair of strategies at the rate of the payoff difference."""
    order = np.argsort(values)
    ranked, weight = values[order], mix[order]
    below = np.cumsum(weight) * ranked - np.cumsum(weight * ranked)
    above = np.cumsum(ranked[::-1])[::-1] - ranked * np.arange(len(mix), 0, -1)
    result = np.empty_like(mix)
    result[order] = below - weight * above
    return result


def bnn_velocity(mix: FloatArray, values: FloatArray) -> FloatArray:
    """Switch to strategies that beat the average at the rate by which they do."""
    excess = np.maximum(values - mix @ values, 0.0)
    result: FloatArray = excess - mix * excess.sum()
    return result


def logit_velocity(temperature: float) -> Velocity:
    """Move towards the logit response; ``temperature`` in units of the payoff range."""

    def velocity(mix: FloatArray, values: FloatArray) -> FloatArray:
        result: FloatArray = softmax(values / temperature) - mix
        return result

    return velocity


def _check(duration: float, tolerance: float) -> None:
    if duration <= 0.0 or tolerance <= 0.0:
        raise ValueError(f"duration and tolerance must be positive, got {duration}, {tolerance}")


@dataclass(frozen=True)
class Smith:
    """Smith's pairwise comparison dynamic, from uniform, integrated until it rests.

    Parameters
    ----------
    duration
        Time to integrate for, payoffs in units of their range.
    tolerance
        Speed at which the population counts as at rest.
    """

    duration: float = field(default=200.0, kw_only=True)
    tolerance: float = field(default=1e-6, kw_only=True)

    name: ClassVar[str] = "smith"
    summary: ClassVar[str] = "rest point of pairwise payoff comparison"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Smith 1984"

    def __post_init__(self) -> None:
        _check(self.duration, self.tolerance)

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.dynamics.rest_point`."""
        return _solve(payoffs, smith_velocity, self.duration, self.tolerance)


@dataclass(frozen=True)
class BNN:
    """The Brown-von Neumann-Nash dynamic, from uniform, integrated until it rests.

    Parameters
    ----------
    duration
        Time to integrate for, payoffs in units of their range.
    tolerance
        Speed at which the population counts as at rest.
    """

    duration: float = field(default=300.0, kw_only=True)
    tolerance: float = field(default=1e-6, kw_only=True)

    name: ClassVar[str] = "bnn"
    summary: ClassVar[str] = "rest point of growth by excess payoff"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Brown & von Neumann 1950"

    def __post_init__(self) -> None:
        _check(self.duration, self.tolerance)

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.dynamics.rest_point`."""
        return _solve(payoffs, bnn_velocity, self.duration, self.tolerance)


@dataclass(frozen=True)
class LogitDynamics:
    """Perturbed best response by the logit rule, from uniform, integrated until it rests.

    Parameters
    ----------
    temperature
        Noise of the response, in units of the payoff range.
    duration
        Time to integrate for.
    tolerance
        Speed at which the population counts as at rest.
    """

    temperature: float = field(default=0.1, kw_only=True)
    duration: float = field(default=200.0, kw_only=True)
    tolerance: float = field(default=1e-8, kw_only=True)

    name: ClassVar[str] = "logit"
    summary: ClassVar[str] = "rest point of smoothed best response (a quantal response)"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Fudenberg & Levine 1998"

    def __post_init__(self) -> None:
        _check(self.duration, self.tolerance)
        if self.temperature <= 0.0:
            raise ValueError(f"temperature must be positive, got {self.temperature}")

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.dynamics.rest_point`."""
        return _solve(payoffs, logit_velocity(self.temperature), self.duration, self.tolerance)


def _solve(
    payoffs: ArrayLike | Payoffs, velocity: Velocity, duration: float, tolerance: float
) -> MetaStrategy:
    game = as_payoffs(payoffs)
    path = integrate(game, velocity, duration=duration, tolerance=tolerance)
    return rest_point(game, path, tolerance=tolerance)
