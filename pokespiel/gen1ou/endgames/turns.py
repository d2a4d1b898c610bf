"""A turn as exact probabilities: from a situation and both actions to all that can follow.

A *situation* is all of a battle that is no Pokémon's hp: who is active, statuses, stages, screens,
what is asked of whom. Hidden counters (how long sleep or confusion will last) are beliefs: their
distribution given what both players have seen. PP are ample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.endgames import rules
from pokespiel.gen1ou.endgames.unknowns import (
    FloatArray,
    IntArray,
    Table,
    Unknown,
    World,
    runs,
)
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables

Row: TypeAlias = NDArray[np.int32]
Belief: TypeAlias = tuple[int, tuple[int, ...], tuple[float, ...]]

FOLLOWED = (
    tables.RECHARGES, tables.RECOVERS, tables.RESTS, tables.SETS_SCREEN, tables.SPLASHES,
    tables.NEEDS_SLEEPING_TARGET, tables.SEEDS, tables.THRASHES, tables.CRASHES, tables.PAYS,
    tables.NO_EFFECT,
)  # fmt: skip
"""Effects of moves that leave nothing behind but what a situation holds."""

_LOCKED = (
    at.MUST_RECHARGE | at.CHARGING | at.THRASHING | at.RAGING | at.BIDING | at.TRAPPING
    | at.TRAPPED
)  # fmt: skip
_ONLY_WITH = {
    at.CONFUSED: (at.CONFUSION_TURNS,),
    at.TOXIC_COUNTED: (at.TOXIC_COUNTER,),
    at.SUBSTITUTE: (at.SUBSTITUTE_HP,),
    at.DISABLED: (at.DISABLE_TURNS, at.DISABLED_MOVE, at.DISABLED_SLOT),
    at.BIDING: (at.BIDE_TURNS, at.BIDE_DAMAGE),
    at.RAGING: (at.RAGE_ACCURACY,),
    at.THRASHING: (at.LOCKED_MOVE, at.LOCKED_TURNS, at.LOCKED_ACCURACY),
    at.CHARGING: (at.CHARGED_MOVE,),
    at.TRAPPING: (
        at.TRAPPING_MOVE, at.TRAPPING_TURNS, at.TRAPPING_TOTAL, at.TRAPPING_DAMAGE,
        at.TRAPPING_TARGET,
    ),
    at.TRAPPED: (at.TRAPPED_TURNS, at.TRAPPED_BY, at.TRAP_MAY_END),
    at.FALSELY_TRAPPED: (at.FALSE_TRAP_TURNS, at.FALSE_TRAP_WITH),
}  # fmt: skip
"""Fields that mean something only with their volatile."""


@dataclass(frozen=True)
class Situation:
    """A battle less its hp.

    Attributes
    ----------
    row : tuple of int, length ``ROW``
        An engine row: hp is 1 for those who stand, counters that are believed are 0.
    beliefs : tuple of (place in the row, values, probabilities)
    """

    row: tuple[int, ...]
    beliefs: tuple[Belief, ...] = ()

    @property
    def result(self) -> int:
        """The engine's result: 0 while the battle goes on."""
        return self.row[at.RESULT]


@dataclass(frozen=True)
class Kernel:
    """How one Pokémon's hp moves: ``weights[k]`` from ``before[k]`` to ``after[k]``."""

    before: IntArray
    after: IntArray
    weights: FloatArray


@dataclass(frozen=True)
class Outcome:
    """One way a turn may go: the hp of different Pokémon move independently given it.

    Its probability from hp ``h`` is ``probability`` times, for every Pokémon with a kernel, the
    sum of the kernel's weights with ``before == h``. Hp without a kernel stay.
    """

    probability: float
    situation: Situation
    kernels: dict[int, Kernel]


def members(row: Sequence[int] | Row) -> list[int]:
    """Offsets of all Pokémon of a battle in its row, player 1's first."""
    places = [s * at.SIDE + k * at.POKEMON for s in range(2) for k in range(6)]
    return [m for m in places if row[m + at.SPECIES]]


def check_followed(row: Row) -> None:
    """Raise ValueError if a Pokémon has a move whose traces a `Situation` does not keep."""
    for m in members(row):
        for move in row[m + at.MOVES : m + at.MOVES + 4]:
            if move and tables.EFFECT[move] not in FOLLOWED:
                raise ValueError(
                    f"endgames do not follow {tables.MOVE_IDS[move]}: expected moves that only do"
                    " damage, recharge, recover, rest, set screens, boosts or statuses, seed, or"
                    " thrash"
                )


def situation_of(row: Row) -> Situation:
    """The situation of an engine row, whose counters are taken as known to both players."""
    open_row = rules.OpenRow(int(x) for x in row)
    return _situation(open_row, members(open_row))


def outcomes(situation: Situation, top: Sequence[int], actions: tuple[int, int]) -> list[Outcome]:
    """All ways a turn may go.

    Parameters
    ----------
    situation
    top
        For each Pokémon of `members` the largest hp to answer for.
    actions
        The engine's actions of both players, -1 for one with nothing to decide.
    """
    places = members(situation.row)

    def play(world: World) -> tuple[Situation, dict[int, Kernel]]:
        row = _open(situation, places, top, world)
        before = {k: row[m + at.HP] for k, m in enumerate(places) if situation.row[m + at.HP]}
        rules.step(row, *actions)
        after = _situation(row, places)
        kernels = {}
        for k, hp in before.items():
            kernel = _kernel(hp, row[places[k] + at.HP], top[k])
            if kernel is not None:
                kernels[k] = kernel
        return after, kernels

    return [Outcome(world.probability(), *result) for world, result in runs(play)]


