"""The active Pokémon: finding it, hurting and healing it, its stats, its place on the field."""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM102
# mypy: no-warn-return-any

from . import transcript as tell
from .compilation import compiled, inlined
from .layout import (
    ACTIVE_MOVES,
    ACTIVE_PP,
    ACTIVE_SPECIES,
    ACTIVE_TYPES,
    ATTACK,
    BOOST,
    BURNED,
    FAINT_QUEUED,
    FAINTS,
    HP,
    LAST_MOVE,
    LAST_SELECTED_SLOT,
    MAX_HP,
    MIST,
    MOVES,
    ORDER,
    PARALYZED,
    POKEMON,
    PP,
    QUEUE_SPEED,
    SIDE,
    SPECIES,
    SPEED,
    STAT,
    STATS,
    STATUS,
    STORED_STAT,
    TRANSFORMED,
    TYPES,
    VOLATILES,
    Row,
)
from .prng import draw
from .tables import BOOST_PERCENT


# The masks below change nothing. They show the compiler that these offsets are not negative, so
# that it leaves out Python's wrapping around of negative indices.
@inlined
def side(s: int) -> int:
    """Offset of side ``s``."""
    return (s & 1) * SIDE


@inlined
def active(b: Row, s: int) -> int:
    """Offset of side ``s``'s active Pokémon."""
    o = side(s)
    return o + (b[o + ORDER] & 7) * POKEMON


@inlined
def has(b: Row, s: int, volatile: int) -> bool:
    return b[side(s) + VOLATILES] & volatile != 0


@inlined
def gain(b: Row, s: int, volatile: int) -> None:
    b[side(s) + VOLATILES] |= volatile


@inlined
def lose(b: Row, s: int, volatile: int) -> None:
    b[side(s) + VOLATILES] &= ~volatile


@inlined
def has_type(b: Row, s: int, kind: int) -> bool:
    at = side(s) + ACTIVE_TYPES
    return b[at] == kind or b[at + 1] == kind


@inlined
def faint(b: Row, s: int) -> None:
    """Drop to 0 hp; it leaves the field when the action is over."""
    if b[side(s) + FAINT_QUEUED] == 0:
        b[active(b, s) + HP] = 0
        b[FAINTS] += 1
        b[side(s) + FAINT_QUEUED] = b[FAINTS]


@inlined
def hurt(b: Row, s: int, damage: int) -> int:
    """Take damage; returns how much of it there was hp for."""
    m = active(b, s)
    hp = b[m + HP]
    if hp == 0 or damage <= 0:
        return 0
    if damage >= hp:
        faint(b, s)
        return hp
    b[m + HP] = hp - damage
    return damage


@inlined
def heal(b: Row, s: int, amount: int) -> bool:
    m = active(b, s)
    if b[m + HP] == 0 or b[m + HP] >= b[m + MAX_HP] or amount <= 0:
        return False
    b[m + HP] = min(b[m + HP] + amount, b[m + MAX_HP])
    return True


@inlined
def speed_tie(b: Row) -> None:
    """Showdown sorts both Pokémon by speed around every action; a tie costs it one draw."""
    if b[QUEUE_SPEED] == b[SIDE + QUEUE_SPEED]:
        if b[active(b, 0) + HP] > 0 and b[active(b, 1) + HP] > 0:
            draw(b, 2)


@inlined
def refresh_speed(b: Row, s: int) -> None:
    b[side(s) + QUEUE_SPEED] = b[side(s) + STAT + SPEED]


