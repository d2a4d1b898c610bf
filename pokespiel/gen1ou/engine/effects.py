"""Moves that do something of their own when they land: Haze, Mimic, Transform and the like."""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# mypy: no-warn-return-any

from . import transcript as tell
from .compilation import compiled
from .layout import (
    ACTIVE_MOVES,
    ACTIVE_PP,
    ACTIVE_SPECIES,
    ACTIVE_TYPES,
    ASLEEP,
    BADLY_POISONED,
    BIDE_DAMAGE,
    BIDE_TURNS,
    BIDING,
    BOOST,
    CANNOT_MOVE,
    CONFUSED,
    DISABLE_TURNS,
    DISABLED,
    DISABLED_MOVE,
    DISABLED_SLOT,
    FOCUS_ENERGY,
    FROZEN,
    HP,
    LAST_ENEMY_SELECTED_MOVE,
    LAST_SELECTED_MOVE,
    LAST_SELECTED_SLOT,
    LEECH_SEEDED,
    LEVEL,
    LIGHT_SCREEN,
    MAX_HP,
    MIST,
    PENDING_MOVE,
    POISONED,
    QUEUE_SPEED,
    REFLECT,
    SLEEP_TURNS,
    SPEED,
    SPEED_GENES,
    STAT,
    STATUS,
    STORED_STAT,
    TOXIC_COUNTED,
    TRANSFORMED,
    Row,
)
from .pokemon import active, gain, has, heal, lose, refresh_speed, side
from .prng import draw
from .status import cure, set_status
from .tables import BASE_PP, BASE_STATS


@compiled
def _cannot_recover(b: Row, s: int) -> bool:
    """Full, or missing 255 or 511 hp (unless what is left is a multiple of 256)."""
    m = active(b, s)
    missing = b[m + MAX_HP] - b[m + HP]
    return missing == 0 or ((missing == 255 or missing == 511) and b[m + HP] % 256 != 0)


