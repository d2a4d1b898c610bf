"""Correlated and coarse correlated equilibria, for any number of players.

A joint distribution over profiles is a *correlated equilibrium* (CE) if no player gains by swapping
any strategy recommended to it for another (Aumann 1974), a *coarse* one (CCE) if none gains by a
fixed strategy chosen before the recommendation (Moulin and Vial 1978). Both are polytopes; each
solver here picks one point of it by its objective.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from solvers.base import (
    FloatArray,
    MetaStrategy,
    Payoffs,
    UnsupportedGameError,
    as_payoffs,
    joint_meta_strategy,
)
from solvers.convex import cvxpy, run

Objective = Literal["gini", "entropy", "welfare", "min_epsilon"]

_MOST_COEFFICIENTS = 1_000_000
"""Nonzero coefficients of the program that still fit in memory and patience."""

_NOISE = 1e-7
"""Weights below this are the interior-point method's, not the equilibrium's. They must not reach
a best response: an information state that is met with weight 1e-10 is still met."""

_EPSILON_SLACK = 1e-9
"""Relative slack kept above the least epsilon, so that the second program has an interior."""


def swap_gains(payoffs: Payoffs) -> csr_array:
    """Linear map from a flat joint to the gain of each swap: ``(sum n_p (n_p - 1), prod n)``.

    Row ``(p, a, b)`` is what player ``p`` gains by playing ``b`` whenever told ``a``.
    """
    index = np.arange(int(np.prod(payoffs.num_strategies))).reshape(payoffs.num_strategies)
    rows, columns, gains, row = [], [], [], 0
    for player in range(payoffs.num_players):
        own = np.moveaxis(payoffs.tensor[player], player, 0)
        profile = np.moveaxis(index, player, 0)
        n = own.shape[0]
        own, profile = own.reshape(n, -1), profile.reshape(n, -1)
        for told in range(n):
            others = np.delete(np.arange(n), told)
            rows.append(np.repeat(np.arange(row, row + n - 1), own.shape[1]))
            columns.append(np.tile(profile[told], n - 1))
            gains.append((own[others] - own[told]).ravel())
            row += n - 1
    return _sparse(rows, columns, gains, (row, index.size))


def fixed_gains(payoffs: Payoffs) -> csr_array:
    """Linear map from a flat joint to the gain of each fixed strategy: ``(sum n_p, prod n)``."""
    size = int(np.prod(payoffs.num_strategies))
    blocks = []
    for player in range(payoffs.num_players):
        own = payoffs.tensor[player]
        for strategy in range(own.shape[player]):
            deviating = np.take(own, [strategy], axis=player)
            blocks.append((deviating - own).ravel())
    return csr_array(np.stack(blocks).reshape(-1, size))


def _sparse(
    rows: list[Any], columns: list[Any], gains: list[Any], shape: tuple[int, int]
) -> csr_array:
    if not rows:
        return csr_array(shape)
    return csr_array(
        (np.concatenate(gains), (np.concatenate(rows), np.concatenate(columns))), shape=shape
    )


def num_coefficients(payoffs: Payoffs, *, coarse: bool) -> int:
    """Size of `fixed_gains` or `swap_gains`: entries that may differ from zero."""
    size = int(np.prod(payoffs.num_strategies))
    return size * sum(n if coarse else n - 1 for n in payoffs.num_strategies)


def equilibrium_joint(
    payoffs: Payoffs, objective: Objective, *, coarse: bool, epsilon: float
) -> tuple[FloatArray, float]:
    """One (coarse) correlated equilibrium.

    Parameters
    ----------
    objective
        What to optimise over the polytope.
    epsilon
        Gain that deviations may have, as a share of the payoff range (ignored, and minimised,
        with ``"min_epsilon"``).

    Returns
    -------
    joint : float64 array ``(n1, ..., nN)``
    epsilon : float
        The gain allowed, as a share of the payoff range.
    """
    cp = cvxpy()
    scale = payoffs.scale or 1.0
    gains = (fixed_gains(payoffs) if coarse else swap_gains(payoffs)) / scale
    joint = cp.Variable(gains.shape[1], nonneg=True)
    proper = cp.sum(joint) == 1.0
    if objective == "min_epsilon" and gains.shape[0] > 0:
        least = cp.Variable()
        run(cp.Problem(cp.Minimize(least), [proper, gains @ joint <= least]), "HIGHS")
        epsilon = float(least.value) + _EPSILON_SLACK
    constraints = [proper]
    if gains.shape[0] > 0:
        constraints.append(gains @ joint <= epsilon)
    if objective == "welfare":
        welfare = payoffs.tensor.sum(axis=0).ravel()
        spread = float(np.ptp(welfare)) or 1.0
        gain = (welfare - welfare.min()) / spread
        run(cp.Problem(cp.Maximize(gain @ joint), constraints), "HIGHS")
    elif objective == "entropy":
        run(cp.Problem(cp.Maximize(cp.sum(cp.entr(joint))), constraints), "CLARABEL")
    else:
        run(cp.Problem(cp.Minimize(cp.sum_squares(joint)), constraints), "CLARABEL")
    weights = np.where(joint.value < _NOISE, 0.0, joint.value)
    return (weights / weights.sum()).reshape(payoffs.num_strategies), epsilon


@dataclass(frozen=True)
class _Correlated:
    """Shared by the solvers below.

    Parameters
    ----------
    epsilon
        Gain that deviations may have, as a share of the payoff range.
    """

    epsilon: float = field(default=0.0, kw_only=True)

    objective: ClassVar[Objective]
    coarse: ClassVar[bool]
    games: ClassVar[str] = "any number of players, any payoffs, up to about 60 x 60"

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`.

        The answer is the ``joint``; ``marginals`` are its marginals, and ``regrets`` the gains of
        the concept's own deviations: fixed ones for a CCE, swaps for a CE. Diagnostics:
        ``epsilon`` allowed, as a share of the payoff range; ``unique``.
        """
        game = as_payoffs(payoffs)
        size = num_coefficients(game, coarse=self.coarse)
        if size > _MOST_COEFFICIENTS:
            raise UnsupportedGameError(
                f"{type(self).__name__} needs a smaller game: {game.num_strategies} strategies "
                f"make {size:,} coefficients, and {_MOST_COEFFICIENTS:,} are the most it takes"
            )
        joint, epsilon = equilibrium_joint(
            game, self.objective, coarse=self.coarse, epsilon=self.epsilon
        )
        if game.symmetric:
            # The set of equilibria is convex and blind to the players' names.
            orders = list(permutations(range(game.num_players)))
            joint = sum((joint.transpose(order) for order in orders), np.zeros_like(joint))
        return joint_meta_strategy(
            game,
            joint,
            correlated=not self.coarse,
            diagnostics={
                "epsilon": epsilon,
                "unique": True if self.objective != "welfare" else None,
            },
        )


