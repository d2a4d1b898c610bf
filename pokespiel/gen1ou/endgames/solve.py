"""Positions solved by value iteration over the exact chances of every turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pokespiel.gen1ou.endgames.matrix_games import guarantees, solve_games
from pokespiel.gen1ou.endgames.position import Position
from pokespiel.gen1ou.endgames.turns import (
    Kernel,
    Outcome,
    Situation,
    check_followed,
    legal_actions,
    members,
    outcomes,
)
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.tables import MOVE_NAMES, SPECIES_NAMES

FloatArray: TypeAlias = NDArray[np.float64]
Values: TypeAlias = list[FloatArray]
Strategy: TypeAlias = list[FloatArray]

Matrix: TypeAlias = Any
"""A float64 matrix, dense or sparse."""

SPARSE = 0.03
"""Kernels with a smaller share of entries are stored as sparse matrices."""

RETURNS = (0.5, 1.0, 0.0, 0.5)
"""Player 1's return by the engine's result."""


@dataclass(frozen=True)
class Branch:
    """Ways a turn may go that end in the same situation and move all hp but one alike."""

    probability: float
    successor: int
    kernels: dict[int, Matrix]


@dataclass(frozen=True)
class Node:
    """A situation within an endgame.

    Attributes
    ----------
    situation
    actions
        The engine's legal actions of both players; ``[-1]`` for one with nothing to decide.
    branches
        For each pair of their positions in `actions`.
    shape
        Numbers of reachable hp of every Pokémon; 1 for the fainted.
    """

    situation: Situation
    actions: tuple[list[int], list[int]]
    branches: dict[tuple[int, int], list[Branch]]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Endgame:
    """All that can be reached from a position, with its probabilities.

    Attributes
    ----------
    position
    nodes
        The situations, the position's own first.
    hp : list of int arrays
        For each Pokémon the hp it may have while it stands.
    """

    position: Position
    nodes: list[Node]
    hp: list[NDArray[np.int64]]

    @property
    def start(self) -> tuple[int, ...]:
        """Where the position is in its node's arrays."""
        own = self.position.hp
        return tuple(
            int(np.searchsorted(values, value)) for values, value in zip(self.hp, own, strict=True)
        )

    @property
    def size(self) -> int:
        """Number of states: situations times hp."""
        return sum(int(np.prod(n.shape)) for n in self.nodes if n.branches)


def build(position: Position, *, max_situations: int = 2000) -> Endgame:
    """Follow every turn from a position.

    Raises
    ------
    ValueError
        If a move leaves traces that endgames do not follow, or there are more situations than
        ``max_situations``.
    """
    check_followed(position.row)
    top = position.top
    numbers: dict[Situation, int] = {position.situation: 0}
    waiting = [position.situation]
    found: list[tuple[tuple[list[int], list[int]], dict[tuple[int, int], list[Outcome]]]] = []
    for situation in waiting:
        actions = legal_actions(situation)
        follow: dict[tuple[int, int], list[Outcome]] = {}
        if situation.result == at.ONGOING:
            for i, first in enumerate(actions[0]):
                for j, second in enumerate(actions[1]):
                    follow[i, j] = outcomes(situation, top, (first, second))
        for ways in follow.values():
            for way in ways:
                if way.situation not in numbers:
                    numbers[way.situation] = len(waiting)
                    waiting.append(way.situation)
        if len(waiting) > max_situations:
            raise ValueError(
                f"{position.name}: more than {max_situations} situations; expected fewer Pokémon"
                " or moves"
            )
        found.append((actions, follow))
    hp = _reachable(position.hp, [way for _, f in found for ways in f.values() for way in ways])
    shapes = [_shape(situation, hp) for situation in waiting]
    nodes = [
        Node(
            situation,
            actions,
            {
                pair: [
                    _stored(branch)
                    for branch in _merge([_branch(way, numbers, shapes, hp, shape) for way in ways])
                ]
                for pair, ways in follow.items()
            },
            shape,
        )
        for situation, shape, (actions, follow) in zip(waiting, shapes, found, strict=True)
    ]
    return Endgame(position, nodes, hp)


def _stored(branch: Branch) -> Branch:
    """The branch with kernels of few entries stored as such."""
    kernels: dict[int, Matrix] = {
        k: csr_array(m) if np.count_nonzero(m) < SPARSE * m.size else m
        for k, m in branch.kernels.items()
    }
    return Branch(branch.probability, branch.successor, kernels)


def _reachable(start: Sequence[int], ways: Sequence[Outcome]) -> list[NDArray[np.int64]]:
    """The hp that each Pokémon may come to have."""
    reachable = []
    for k, hp in enumerate(start):
        size = hp + 1
        kernels = [way.kernels[k] for way in ways if k in way.kernels]
        for kernel in kernels:
            size = max(size, int(kernel.after.max(initial=0)) + 1)
            size = max(size, int(kernel.before.max(initial=0)) + 1)
        pairs = np.unique(
            np.concatenate([np.array([hp * size + hp])]
                           + [kernel.before * size + kernel.after for kernel in kernels])
        )  # fmt: skip
        before, after = np.divmod(pairs, size)
        there = np.zeros(size, np.bool_)
        there[hp] = True
        while True:
            new = np.unique(after[there[before]])
            if there[new].all():
                break
            there[new] = True
        there[0] = False
        reachable.append(np.flatnonzero(there))
    return reachable


