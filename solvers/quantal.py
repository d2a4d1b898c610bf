"""Logit quantal response equilibrium, traced from uniform play by homotopy.

McKelvey and Palfrey 1995, "Quantal Response Equilibria for Normal Form Games"; Turocy 2005, "A
dynamic homotopy interpretation of the logistic quantal response equilibrium correspondence".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import (
    FloatArray,
    MetaStrategy,
    Payoffs,
    UnsupportedGameError,
    as_payoffs,
    meta_strategy,
)
from solvers.dynamics import every_player, population_sizes
from solvers.no_regret import unit_payoffs

_CORRECTOR_TOLERANCE = 1e-10
_MAX_CORRECTOR_STEPS = 8
_SMALLEST_STEP = 1e-9

_STRAIGHT = 0.9
"""Cosine of the largest turn in one step: more may have jumped to another branch."""


@dataclass(frozen=True)
class QuantalResponse:
    """Every strategy is played with odds that grow exponentially in its payoff.

    The branch followed is the one that starts at uniform play, which is connected and, as
    rationality grows without bound, selects a Nash equilibrium.

    Parameters
    ----------
    rationality
        Log-odds per payoff range: 0 is uniform play, large values approach a Nash equilibrium.
    max_steps
        Steps along the branch before giving up.
    """

    rationality: float = field(default=20.0, kw_only=True)
    max_steps: int = field(default=2000, kw_only=True)

    name: ClassVar[str] = "quantal"
    summary: ClassVar[str] = "logit quantal response equilibrium on the principal branch"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "McKelvey & Palfrey 1995; Turocy 2005"

    def __post_init__(self) -> None:
        if not 0.0 <= self.rationality < np.inf:
            raise ValueError(f"rationality must be finite, at least 0, got {self.rationality}")

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`.

        Diagnostics: ``rationality``; ``residual``, the largest error in a log-odds; ``iterations``,
        steps along the branch.

        Raises
        ------
        UnsupportedGameError
            If the branch could not be followed so far within ``max_steps``.
        """
        game = as_payoffs(payoffs)
        branch = _Branch(unit_payoffs(game))
        point, steps = _follow(branch, self.rationality, self.max_steps)
        mixes = every_player(game, branch.mixes(point))
        return meta_strategy(
            game,
            mixes,
            diagnostics={
                "rationality": float(point[-1]),
                "residual": float(np.abs(branch.error(point)).max()),
                "iterations": steps,
            },
        )


class _Branch:
    """The curve of quantal responses in (log-probabilities of all populations, rationality)."""

    def __init__(self, game: Payoffs) -> None:
        self._game = game
        self._sizes = population_sizes(game)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self.dimension = int(self._starts[-1])

    def start(self) -> FloatArray:
        """Uniform play at rationality 0."""
        return np.concatenate([*(np.full(n, -np.log(n)) for n in self._sizes), [0.0]])

    def mixes(self, point: FloatArray) -> list[FloatArray]:
        """Mix of each population at a point of the curve."""
        return [np.exp(point[self._slice(p)]) for p in range(len(self._sizes))]

    def error(self, point: FloatArray) -> FloatArray:
        """``(d,)``: each log-odds less what the payoffs call for; each total less 1."""
        values = self._values(self.mixes(point))
        parts = []
        for population, value in enumerate(values):
            log_odds = point[self._slice(population)]
            surplus = log_odds - log_odds[0] - point[-1] * (value - value[0])
            surplus[0] = np.exp(log_odds).sum() - 1.0
            parts.append(surplus)
        return np.concatenate(parts)

    def jacobian(self, point: FloatArray) -> FloatArray:
        """Derivative ``(d, d + 1)`` of `error`."""
        mixes = self.mixes(point)
        result = np.zeros((self.dimension, self.dimension + 1))
        for population, value in enumerate(self._values(mixes)):
            rows = self._slice(population)
            for other in range(len(mixes)):
                slopes = self._slopes(mixes, population, other)
                if slopes is not None:
                    weighted = -point[-1] * (slopes - slopes[0]) * mixes[other]
                    result[rows, self._slice(other)] += weighted
            own = np.arange(rows.start, rows.stop)
            result[own, own] += 1.0
            result[own, rows.start] -= 1.0
            result[own, -1] = -(value - value[0])
            result[rows.start] = 0.0
            result[rows.start, rows] = mixes[population]
        return result

    def _slice(self, population: int) -> slice:
        return slice(int(self._starts[population]), int(self._starts[population + 1]))

    def _values(self, mixes: list[FloatArray]) -> list[FloatArray]:
        marginals = every_player(self._game, mixes)
        return [self._contract(marginals, p, keep=(p,)) for p in range(len(mixes))]

    def _slopes(self, mixes: list[FloatArray], population: int, other: int) -> FloatArray | None:
        """Payoffs ``(n_population, n_other)`` against one strategy of the other population.

        A symmetric game's one population meets itself in every opponent.
        """
        marginals = every_player(self._game, mixes)
        if self._game.symmetric:
            pairs = range(1, self._game.num_players)
            met = [self._contract(marginals, 0, keep=(0, opponent)) for opponent in pairs]
            total: FloatArray = np.sum(met, axis=0)
            return total
        if population == other:
            return None
        return self._contract(marginals, population, keep=(population, other))

    def _contract(
        self, marginals: tuple[FloatArray, ...], player: int, *, keep: tuple[int, ...]
    ) -> FloatArray:
        """Expected payoff of ``player``, the strategies of the players kept left open."""
        result: FloatArray = self._game.tensor[player]
        for axis in reversed(range(self._game.num_players)):
            if axis not in keep:
                result = np.moveaxis(result, axis, -1) @ marginals[axis]
        if len(keep) == 2 and keep[0] > keep[1]:
            result = result.T
        return result