@dataclass(frozen=True)
class MaxGiniCE(_Correlated):
    """Correlated equilibrium of maximum Gini impurity: the joint nearest to uniform."""

    name: ClassVar[str] = "mgce"
    summary: ClassVar[str] = "correlated equilibrium of maximum Gini impurity"
    paper: ClassVar[str] = "Marris et al. 2021"
    objective: ClassVar[Objective] = "gini"
    coarse: ClassVar[bool] = False


@dataclass(frozen=True)
class MaxGiniCCE(_Correlated):
    """Coarse correlated equilibrium of maximum Gini impurity: the joint nearest to uniform."""

    name: ClassVar[str] = "mgcce"
    summary: ClassVar[str] = "coarse correlated equilibrium of maximum Gini impurity"
    paper: ClassVar[str] = "Marris et al. 2021"
    objective: ClassVar[Objective] = "gini"
    coarse: ClassVar[bool] = True


@dataclass(frozen=True)
class MaxEntropyCE(_Correlated):
    """Correlated equilibrium of maximum entropy."""

    name: ClassVar[str] = "mece"
    summary: ClassVar[str] = "correlated equilibrium of maximum entropy"
    paper: ClassVar[str] = "Ortiz, Schapire & Kakade 2007"
    objective: ClassVar[Objective] = "entropy"
    coarse: ClassVar[bool] = False


@dataclass(frozen=True)
class MaxEntropyCCE(_Correlated):
    """Coarse correlated equilibrium of maximum entropy."""

    name: ClassVar[str] = "mecce"
    summary: ClassVar[str] = "coarse correlated equilibrium of maximum entropy"
    paper: ClassVar[str] = "Ortiz, Schapire & Kakade 2007"
    objective: ClassVar[Objective] = "entropy"
    coarse: ClassVar[bool] = True


@dataclass(frozen=True)
class MaxWelfareCE(_Correlated):
    """Correlated equilibrium with the largest sum of payoffs (not unique)."""

    name: ClassVar[str] = "mwce"
    summary: ClassVar[str] = "correlated equilibrium of maximum welfare"
    paper: ClassVar[str] = "Aumann 1974; Marris et al. 2021"
    objective: ClassVar[Objective] = "welfare"
    coarse: ClassVar[bool] = False


@dataclass(frozen=True)
class MaxWelfareCCE(_Correlated):
    """Coarse correlated equilibrium with the largest sum of payoffs (not unique)."""

    name: ClassVar[str] = "mwcce"
    summary: ClassVar[str] = "coarse correlated equilibrium of maximum welfare"
    paper: ClassVar[str] = "Moulin & Vial 1978; Marris et al. 2021"
    objective: ClassVar[Objective] = "welfare"
    coarse: ClassVar[bool] = True


@dataclass(frozen=True)
class MinEpsilonCE(_Correlated):
    """The strictest correlated equilibrium; of those, the one of maximum Gini impurity."""

    name: ClassVar[str] = "min_epsilon_mgce"
    summary: ClassVar[str] = "correlated equilibrium whose best swap loses most"
    paper: ClassVar[str] = "Marris et al. 2021"
    objective: ClassVar[Objective] = "min_epsilon"
    coarse: ClassVar[bool] = False


@dataclass(frozen=True)
class MinEpsilonCCE(_Correlated):
    """The strictest coarse correlated equilibrium; of those, the one of maximum Gini impurity."""

    name: ClassVar[str] = "min_epsilon_mgcce"
    summary: ClassVar[str] = "coarse correlated equilibrium whose best deviation loses most"
    paper: ClassVar[str] = "Marris et al. 2021"
    objective: ClassVar[Objective] = "min_epsilon"
    coarse: ClassVar[bool] = True
