"""Substitute: making one, and what it takes in its maker's place."""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM102
# mypy: no-warn-return-any

from . import transcript as tell
from .compilation import compiled
from .layout import (
    BADLY_POISONED,
    CONFUSED,
    HP,
    LAST_DAMAGE,
    MAX_HP,
    POISONED,
    SUBSTITUTE,
    SUBSTITUTE_BROKE,
    SUBSTITUTE_HP,
    TRAPPED,
    TRAPPING_MOVE,
    Row,
)
from .pokemon import active, gain, has, heal, hurt, lose, side
from .prng import draw
from .status import confuse
from .tables import (
    CATEGORY,
    DRAINS,
    HAS_BOOSTS,
    RECOIL,
    SECONDARY_CHANCE,
    SECONDARY_VOLATILE,
    STATUS,
    STATUS_MOVE,
    VOLATILE,
)


@compiled
def make_substitute(b: Row, s: int) -> bool:
    """Pay a quarter of max hp, rounded down: at exactly a quarter the maker faints."""
    m = active(b, s)
    if has(b, s, SUBSTITUTE):
        tell.note(b, tell.FAIL_SUBSTITUTE, s)
        return False
    if b[m + HP] * 4 < b[m + MAX_HP]:
        tell.note(b, tell.FAIL_WEAK_SUBSTITUTE, s)
        return False
    gain(b, s, SUBSTITUTE)
    b[side(s) + SUBSTITUTE_HP] = b[m + MAX_HP] // 4 + 1
    tell.note(b, tell.START, s, SUBSTITUTE)
    if has(b, s, TRAPPED):
        tell.note(b, tell.FREE_FROM_TRAP, s, b[side(1 - s) + TRAPPING_MOVE])
        lose(b, s, TRAPPED)
    if b[m + MAX_HP] > 3:
        hurt(b, s, b[m + MAX_HP] // 4)
        tell.note(b, tell.DAMAGE, s)
    return True


@compiled
def damage_substitute(b: Row, t: int, damage: int) -> None:
    o = side(t)
    b[o + SUBSTITUTE_HP] -= damage
    if b[o + SUBSTITUTE_HP] <= 0:
        lose(b, t, SUBSTITUTE)
        tell.note(b, tell.END, t, SUBSTITUTE)
        b[active(b, t) + SUBSTITUTE_BROKE] = 1
    else:
        tell.note(b, tell.SUBSTITUTE_TAKES, t)


@compiled
def blocks_status_move(b: Row, t: int, move: int) -> bool:
    """Poison, stat drops and confusion; sleep, paralysis, Leech Seed and the rest pass."""
    return (
        STATUS[move] == POISONED
        or STATUS[move] == BADLY_POISONED
        or HAS_BOOSTS[move] != 0
        or VOLATILE[move] == CONFUSED
    )


@compiled
def take_for_user(b: Row, s: int, t: int, move: int, damage: int) -> None:
    """Side ``t``'s substitute takes an attack. Damage, recoil and drain are not capped by its hp.

    While it stands, confusion as a side effect reaches through it.
    """
    b[LAST_DAMAGE] = damage
    damage_substitute(b, t, damage)
    if not has(b, t, SUBSTITUTE):
        return
    if damage > 0 and RECOIL[move] > 0:
        recoil(b, s, damage, move)
    if DRAINS[move]:
        drain(b, s, damage)
    if CATEGORY[move] != STATUS_MOVE and SECONDARY_VOLATILE[move] == CONFUSED:
        if draw(b, 256) < SECONDARY_CHANCE[move]:
            confuse(b, t, False)


@compiled
def recoil(b: Row, s: int, damage: int, move: int) -> None:
    if b[active(b, s) + HP] > 0:
        hurt(b, s, max(damage // RECOIL[move], 1))
        tell.note(b, tell.DAMAGE_BY_RECOIL, s)


@compiled
def drain(b: Row, s: int, damage: int) -> None:
    """Heal half the damage, which also becomes the last damage that Counter and Bide see."""
    b[LAST_DAMAGE] = max(damage // 2, 1)
    if heal(b, s, b[LAST_DAMAGE]):
        tell.note(b, tell.HEAL_DRAIN, s)


@compiled
def hurt_oneself(b: Row, s: int, damage: int, kind: int) -> None:
    """Confusion or a crash. Behind a substitute it hits the foe's substitute instead, if any."""
    if b[active(b, s) + HP] == 0:
        return
    b[LAST_DAMAGE] = damage
    if has(b, s, SUBSTITUTE):
        if has(b, 1 - s, SUBSTITUTE):
            damage_substitute(b, 1 - s, damage)
        return
    hurt(b, s, damage)
    if kind == 0:
        tell.note(b, tell.DAMAGE, s)
    else:
        tell.note(b, tell.DAMAGE_FROM, s, -kind)
