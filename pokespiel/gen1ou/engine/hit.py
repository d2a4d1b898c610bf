"""A move that has been announced: does it land, and what does landing do?

Outcomes follow Showdown's: `FAILURE` is its ``false``; anything else went through, which includes
status moves that changed nothing.
"""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM102, SIM109
# mypy: no-warn-return-any

from . import transcript as tell
from .compilation import compiled, inlined
from .damage import FAILED, NO_DAMAGE, get_damage, is_immune
from .effects import (
    convert,
    disable,
    haze,
    mimic,
    moves_with_pp,
    recover,
    rest,
    start_biding,
    transform,
)
from .layout import (
    ACCURACY,
    ASLEEP,
    ATTACK,
    BOOST,
    BURNED,
    CONFUSED,
    EVASION,
    FLINCHED,
    FROZEN,
    HP,
    LAST_DAMAGE,
    LEECH_SEEDED,
    LOCKED_ACCURACY,
    LOCKED_MOVE,
    LOCKED_TURNS,
    MUST_RECHARGE,
    ORDER,
    PARALYZED,
    RAGE_ACCURACY,
    RAGING,
    SPEED,
    STAT,
    STATUS,
    SUBSTITUTE,
    SUBSTITUTE_BROKE,
    THRASHING,
    TRAPPED,
    TRAPPED_BY,
    TRAPPING,
    UNREACHABLE,
    Row,
)
from .pokemon import (
    active,
    boost_all,
    boost_and_tell,
    drop_stat_by_status,
    faint,
    gain,
    halve_attack,
    has,
    has_type,
    hurt,
    lose,
    quarter_speed,
    side,
)
from .prng import draw
from .status import confuse, cure, set_status
from .substitute import (
    blocks_status_move,
    drain,
    hurt_oneself,
    make_substitute,
    recoil,
    take_for_user,
)
from .tables import (
    ACCURACY as MOVE_ACCURACY,
)
from .tables import (
    BIDES,
    BOOST_PERCENT,
    BOOSTS,
    CATEGORY,
    CLEARS_ALL,
    CONVERTS,
    CRASHES,
    DISABLE,
    DISABLES,
    DRAINS,
    EFFECT,
    EXPLODES,
    GRASS,
    HAS_BOOSTS,
    HITS,
    KEEPS_LAST_DAMAGE,
    MAKES_SUBSTITUTE,
    MIMICS,
    NEEDS_SLEEPING_TARGET,
    NO_EFFECT,
    ONE_HIT_KO,
    PAYS,
    RAGES,
    RECHARGES,
    RECOIL,
    RECOVERS,
    RESTS,
    SECONDARY_BOOSTS,
    SECONDARY_CHANCE,
    SECONDARY_HAS_BOOSTS,
    SECONDARY_STATUS,
    SECONDARY_VOLATILE,
    SEEDS,
    SETS_SCREEN,
    SPLASHES,
    STATUS_MOVE,
    SWIFT,
    THRASHES,
    TRANSFORM,
    TRANSFORMS,
    TRAPS,
    TWO_TO_FIVE,
    TWO_TO_FIVE_HITS,
    TYPE,
    VOLATILE,
)
from .tables import STATUS as MOVE_STATUS
from .trapping import hold, start_trapping

SUCCESS, FAILURE = 0, 1


@compiled
def build_rage(b: Row, s: int) -> None:
    if b[active(b, s) + HP] > 0 and b[side(s) + BOOST + ATTACK] < 6:
        boost_and_tell(b, s, ATTACK, 1, True)


@compiled
def _give_status(b: Row, s: int, t: int, status: int, move: int, secondary: bool) -> None:
    m = active(b, t)
    announced = 0 if secondary else move
    if status == ASLEEP and has(b, t, MUST_RECHARGE):
        if set_status(b, t, status, False, announced):
            lose(b, t, MUST_RECHARGE)
    elif b[m + STATUS] == 0:
        if set_status(b, t, status, False, announced):
            if status == BURNED:
                halve_attack(b, t)
            elif status == PARALYZED:
                quarter_speed(b, t)
    elif not secondary:
        same = b[m + STATUS] == status
        tell.note(b, tell.FAIL_STATUS if same else tell.FAIL, t)


