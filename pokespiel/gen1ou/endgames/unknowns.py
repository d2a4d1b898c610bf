"""Numbers that are not known yet: die rolls nobody has looked at, hp that may be anything.

The rules are ordinary code over integers. Given an `Unknown` instead of an integer, the same code
runs once for each way its comparisons can come out, and every run keeps the exact distribution of
all that it left open. A roll that is only compared with a threshold splits in two, not in 256; one
that is never looked at does not split at all; damage is carried as a distribution through the
subtraction from hp, split only where it decides whether the target stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
Result = TypeVar("Result")


@dataclass(eq=False)
class Table:
    """Unknowns that depend on each other: one row for each way they may be, with its weight.

    Attributes
    ----------
    weights : float64 ``(n,)``
    label : int or None
        The quantity that is given rather than random, such as a Pokémon's hp before the turn.
    given : int64 ``(n,)`` or None
        Its value in each row: the weights are conditional on it.
    heir : Table or None, rows : int64 ``(m,)`` or None
        Once narrowed or joined with another: the table that took over, and for each of its rows
        the row of this one.
    """

    weights: FloatArray
    label: int | None = None
    given: IntArray | None = None
    heir: Table | None = None
    rows: IntArray | None = None

    def pass_on(self, rows: IntArray, heir: Table) -> None:
        self.heir, self.rows = heir, rows


@cache
def roll_weights(n: int) -> FloatArray:
    """Probabilities of ``0 .. n - 1`` when the top 32 bits of the generator are uniform.

    The generator scales them to the range and rounds down, so for ``n`` that is no power of two
    the numbers differ in probability by at most 2**-32.
    """
    first = [-(-(k << 32) // n) for k in range(n + 1)]
    return np.diff(np.array(first, dtype=np.float64)) / 2.0**32


@dataclass(eq=False)
class World:
    """One run of the rules: which way each split goes, and the tables of what is left open."""

    script: list[int]
    splits: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def roll(self, n: int) -> Unknown:
        """A uniform number from 0 to ``n - 1``."""
        return self.unknown(Table(roll_weights(n)), np.arange(n, dtype=np.int64))

    def given(self, label: int, values: IntArray) -> Unknown:
        """A number that may be any of ``values``, none of them more or less likely."""
        return self.unknown(Table(np.ones(len(values)), label, values), values)

    def unknown(self, table: Table, values: IntArray) -> Unknown:
        """A number of a new table."""
        self.tables.append(table)
        return Unknown(self, table, values)

    def narrow(self, table: Table, rows: IntArray) -> Table:
        """Keep only some rows of a table."""
        given = None if table.given is None else table.given[rows]
        heir = Table(table.weights[rows], table.label, given)
        table.pass_on(rows, heir)
        self.tables.append(heir)
        return heir

    def join(self, first: Table, second: Table) -> None:
        """Put two independent tables together; at most one of them has a given quantity."""
        rows_1 = np.repeat(np.arange(len(first.weights)), len(second.weights))
        rows_2 = np.tile(np.arange(len(second.weights)), len(first.weights))
        owner, rows = (first, rows_1) if first.given is not None else (second, rows_2)
        heir = Table(
            first.weights[rows_1] * second.weights[rows_2],
            owner.label,
            None if owner.given is None else owner.given[rows],
        )
        first.pass_on(rows_1, heir)
        second.pass_on(rows_2, heir)
        self.tables.append(heir)

    def choose(self, ways: int) -> int:
        """Which of ``ways`` a split takes in this run."""
        place = len(self.taken)
        way = self.script[place] if place < len(self.script) else 0
        self.splits.append(ways)
        self.taken.append(way)
        return way

    def probability(self) -> float:
        """Of this run, given the given quantities."""
        open_tables = (t for t in self.tables if t.heir is None and t.given is None)
        return float(np.prod([t.weights.sum() for t in open_tables]))


def runs(function: Callable[[World], Result]) -> Iterator[tuple[World, Result]]:
    """Every run of a function of a world, each with its world as it was left."""
    scripts: list[list[int]] = [[]]
    while scripts:
        script = scripts.pop()
        world = World(script)
        yield world, function(world)
        for place in range(len(script), len(world.taken)):
            for way in range(1, world.splits[place]):
                scripts.append([*world.taken[:place], way])


class Unknown:
    """An integer that is not known yet.

    Arithmetic keeps it unknown. Comparing it, or using it as an index, splits the run.
    """

    __array_ufunc__ = None  # so that numpy's integers leave the arithmetic to us
    __slots__ = ("_table", "_values", "world")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, world: World, table: Table, values: IntArray) -> None:
        self.world = world
        self._table = table
        self._values = values

    @property
    def table(self) -> Table:
        """The table this number is in by now."""
        while self._table.heir is not None:
            self._values = self._values[self._table.rows]
            self._table = self._table.heir
        return self._table

    @property
    def values(self) -> IntArray:
        """Its value in each row of `table`."""
        _ = self.table
        return self._values

    @property
    def given(self) -> IntArray:
        """The given quantity of `table` in each of its rows."""
        given = self.table.given
        assert given is not None
        return given

    def beside(self, other: Any) -> Any:
        """The other operand's values in the rows of this number's table."""
        if not isinstance(other, Unknown):
            return other
        mine, others = self.table, other.table
        if mine is others:
            return other.values
        if mine.given is not None and others.given is not None:
            # Two given quantities in one table would be too many rows: settle what is random.
            if len(np.unique(other.values)) <= len(np.unique(self.values)):
                return int(other)
            int(self)
            return self.beside(other)
        self.world.join(mine, others)
        return other.values

    def _map(self, operation: Callable[[Any, Any], Any], other: Any) -> Unknown:
        beside = self.beside(other)
        return Unknown(self.world, self.table, operation(self.values, beside))

    def _split(self, operation: Callable[[Any, Any], Any], other: Any) -> bool:
        beside = self.beside(other)
        where: NDArray[np.bool_] = operation(self.values, beside)
        if where.all():
            return True
        if not where.any():
            return False
        answer = self.world.choose(2) == 0
        self.world.narrow(self.table, np.flatnonzero(where if answer else ~where))
        return answer

    def __index__(self) -> int:
        possible = np.unique(self.values)
        if len(possible) == 1:
            return int(possible[0])
        value = possible[self.world.choose(len(possible))]
        self.world.narrow(self.table, np.flatnonzero(self.values == value))
        return int(value)

    __int__ = __index__

    def __bool__(self) -> bool:
        return self._split(np.not_equal, 0)

    def __eq__(self, other: object) -> bool:
        return self._split(np.equal, other)

    def __ne__(self, other: object) -> bool:
        return self._split(np.not_equal, other)

    def __lt__(self, other: Any) -> bool:
        return self._split(np.less, other)

    def __le__(self, other: Any) -> bool:
        return self._split(np.less_equal, other)

    def __gt__(self, other: Any) -> bool:
        return self._split(np.greater, other)

    def __ge__(self, other: Any) -> bool:
        return self._split(np.greater_equal, other)

    def __add__(self, other: Any) -> Unknown:
        return self._map(np.add, other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Unknown:
        return self._map(np.multiply, other)

    __rmul__ = __mul__

    def __and__(self, other: Any) -> Unknown:
        return self._map(np.bitwise_and, other)

    def __sub__(self, other: Any) -> Unknown:
        return self._map(np.subtract, other)

    def __rsub__(self, other: Any) -> Unknown:
        return self._map(lambda mine, its: its - mine, other)

    def __neg__(self) -> Unknown:
        return Unknown(self.world, self.table, -self.values)

    def __floordiv__(self, other: Any) -> Unknown:
        return self._map(np.floor_divide, other)

    def __mod__(self, other: Any) -> Unknown:
        return self._map(np.mod, other)
