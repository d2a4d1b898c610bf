"""Solved positions on the engine: as rows for policies, and as battles played out."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.endgames.solve import RETURNS, Endgame, Strategy
from pokespiel.gen1ou.endgames.turns import Row, Situation, members, situation_of
from pokespiel.gen1ou.engine import Battles
from pokespiel.gen1ou.engine import layout as at

IntArray: TypeAlias = NDArray[np.int64]


def rows_of(endgame: Endgame, number: int, rng: np.random.Generator) -> Row:
    """Engine battles that are in a situation, one for each cell.

    Hidden counters are drawn from what is believed of them. Every move has been used once, so that
    observations show all four.

    Parameters
    ----------
    endgame
    number
        Of the node.
    rng
        Draws the counters and the battles' generators.

    Returns
    -------
    int32 ``(cells, ROW)``
        Cells in C order of the node's shape.
    """
    node = endgame.nodes[number]
    cells = int(np.prod(node.shape))
    rows = np.tile(np.array(node.situation.row, np.int32), (cells, 1))
    places = members(node.situation.row)
    where = np.unravel_index(np.arange(cells), node.shape)
    for k, m in enumerate(places):
        if node.situation.row[m + at.HP]:
            rows[:, m + at.HP] = endgame.hp[k][where[k]]
        _use_every_move_once(rows, m + at.PP)
    for s in range(2):
        _use_every_move_once(rows, s * at.SIDE + at.ACTIVE_PP)
    for place, values, shares in node.situation.beliefs:
        rows[:, place] = rng.choice(values, size=cells, p=np.array(shares) / sum(shares))
    _seed(rows, rng)
    return rows


def _use_every_move_once(rows: Row, first: int) -> None:
    pp = rows[:, first : first + 4]
    pp -= pp > 0


def _seed(rows: Row, rng: np.random.Generator) -> None:
    rows[:, at.PRNG_HIGH : at.PRNG_LOW + 1] = rng.integers(
        -(2**31), 2**31, size=(len(rows), 2), dtype=np.int32
    )


def play(
    endgame: Endgame,
    strategies: tuple[Strategy, Strategy],
    battles: int,
    rng: np.random.Generator,
    *,
    max_turns: int = 500,
) -> NDArray[np.float64]:
    """Play a position out on the compiled engine.

    Parameters
    ----------
    endgame
    strategies
        Both players', by node: probabilities ``(cells, actions)``.
    battles
    rng
        Draws the players' actions and the battles' generators.
    max_turns
        Battles that last longer are half a win.

    Returns
    -------
    float64 ``(battles,)``
        Player 1's returns.
    """
    start = endgame.nodes[0]
    cell = int(np.ravel_multi_index(endgame.start, start.shape))
    arena = Battles(battles)
    arena.rows[:] = rows_of(endgame, 0, rng)[cell]
    for place, values, shares in start.situation.beliefs:
        arena.rows[:, place] = rng.choice(values, size=battles, p=np.array(shares) / sum(shares))
    _seed(arena.rows, rng)
    number = np.zeros(battles, np.int64)
    going = np.ones(battles, np.bool_)
    returns = np.full(battles, 0.5)
    hp = [m + at.HP for m in members(start.situation.row)]
    followed: dict[tuple[int, tuple[int, int], bytes], int] = {}
    for _ in range(max_turns):
        if not going.any():
            break
        picks = np.zeros((battles, 2), np.int64)
        actions = np.full((battles, 2), -1, np.int32)
        for n in np.unique(number[going]):
            here = np.flatnonzero(going & (number == n))
            cells = cells_of(endgame, int(n), arena.rows[here])
            for player in range(2):
                chances = np.cumsum(strategies[player][n][cells], axis=1)
                draws = rng.random((len(here), 1)) * chances[:, -1:]
                picks[here, player] = np.argmax(chances > draws, axis=1)
                options = np.array(endgame.nodes[n].actions[player])
                actions[here, player] = options[picks[here, player]]
        results = arena.step(actions)
        over = going & (results != at.ONGOING)
        returns[over] = np.array(RETURNS)[results[over]]
        going &= ~over
        alike = arena.rows.copy()
        alike[:, [at.PRNG_HIGH, at.PRNG_LOW, at.TURN, at.LAST_DAMAGE]] = 0
        alike[:, hp] = alike[:, hp] > 0
        for i in np.flatnonzero(going):
            pair = (int(picks[i, 0]), int(picks[i, 1]))
            key = (int(number[i]), pair, alike[i].tobytes())
            if key not in followed:
                followed[key] = follow(endgame, key[0], pair, arena.rows[i])
            number[i] = followed[key]
        # PP are ample.
        _refill(arena.rows)
    return returns


def _refill(rows: Row) -> None:
    for s in range(2):
        for first in [s * at.SIDE + k * at.POKEMON + at.PP for k in range(6)] + [
            s * at.SIDE + at.ACTIVE_PP
        ]:
            pp = rows[:, first : first + 4]
            pp[pp > 0] = 7


def cells_of(endgame: Endgame, number: int, rows: Row) -> IntArray:
    """Which cell of a node each of some engine rows is in."""
    node = endgame.nodes[number]
    index = []
    for k, m in enumerate(members(node.situation.row)):
        if node.shape[k] > 1:
            index.append(np.searchsorted(endgame.hp[k], rows[:, m + at.HP]))
        else:
            index.append(np.zeros(len(rows), np.intp))
    cells: IntArray = np.ravel_multi_index(tuple(index), node.shape).astype(np.int64)
    return cells


def follow(endgame: Endgame, number: int, pair: tuple[int, int], row: Row) -> int:
    """The node a battle has come to.

    Raises
    ------
    ValueError
        If what the engine did is none of what the endgame says may happen.
    """
    seen = situation_of(row)
    for successor in {b.successor for b in endgame.nodes[number].branches[pair]}:
        if _is(seen, endgame.nodes[successor].situation):
            return successor
    name = endgame.position.name
    raise ValueError(f"{name}: the engine left situation {number} for one that cannot follow it")


def _is(seen: Situation, expected: Situation) -> bool:
    if not expected.beliefs:
        return seen.row == expected.row
    shown = list(seen.row)
    for place, values, _ in expected.beliefs:
        if shown[place] not in values:
            return False
        shown[place] = 0
    return tuple(shown) == expected.row