def _follow(branch: _Branch, target: float, max_steps: int) -> tuple[FloatArray, int]:
    """Predictor-corrector continuation until the rationality is the target."""
    point = branch.start()
    if target == 0.0:
        return point, 0
    # At rationality 0 only the rationality's own column depends on the payoffs.
    towards = np.append(np.zeros(branch.dimension), 1.0)
    tangent = _tangent(branch.jacobian(point), towards)
    step = 0.1
    for taken in range(1, max_steps + 1):
        if point[-1] + step * tangent[-1] >= target:
            reached = _correct(branch, _cut(point, tangent, target), towards)
            if reached is not None:
                return reached, taken
        advanced = _advance(branch, point, tangent, step)
        while advanced is None:
            step /= 2.0
            if step < _SMALLEST_STEP:
                raise UnsupportedGameError(
                    "needs a game whose quantal response branch can be followed; this one "
                    f"was lost at rationality {point[-1]:.6g} of {target:.6g}"
                )
            advanced = _advance(branch, point, tangent, step)
        point, tangent = advanced
        # The branch straightens as it goes: a step may grow with the distance travelled.
        step = min(step * 1.5, 1.0 + float(point[-1]))
    raise UnsupportedGameError(
        f"needs more than {max_steps} steps along the branch: rationality {point[-1]:.6g} of "
        f"{target:.6g} was reached"
    )


def _advance(
    branch: _Branch, point: FloatArray, tangent: FloatArray, step: float
) -> tuple[FloatArray, FloatArray] | None:
    """One step along the curve: point and tangent, or None where it was too long."""
    corrected = _correct(branch, point + step * tangent, tangent)
    if corrected is None:
        return None
    try:
        turned = _tangent(branch.jacobian(corrected), tangent)
    except np.linalg.LinAlgError:
        return None  # Exactly where branches meet.
    return (corrected, turned) if turned @ tangent >= _STRAIGHT else None


def _cut(point: FloatArray, tangent: FloatArray, target: float) -> FloatArray:
    """Where the tangent line meets the target rationality."""
    cut: FloatArray = point + tangent * ((target - point[-1]) / tangent[-1])
    cut[-1] = target
    return cut


def _tangent(jacobian: FloatArray, previous: FloatArray) -> FloatArray:
    """Unit vector along the curve, on the side of ``previous``."""
    bordered = np.vstack([jacobian, previous])
    target = np.append(np.zeros(len(jacobian)), 1.0)
    direction = np.linalg.solve(bordered, target)
    result: FloatArray = direction / np.linalg.norm(direction)
    return result


def _correct(branch: _Branch, point: FloatArray, across: FloatArray) -> FloatArray | None:
    """Newton's method back to the curve, in the plane across a direction; None if it fails."""
    for _ in range(_MAX_CORRECTOR_STEPS):
        with np.errstate(over="ignore", invalid="ignore"):
            error = branch.error(point)
        if not np.all(np.isfinite(error)) or np.abs(error).max() > 1e3:
            return None
        if np.abs(error).max() <= _CORRECTOR_TOLERANCE * max(1.0, abs(float(point[-1]))):
            return point
        bordered = np.vstack([branch.jacobian(point), across])
        try:
            move = np.linalg.solve(bordered, np.append(-error, 0.0))
        except np.linalg.LinAlgError:
            return None
        point = point + move
    return None
