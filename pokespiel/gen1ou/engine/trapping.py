"""Partial trapping: Bind, Wrap, Clamp and Fire Spin.

The user repeats its move for 2 to 5 turns at the damage of the first hit; the target cannot act.
Showdown splits this in three. The *trap* (`TRAPPING`, on the user) counts the turns. The *hold*
(`TRAPPED`, on the target) is renewed by every repetition and runs out by itself when the user
leaves. A *false trap* (`FALSELY_TRAPPED`, on both) is left where a trap has just ended and the
players cannot know it yet.
"""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM102
# mypy: no-warn-return-any

from .compilation import compiled, inlined
from .layout import (
    FALSE_TRAP_TURNS,
    FALSE_TRAP_WITH,
    FALSELY_TRAPPED,
    FLINCHED,
    HP,
    LAST_DAMAGE,
    MUST_RECHARGE,
    ORDER,
    SIDE,
    TRAP_MAY_END,
    TRAPPED,
    TRAPPED_BY,
    TRAPPED_TURNS,
    TRAPPING,
    TRAPPING_DAMAGE,
    TRAPPING_MOVE,
    TRAPPING_TARGET,
    TRAPPING_TOTAL,
    TRAPPING_TURNS,
    VOLATILES,
    Row,
)
from .pokemon import active, gain, has, lose, side
from .prng import draw, shuffle_ties
from .tables import TWO_TO_FIVE


@compiled
def hold(b: Row, s: int, t: int) -> None:
    """Side ``s`` takes hold of side ``t``, or renews a hold whoever it came from."""
    o = side(t)
    if b[active(b, t) + HP] == 0:
        return
    if not has(b, t, TRAPPED):
        gain(b, t, TRAPPED)
        b[o + TRAPPED_BY] = b[side(s) + ORDER]
        b[o + TRAP_MAY_END] = 0
    b[o + TRAPPED_TURNS] = 2


@compiled
def start_trapping(b: Row, s: int, t: int, move: int) -> None:
    if has(b, s, TRAPPING) or b[active(b, s) + HP] == 0:
        return
    turns = TWO_TO_FIVE[draw(b, 8)]
    if b[active(b, t) + HP] == 0:
        return
    o = side(s)
    gain(b, s, TRAPPING)
    b[o + TRAPPING_MOVE] = move
    b[o + TRAPPING_TURNS] = turns
    b[o + TRAPPING_TOTAL] = turns
    b[o + TRAPPING_DAMAGE] = b[LAST_DAMAGE]
    b[o + TRAPPING_TARGET] = b[side(t) + ORDER]
    hold(b, s, t)


@inlined
def _leave_false_trap(b: Row, s: int) -> None:
    if b[active(b, s) + HP] == 0:
        return
    o = side(s)
    if not has(b, s, FALSELY_TRAPPED):
        gain(b, s, FALSELY_TRAPPED)
        b[o + FALSE_TRAP_TURNS] = 2
    b[o + FALSE_TRAP_WITH] = b[side(1 - s) + ORDER]


@compiled
def after_trapping_move(b: Row, s: int, t: int) -> None:
    """After a repetition: renew the hold, or leave the traces of a trap that ends this turn."""
    o = side(s)
    if b[active(b, t) + HP] == 0:
        lose(b, s, TRAPPING)
    elif b[o + TRAPPING_TURNS] == 1:
        if b[o + TRAPPING_TOTAL] != 5:
            _leave_false_trap(b, s)
            _leave_false_trap(b, t)
    else:
        hold(b, s, t)
        if b[o + TRAPPING_TOTAL] - b[o + TRAPPING_TURNS] > 0:
            b[side(t) + TRAP_MAY_END] = 1


@inlined
def _let_go_of_the_gone(b: Row, s: int) -> None:
    """End whatever of a trap has lost its other half."""
    t = 1 - s
    o = side(s)
    f = side(t)
    other = b[f + ORDER]
    alive = b[active(b, t) + HP] > 0
    if has(b, s, TRAPPING):
        if not (alive and other == b[o + TRAPPING_TARGET] and has(b, t, TRAPPED)):
            lose(b, s, TRAPPING)
    if has(b, s, TRAPPED):
        if not (alive and other == b[o + TRAPPED_BY] and has(b, t, TRAPPING)):
            lose(b, s, TRAPPED)
    if has(b, s, FALSELY_TRAPPED):
        if not (alive and other == b[o + FALSE_TRAP_WITH] and has(b, t, FALSELY_TRAPPED)):
            lose(b, s, FALSELY_TRAPPED)


@inlined
def tidy_traps(b: Row) -> None:
    if (b[VOLATILES] | b[SIDE + VOLATILES]) & (TRAPPING | TRAPPED | FALSELY_TRAPPED):
        _let_go_of_the_gone(b, 0)
        _let_go_of_the_gone(b, 1)


_COUNTED = FLINCHED | TRAPPING | TRAPPED | FALSELY_TRAPPED


@inlined
def _count_down(b: Row, s: int) -> int:
    """One turn off each of a side's volatiles with a duration; how many there were."""
    o = side(s)
    n = 0
    if has(b, s, FLINCHED):
        n += 1
        lose(b, s, FLINCHED)
    if has(b, s, TRAPPING):
        n += 1
        b[o + TRAPPING_TURNS] -= 1
        if b[o + TRAPPING_TURNS] == 0:
            lose(b, s, TRAPPING)
    if has(b, s, TRAPPED):
        n += 1
        b[o + TRAPPED_TURNS] -= 1
        if b[o + TRAPPED_TURNS] == 0:
            lose(b, s, TRAPPED)
    if has(b, s, FALSELY_TRAPPED):
        n += 1
        b[o + FALSE_TRAP_TURNS] -= 1
        if b[o + FALSE_TRAP_TURNS] == 0:
            lose(b, s, FALSELY_TRAPPED)
    return n


@compiled
def count_down_durations(b: Row, speeds_tie: bool) -> None:
    """The end of the turn. Handlers of equal speed cost draws although their order is moot."""
    if (b[VOLATILES] | b[SIDE + VOLATILES]) & _COUNTED == 0:
        return
    first = _count_down(b, 0)
    second = _count_down(b, 1)
    if speeds_tie:
        shuffle_ties(b, first + second)
    else:
        shuffle_ties(b, first)
        shuffle_ties(b, second)


@inlined
def break_recharge(b: Row, t: int) -> None:
    """A trapping move, even one that misses, spares its target the turn after Hyper Beam."""
    lose(b, t, MUST_RECHARGE)
