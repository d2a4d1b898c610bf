"""What a player may choose, and what a choice becomes.

Actions 0-3 are the active Pokémon's move slots, 4-9 switches to a team slot. Where the games
leave only the Fight button, or one move, it is one action: the move's own slot if it is among the
four, else slot 0.
"""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM109
# mypy: no-warn-return-any

from .compilation import compiled, inlined
from .layout import (
    ACTIVE_MOVES,
    ACTIVE_PP,
    ASLEEP,
    BIDING,
    CANNOT_MOVE,
    CHARGED_MOVE,
    CHARGING,
    DISABLED,
    DISABLED_SLOT,
    FALSELY_TRAPPED,
    FROZEN,
    HP,
    LAST_ENEMY_SELECTED_MOVE,
    LAST_SELECTED_MOVE,
    LAST_SELECTED_SLOT,
    LOCKED_MOVE,
    MOVE_REQUEST,
    MUST_RECHARGE,
    NO_REQUEST,
    ORDER,
    POKEMON,
    RAGING,
    REQUEST,
    STATUS,
    SWITCH_REQUEST,
    THRASHING,
    TRAP_MAY_END,
    TRAPPED,
    TRAPPING,
    TRAPPING_MOVE,
    TRAPPING_TOTAL,
    TRAPPING_TURNS,
    Row,
)
from .pokemon import active, has, side
from .tables import BIDE, RAGE, STRUGGLE
from .use import LOCKS, SEMI_LOCKS

ACTIONS = 10
RECHARGE = 0  # locked, but into no move
FIGHT = CANNOT_MOVE + 1  # the button, whatever is behind it


@inlined
def may_be_locked(b: Row, s: int) -> bool:
    """Showdown's `maybeLocked`: the player must not learn whether a trap has ended."""
    o = side(s)
    locked = (has(b, s, TRAPPED) and b[o + TRAP_MAY_END] != 0) or has(b, s, FALSELY_TRAPPED)
    status = b[active(b, s) + STATUS]
    if status == ASLEEP or status == FROZEN or has(b, s, BIDING):
        locked = False
    if has(b, s, TRAPPING) and b[o + TRAPPING_TOTAL] - b[o + TRAPPING_TURNS] > 1:
        locked = True
    return locked and not has(b, s, LOCKS)


@compiled
def locked_move(b: Row, s: int) -> int:
    """The move a locked or semi-locked Pokémon repeats."""
    o = side(s)
    if has(b, s, MUST_RECHARGE):
        return RECHARGE
    if has(b, s, CHARGING):
        return b[o + CHARGED_MOVE]
    if has(b, s, THRASHING):
        return b[o + LOCKED_MOVE]
    if has(b, s, RAGING):
        return RAGE
    if has(b, s, BIDING):
        return BIDE
    return b[o + TRAPPING_MOVE]


@inlined
def selectable(b: Row, s: int) -> int:
    """The slots of moves that have PP and are not disabled, as bits; none means Struggle."""
    o = side(s)
    slots = 0
    for slot in range(4):  # without branches, which random play would mispredict
        slots |= ((b[o + ACTIVE_MOVES + slot] != 0) & (b[o + ACTIVE_PP + slot] != 0)) << slot
    if has(b, s, DISABLED):
        slots &= ~(1 << b[o + DISABLED_SLOT])
    return slots


@inlined
def _only_fight(b: Row, s: int) -> bool:
    """Asleep, frozen or held: whatever is chosen, it is only the Fight button."""
    status = b[active(b, s) + STATUS]
    return status == ASLEEP or status == FROZEN or has(b, s, TRAPPED)


@inlined
def _forced_slot(b: Row, s: int) -> int:
    """The slot of a move being repeated or of the Fight button, or -1 where there is neither."""
    if not has(b, s, LOCKS | SEMI_LOCKS | TRAPPED):  # nearly always
        return 0 if _only_fight(b, s) else -1
    uncertain = may_be_locked(b, s)
    if has(b, s, LOCKS) or (has(b, s, SEMI_LOCKS) and not uncertain):
        move = locked_move(b, s)
        for slot in range(4):
            if move != RECHARGE and b[side(s) + ACTIVE_MOVES + slot] == move:
                return slot
        return 0
    status = b[active(b, s) + STATUS]
    if status == ASLEEP or status == FROZEN or (has(b, s, TRAPPED) and not uncertain):
        return 0
    return -1