def _shape(situation: Situation, hp: list[NDArray[np.int64]]) -> tuple[int, ...]:
    if situation.result != at.ONGOING:
        return (1,) * len(hp)
    stand = [situation.row[m + at.HP] for m in members(situation.row)]
    return tuple(len(values) if up else 1 for values, up in zip(hp, stand, strict=True))


def _branch(
    way: Outcome,
    numbers: dict[Situation, int],
    shapes: list[tuple[int, ...]],
    hp: list[NDArray[np.int64]],
    shape: tuple[int, ...],
) -> Branch:
    successor = numbers[way.situation]
    after = shapes[successor]
    return Branch(
        way.probability,
        successor,
        {
            k: _dense(kernel, hp[k], one_column=after[k] == 1)
            for k, kernel in way.kernels.items()
            if shape[k] > 1 or after[k] == 1 or len(hp[k]) == 1
        },
    )


def _dense(kernel: Kernel, hp: NDArray[np.int64], *, one_column: bool) -> FloatArray:
    rows = np.searchsorted(hp, kernel.before).clip(max=len(hp) - 1)
    here = hp[rows] == kernel.before
    columns = np.searchsorted(hp, kernel.after).clip(max=len(hp) - 1)
    if one_column:
        columns = np.zeros_like(columns)
    dense = np.zeros((len(hp), 1 if one_column else len(hp)))
    np.add.at(dense, (rows[here], columns[here]), kernel.weights[here])
    return dense


def _merge(branches: list[Branch]) -> list[Branch]:
    """Add up branches with the same successor that differ in one Pokémon's kernel at most."""
    axes = sorted({k for branch in branches for k in branch.kernels})
    for axis in axes:
        groups: dict[object, list[Branch]] = {}
        for branch in branches:
            rest = tuple((k, m.tobytes()) for k, m in branch.kernels.items() if k != axis)
            groups.setdefault((branch.successor, axis in branch.kernels, rest), []).append(branch)
        branches = []
        for group in groups.values():
            first = group[0]
            if len(group) == 1:
                branches.append(first)
            elif axis in first.kernels:
                total = np.sum([b.probability * b.kernels[axis] for b in group], axis=0)
                branches.append(Branch(1.0, first.successor, {**first.kernels, axis: total}))
            else:
                probability = sum(b.probability for b in group)
                branches.append(Branch(probability, first.successor, first.kernels))
    return branches


def payoffs(endgame: Endgame, number: int, values: Values) -> FloatArray:
    """The matrix games ``(n, m, *shape)`` of a situation, given what its successors are worth."""
    node = endgame.nodes[number]
    games = np.zeros((len(node.actions[0]), len(node.actions[1]), *node.shape))
    for (i, j), branches in node.branches.items():
        for branch in branches:
            worth = values[branch.successor]
            for axis, kernel in branch.kernels.items():
                worth = _along(kernel, worth, axis)
            games[i, j] += branch.probability * worth
    return games


def _along(kernel: Matrix, worth: FloatArray, axis: int) -> FloatArray:
    """Expected worth before one Pokémon's hp moves, given the worth after."""
    first = np.moveaxis(worth, axis, 0)
    expected = kernel @ first.reshape(first.shape[0], -1)
    return np.moveaxis(expected.reshape(-1, *first.shape[1:]), 0, axis)


def initial_values(endgame: Endgame, unknown: float) -> Values:
    """What everything is worth if battles that go on are worth ``unknown``."""
    return [
        np.full(n.shape, unknown if n.branches else RETURNS[n.situation.result])
        for n in endgame.nodes
    ]


def as_cells(games: FloatArray) -> FloatArray:
    """Games ``(n, m, *shape)`` as ``(cells, n, m)``."""
    n, m = games.shape[:2]
    return np.ascontiguousarray(games.reshape(n, m, -1).transpose(2, 0, 1))


def _iterate(
    endgame: Endgame,
    values: Values,
    backup: Callable[[int, FloatArray], FloatArray],
    tolerance: float,
    max_turns: int,
) -> tuple[Values, int]:
    """Back values up, in place, until no cell moves by more than ``tolerance``."""
    successors = [
        {branch.successor for branches in node.branches.values() for branch in branches}
        for node in endgame.nodes
    ]
    moved = np.full(len(endgame.nodes), np.inf)
    for turn in range(max_turns):
        now = np.zeros(len(moved))
        for number in range(len(endgame.nodes) - 1, -1, -1):
            # Where nothing that follows has moved, nothing would.
            follow = list(successors[number])
            if not follow or max(moved[follow].max(), now[follow].max()) <= tolerance / 100:
                continue
            node = endgame.nodes[number]
            new = backup(number, as_cells(payoffs(endgame, number, values))).reshape(node.shape)
            now[number] = np.abs(new - values[number]).max()
            values[number] = new
        moved = now
        if now.max() <= tolerance:
            return values, turn + 1
    return values, max_turns


