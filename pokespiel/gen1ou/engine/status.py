"""Sleep, poison, burn, freeze, paralysis and confusion: getting them and living with them."""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM109
# mypy: no-warn-return-any

from . import transcript as tell
from .compilation import compiled, inlined
from .layout import (
    ACTIVE_TYPES,
    ASLEEP,
    BADLY_POISONED,
    BURNED,
    CONFUSED,
    CONFUSION_TURNS,
    FROZEN,
    HEALTHY,
    HP,
    LEECH_SEEDED,
    MAX_HP,
    POISONED,
    POKEMON,
    SLEEP_TURNS,
    SLEPT_BY_ITSELF,
    STATUS,
    TOXIC_COUNTED,
    TOXIC_COUNTER,
    Row,
)
from .pokemon import active, gain, has, heal, hurt, lose, side
from .prng import draw
from .tables import IMMUNE_TO_STATUS


@compiled
def _clause_forbids(b: Row, s: int, status: int) -> bool:
    """Sleep Clause Mod and Freeze Clause Mod: one sleeper and one frozen a side."""
    for slot in range(6):
        m = side(s) + slot * POKEMON
        if b[m + STATUS] != status or b[m + HP] == 0:
            continue
        if status == FROZEN or b[m + SLEPT_BY_ITSELF] == 0:
            return True
    return False


@compiled
def set_status(b: Row, s: int, status: int, by_itself: bool, move: int) -> bool:
    """Give side ``s``'s active Pokémon a status; ``move`` is the status move behind it or 0."""
    m = active(b, s)
    if b[m + HP] == 0 or b[m + STATUS] == status:
        if b[m + HP] > 0 and move > 0:
            tell.note(b, tell.FAIL_STATUS, s)
        return False
    types = side(s) + ACTIVE_TYPES
    if IMMUNE_TO_STATUS[b[types], status] or IMMUNE_TO_STATUS[b[types + 1], status]:
        if move > 0:
            tell.note(b, tell.IMMUNE, s)
        return False
    draw(b, 2)  # the two clauses' handlers are equally fast
    if not by_itself and (status == ASLEEP or status == FROZEN) and _clause_forbids(b, s, status):
        asleep = status == ASLEEP
        tell.note(b, tell.MESSAGE_SLEEP_CLAUSE if asleep else tell.MESSAGE_FREEZE_CLAUSE, s)
        return False
    b[m + STATUS] = status
    tell.note(b, tell.GET_STATUS, s, move)
    if status == ASLEEP:
        b[m + SLEEP_TURNS] = 1 + draw(b, 7)
        b[m + SLEPT_BY_ITSELF] = by_itself
    elif status == BADLY_POISONED:
        gain(b, s, TOXIC_COUNTED)
        b[side(s) + TOXIC_COUNTER] = 0
    return True


@inlined
def cure(b: Row, s: int, silently: bool) -> None:
    m = active(b, s)
    if b[m + HP] > 0 and b[m + STATUS] != HEALTHY:
        tell.note(b, tell.CURE_SILENT if silently else tell.CURE, s, b[m + STATUS])
        b[m + STATUS] = HEALTHY


@compiled
def confuse(b: Row, s: int, silently: bool) -> None:
    if b[active(b, s) + HP] == 0 or has(b, s, CONFUSED):
        return
    gain(b, s, CONFUSED)
    tell.note(b, tell.START_SILENT if silently else tell.START, s, CONFUSED)
    b[side(s) + CONFUSION_TURNS] = 2 + draw(b, 4)


@inlined
def end_confusion(b: Row, s: int) -> None:
    lose(b, s, CONFUSED)
    tell.note(b, tell.END, s, CONFUSED)


@inlined
def after_own_move(b: Row, s: int, t: int) -> None:
    """What happens to a Pokémon when its move on side ``t``, or its failure to move, is over.

    Toxic's counter survives Rest and counts for burn, poison and Leech Seed as well.
    """
    o = side(s)
    m = active(b, s)
    status = b[m + STATUS]
    sick = status == POISONED or status == BURNED or status == BADLY_POISONED
    counted = has(b, s, TOXIC_COUNTED)
    if counted and sick:
        b[o + TOXIC_COUNTER] += 1
    share = max(b[m + MAX_HP] // 16, 1)
    if status == ASLEEP:
        if b[m + SLEEP_TURNS] <= 0:
            cure(b, s, False)
    elif sick and b[m + HP] > 0:
        hurt(b, s, share * b[o + TOXIC_COUNTER] if counted else share)
        by_foe = s != t and status != BADLY_POISONED
        tell.note(b, tell.DAMAGE_OF if by_foe else tell.DAMAGE_FROM, s, status)
    if has(b, s, LEECH_SEEDED) and b[active(b, 1 - s) + HP] > 0:
        if counted:
            b[o + TOXIC_COUNTER] += 1
            share *= b[o + TOXIC_COUNTER]
        if b[m + HP] > 0:
            hurt(b, s, share)
            tell.note(b, tell.DAMAGE_OF, s, -LEECH_SEEDED)
        if heal(b, 1 - s, share):
            tell.note(b, tell.HEAL_SILENT, 1 - s)