@compiled
def lone_slot(b: Row, s: int) -> int:
    """The slot a lone move is offered in, or -1 where the four moves are open."""
    forced = _forced_slot(b, s)
    return 0 if forced < 0 and selectable(b, s) == 0 else forced


@compiled
def lone_move(b: Row, s: int) -> int:
    """What the lone move is: a move number, ``RECHARGE`` or ``FIGHT``. Only where there is one."""
    uncertain = may_be_locked(b, s)
    if has(b, s, LOCKS) or (has(b, s, SEMI_LOCKS) and not uncertain):
        return locked_move(b, s)
    status = b[active(b, s) + STATUS]
    if status == ASLEEP or status == FROZEN or (has(b, s, TRAPPED) and not uncertain):
        return FIGHT
    return STRUGGLE


@inlined
def _may_switch(b: Row, s: int) -> bool:
    return b[side(s) + REQUEST] == SWITCH_REQUEST or not has(b, s, LOCKS)


@inlined
def _can_come_in(b: Row, s: int) -> int:
    """The team slots of a side that stand on the bench, as bits."""
    o = side(s)
    slots = 0
    for slot in range(6):
        slots |= (b[o + slot * POKEMON + HP] > 0) << slot
    return slots & ~(1 << b[o + ORDER])


@inlined
def _legal_moves(b: Row, s: int) -> int:
    if b[side(s) + REQUEST] != MOVE_REQUEST:
        return 0
    forced = _forced_slot(b, s)
    if forced >= 0:
        return 1 << forced
    slots = selectable(b, s)
    return slots if slots != 0 else 1


@inlined
def legal_actions(b: Row, s: int) -> int:
    """Every legal action of a side, as bits."""
    if b[side(s) + REQUEST] == NO_REQUEST:
        return 0
    legal = _legal_moves(b, s)
    if _may_switch(b, s):
        legal |= _can_come_in(b, s) << 4
    return legal


@inlined
def is_legal(b: Row, s: int, action: int) -> bool:
    """Whether an action is legal; -1 is for a side with nothing to decide."""
    if action < 0 or action >= ACTIONS:
        return action == -1 and b[side(s) + REQUEST] == NO_REQUEST
    return legal_actions(b, s) >> action & 1 != 0


@inlined
def select_move(b: Row, s: int, slot: int) -> int:
    """Turn a chosen slot into the move that goes in the queue, keeping both players' views.

    What is executed is what the side last *selected*, which sleep, freeze, locks and Haze leave
    untouched, and which the other player may see differently.
    """
    o = side(s)
    remembered = b[o + ACTIVE_MOVES + b[o + LAST_SELECTED_SLOT]]
    if has(b, s, LOCKS | SEMI_LOCKS):
        b[o + LAST_ENEMY_SELECTED_MOVE] = remembered
    elif _only_fight(b, s):
        status = b[active(b, s) + STATUS]
        if status == ASLEEP or status == FROZEN:
            b[o + LAST_ENEMY_SELECTED_MOVE] = remembered
        else:
            b[o + LAST_SELECTED_MOVE] = CANNOT_MOVE
            b[o + LAST_ENEMY_SELECTED_MOVE] = CANNOT_MOVE
    elif b[o + ACTIVE_MOVES + slot] == STRUGGLE or selectable(b, s) == 0:
        b[o + LAST_SELECTED_MOVE] = STRUGGLE
        b[o + LAST_ENEMY_SELECTED_MOVE] = STRUGGLE
    else:
        b[o + LAST_SELECTED_SLOT] = slot
        b[o + LAST_SELECTED_MOVE] = b[o + ACTIVE_MOVES + slot]
        b[o + LAST_ENEMY_SELECTED_MOVE] = b[o + ACTIVE_MOVES + slot]
    return b[o + LAST_SELECTED_MOVE]