def guaranteed(
    endgame: Endgame,
    player: int,
    strategy: Strategy,
    *,
    tolerance: float = 1e-9,
    max_turns: int = 2000,
) -> Values:
    """Player 1's values when one player keeps to a strategy and the other best-responds.

    Battles that go on forever count against the strategy, and so does every battle that is not
    over after ``max_turns``: what is returned bounds what the strategy earns from the safe side.

    Parameters
    ----------
    endgame
    player
        0 or 1: whose strategy it is.
    strategy
        For every node probabilities ``(cells, actions)``, cells in C order of the node's shape.
    """

    def backup(number: int, games: FloatArray) -> FloatArray:
        if player == 0:
            floor: FloatArray = np.einsum("gn,gnm->gm", strategy[number], games).min(axis=1)
            return floor
        ceiling: FloatArray = np.einsum("gnm,gm->gn", games, strategy[number]).max(axis=1)
        return ceiling

    values = initial_values(endgame, float(player))
    return _iterate(endgame, values, backup, tolerance, max_turns)[0]


@dataclass(frozen=True)
class Solution:
    """A solved position.

    Attributes
    ----------
    endgame
        The situations and what follows what.
    bounds : (float, float)
        Player 1's chance to win (a tie is half a win): what its strategy wins against any play,
        and what player 2's strategy holds it to. The value lies between.
    strategies : (list, list)
        Both players' strategies by node, probabilities ``(cells, actions)`` over `Node.actions`.
    lower, upper : list of float64 arrays
        The bounds at every node and cell.
    """

    endgame: Endgame
    bounds: tuple[float, float]
    strategies: tuple[Strategy, Strategy]
    lower: Values = field(repr=False)
    upper: Values = field(repr=False)

    @property
    def value(self) -> float:
        """The middle of `bounds`."""
        return sum(self.bounds) / 2

    def mix(self, player: int) -> dict[str, float]:
        """The optimal mixture at the position itself, by name of the choice."""
        node = self.endgame.nodes[0]
        cell = int(np.ravel_multi_index(self.endgame.start, node.shape))
        probabilities = self.strategies[player][0][cell]
        names = [choice_name(node.situation, player, a) for a in node.actions[player]]
        return dict(zip(names, probabilities.tolist(), strict=True))


def choice_name(situation: Situation, player: int, action: int) -> str:
    """A choice in words."""
    o = player * at.SIDE
    if action < 0:
        return "-"
    if action >= 4:
        return (
            f"switch to {SPECIES_NAMES[situation.row[o + (action - 4) * at.POKEMON + at.SPECIES]]}"
        )
    status = situation.row[o + situation.row[o + at.ORDER] * at.POKEMON + at.STATUS]
    if situation.row[o + at.VOLATILES] & at.MUST_RECHARGE:
        return "Recharge"
    if status in (at.ASLEEP, at.FROZEN):
        return "Fight"
    return str(MOVE_NAMES[situation.row[o + at.ACTIVE_MOVES + action]])


def solve(position: Position, *, tolerance: float = 1e-8, max_turns: int = 2000) -> Solution:
    """Solve a position.

    Value iteration from below (Shapley 1953): every turn's matrix games are solved exactly, given
    what their successors are worth. The strategies it arrives at are then each played against a
    best response, which gives the bounds; they do not rest on the iteration having converged.

    Parameters
    ----------
    position
    tolerance
        The iterations stop when no value moves by more.
    max_turns
        The most iterations.

    Raises
    ------
    ValueError
        See `build`.
    """
    endgame = build(position)
    rows = _optimal(endgame, 0, tolerance, max_turns)
    columns = _optimal(endgame, 1, tolerance, max_turns)
    lower = guaranteed(endgame, 0, rows, tolerance=tolerance, max_turns=max_turns)
    upper = guaranteed(endgame, 1, columns, tolerance=tolerance, max_turns=max_turns)
    start = endgame.start
    bounds = (float(lower[0][start]), float(upper[0][start]))
    return Solution(endgame, bounds, (rows, columns), lower, upper)


def _optimal(endgame: Endgame, player: int, tolerance: float, max_turns: int) -> Strategy:
    """A player's strategy from value iteration that starts where it has lost all that goes on.

    A cell's mixture is the one that last improved its value. One that merely keeps it could wait
    forever: hitting and doing nothing are worth the same if one can still hit next turn.
    """
    sign = 1.0 if player == 0 else -1.0
    strategy: Strategy = []
    for node in endgame.nodes:
        count = len(node.actions[player])
        strategy.append(np.full((int(np.prod(node.shape)), count), 1.0 / count))
    values = initial_values(endgame, float(player))

    def backup(number: int, games: FloatArray) -> FloatArray:
        rows, columns = solve_games(games)
        floor, ceiling = guarantees(games, rows, columns)
        worth = floor if player == 0 else ceiling
        better = sign * (worth - values[number].ravel()) > tolerance
        strategy[number][better] = (rows if player == 0 else columns)[better]
        return worth

    _iterate(endgame, values, backup, tolerance, max_turns)
    return strategy
