"""What every meta-solver takes and gives: payoffs in, a meta-strategy out.

A *meta-game* is a normal-form game whose strategies are policies. Payoffs come in two shapes:

- a square matrix ``(n, n)``: one population, two interchangeable players. Entry ``[i, j]`` is the
  row player's payoff; the column player's is entry ``[j, i]``. Win rates (``M + M.T == 1``) and
  antisymmetric payoffs (``M + M.T == 0``) are both accepted as they are.
- a tensor ``(players, n1, ..., nN)``: one population per player; entry ``[p, s1, ..., sN]`` is
  player ``p``'s payoff.

Symmetric games of three and more players are given as a tensor with ``symmetric=True``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]

_CONSTANT_SUM_TOLERANCE = 1e-9
"""Relative to the payoff scale: how far sums may spread and still count as exactly constant."""

_ANTISYMMETRY_NOISE = 0.1
"""Relative to the payoff scale: sampled tables within this of constant-sum may be averaged.

Beyond it the table is a general-sum game: Hawk-Dove and the Prisoner's Dilemma are at 0.45, 0.25.
"""


class UnsupportedGameError(ValueError):
    """The solver cannot take this game; the message says what it can take."""


@dataclass(frozen=True)
class Payoffs:
    """A validated meta-game.

    Attributes
    ----------
    tensor : float64 array ``(players, n1, ..., nN)``
        Payoff of each player at each profile.
    symmetric : bool
        Whether the players are interchangeable: one population serves all of them, and one
        marginal describes all of them.
    """

    tensor: FloatArray
    symmetric: bool

    @property
    def num_players(self) -> int:
        """Number of players."""
        return self.tensor.ndim - 1

    @property
    def num_strategies(self) -> tuple[int, ...]:
        """Number of strategies of each player."""
        return self.tensor.shape[1:]

    @property
    def matrix(self) -> FloatArray:
        """Row player's payoffs ``(n1, n2)`` of a two-player game.

        Raises
        ------
        UnsupportedGameError
            If the game has more or fewer than two players.
        """
        if self.num_players != 2:
            raise UnsupportedGameError(
                f"a payoff matrix needs two players, this game has {self.num_players}"
            )
        matrix: FloatArray = self.tensor[0]
        return matrix

    @cached_property
    def scale(self) -> float:
        """Largest payoff difference of any player; 0 for a constant game."""
        axes = tuple(range(1, self.tensor.ndim))
        return float(np.max(np.max(self.tensor, axis=axes) - np.min(self.tensor, axis=axes)))

    @cached_property
    def constant_sum(self) -> float | None:
        """The sum of payoffs if it is the same at every profile, else ``None``."""
        total = self.tensor.sum(axis=0)
        size = max(self.scale, float(np.max(np.abs(self.tensor))))
        if float(np.ptp(total)) > _CONSTANT_SUM_TOLERANCE * size:
            return None
        return float(total.mean())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The game as users write it: a matrix if symmetric with two players, else the tensor."""
        array = self.tensor[0] if self.symmetric and self.num_players == 2 else self.tensor
        return np.array(array, dtype=dtype)


def as_payoffs(payoffs: ArrayLike | Payoffs, *, symmetric: bool | None = None) -> Payoffs:
    """Validate payoffs.

    Parameters
    ----------
    payoffs
        ``(n, n)`` matrix, ``(players, n1, ..., nN)`` tensor, or a `Payoffs` (returned as it is).
    symmetric
        For a tensor: whether one population serves every player (checked). Matrices are always
        symmetric games; pass a bimatrix game as a ``(2, n1, n2)`` tensor.

    Raises
    ------
    ValueError
        If the payoffs are ragged, empty, not finite, or of a shape that is neither of the two.
    """
    if isinstance(payoffs, Payoffs):
        return payoffs
    try:
        array = np.asarray(payoffs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "payoffs must be numbers in a full (n, n) matrix or (players, n1, ..., nN) tensor; "
            f"these are ragged or not numeric ({error})"
        ) from None
    if array.size == 0:
        raise ValueError(f"payoffs are empty (shape {array.shape}); at least one strategy each")
    if not np.all(np.isfinite(array)):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"payoffs must be finite; entry {where} is {array[where]}")
    if array.ndim == 2:
        if array.shape[0] != array.shape[1]:
            raise ValueError(
                f"a payoff matrix must be square (one population), got shape {array.shape}; "
                "give a game with a population per player as a (players, n1, ..., nN) tensor"
            )
        if symmetric is False:
            raise ValueError("an (n, n) matrix is one population; pass a (2, n, n) tensor instead")
        return Payoffs(np.stack([array, array.T]), symmetric=True)
    if array.ndim < 2 or array.shape[0] != array.ndim - 1:
        raise ValueError(
            "payoffs must be an (n, n) matrix or a (players, n1, ..., nN) tensor with as many "
            f"strategy axes as players, got shape {array.shape}"
        )
    result = Payoffs(array, symmetric=bool(symmetric))
    if symmetric:
        _check_symmetric(result)
    return result