@inlined
def flinch(b: Row, t: int) -> None:
    if b[active(b, t) + HP] > 0 and not has(b, t, FLINCHED):
        gain(b, t, FLINCHED)
        lose(b, t, MUST_RECHARGE)


@compiled
def _give_volatile(b: Row, t: int, volatile: int) -> None:
    if volatile == CONFUSED:
        confuse(b, t, False)
    elif volatile == FLINCHED:
        flinch(b, t)
    elif b[active(b, t) + HP] > 0 and not has(b, t, volatile):
        gain(b, t, volatile)
        tell.note(b, tell.START, t, volatile)


@compiled
def _special_effect(b: Row, s: int, t: int, move: int) -> bool:
    """Moves with a rule of their own; False where that rule makes them fail."""
    effect = EFFECT[move]
    if effect == RECOVERS:
        return recover(b, s)
    if effect == RESTS:
        return rest(b, s, move)
    if effect == TRAPS:
        hold(b, s, t)
    elif effect == BIDES:
        start_biding(b, s)
    elif effect == SEEDS:
        _give_volatile(b, t, LEECH_SEEDED)
    elif effect == DISABLES:
        disable(b, t)
    elif effect == CLEARS_ALL:
        haze(b, s)
    elif effect == MIMICS:
        mimic(b, s, t)
    elif effect == TRANSFORMS:
        transform(b, s, t)
    elif effect == CONVERTS:
        convert(b, s, t)
    elif effect == PAYS:
        tell.note(b, tell.PAY_DAY, s)
    return True


@inlined
def _fails_on_target(b: Row, t: int, move: int) -> bool:
    """What makes a move fail before it does anything."""
    effect = EFFECT[move]
    if effect == DISABLES and moves_with_pp(b, t) == 0:
        tell.note(b, tell.FAIL, t)
        return True
    if effect == SETS_SCREEN and has(b, t, VOLATILE[move]):
        tell.note(b, tell.FAIL, t)
        return True
    if effect == SPLASHES:
        tell.note(b, tell.NOTHING, t)
    return False


@inlined
def take(b: Row, s: int, t: int, move: int, damage: int) -> int:
    """The target itself takes an attack; returns what it lost."""
    damage = min(damage, b[active(b, t) + HP])
    if b[active(b, t) + HP] == 0:
        return 0
    b[LAST_DAMAGE] = damage
    hurt(b, t, damage)
    tell.note(b, tell.DAMAGE, t)
    if damage > 0:
        if DRAINS[move]:
            drain(b, s, damage)
        if RECOIL[move] > 0:
            recoil(b, s, damage, move)
    return damage


@inlined
def _affect(b: Row, s: int, t: int, move: int, damage: int) -> bool:
    """Everything a hit does to a target no substitute stands before. False where it fails."""
    if damage >= 0:
        take(b, s, t, move, damage)
    if HAS_BOOSTS[move] and b[active(b, t) + HP] > 0:
        lowers_foe = s != t and CATEGORY[move] == STATUS_MOVE
        if not boost_all(b, t, BOOSTS[move], lowers_foe):
            tell.note(b, tell.FAIL, t)
            return False
        drop_stat_by_status(b, 1 - s)
    if MOVE_STATUS[move]:
        _give_status(b, s, t, MOVE_STATUS[move], move, False)
    if VOLATILE[move]:
        _give_volatile(b, t, VOLATILE[move])
    if EFFECT[move] != NO_EFFECT and not _special_effect(b, s, t, move):
        return False
    if has(b, t, RAGING) and CATEGORY[move] != STATUS_MOVE and not EXPLODES[move]:
        build_rage(b, t)
    return True


