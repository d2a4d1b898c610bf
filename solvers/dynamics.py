"""Evolutionary dynamics as ordinary differential equations, integrated to a rest point.

Sandholm 2010, "Population Games and Evolutionary Dynamics", chapters 4-6. One population per
player, or one for a symmetric game; payoffs are divided by their range, so time has no unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.special import softmax

from solvers.base import (
    FloatArray,
    MetaStrategy,
    Payoffs,
    as_payoffs,
    deviation_payoffs,
    meta_strategy,
    normalised,
    restricted_regrets,
)

Velocity = Callable[[FloatArray, FloatArray], FloatArray]
"""Change of a mix ``(n,)``, given the mix ``(n,)`` and the strategies' payoffs ``(n,)``."""

_SMALLEST_LOG_WEIGHT = -700.0


@dataclass(frozen=True)
class Trajectory:
    """A path through mixed strategies.

    Attributes
    ----------
    times : float64 array ``(k,)``
    mixes : tuple of float64 arrays ``(k, n_p)``
        One per population: a symmetric game has a single one.
    average : tuple of float64 arrays ``(n_p,)``
        Time average of each population's mix.
    residual : float
        Largest speed of any probability at the end, payoffs in units of their range.
    """

    times: FloatArray
    mixes: tuple[FloatArray, ...]
    average: tuple[FloatArray, ...]
    residual: float


def integrate(
    payoffs: ArrayLike | Payoffs,
    velocity: Velocity,
    *,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 1000.0,
    tolerance: float = 1e-8,
    logarithmic: bool = False,
    rtol: float = 1e-8,
) -> Trajectory:
    """Follow a dynamic until it rests or the time is over.

    Parameters
    ----------
    start
        One mix per population; uniform by default.
    duration
        Time to follow it for at most, payoffs in units of their range.
    tolerance
        Stop once no probability moves faster than this.
    logarithmic
        Integrate the logarithms of the mixes: for dynamics in which strategies never appear from
        nothing, this keeps the path inside the simplex exactly. Needs an interior start.
    rtol
        Relative tolerance of the integrator (Dormand-Prince 5(4)).

    Raises
    ------
    ValueError
        If the start does not fit the game.
    """
    game = as_payoffs(payoffs)
    sizes = population_sizes(game)
    mixes = _start(sizes, start)
    if logarithmic and min(float(mix.min()) for mix in mixes) <= 0.0:
        raise ValueError("this dynamic needs a start with every strategy present")
    dimension = sum(sizes)
    cuts = np.cumsum(sizes)[:-1]

    def decode(state: FloatArray) -> list[FloatArray]:
        parts = np.split(state[:dimension], cuts)
        if logarithmic:
            return [softmax(part) for part in parts]
        return [normalised(part) for part in parts]

    def speeds(parts: list[FloatArray]) -> list[FloatArray]:
        return [
            velocity(mix, values)
            for mix, values in zip(parts, scaled_values(game, parts), strict=True)
        ]

    def derivative(_: float, state: FloatArray) -> FloatArray:
        parts = decode(state)
        moves = speeds(parts)
        if logarithmic:
            floor = np.exp(_SMALLEST_LOG_WEIGHT)
            moves = [move / np.maximum(mix, floor) for move, mix in zip(moves, parts, strict=True)]
        return np.concatenate([*moves, *parts])

    def resting(_: float, state: FloatArray) -> float:
        return max(float(np.abs(move).max()) for move in speeds(decode(state))) - tolerance

    resting.terminal = True  # type: ignore[attr-defined]
    begin = np.concatenate(mixes)
    first = np.concatenate([np.log(begin) if logarithmic else begin, np.zeros(dimension)])
    if resting(0.0, first) <= 0.0:
        return Trajectory(
            np.zeros(1),
            tuple(mix[None] for mix in mixes),
            tuple(mixes),
            resting(0.0, first) + tolerance,
        )
    solution: Any = solve_ivp(
        derivative, (0.0, duration), first, events=resting, rtol=rtol, atol=1e-10
    )
    paths = [decode(state) for state in solution.y.T]
    final = solution.y[:, -1]
    return Trajectory(
        times=solution.t,
        mixes=tuple(np.stack(path) for path in zip(*paths, strict=True)),
        average=tuple(normalised(part) for part in np.split(final[dimension:], cuts)),
        residual=max(float(np.abs(move).max()) for move in speeds(paths[-1])),
    )


def rest_point(game: Payoffs, trajectory: Trajectory, *, tolerance: float) -> MetaStrategy:
    """The meta-strategy of a trajectory: its end, or its time average if that has less regret.

    A trajectory that came to rest gives its end.
    The time average of a cycling interior path is what converges in zero-sum games (Hofbauer,
    Sorin and Viossat 2009).
    """
    final = every_player(game, [mix[-1] for mix in trajectory.mixes])
    average = every_player(game, trajectory.average)
    converged = trajectory.residual <= tolerance * (1.0 + 1e-6)
    take_final = converged or (
        restricted_regrets(game, final).max() <= restricted_regrets(game, average).max()
    )
    diagnostics = {
        "residual": trajectory.residual,
        "converged": converged,
        "returned": "final" if take_final else "time average",
        "time": float(trajectory.times[-1]),
        "iterations": len(trajectory.times) - 1,
    }
    return meta_strategy(game, final if take_final else average, diagnostics=diagnostics)


def population_sizes(game: Payoffs) -> tuple[int, ...]:
    """Number of strategies of each population: one for all players of a symmetric game."""
    return game.num_strategies[:1] if game.symmetric else game.num_strategies


def every_player(game: Payoffs, mixes: Sequence[FloatArray]) -> tuple[FloatArray, ...]:
    """One mix per player from one mix per population."""
    return (mixes[0],) * game.num_players if game.symmetric else tuple(mixes)


def scaled_values(game: Payoffs, mixes: Sequence[FloatArray]) -> list[FloatArray]:
    """Payoff of each population's strategies in units of the payoff range, best-known origin 0."""
    marginals = every_player(game, mixes)
    scale = game.scale or 1.0
    values = (deviation_payoffs(game, marginals, player) for player in range(len(mixes)))
    return [(value - value.max()) / scale for value in values]


def _start(sizes: tuple[int, ...], start: Sequence[ArrayLike] | None) -> list[FloatArray]:
    if start is None:
        return [np.full(n, 1.0 / n) for n in sizes]
    mixes = [normalised(mix) for mix in start]
    if tuple(mix.shape for mix in mixes) != tuple((n,) for n in sizes):
        raise ValueError(
            f"start needs one mix per population of {sizes} strategies, "
            f"got shapes {[mix.shape for mix in mixes]}"
        )
    return mixes
