"""Which cells of a payoff table to play next, so that the meta-strategy gains most by it."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from pokespiel.empirical_game import Cell, EmpiricalGame
from pokespiel.stats import FloatArray
from solvers.base import MetaSolver, MetaStrategy, Payoffs

_BEFORE_RESAMPLING = 2
"""Episodes that every cell gets first: with fewer, its noise is unknown."""


def next_cells(
    table: EmpiricalGame,
    solver: MetaSolver,
    budget: int,
    *,
    rng: np.random.Generator,
    samples: int = 100,
    exploration: float = 0.02,
) -> list[tuple[Cell, int]]:
    """Spread ``budget`` episodes over the cells by how much each can move the regret.

    The meta-strategy errs by the regret that it turns out to have. Tables are resampled: one is
    solved, another says which deviation is best against that solution. The cells where the best
    deviation meets what is played decide this regret, each with the probability of its
    opponents. Episodes are allotted in proportion to root mean square weight times standard
    deviation (Neyman 1934), counting those already played.

    Parameters
    ----------
    table
        Cells with fewer than two episodes are filled before any other.
    solver
        Its marginals are used, also where it finds a joint strategy.
    budget : int
        Episodes to allot.
    samples : int
        Tables to resample.
    exploration : float
        Added to every cell's weight, as a share of the mean weight: no cell is written off.

    Returns
    -------
    list of (cell, episodes)
        Most episodes first; cells that get none are left out. Empty if every cell is known.

    Raises
    ------
    ValueError
        If a setting is out of range, or the solver cannot take the game.
    """
    if budget < 1:
        raise ValueError(f"budget must be at least 1 episode, got {budget}")
    if samples < 2:
        raise ValueError(f"samples must be at least 2, got {samples}")
    if not exploration > 0.0:
        raise ValueError(f"exploration must be positive, got {exploration}")
    if min(table.sizes) == 0:
        raise ValueError("the empirical game has no strategies yet")
    cells = [cell for cell in table.cells if np.isfinite(_count(table, cell))]
    if not cells:
        return []
    played = np.array([table.count(cell) for cell in cells])
    if np.any(played < _BEFORE_RESAMPLING):
        scores = np.ones(len(cells))
    else:
        weights = _squared_weights(table, solver, samples, rng)
        in_cells = np.array([_of_cell(table, weights, cell) for cell in cells])
        scores = np.sqrt(in_cells * _variances(table, cells))
        # Where one strategy wins for sure, no cell moves anything: then all count alike.
        scores = scores + exploration * scores.mean() if scores.any() else np.ones(len(cells))
    allotted = allot(played, scores, budget)
    order = np.argsort(-allotted, kind="stable")
    return [(cells[i], int(allotted[i])) for i in order if allotted[i] > 0]


def allot(played: FloatArray, scores: FloatArray, budget: int) -> FloatArray:
    """Whole numbers ``(cells,)`` of episodes that bring the totals closest to the scores' ratio.

    Totals become ``max(played, level * score)``, at the level that spends the budget.
    """
    order = np.argsort(played / scores)
    # Raise the level over the cells in the order in which it reaches what they have.
    score_sum, played_sum = np.cumsum(scores[order]), np.cumsum(played[order])
    levels = (budget + played_sum) / score_sum
    reached = np.flatnonzero(levels >= (played / scores)[order])[-1]
    shares = np.maximum(levels[reached] * scores - played, 0.0)
    whole: FloatArray = np.floor(shares + 1e-9)
    left = round(budget - float(whole.sum()))
    whole[np.argsort(whole - shares, kind="stable")[:left]] += 1
    return whole


def _count(table: EmpiricalGame, cell: Cell) -> float:
    """Episodes played; infinite also where symmetry knows the cell."""
    known = table.symmetric and table.zero_sum and len(set(cell)) == 1
    return np.inf if known else table.count(cell)


def _squared_weights(
    table: EmpiricalGame, solver: MetaSolver, samples: int, rng: np.random.Generator
) -> FloatArray:
    """Mean square weight ``(players, n1, ..., nN)`` of each payoff in the regret that it decides.

    In a symmetric game only the first player's are given, ``(1, n, ..., n)``.
    """
    drawn = [table.resample(rng) for _ in range(samples)]
    solved = [solver.solve(payoffs) for payoffs in drawn]
    return np.array(
        [
            _player_weights(drawn, solved, player, value_known=table.symmetric and table.zero_sum)
            for player in range(table.num_populations)
        ]
    )


def _player_weights(
    drawn: list[Payoffs], solved: list[MetaStrategy], player: int, *, value_known: bool
) -> FloatArray:
    shape = drawn[0].num_strategies
    own = np.array([strategy.marginals[player] for strategy in solved])
    others = np.ones((len(solved), 1))
    for other in range(len(shape)):
        if other != player:
            marginal = np.array([strategy.marginals[other] for strategy in solved])
            others = (others[:, :, None] * marginal[:, None, :]).reshape(len(solved), -1)
    payoffs = np.array(
        [np.moveaxis(p.tensor[player], player, 0).reshape(shape[player], -1) for p in drawn]
    )
    # best[t, s]: the best deviation in table t against the solution of table s.
    best = np.argmax(np.einsum("tbo,so->tsb", payoffs, others, optimize=True), axis=2)
    frequency = np.stack([np.mean(best == b, axis=0) for b in range(shape[player])], axis=1)
    # The deviation weighs one, less what the meta-strategy plays of it, unless its value is known.
    less = np.zeros_like(own) if value_known else own
    squares = frequency * (1.0 - less) ** 2 + (1.0 - frequency) * less**2
    weights = squares.T @ np.square(others) / len(solved)
    rest = [n for other, n in enumerate(shape) if other != player]
    moved: FloatArray = np.moveaxis(weights.reshape(shape[player], *rest), 0, player)
    return moved


def _of_cell(table: EmpiricalGame, weights: FloatArray, cell: Cell) -> float:
    """Sum of the squared weights of all payoffs that a cell's episodes estimate."""
    profiles = set(permutations(cell)) if table.symmetric else {cell}
    return float(sum(player[profile] for player in weights for profile in profiles))


def _variances(table: EmpiricalGame, cells: list[Cell]) -> FloatArray:
    """Variance of an episode per cell, drawn to the table's mean as if by two episodes more."""
    counts = np.array([table.count(cell) for cell in cells])
    own = np.array([float(table.variance(cell).mean()) for cell in cells])
    result: FloatArray = (counts * own + 2.0 * own.mean()) / (counts + 2.0)
    return result
