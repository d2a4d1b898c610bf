"""Nash equilibrium of the restricted game."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import (
    MetaStrategy,
    Payoffs,
    UnsupportedGameError,
    as_payoffs,
    is_constant_sum,
    meta_strategy,
    restricted_regrets,
    zero_sum_matrix,
)
from solvers.max_entropy import is_only_optimal, max_entropy_optimal
from solvers.mixed_integer import equilibrium
from solvers.quantal import QuantalResponse
from solvers.support_enumeration import (
    equilibria,
    indifferent_profile,
    num_supports,
    pure_equilibria,
)
from solvers.zero_sum import MatrixGameLP

Selection = Literal["any", "max_entropy"]

_LARGEST_ENUMERATION = 4096
"""Support profiles to visit before turning to another method."""

_NEAR_RATIONAL = 1e5
"""Log-odds per payoff range at which the logit branch is left for its limit."""

_HOMOTOPY_TOLERANCE = 1e-5
"""Regret, as a share of the payoff range, accepted of the limit."""


@dataclass
class Nash:
    """Nash equilibrium: the linear program where the game is zero-sum, search where it is not.

    Two-player constant-sum games of any size are solved by linear programming; a one-population
    game gives one strategy, its own best response. General-sum games (a one-population game for a
    *symmetric* equilibrium) are searched: two-player supports while they are few, then pure
    equilibria, the limit of the logit branch, and last a mixed-integer program.

    Parameters
    ----------
    selection
        ``"any"`` equilibrium, or the one of maximum entropy: unique in constant-sum games, so that
        two runs can be compared.
    lp_solver
        ``"highspy"`` for HiGHS's own interface, or the name of a cvxpy solver, ``"HIGHS"`` say; see
        `solvers.zero_sum.MatrixGameLP`.
    """

    selection: Selection = field(default="any", kw_only=True)
    lp_solver: str = field(default="highspy", kw_only=True)
    _lp: MatrixGameLP = field(init=False, repr=False)

    name: ClassVar[str] = "nash"
    summary: ClassVar[str] = "Nash equilibrium, any or the one of maximum entropy"
    games: ClassVar[str] = (
        "two-player constant-sum of any size; general-sum, any players, by search"
    )
    paper: ClassVar[str] = "von Neumann 1928; Nash 1950; Porter, Nudelman & Shoham 2008"

    def __post_init__(self) -> None:
        if self.selection not in ("any", "max_entropy"):
            raise ValueError(f"selection must be 'any' or 'max_entropy', got {self.selection!r}")
        self._lp = MatrixGameLP(self.lp_solver)

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`.

        Diagnostics: ``method``; ``noise`` averaged out of a sampled antisymmetric table;
        ``unique``: True or False where the method proves it, else None.

        Raises
        ------
        UnsupportedGameError
            If no equilibrium was found, or maximum entropy is asked of a general-sum game.
        """
        game = as_payoffs(payoffs)
        if is_constant_sum(game):
            return self._solve_zero_sum(game)
        if self.selection != "any":
            raise UnsupportedGameError(
                "selection='max_entropy' needs a two-player constant-sum game: elsewhere the "
                "equilibria are not a convex set"
            )
        return _search(game)

    def _solve_zero_sum(self, game: Payoffs) -> MetaStrategy:
        matrix, _, noise = zero_sum_matrix(game)
        solution = self._lp.solve(matrix)
        if game.symmetric:
            # Antisymmetric: one optimal strategy serves both players, and the value is 0.
            sides = [(matrix, 0.0, solution.row, solution.row)]
        else:
            row, column = solution.row, solution.column
            sides = [
                (matrix, solution.value, row, column),
                (-matrix.T, -solution.value, column, row),
            ]
        unique = all(is_only_optimal(*side) for side in sides)
        marginals = [side[2] for side in sides]
        if self.selection == "max_entropy" and not unique:
            marginals = [max_entropy_optimal(*side) for side in sides]
        return meta_strategy(
            game,
            (marginals[0], marginals[-1]),
            diagnostics={
                "method": "linear program",
                "selection": self.selection,
                "unique": unique or None,
                "noise": noise,
            },
        )


def _search(game: Payoffs) -> MetaStrategy:
    """One equilibrium of a general-sum game."""
    supports = num_supports(game.num_strategies, symmetric=game.symmetric)
    if game.num_players == 2 and supports <= _LARGEST_ENUMERATION:
        enumerated = list(islice(equilibria(game, symmetric=game.symmetric), 2))
        if enumerated:
            return meta_strategy(
                game,
                enumerated[0],
                diagnostics={"method": "support enumeration", "unique": len(enumerated) == 1},
            )
    pure = pure_equilibria(game, symmetric=game.symmetric)
    if pure:
        marginals = tuple(
            np.eye(n)[strategy] for n, strategy in zip(game.num_strategies, pure[0], strict=True)
        )
        return meta_strategy(game, marginals, diagnostics={"method": "pure equilibrium"})
    limit = _homotopy_limit(game)
    if limit is not None:
        return limit
    if game.num_players == 2:
        found = equilibrium(game, symmetric=game.symmetric)
        if found is not None and restricted_regrets(game, found).max() <= 1e-6 * game.scale:
            return meta_strategy(game, found, diagnostics={"method": "mixed-integer program"})
    elif supports <= _LARGEST_ENUMERATION:
        for first in equilibria(game, symmetric=game.symmetric):
            return meta_strategy(game, first, diagnostics={"method": "support enumeration"})
    raise UnsupportedGameError(
        f"found no Nash equilibrium of this {game.num_players}-player general-sum game with "
        f"{game.num_strategies} strategies by enumeration, homotopy or integer programming; "
        "two-player constant-sum games of any size can be solved"
    )


def _homotopy_limit(game: Payoffs) -> MetaStrategy | None:
    """The equilibrium that the logit branch selects, polished on its support."""
    try:
        near = QuantalResponse(rationality=_NEAR_RATIONAL).solve(game)
    except UnsupportedGameError:
        return None
    supports = near.support(1e-4)
    marginals = indifferent_profile(game, supports, symmetric=game.symmetric, start=near.marginals)
    for candidate in (marginals, near.marginals):
        if candidate is not None and (
            restricted_regrets(game, candidate).max() <= _HOMOTOPY_TOLERANCE * game.scale
        ):
            return meta_strategy(game, candidate, diagnostics={"method": "logit homotopy"})
    return None
