"""What a player may choose, and what a choice becomes.

Actions 0-3 are the active Pokémon's move slots, 4-9 switches to a team slot. Where the games
leave only the Fight button, or one move, it is one action: the move's own slot if it is among the
four, else slot 0.
"""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM109, SIM110
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
    SIDE,
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
from .pokemon import active, has
from .tables import BIDE, RAGE, STRUGGLE
from .use import LOCKS, SEMI_LOCKS

ACTIONS = 10
RECHARGE = 0  # locked, but into no move
FIGHT = CANNOT_MOVE + 1  # the button, whatever is behind it


@inlined
def may_be_locked(b: Row, s: int) -> bool:
    """Showdown's `maybeLocked`: the player must not learn whether a trap has ended."""
    o = s * SIDE
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
    o = s * SIDE
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
def can_select(b: Row, s: int, slot: int) -> bool:
    o = s * SIDE
    if b[o + ACTIVE_MOVES + slot] == 0 or b[o + ACTIVE_PP + slot] == 0:
        return False
    return not (has(b, s, DISABLED) and b[o + DISABLED_SLOT] == slot)


@compiled
def must_struggle(b: Row, s: int) -> bool:
    for slot in range(4):
        if can_select(b, s, slot):
            return False
    return True


@inlined
def _only_fight(b: Row, s: int) -> bool:
    """Asleep, frozen or held: whatever is chosen, it is only the Fight button."""
    status = b[active(b, s) + STATUS]
    return status == ASLEEP or status == FROZEN or has(b, s, TRAPPED)


@compiled
def lone_slot(b: Row, s: int) -> int:
    """The slot a lone move is offered in, or -1 where the four moves are open."""
    o = s * SIDE
    uncertain = may_be_locked(b, s)
    if has(b, s, LOCKS) or (has(b, s, SEMI_LOCKS) and not uncertain):
        move = locked_move(b, s)
        for slot in range(4):
            if move != RECHARGE and b[o + ACTIVE_MOVES + slot] == move:
                return slot
        return 0
    status = b[active(b, s) + STATUS]
    if status == ASLEEP or status == FROZEN or (has(b, s, TRAPPED) and not uncertain):
        return 0
    return 0 if must_struggle(b, s) else -1


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


@compiled
def legal_actions(b: Row, s: int) -> int:
    """Every legal action of a side, as bits."""
    o = s * SIDE
    request = b[o + REQUEST]
    legal = 0
    if request == NO_REQUEST:
        return legal
    if request == SWITCH_REQUEST or not has(b, s, LOCKS):
        for slot in range(6):
            if slot != b[o + ORDER] and b[o + slot * POKEMON + HP] > 0:
                legal |= 16 << slot
    if request == MOVE_REQUEST:
        lone = lone_slot(b, s)
        if lone >= 0:
            legal |= 1 << lone
        else:
            for slot in range(4):
                if can_select(b, s, slot):
                    legal |= 1 << slot
    return legal


@compiled
def select_move(b: Row, s: int, slot: int) -> int:
    """Turn a chosen slot into the move that goes in the queue, keeping both players' views.

    What is executed is what the side last *selected*, which sleep, freeze, locks and Haze leave
    untouched, and which the other player may see differently.
    """
    o = s * SIDE
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
    elif b[o + ACTIVE_MOVES + slot] == STRUGGLE or must_struggle(b, s):
        b[o + LAST_SELECTED_MOVE] = STRUGGLE
        b[o + LAST_ENEMY_SELECTED_MOVE] = STRUGGLE
    else:
        b[o + LAST_SELECTED_SLOT] = slot
        b[o + LAST_SELECTED_MOVE] = b[o + ACTIVE_MOVES + slot]
        b[o + LAST_ENEMY_SELECTED_MOVE] = b[o + ACTIVE_MOVES + slot]
    return b[o + LAST_SELECTED_MOVE]