def legal_actions(situation: Situation) -> tuple[list[int], list[int]]:
    """Both players' actions; ``[-1]`` for one with nothing to decide."""
    row = rules.OpenRow(situation.row)
    return rules.legal_actions(row, 0), rules.legal_actions(row, 1)


def _open(
    situation: Situation, places: Sequence[int], top: Sequence[int], world: World
) -> rules.OpenRow:
    row = rules.OpenRow(situation.row)
    row.world = world
    for k, m in enumerate(places):
        if row[m + at.HP]:
            row[m + at.HP] = world.given(k, np.arange(1, top[k] + 1, dtype=np.int64))
    for place, values, weights in situation.beliefs:
        row[place] = world.unknown(Table(np.array(weights)), np.array(values, dtype=np.int64))
    return row


def _kernel(start: Unknown, end: Any, top: int) -> Kernel | None:
    """How hp moved, or None if they stayed where they were."""
    # Full hp after Rest, less a roll, no longer depend on what they were: put them side by side.
    after = start.beside(end)
    table = start.table
    before = start.given
    after = np.broadcast_to(np.asarray(after, dtype=np.int64), before.shape)
    size = int(max(top, after.max(initial=0))) + 1
    moves, where = np.unique(before * size + after, return_inverse=True)
    weights = np.bincount(where, table.weights).astype(np.float64)
    before, after = np.divmod(moves, size)
    stayed = len(before) == top and np.array_equal(before, after) and bool((weights == 1.0).all())
    return None if stayed else Kernel(before, after, weights)


def _situation(row: rules.OpenRow, places: Sequence[int]) -> Situation:
    """Forget what cannot matter any more, settle what both players can see, keep the rest open."""
    row[at.PRNG_HIGH] = row[at.PRNG_LOW] = row[at.LAST_DAMAGE] = 0
    row[at.TURN] = 1
    for s in range(2):
        o = s * at.SIDE
        for volatile, fields in _ONLY_WITH.items():
            if not row[o + at.VOLATILES] & volatile:
                for field in fields:
                    row[o + field] = 0
        row[o + at.LAST_MOVE] = row[o + at.LAST_ENEMY_MOVE] = 0
        row[o + at.LAST_ENEMY_SELECTED_MOVE] = at.NO_MOVE
        row[o + at.QUEUE_SPEED] = row[o + at.STAT + at.SPEED]
        _forget_selection(row, o)
        for k in range(4):
            row[o + at.ACTIVE_PP + k] = tables.MAX_PP[row[o + at.ACTIVE_MOVES + k]]
    hidden = [s * at.SIDE + at.CONFUSION_TURNS for s in range(2)]
    hidden += [s * at.SIDE + at.LOCKED_TURNS for s in range(2)]
    for m in places:
        hidden.append(m + at.SLEEP_TURNS)
        if row[m + at.STATUS] != at.ASLEEP:
            row[m + at.SLEEP_TURNS] = row[m + at.SLEPT_BY_ITSELF] = 0
        row[m + at.SUBSTITUTE_BROKE] = 0
        for k in range(4):
            row[m + at.PP + k] = tables.MAX_PP[row[m + at.MOVES + k]]
    beliefs = []
    shown = []
    hp = {m + at.HP for m in places}
    for place, number in enumerate(row):
        if isinstance(number, Unknown):
            if place in hp:
                number = 1
            elif place in hidden and len(np.unique(number.values)) > 1:
                beliefs.append(_belief(place, number))
                number = 0
        elif place in hp:
            number = min(number, 1)
        shown.append(int(number))
    return Situation(tuple(shown), tuple(beliefs))


def _belief(place: int, number: Unknown) -> Belief:
    values, where = np.unique(number.values, return_inverse=True)
    weights = np.bincount(where, number.table.weights)
    # Rounded so that the same belief reached on two ways is the same.
    shares = np.round(weights / weights.sum(), 12)
    return place, tuple(values.tolist()), tuple(shares.tolist())


def _forget_selection(row: rules.OpenRow, o: int) -> None:
    """The move last selected matters only to those who cannot select another."""
    status = row[o + row[o + at.ORDER] * at.POKEMON + at.STATUS]
    if row[o + at.VOLATILES] & _LOCKED or status == at.FROZEN:
        return
    row[o + at.LAST_SELECTED_SLOT] = 0
    selected = at.NO_MOVE
    if status == at.ASLEEP:
        # It will not be used: only its place in the turn counts.
        kind = _ORDER_OF[row[o + at.LAST_SELECTED_MOVE]]
        selected = _ORDER_OF.index(kind, 1)  # 0 is no move at all
    row[o + at.LAST_SELECTED_MOVE] = selected


_ORDER_OF = list(
    zip(np.asarray(tables.PRIORITY).tolist(), np.asarray(tables.TARGETS_USER).tolist(), strict=True)
)