@compiled
def recover(b: Row, s: int) -> bool:
    if _cannot_recover(b, s):
        tell.note(b, tell.FAIL, s)
        return False
    heal(b, s, b[active(b, s) + MAX_HP] // 2)
    tell.note(b, tell.HEAL, s)
    return True


@compiled
def rest(b: Row, s: int, move: int) -> bool:
    m = active(b, s)
    if _cannot_recover(b, s) or not set_status(b, s, ASLEEP, True, move):
        tell.note(b, tell.FAIL, s)
        return False
    b[m + SLEEP_TURNS] = 2
    heal(b, s, b[m + MAX_HP])
    tell.note(b, tell.HEAL_SILENT, s)
    return True


@compiled
def disable(b: Row, t: int) -> None:
    """One of the target's moves with PP left, for 1 to 8 of its turns."""
    o = side(t)
    if has(b, t, DISABLED) or b[active(b, t) + HP] == 0:
        return
    gain(b, t, DISABLED)
    choice = draw(b, moves_with_pp(b, t))
    for slot in range(4):
        if b[o + ACTIVE_MOVES + slot] != 0 and b[o + ACTIVE_PP + slot] > 0:
            if choice == 0:
                b[o + DISABLED_SLOT] = slot
                b[o + DISABLED_MOVE] = b[o + ACTIVE_MOVES + slot]
                tell.note(b, tell.DISABLE, t, b[o + ACTIVE_MOVES + slot])
            choice -= 1
    b[o + DISABLE_TURNS] = 1 + draw(b, 8)


@compiled
def moves_with_pp(b: Row, t: int) -> int:
    o = side(t)
    n = 0
    for slot in range(4):
        if b[o + ACTIVE_MOVES + slot] != 0 and b[o + ACTIVE_PP + slot] > 0:
            n += 1
    return n


@compiled
def start_biding(b: Row, s: int) -> None:
    if has(b, s, BIDING):
        return
    gain(b, s, BIDING)
    b[side(s) + BIDE_DAMAGE] = 0
    b[side(s) + BIDE_TURNS] = 2 + draw(b, 2)
    tell.note(b, tell.START, s, BIDING)


@compiled
def _haze_volatile(b: Row, s: int, volatile: int) -> None:
    if has(b, s, volatile):
        lose(b, s, volatile)
        tell.note(b, tell.END_SILENT, s, volatile)


@compiled
def _haze_one(b: Row, s: int, user: int) -> None:
    o = side(s)
    m = active(b, s)
    for k in range(6):
        b[o + BOOST + k] = 0
    for k in range(4):
        b[o + STAT + k] = b[o + STORED_STAT + k]
    if s != user:
        if b[m + STATUS] == FROZEN or b[m + STATUS] == ASLEEP:
            b[o + LAST_SELECTED_MOVE] = CANNOT_MOVE
            b[o + LAST_ENEMY_SELECTED_MOVE] = CANNOT_MOVE
            if b[o + PENDING_MOVE] != 0:
                b[o + PENDING_MOVE] = CANNOT_MOVE
        cure(b, s, True)
    if b[m + STATUS] == BADLY_POISONED:
        draw(b, 2)  # set to plain poison: past the clauses, without immunity
        b[m + STATUS] = POISONED
        tell.note(b, tell.GET_STATUS, s)
    refresh_speed(b, s)
    if b[m + HP] > 0:
        for volatile in (
            DISABLED,
            CONFUSED,
            MIST,
            FOCUS_ENERGY,
            LEECH_SEEDED,
            LIGHT_SCREEN,
            REFLECT,
            TOXIC_COUNTED,
        ):
            _haze_volatile(b, s, volatile)


@compiled
def haze(b: Row, user: int) -> None:
    """Clear both sides' boosts, screens and ailments, status drops and the foe's status.

    A foe cured of sleep or freeze has nothing selected and cannot move until it chooses again.
    """
    tell.note(b, tell.ACTIVATE, user, 0)
    tell.note(b, tell.CLEAR_ALL, user)
    _haze_one(b, 0, user)
    _haze_one(b, 1, user)


@compiled
def mimic(b: Row, s: int, t: int) -> None:
    """Learn one of the target's moves in the slot used, with the PP left there."""
    f = side(t)
    n = 0
    for slot in range(4):
        if b[f + ACTIVE_MOVES + slot] != 0:
            n += 1
    move = b[f + ACTIVE_MOVES + draw(b, n)]
    b[side(s) + ACTIVE_MOVES + b[side(s) + LAST_SELECTED_SLOT]] = move
    tell.note(b, tell.MIMIC, s, move)


@compiled
def transform(b: Row, s: int, t: int) -> None:
    """Copy species, types, stats with their boosts and drops, and moves at 5 PP each."""
    o = side(s)
    f = side(t)
    m = active(b, s)
    species = b[f + ACTIVE_SPECIES]
    b[o + ACTIVE_SPECIES] = species
    b[o + TRANSFORMED] = 1
    base = 2 * BASE_STATS[species, 1 + SPEED] + b[m + SPEED_GENES]
    b[o + QUEUE_SPEED] = base * b[m + LEVEL] // 100 + 5
    for k in range(4):
        b[o + STAT + k] = b[f + STAT + k]
        b[o + STORED_STAT + k] = b[f + STORED_STAT + k]
        move = b[f + ACTIVE_MOVES + k]
        b[o + ACTIVE_MOVES + k] = move
        b[o + ACTIVE_PP + k] = min(BASE_PP[move], 5)
    for k in range(6):
        b[o + BOOST + k] = b[f + BOOST + k]
    for k in range(2):
        b[o + ACTIVE_TYPES + k] = b[f + ACTIVE_TYPES + k]
    tell.note(b, tell.TRANSFORM, s)


@compiled
def convert(b: Row, s: int, t: int) -> None:
    for k in range(2):
        b[side(s) + ACTIVE_TYPES + k] = b[side(t) + ACTIVE_TYPES + k]
    kinds = b[side(s) + ACTIVE_TYPES] * 16 + b[side(s) + ACTIVE_TYPES + 1]
    tell.note(b, tell.CONVERT, s, kinds)