def _check_symmetric(payoffs: Payoffs) -> None:
    """Raise ValueError unless swapping any two players swaps their payoffs."""
    tensor, players = payoffs.tensor, payoffs.num_players
    if len(set(payoffs.num_strategies)) != 1:
        raise ValueError(f"a symmetric game has one population, got {payoffs.num_strategies}")
    tolerance = 1e-9 * max(1.0, float(np.max(np.abs(tensor))))
    for player in range(1, players):
        if not np.allclose(
            tensor[player], np.swapaxes(tensor[0], 0, player), rtol=0.0, atol=tolerance
        ):
            raise ValueError(
                f"the game is not symmetric: player {player}'s payoffs are not player 0's with "
                "the players swapped"
            )


def is_constant_sum(payoffs: Payoffs) -> bool:
    """Whether `zero_sum_matrix` takes the game."""
    try:
        zero_sum_matrix(payoffs)
    except UnsupportedGameError:
        return False
    return True


def zero_sum_matrix(payoffs: Payoffs) -> tuple[FloatArray, float, float]:
    """Bring a two-player constant-sum game to zero-sum form.

    A one-population matrix that is constant-sum up to sampling noise (win rates from finite
    games) is antisymmetrised: the noise is averaged out and reported, never silently kept.

    Returns
    -------
    matrix : ``(n1, n2)``
        Row payoffs less half the constant, so that the column player's are its negative.
    offset : float
        Half the constant sum: the row player's payoff is ``matrix + offset``.
    noise : float
        Largest distance between the table and its zero-sum form, in payoff units.

    Raises
    ------
    UnsupportedGameError
        If the game is not two-player constant-sum.
    """
    if payoffs.num_players != 2:
        raise UnsupportedGameError(
            f"needs a two-player constant-sum game, this one has {payoffs.num_players} players"
        )
    row, column = payoffs.tensor
    if payoffs.constant_sum is not None:
        offset = payoffs.constant_sum / 2.0
    elif payoffs.symmetric:
        offset = float((row + column).mean()) / 2.0
    else:
        raise UnsupportedGameError(
            "needs a constant-sum game; the players' payoffs sum to between "
            f"{(row + column).min():.6g} and {(row + column).max():.6g}"
        )
    zero_sum = (row - column) / 2.0
    noise = float(np.max(np.abs(row - offset - zero_sum)))
    if noise > _ANTISYMMETRY_NOISE * max(payoffs.scale, np.finfo(float).tiny):
        raise UnsupportedGameError(
            "needs a constant-sum game; M + M.T spreads by "
            f"{2 * noise:.6g} where payoffs spread by {payoffs.scale:.6g}"
        )
    return zero_sum, offset, noise


def expected_payoffs(payoffs: Payoffs, marginals: tuple[FloatArray, ...]) -> FloatArray:
    """Expected payoff of each player ``(players,)`` when all play their marginals."""
    return np.array(
        [
            float(deviation_payoffs(payoffs, marginals, player) @ marginals[player])
            for player in range(payoffs.num_players)
        ]
    )


def deviation_payoffs(
    payoffs: Payoffs, marginals: tuple[FloatArray, ...], player: int
) -> FloatArray:
    """Payoff ``(n_player,)`` of each strategy of ``player`` against the others' marginals."""
    result: FloatArray = payoffs.tensor[player]
    for other in reversed(range(payoffs.num_players)):
        if other != player:
            result = np.tensordot(result, marginals[other], axes=(other, 0))
    return result


def restricted_regrets(payoffs: Payoffs, marginals: tuple[FloatArray, ...]) -> FloatArray:
    """Gain ``(players,)`` of each player's best deviation *within the table*.

    This is the regret of the restricted game. It is zero for a Nash equilibrium of the table, by
    construction, whatever the policies outside the table could do.
    """
    gains = []
    for player in range(payoffs.num_players):
        values = deviation_payoffs(payoffs, marginals, player)
        gains.append(max(float(np.max(values) - values @ marginals[player]), 0.0))
    return np.array(gains)


