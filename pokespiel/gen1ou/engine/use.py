"""A Pokémon's action: may it move, which move does it use, and what follows from having moved."""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM109
# mypy: no-warn-return-any

from . import transcript as tell
from .compilation import compiled, inlined
from .hit import build_rage, land, take
from .layout import (
    ASLEEP,
    ATTACK,
    BIDE_DAMAGE,
    BIDE_TURNS,
    BIDING,
    CANNOT_MOVE,
    CHARGED_MOVE,
    CHARGING,
    CONFUSED,
    CONFUSION_TURNS,
    DEFENSE,
    DISABLE_TURNS,
    DISABLED,
    DISABLED_MOVE,
    FLINCHED,
    FROZEN,
    HP,
    LAST_DAMAGE,
    LAST_ENEMY_MOVE,
    LAST_ENEMY_SELECTED_MOVE,
    LAST_MOVE,
    LAST_SELECTED_MOVE,
    LAST_SELECTED_SLOT,
    LEVEL,
    LOCKED_TURNS,
    MOVES,
    MUST_RECHARGE,
    NO_MOVE,
    ORDER,
    PARALYZED,
    PP,
    RAGING,
    SLEEP_TURNS,
    STAT,
    STATUS,
    SUBSTITUTE,
    SUBSTITUTE_BROKE,
    THRASHING,
    TRANSFORMED,
    TRAPPED,
    TRAPPING,
    TRAPPING_TARGET,
    UNREACHABLE,
    Row,
)
from .pokemon import active, deduct_pp, gain, has, lose, side
from .prng import draw, shuffle_ties
from .status import after_own_move, end_confusion
from .substitute import hurt_oneself, take_for_user
from .tables import (
    BIDE,
    CALLS_LAST_MOVE,
    CALLS_RANDOM_MOVE,
    EFFECT,
    FISSURE,
    METRONOME,
    METRONOME_POOL,
    MIRROR_MOVE,
    STRUGGLE,
    TARGETS_USER,
    TRAPS,
    TWO_TURNS,
    TWO_TURNS_UNREACHABLE,
)
from .trapping import after_trapping_move, break_recharge

# Metronome and Mirror Move may call each other; Showdown itself throws before this depth.
_MOST_CALLS = 8

LOCKS = MUST_RECHARGE | CHARGING | THRASHING | RAGING  # no choice at all
SEMI_LOCKS = BIDING | TRAPPING  # may only switch instead


@inlined
def takes_two_turns(move: int) -> bool:
    return EFFECT[move] == TWO_TURNS or EFFECT[move] == TWO_TURNS_UNREACHABLE


@compiled
def _release_bide(b: Row, s: int) -> None:
    """Twice what was stored, at whatever is there, through type immunity and unreachability."""
    t = 1 - s
    damage = 2 * b[side(s) + BIDE_DAMAGE]
    if has(b, t, SUBSTITUTE):
        take_for_user(b, s, t, BIDE, damage)
    else:
        take(b, s, t, BIDE, damage)
        if has(b, t, RAGING):
            build_rage(b, t)


@compiled
def _bide_on(b: Row, s: int) -> None:
    o = side(s)
    b[o + BIDE_DAMAGE] += b[LAST_DAMAGE]
    b[o + BIDE_TURNS] -= 1
    if b[o + BIDE_TURNS] > 0:
        tell.note(b, tell.ACTIVATE, s, BIDING)
        return
    tell.note(b, tell.END, s, BIDING)
    if b[o + BIDE_DAMAGE] == 0:
        tell.note(b, tell.FAIL, s)
    else:
        _release_bide(b, s)
    lose(b, s, BIDING)


@compiled
def _stopped_by_confusion(b: Row, s: int) -> bool:
    """Half the time a confused Pokémon hits itself: 40 power, typeless, from current stats."""
    o = side(s)
    b[o + CONFUSION_TURNS] -= 1
    if b[o + CONFUSION_TURNS] == 0:
        end_confusion(b, s)
        return False
    tell.note(b, tell.ACTIVATE, s, CONFUSED)
    if draw(b, 256) < 128:
        return False
    base = 2 * b[active(b, s) + LEVEL] // 5 + 2
    hurt_oneself(
        b, s, base * b[o + STAT + ATTACK] * 40 // b[o + STAT + DEFENSE] // 50 + 2, CONFUSED
    )
    lose(b, s, BIDING | CHARGING | UNREACHABLE | TRAPPING | THRASHING)
    return True


@compiled
def _stopped_by_disable(b: Row, s: int, move: int) -> bool:
    o = side(s)
    b[o + DISABLE_TURNS] -= 1
    if b[o + DISABLE_TURNS] == 0:
        lose(b, s, DISABLED)
        tell.note(b, tell.END, s, DISABLED)
        return False
    if has(b, s, BIDING):
        move = BIDE
    if move != b[o + DISABLED_MOVE]:
        return False
    tell.note(b, tell.CANNOT_DISABLED, s, move)
    lose(b, s, CHARGING)
    return True


