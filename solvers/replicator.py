"""Replicator dynamics: strategies grow at the rate by which they beat the average."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import FloatArray, MetaStrategy, Payoffs, as_payoffs
from solvers.dynamics import Velocity, integrate, rest_point
from solvers.no_regret import check_stopping, self_play


def replicator_velocity(mutation: float = 0.0) -> Velocity:
    """``x_i (f_i - mean f) + mutation (1/n - x_i)``; payoffs ``f`` in units of their range."""

    def velocity(mix: FloatArray, values: FloatArray) -> FloatArray:
        selection = mix * (values - mix @ values)
        result: FloatArray = selection + mutation * (1.0 / len(mix) - mix)
        return result

    return velocity


@dataclass(frozen=True)
class Replicator:
    """The replicator equation, from uniform, integrated until it rests.

    Where it cycles, as in zero-sum games with a mixed equilibrium, the time average is returned,
    and diagnostics say so.

    Parameters
    ----------
    mutation
        Rate of uniform mutation: above 0 the dynamic is inward at the boundary and its rest point
        lies off the equilibrium by as much.
    duration
        Time to integrate for, payoffs in units of their range.
    tolerance
        Speed at which the population counts as at rest.
    """

    mutation: float = field(default=0.0, kw_only=True)
    duration: float = field(default=1000.0, kw_only=True)
    tolerance: float = field(default=1e-8, kw_only=True)

    name: ClassVar[str] = "replicator"
    summary: ClassVar[str] = "rest point, or time average, of the replicator equation"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Taylor & Jonker 1978"

    def __post_init__(self) -> None:
        if self.mutation < 0.0 or self.duration <= 0.0 or self.tolerance <= 0.0:
            raise ValueError(
                "mutation must be at least 0, duration and tolerance above 0; got "
                f"{self.mutation}, {self.duration}, {self.tolerance}"
            )

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`.

        Diagnostics: ``residual`` (speed at the end), ``converged``, ``returned`` (``"final"`` or
        ``"time average"``), ``time``, ``iterations``.
        """
        game = as_payoffs(payoffs)
        path = integrate(
            game,
            replicator_velocity(self.mutation),
            duration=self.duration,
            tolerance=self.tolerance,
            logarithmic=True,
        )
        return rest_point(game, path, tolerance=self.tolerance)


class _DiscreteReplicator:
    """Offspring in proportion to fitness, a share of which mutates to a uniform strategy."""

    def __init__(self, n: int, *, background: float, mutation: float) -> None:
        self.mix: FloatArray = np.full(n, 1.0 / n)
        self._background = background
        self._mutation = mutation

    def observe(self, values: FloatArray) -> None:
        """Breed; see `solvers.no_regret.Learner.observe`."""
        offspring = self.mix * (self._background + values)
        n = len(offspring)
        self.mix = (1.0 - self._mutation) * offspring / offspring.sum() + self._mutation / n


@dataclass(frozen=True)
class DiscreteReplicator:
    """Generations of the discrete replicator map with mutation, from uniform, averaged.

    Parameters
    ----------
    background
        Fitness that everyone has besides the payoff, in units of the payoff range: the larger, the
        slower selection, and the nearer the map to the differential equation.
    mutation
        Share of offspring that play a uniformly drawn strategy.
    iterations
        Generations, at most.
    target_regret
        Stop when no player's regret exceeds this share of the payoff range.
    """

    background: float = field(default=10.0, kw_only=True)
    mutation: float = field(default=0.0, kw_only=True)
    iterations: int = field(default=20_000, kw_only=True)
    target_regret: float = field(default=1e-3, kw_only=True)

    name: ClassVar[str] = "discrete_replicator"
    summary: ClassVar[str] = "average of the discrete replicator map, with mutation"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Maynard Smith 1982; Hofbauer & Sigmund 1998"

    def __post_init__(self) -> None:
        check_stopping(self.iterations, self.target_regret)
        if self.background <= 0.0 or not 0.0 <= self.mutation <= 1.0:
            raise ValueError(
                "background must be positive and mutation in [0, 1], got "
                f"{self.background}, {self.mutation}"
            )

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve` and `solvers.no_regret.self_play`."""
        return self_play(
            payoffs,
            lambda n: _DiscreteReplicator(n, background=self.background, mutation=self.mutation),
            iterations=self.iterations,
            target_regret=self.target_regret,
            alternating=False,
            averaging_power=0.0,
        )