@inlined
def _secondary(b: Row, s: int, t: int, move: int) -> None:
    """Side effects, which a target shares a type with the move is partly safe from."""
    status = SECONDARY_STATUS[move]
    if status == PARALYZED or status == BURNED or status == FROZEN:
        if has_type(b, t, TYPE[move]):
            return
    if draw(b, 256) >= SECONDARY_CHANCE[move]:
        return
    if SECONDARY_HAS_BOOSTS[move]:
        if boost_all(b, t, SECONDARY_BOOSTS[move], False):
            drop_stat_by_status(b, 1 - s)
        else:
            tell.note(b, tell.FAIL, t)
    elif status:
        _give_status(b, s, t, status, move, True)
    elif SECONDARY_VOLATILE[move]:
        _give_volatile(b, t, SECONDARY_VOLATILE[move])


@inlined
def _bind_user(b: Row, s: int, t: int, move: int) -> None:
    """What landing a move commits its user to."""
    effect = EFFECT[move]
    if effect == RECHARGES:
        if b[active(b, s) + HP] > 0:
            gain(b, s, MUST_RECHARGE)
    elif effect == RAGES:
        if b[active(b, s) + HP] > 0 and not has(b, s, RAGING):
            gain(b, s, RAGING)
            b[side(s) + RAGE_ACCURACY] = 255


@inlined
def move_hit(b: Row, s: int, t: int, move: int, hit: int, last: bool, earlier: int) -> int:
    """One hit of a move that was not evaded. Returns its damage, ``NO_DAMAGE`` or ``FAILED``.

    ``hit`` counts from 1; hits after the first repeat the ``earlier`` damage.
    """
    if _fails_on_target(b, t, move):
        return FAILED
    if EFFECT[move] == MAKES_SUBSTITUTE:
        return NO_DAMAGE if make_substitute(b, s) else FAILED
    had_substitute = has(b, t, SUBSTITUTE)
    absorbed = False
    damage = 0
    if had_substitute and s != t:
        if CATEGORY[move] != STATUS_MOVE:
            damage = b[LAST_DAMAGE] if hit > 1 else get_damage(b, s, t, move)
            if damage < 0:
                return FAILED
            take_for_user(b, s, t, move, damage)
            absorbed = True
            damage = 0
        elif blocks_status_move(b, t, move):
            tell.note(b, tell.FAIL, t)
            return FAILED
    if not absorbed:
        damage = earlier if hit > 1 else get_damage(b, s, t, move)
        if damage == FAILED or not _affect(b, s, t, move, damage):
            return FAILED
    if EFFECT[move] == TRAPS:
        start_trapping(b, s, t, move)
    elif not had_substitute or has(b, t, SUBSTITUTE):
        _bind_user(b, s, t, move)
    if SECONDARY_CHANCE[move] > 0 and last and not absorbed and b[active(b, t) + HP] > 0:
        _secondary(b, s, t, move)
    return damage


@compiled
def _hit_repeatedly(b: Row, s: int, t: int, move: int) -> int:
    """Moves of several hits: one draw of damage for all, over when a substitute breaks."""
    hits = TWO_TO_FIVE[draw(b, 8)] if HITS[move] == TWO_TO_FIVE_HITS else HITS[move]
    damage = 0
    done = 0
    for k in range(1, hits + 1):
        if b[active(b, t) + HP] == 0 or b[active(b, s) + HP] == 0:
            break
        dealt = move_hit(b, s, t, move, k, k == hits, damage)
        if dealt == FAILED:
            break
        if k == 1:
            damage = dealt
        done = k
        if b[active(b, t) + SUBSTITUTE_BROKE]:
            break
    if done > 0:
        tell.note(b, tell.HIT_COUNT, t, done)
    return done


@compiled
def _thrash_on(b: Row, s: int, move: int) -> None:
    """Thrash and Petal Dance: count the turns before the attack, and end them confused."""
    o = side(s)
    if not has(b, s, THRASHING):
        gain(b, s, THRASHING)
        b[o + LOCKED_MOVE] = move
        b[o + LOCKED_TURNS] = 2 + draw(b, 2)
        b[o + LOCKED_ACCURACY] = 255
        return
    b[o + LOCKED_TURNS] -= 1
    if b[o + LOCKED_TURNS] == 0:
        lose(b, s, CONFUSED)
        confuse(b, s, True)