@inlined
def may_move(b: Row, s: int, target: int, move: int) -> bool:
    """Everything that can keep a Pokémon from moving, in order. ``target`` is its aim's slot."""
    o = side(s)
    m = active(b, s)
    status = b[m + STATUS]
    if status == FROZEN:
        tell.note(b, tell.CANNOT, s, -FROZEN)
        b[o + LAST_MOVE] = 0
        return False
    if has(b, s, MUST_RECHARGE):
        tell.note(b, tell.CANNOT, s, MUST_RECHARGE)
        lose(b, s, MUST_RECHARGE)
        return False
    if status == ASLEEP:
        b[m + SLEEP_TURNS] -= 1
        if b[m + SLEEP_TURNS] > 0:
            tell.note(b, tell.CANNOT, s, -ASLEEP)
        b[o + LAST_MOVE] = 0
        return False
    if has(b, s, TRAPPED):
        tell.note(b, tell.CANNOT, s, TRAPPED)
        return False
    if has(b, s, FLINCHED):
        tell.note(b, tell.CANNOT, s, FLINCHED)
        return False
    if has(b, s, DISABLED) and _stopped_by_disable(b, s, move):
        return False
    if has(b, s, CONFUSED) and _stopped_by_confusion(b, s):
        return False
    if status == PARALYZED and draw(b, 256) < 63:
        tell.note(b, tell.CANNOT, s, -PARALYZED)
        lose(b, s, BIDING | CHARGING | TRAPPING | THRASHING)
        return False
    if has(b, s, TRAPPING) and target != b[o + TRAPPING_TARGET]:
        lose(b, s, TRAPPING)
    if has(b, s, BIDING):
        _bide_on(b, s)
        return False
    return True


@compiled
def _charges(b: Row, s: int, move: int) -> bool:
    """The first turn of a two-turn move; the second ends the charge and goes on."""
    o = side(s)
    if has(b, s, CHARGING):
        lose(b, s, CHARGING | UNREACHABLE)
        return False
    tell.note(b, tell.PREPARE, s, move)
    gain(b, s, CHARGING)
    b[o + CHARGED_MOVE] = move
    tell.note(b, tell.STILL, s)
    if EFFECT[move] == TWO_TURNS_UNREACHABLE:
        gain(b, s, UNREACHABLE)
    return True


@inlined
def _after_move(b: Row, s: int, t: int) -> None:
    """What a multi-turn move leaves behind, then the user's own residual damage."""
    o = side(s)
    handlers = 0
    if has(b, s, MUST_RECHARGE):
        handlers += 1
        if b[active(b, t) + HP] == 0:
            lose(b, s, MUST_RECHARGE)
        else:
            tell.note(b, tell.RECHARGE, s)
    if has(b, s, TRAPPING):
        handlers += 1
        after_trapping_move(b, s, t)
    if has(b, s, THRASHING):
        handlers += 1
        if b[o + LOCKED_TURNS] <= 0:
            lose(b, s, THRASHING)
    shuffle_ties(b, handlers)
    if b[active(b, t) + HP] > 0:
        after_own_move(b, s, t)


@inlined
def _remember(b: Row, s: int, move: int) -> None:
    """What Mirror Move, Counter and the next turn need to know of the move being used."""
    o = side(s)
    shown = FISSURE if move == NO_MOVE else move
    b[o + LAST_ENEMY_MOVE] = shown
    if not takes_two_turns(move) or has(b, s, CHARGING):
        b[o + LAST_MOVE] = shown


@compiled
def _called(b: Row, s: int, move: int) -> int:
    """Which move Metronome or Mirror Move calls, 0 for none."""
    o = side(s)
    b[LAST_DAMAGE] = 0
    if EFFECT[move] == CALLS_RANDOM_MOVE:
        called = METRONOME_POOL[draw(b, METRONOME_POOL.size)]
    else:
        called = b[side(1 - s) + LAST_MOVE]
        if called == 0 or called == MIRROR_MOVE:
            tell.note(b, tell.FAIL, s)
            return 0
    b[o + LAST_SELECTED_MOVE] = called
    b[o + LAST_ENEMY_SELECTED_MOVE] = called
    return called


@compiled
def _refund_for_called_move(b: Row, s: int, move: int) -> None:
    """Called moves give PP back: a two-turn move will pay on its second turn."""
    o = side(s)
    if takes_two_turns(move):
        deduct_pp(b, s, -1)
    slot = b[o + LAST_SELECTED_SLOT]
    m = active(b, s)
    if b[o + TRANSFORMED] and b[m + MOVES + slot] != 0:
        b[m + PP + slot] = (b[m + PP + slot] + 1) & 63


@inlined
def use_move(b: Row, s: int, move: int, locked: bool) -> None:
    """Use a move, and the moves it calls."""
    source = move if locked else 0
    for _ in range(_MOST_CALLS):
        _remember(b, s, move)
        t = s if TARGETS_USER[move] else 1 - s
        tell.note(b, tell.MOVE, s, move, source)
        effect = EFFECT[move]
        if effect == CALLS_RANDOM_MOVE or effect == CALLS_LAST_MOVE:
            called = _called(b, s, move)
            if called == 0:
                break
            source = METRONOME if effect == CALLS_RANDOM_MOVE else MIRROR_MOVE
            move = called & 255
            _refund_for_called_move(b, s, move)
            continue
        if effect == TRAPS:
            break_recharge(b, t)
        if not (takes_two_turns(move) and _charges(b, s, move)):
            land(b, s, t, move)
        break
    _after_move(b, s, s if TARGETS_USER[move] else 1 - s)


@inlined
def run_move(b: Row, s: int, move: int) -> None:
    """A Pokémon's action in the turn."""
    t = s if TARGETS_USER[move] else 1 - s
    if move != CANNOT_MOVE:
        b[active(b, t) + SUBSTITUTE_BROKE] = 0
        if may_move(b, s, b[side(t) + ORDER] if s != t else -1, move):
            locked = False
            if move != STRUGGLE:
                locked = has(b, s, LOCKS | SEMI_LOCKS)
                if (not locked and not takes_two_turns(move)) or has(b, s, CHARGING):
                    deduct_pp(b, s, 1)
            use_move(b, s, move, locked)
            return
    after_own_move(b, s, t)