@dataclass(frozen=True)
class MetaStrategy:
    """What should be played.

    Attributes
    ----------
    marginals : tuple of float64 arrays ``(n_p,)``
        One distribution per player; for a one-population game all are the same array.
    joint : float64 array ``(n1, ..., nN)`` or None
        The joint distribution where the concept is joint (CE, CCE), else ``None``: play the
        product of the marginals.
    values : float64 array ``(players,)``
        Expected payoff of each player, in the units of the payoffs given.
    regrets : float64 array ``(players,)``
        Gain of each player's best unilateral deviation *within the table* from the product of
        the marginals (or from the joint, by the concept's own deviation).
    diagnostics : mapping
        What the solver has to say: iterations, residuals, ``unique``, ``noise``, ...
    """

    marginals: tuple[FloatArray, ...]
    values: FloatArray
    regrets: FloatArray
    joint: FloatArray | None = None
    diagnostics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def restricted_exploitability(self) -> float:
        """Mean regret over the players (NashConv / num_players) within the table."""
        return float(np.mean(self.regrets))

    def support(self, tolerance: float = 1e-6) -> tuple[tuple[int, ...], ...]:
        """Indices of each player's strategies with probability above ``tolerance``."""
        return tuple(
            tuple(int(i) for i in np.flatnonzero(marginal > tolerance))
            for marginal in self.marginals
        )


def meta_strategy(
    payoffs: Payoffs,
    marginals: tuple[FloatArray, ...],
    *,
    diagnostics: Mapping[str, Any] | None = None,
) -> MetaStrategy:
    """Build the `MetaStrategy` of independent marginals: clean them, add values and regrets."""
    cleaned = tuple(normalised(marginal) for marginal in marginals)
    return MetaStrategy(
        marginals=cleaned,
        values=expected_payoffs(payoffs, cleaned),
        regrets=restricted_regrets(payoffs, cleaned),
        diagnostics=dict(diagnostics or {}),
    )


def coarse_regrets(payoffs: Payoffs, joint: FloatArray) -> FloatArray:
    """Gain ``(players,)`` of each player's best *fixed* deviation from a joint ``(n1, ..., nN)``.

    The deviation of coarse correlated equilibrium: chosen before the recommendation is seen.
    """
    gains = []
    for player in range(payoffs.num_players):
        others = joint.sum(axis=player)
        own = np.moveaxis(payoffs.tensor[player], player, 0)
        deviating = own.reshape(own.shape[0], -1) @ others.ravel()
        obeying = float(np.sum(payoffs.tensor[player] * joint))
        gains.append(max(float(deviating.max()) - obeying, 0.0))
    return np.array(gains)


def correlated_regrets(payoffs: Payoffs, joint: FloatArray) -> FloatArray:
    """Gain ``(players,)`` of each player's best *swap* deviation from a joint ``(n1, ..., nN)``.

    The deviation of correlated equilibrium: a better reply to each recommendation seen.
    """
    gains = []
    for player in range(payoffs.num_players):
        own = np.moveaxis(payoffs.tensor[player], player, 0)
        others = np.moveaxis(joint, player, 0)
        n = own.shape[0]
        deviating = others.reshape(n, -1) @ own.reshape(n, -1).T
        gains.append(max(float((deviating.max(axis=1) - np.diag(deviating)).sum()), 0.0))
    return np.array(gains)


def joint_meta_strategy(
    payoffs: Payoffs,
    joint: FloatArray,
    *,
    correlated: bool = False,
    diagnostics: Mapping[str, Any] | None = None,
) -> MetaStrategy:
    """Build the `MetaStrategy` of a joint distribution ``(n1, ..., nN)``.

    Parameters
    ----------
    correlated
        Measure regret by swap deviations (`correlated_regrets`) rather than fixed ones
        (`coarse_regrets`).
    """
    joint = normalised(joint)
    players = range(payoffs.num_players)
    regrets = correlated_regrets if correlated else coarse_regrets
    return MetaStrategy(
        marginals=tuple(
            joint.sum(axis=tuple(other for other in players if other != player))
            for player in players
        ),
        values=np.array([float(np.sum(own * joint)) for own in payoffs.tensor]),
        regrets=regrets(payoffs, joint),
        joint=joint,
        diagnostics=dict(diagnostics or {}),
    )


def normalised(weights: ArrayLike) -> FloatArray:
    """Clip rounding noise below zero and scale to sum to one.

    Raises
    ------
    ValueError
        If the weights are not finite or have no mass.
    """
    clipped = np.clip(np.asarray(weights, dtype=np.float64), 0.0, None)
    total = float(clipped.sum())
    if not np.isfinite(total) or total <= 0.0:
        raise ValueError(f"weights have no mass to normalise (sum {total})")
    result: FloatArray = clipped / total
    return result


@runtime_checkable
class MetaSolver(Protocol):
    """Turns payoffs into a meta-strategy. Hyperparameters live in the constructor."""

    name: ClassVar[str]
    summary: ClassVar[str]
    """One line: what it computes."""
    games: ClassVar[str]
    """Which games it takes."""
    paper: ClassVar[str]

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve one game.

        Raises
        ------
        UnsupportedGameError
            If the solver cannot take this game.
        ValueError
            If the payoffs are malformed.
        """
        ...