@inlined
def quarter_speed(b: Row, s: int) -> None:
    at = side(s) + STAT + SPEED
    b[at] = max(b[at] // 4, 1)


@inlined
def halve_attack(b: Row, s: int) -> None:
    at = side(s) + STAT + ATTACK
    b[at] = max(b[at] // 2, 1)


@inlined
def drop_stat_by_status(b: Row, s: int) -> None:
    """Paralysis quarters speed and burn halves attack: once more each time this runs."""
    status = b[active(b, s) + STATUS]
    if status == PARALYZED:
        quarter_speed(b, s)
    elif status == BURNED:
        halve_attack(b, s)


@inlined
def enter(b: Row, s: int) -> None:
    """Reset everything that belongs to being active, for the Pokémon now at position 0."""
    o = side(s)
    m = active(b, s)
    for k in range(4):
        b[o + STAT + k] = b[m + STATS + k]
        b[o + STORED_STAT + k] = b[m + STATS + k]
        b[o + ACTIVE_MOVES + k] = b[m + MOVES + k]
        b[o + ACTIVE_PP + k] = b[m + PP + k]
    for k in range(6):
        b[o + BOOST + k] = 0
    b[o + ACTIVE_TYPES] = b[m + TYPES]
    b[o + ACTIVE_TYPES + 1] = b[m + TYPES + 1]
    b[o + ACTIVE_SPECIES] = b[m + SPECIES]
    b[o + TRANSFORMED] = 0
    b[o + LAST_MOVE] = 0
    b[o + VOLATILES] = 0
    drop_stat_by_status(b, s)


@compiled
def recalculate(b: Row, s: int, stat: int) -> None:
    """A stat from its boost alone: status drops are forgotten."""
    o = side(s)
    percent = BOOST_PERCENT[b[o + BOOST + stat] + 6]
    b[o + STAT + stat] = max(b[o + STORED_STAT + stat] * percent // 100, 1)


@compiled
def boost_stat(b: Row, s: int, stat: int, stages: int) -> bool:
    """Raise or lower one stat; whether it changed.

    A stat already at 999 or 1 keeps its value and bounces back one stage, which counts as failing.
    """
    o = side(s)
    before = b[o + BOOST + stat]
    if (stages > 0 and before >= 6) or (stages < 0 and before <= -6):
        return False
    after = min(max(before + stages, -6), 6)
    b[o + BOOST + stat] = after
    if stat < 4:
        if stages > 0 and b[o + STAT + stat] == 999:
            b[o + BOOST + stat] = after - 1
            return False
        if stages < 0 and b[o + STAT + stat] == 1:
            b[o + BOOST + stat] = after + 1
            return False
        recalculate(b, s, stat)
        if stages > 0:
            b[o + STAT + stat] = min(b[o + STAT + stat], 999)
    return True


@compiled
def boost_and_tell(b: Row, s: int, stat: int, stages: int, by_rage: bool) -> bool:
    o = side(s)
    before = b[o + BOOST + stat]
    limit = stat < 4 and b[o + STAT + stat] == (999 if stages > 0 else 1)
    changed = boost_stat(b, s, stat, stages)
    bounced = limit and not changed and before * (1 if stages > 0 else -1) < 6
    if changed or bounced:
        rose = tell.RAISE_BY_RAGE if by_rage else tell.RAISE
        amount = abs(stages) + (tell.BOUNCED if bounced else 0)
        tell.note(b, rose if stages > 0 else tell.LOWER, s, stat, amount)
    return changed


@compiled
def boost_all(b: Row, s: int, stages: Row, by_foe_status_move: bool) -> bool:
    """Apply a move's boosts to side ``s``; Mist blocks those a foe's status move would lower."""
    if b[active(b, s) + HP] == 0:
        return False
    success = False
    blocked = False
    for stat in range(6):
        if stages[stat] == 0:
            continue
        if stages[stat] < 0 and by_foe_status_move and has(b, s, MIST):
            blocked = True
        elif boost_and_tell(b, s, stat, stages[stat], False):
            success = True
    if blocked:
        tell.note(b, tell.ACTIVATE, s, MIST)
    return success


@inlined
def deduct_pp(b: Row, s: int, amount: int) -> None:
    """Charge the selected slot; 0 PP underflows to 63. Copied moves of Transform stay its own."""
    o = side(s)
    slot = b[o + LAST_SELECTED_SLOT]
    if b[o + ACTIVE_MOVES + slot] == 0:
        return
    left = (b[o + ACTIVE_PP + slot] - amount) & 63
    b[o + ACTIVE_PP + slot] = left
    if b[o + TRANSFORMED] == 0:
        b[active(b, s) + PP + slot] = left