@inlined
def _is_evaded(b: Row, s: int, t: int, move: int) -> bool:
    """The accuracy check.

    Even certain moves miss once in 256. Thrash and Rage carry the accuracy of one turn over to
    the next, boosts included, so that it compounds.
    """
    o = side(s)
    accuracy = MOVE_ACCURACY[move]
    if accuracy == 0 or (MOVE_STATUS[move] == ASLEEP and has(b, t, MUST_RECHARGE)):
        return False
    if has(b, s, THRASHING):
        accuracy = b[o + LOCKED_ACCURACY]
    if has(b, s, RAGING):
        accuracy = b[o + RAGE_ACCURACY]
    accuracy = accuracy * BOOST_PERCENT[b[o + BOOST + ACCURACY] + 6] // 100
    accuracy = accuracy * BOOST_PERCENT[6 - b[side(t) + BOOST + EVASION]] // 100
    accuracy = min(max(accuracy, 1), 255)
    if has(b, s, THRASHING):
        b[o + LOCKED_ACCURACY] = accuracy
    if has(b, s, RAGING):
        b[o + RAGE_ACCURACY] = accuracy
    if has(b, t, TRAPPED) and b[side(t) + TRAPPED_BY] == b[o + ORDER]:
        return False
    return draw(b, 256) >= accuracy


@inlined
def _cannot_reach(b: Row, s: int, t: int, move: int) -> bool:
    """Out of reach, immune by type, or immune by the move's own rule."""
    if s != t and has(b, t, UNREACHABLE) and move != SWIFT and move != TRANSFORM:
        tell.note(b, tell.MESSAGE_UNREACHABLE, t)
        tell.note(b, tell.MISSED, s)
    elif is_immune(b, t, move):
        tell.note(b, tell.IMMUNE, t)
    else:
        return False
    if EXPLODES[move]:
        faint(b, s)
    return True


@inlined
def _immune_by_rule(b: Row, s: int, t: int, move: int) -> bool:
    effect = EFFECT[move]
    if effect == SEEDS and has_type(b, t, GRASS):
        tell.note(b, tell.IMMUNE, t)
        return True
    if effect == NEEDS_SLEEPING_TARGET:
        if b[active(b, t) + STATUS] != ASLEEP or has(b, t, SUBSTITUTE):
            tell.note(b, tell.IMMUNE, t)
            return True
    if ONE_HIT_KO[move] and b[side(t) + STAT + SPEED] > b[side(s) + STAT + SPEED]:
        tell.note(b, tell.IMMUNE_TO_KO, t)
        return True
    return False


@inlined
def _try_hit(b: Row, s: int, t: int, move: int) -> int:
    if EFFECT[move] == THRASHES:
        _thrash_on(b, s, move)
    if _cannot_reach(b, s, t, move) or _immune_by_rule(b, s, t, move):
        return FAILURE
    failed = False
    if _is_evaded(b, s, t, move):
        tell.note(b, tell.MISSED, s)
        b[LAST_DAMAGE] = 0
        failed = True
    elif HITS[move] != 0:
        if _hit_repeatedly(b, s, t, move) == 0:
            return SUCCESS
    else:
        failed = move_hit(b, s, t, move, 1, True, 0) == FAILED
    if EXPLODES[move] and not b[active(b, t) + SUBSTITUTE_BROKE]:
        faint(b, s)
    if failed:
        lose(b, s, TRAPPING)
        return FAILURE
    if ONE_HIT_KO[move]:
        tell.note(b, tell.ONE_HIT_KO, s)
    if SECONDARY_STATUS[move] == BURNED and b[active(b, t) + STATUS] == FROZEN:
        cure(b, t, False)
    return SUCCESS


@inlined
def land(b: Row, s: int, t: int, move: int) -> None:
    """An announced move meets its target."""
    if not KEEPS_LAST_DAMAGE[move]:
        b[LAST_DAMAGE] = 0
    outcome = _try_hit(b, s, t, move)
    if (EXPLODES[move] or move == DISABLE) and has(b, t, RAGING):
        build_rage(b, t)
    if outcome == FAILURE and EFFECT[move] == CRASHES:
        hurt_oneself(b, s, 1, 0)
