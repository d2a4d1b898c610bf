"""How much a hit takes: the Gen 1 formula, with its rollover, and the moves that ignore it."""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# mypy: no-warn-return-any

from . import transcript as tell
from .compilation import compiled, inlined
from .layout import (
    ACTIVE_TYPES,
    ATTACK,
    DEFENSE,
    FOCUS_ENERGY,
    HP,
    LAST_DAMAGE,
    LAST_ENEMY_MOVE,
    LAST_ENEMY_SELECTED_MOVE,
    LEVEL,
    LIGHT_SCREEN,
    ORDER,
    REFLECT,
    SPECIAL,
    SPECIES,
    SPEED,
    STAT,
    STATS,
    TRAPPING,
    TRAPPING_DAMAGE,
    TRAPPING_TARGET,
    Row,
)
from .pokemon import active, has, has_type, side
from .prng import draw
from .tables import (
    BASE_STATS,
    CATEGORY,
    COUNTER,
    COUNTERABLE,
    COUNTERS,
    DAMAGE_IS_LEVEL,
    DRAWS_DAMAGE,
    EFFECT,
    EFFECTIVENESS,
    EXPLODES,
    FIXED_DAMAGE,
    GHOST,
    HALVES_HP,
    HIGH_CRITICAL,
    IGNORES_IMMUNITY,
    IMMUNE,
    NORMAL,
    ONE_HIT_KO,
    PHYSICAL_MOVE,
    POWER,
    TRAPS,
    TYPE,
    TYPELESS,
)

NO_DAMAGE = -1  # not a damaging move: nothing to take
FAILED = -2  # immune, or nothing to counter


@inlined
def is_immune(b: Row, t: int, move: int) -> bool:
    kind = TYPE[move]
    at = side(t) + ACTIVE_TYPES
    return IGNORES_IMMUNITY[move] == 0 and (
        EFFECTIVENESS[kind, b[at]] == IMMUNE or EFFECTIVENESS[kind, b[at + 1]] == IMMUNE
    )


@inlined
def _critical_chance(b: Row, s: int, move: int) -> int:
    """Out of 256, from the base speed of what the Pokémon was when the battle began."""
    c = BASE_STATS[b[active(b, s) + SPECIES], 1 + SPEED] // 2
    c = c // 2 if has(b, s, FOCUS_ENERGY) else min(max(c * 2, 1), 255)
    return min(max(c * 4, 1), 255) if HIGH_CRITICAL[move] else c // 2


@inlined
def _by_formula(b: Row, s: int, t: int, move: int) -> int:
    o, f = side(s), side(t)
    m, n = active(b, s), active(b, t)
    critical_chance = _critical_chance(b, s, move)
    critical = critical_chance > 0 and draw(b, 256) < critical_chance
    physical = CATEGORY[move] == PHYSICAL_MOVE
    attacking = ATTACK if physical else SPECIAL
    defending = DEFENSE if physical else SPECIAL
    level = b[m + LEVEL]
    if critical:
        tell.note(b, tell.CRITICAL, t)
        attack, defense = b[m + STATS + attacking], b[n + STATS + defending]
        level = (level * 2) & 255
    else:
        attack, defense = b[o + STAT + attacking], b[f + STAT + defending]
        if has(b, t, REFLECT if physical else LIGHT_SCREEN):
            defense *= 2
    if attack >= 256 or defense >= 256:
        attack = max((attack // 4) & 255, 1)
        defense = max((defense // 4) & 255, 1)
    if EXPLODES[move] and physical:
        defense = max(defense // 2, 1)
    damage = min((level * 2 // 5 + 2) * POWER[move] * attack // defense // 50, 997) + 2
    kind = TYPE[move]
    if kind != TYPELESS and has_type(b, s, kind):
        damage += damage // 2
    total = 0
    for k in range(2):
        defending_type = b[f + ACTIVE_TYPES + k]
        if k == 1 and defending_type == b[f + ACTIVE_TYPES]:
            break
        effectiveness = EFFECTIVENESS[kind, defending_type]
        if effectiveness == 1:
            damage *= 2
            total += 1
        elif effectiveness == -1:
            damage //= 2
            total -= 1
    if total > 0:
        tell.note(b, tell.SUPER_EFFECTIVE, t)
    elif total < 0:
        tell.note(b, tell.RESISTED, t)
    if damage > 1:
        damage = damage * (217 + draw(b, 39)) // 255
    return damage


@inlined
def _countered(b: Row, s: int, t: int) -> int:
    """Twice the last damage, if the foe's team last showed a Normal or Fighting attack."""
    o = side(t)
    if (
        b[o + LAST_ENEMY_SELECTED_MOVE] != COUNTER
        and COUNTERABLE[b[o + LAST_ENEMY_MOVE]]
        and b[LAST_DAMAGE] > 0
    ):
        return 2 * b[LAST_DAMAGE]
    tell.note(b, tell.FAIL, s)
    return FAILED


@compiled
def get_damage(b: Row, s: int, t: int, move: int) -> int:
    """Damage side ``s`` would do to side ``t``, or ``NO_DAMAGE`` or ``FAILED``."""
    move &= 255
    if is_immune(b, t, move):
        tell.note(b, tell.IMMUNE, t)
        return FAILED
    if ONE_HIT_KO[move]:
        return 65535
    effect = EFFECT[move]
    level = b[active(b, s) + LEVEL]
    if effect == COUNTERS:
        return _countered(b, s, t)
    if effect == HALVES_HP:
        return max(b[active(b, t) + HP] // 2, 1)
    if effect == DRAWS_DAMAGE:
        if (level + level // 2) & 255 < 2:
            return FAILED
        return 1 + draw(b, level * 3 // 2 - 1)
    if FIXED_DAMAGE[move] == DAMAGE_IS_LEVEL:
        return level
    if FIXED_DAMAGE[move] > 0:
        return FIXED_DAMAGE[move]
    if effect == TRAPS and TYPE[move] == NORMAL and has_type(b, t, GHOST):
        return 0
    o = side(s)
    if has(b, s, TRAPPING) and b[side(t) + ORDER] == b[o + TRAPPING_TARGET] and s != t:
        return b[o + TRAPPING_DAMAGE]
    if POWER[move] == 0:
        return NO_DAMAGE
    return _by_formula(b, s, t, move)
