"""The turn: both choices in order of speed, and everything Showdown does around them.

The draws of its speed sorts are part of the rules here: ties between actions, between the two
Pokémon after every action, between end-of-turn handlers, all cost a frame of the generator.
"""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# ruff: noqa: SIM102, SIM109
# mypy: no-warn-return-any

from . import transcript as tell
from .choices import select_move
from .compilation import compiled, inlined
from .layout import (
    ACTIVE_MOVES,
    ACTIVE_PP,
    ACTIVE_TYPES,
    BADLY_POISONED,
    BIDING,
    BURNED,
    DISABLED,
    FAINT_QUEUED,
    FAINTED_THIS_TURN,
    FAINTS,
    FALSELY_TRAPPED,
    FROZEN,
    HEALTHY,
    HP,
    LAST_ENEMY_SELECTED_MOVE,
    LAST_MOVE,
    LAST_SELECTED_MOVE,
    LAST_SELECTED_SLOT,
    MAX_HP,
    MOVE_REQUEST,
    MOVES,
    NO_MOVE,
    NO_REQUEST,
    ORDER,
    PENDING_MOVE,
    PLAYER_1_WINS,
    PLAYER_2_WINS,
    POISONED,
    POKEMON,
    POKEMON_LEFT,
    PP,
    QUEUE_SPEED,
    REQUEST,
    RESULT,
    SIDE,
    SPEED,
    STAT,
    STATUS,
    SWITCH_REQUEST,
    TIE,
    TRAPPED,
    TRAPPING,
    TURN,
    TYPES,
    VOLATILES,
    Row,
)
from .pokemon import active, enter, has, hurt, refresh_speed, side, speed_tie
from .prng import draw, shuffle_ties
from .tables import GHOST, METRONOME, PRIORITY, TRANSFORM
from .trapping import count_down_durations, tidy_traps
from .use import run_move

LAST_TURN = 1000


@compiled
def _leave_field(b: Row, s: int) -> None:
    tell.note(b, tell.FAINT, s)
    b[side(s) + POKEMON_LEFT] -= 1
    b[side(s) + FAINTED_THIS_TURN] = 1
    enter(b, s)
    b[active(b, s) + STATUS] = HEALTHY


@compiled
def _settle_faints(b: Row) -> None:
    first = 0 if b[FAINT_QUEUED] == 1 else 1
    _leave_field(b, first)
    if b[FAINTS] == 2:
        _leave_field(b, 1 - first)
    b[FAINTS] = 0
    out_1 = b[POKEMON_LEFT] == 0
    out_2 = b[SIDE + POKEMON_LEFT] == 0
    if out_1 and out_2:
        b[RESULT] = TIE
        tell.note(b, tell.TIE, 0)
    elif out_2:
        b[RESULT] = PLAYER_1_WINS
        tell.note(b, tell.WIN, 0)
    elif out_1:
        b[RESULT] = PLAYER_2_WINS
        tell.note(b, tell.WIN, 1)
    for s in range(2):
        o = side(s)
        if b[RESULT] == 0 and b[o + FAINT_QUEUED] != 0:
            b[o + REQUEST] = SWITCH_REQUEST
        b[o + FAINT_QUEUED] = 0
        b[o + PENDING_MOVE] = 0


@inlined
def after_action(b: Row) -> bool:
    """Settle faints, which end the turn and may end the battle; True where they did."""
    if b[FAINTS] > 0:
        _settle_faints(b)
        return True
    speed_tie(b)
    return False


@inlined
def send_in(b: Row, s: int, slot: int) -> None:
    """Bring a team member onto the field; its arrival takes effect in `arrive`."""
    o = side(s)
    for position in range(6):
        there = b[o + ORDER + position]
        b[o + ORDER + position] = b[o + ORDER] if there == slot else there
    b[o + ORDER] = slot
    enter(b, s)
    refresh_speed(b, s)
    tell.note(b, tell.SWITCH, s)


@inlined
def arrive(b: Row, s: int) -> None:
    """A Pokémon that has come in: toxic turns to poison, and burn and poison hurt at once."""
    o = side(s)
    f = side(1 - s)
    m = active(b, s)
    if b[m + STATUS] == BADLY_POISONED:
        b[m + STATUS] = POISONED
        tell.note(b, tell.GET_STATUS_SILENT, s)
    b[LAST_MOVE] = 0
    b[SIDE + LAST_MOVE] = 0
    b[o + LAST_SELECTED_SLOT] = 0
    if has(b, 1 - s, TRAPPING):
        # A trap called by Metronome does not follow: its user's action is Metronome again.
        if b[f + ACTIVE_MOVES + b[f + LAST_SELECTED_SLOT]] == METRONOME:
            b[f + LAST_SELECTED_MOVE] = METRONOME
            b[f + LAST_ENEMY_SELECTED_MOVE] = METRONOME
            if b[f + PENDING_MOVE] != 0:
                b[f + PENDING_MOVE] = METRONOME
                refresh_speed(b, 1 - s)
    status = b[m + STATUS]
    if b[o + FAINTED_THIS_TURN] == 0 and (status == BURNED or status == POISONED):
        hurt(b, s, max(b[m + MAX_HP] // 16, 1))
        tell.note(b, tell.DAMAGE_FROM, s, status)


@inlined
def _faster(b: Row, first: int, second: int) -> int:
    """Which side goes first: 1 if the second is faster, else 0; a tie is drawn."""
    if first == second:
        return draw(b, 2)
    return 1 if second > first else 0


@compiled
def _everyone_only_transforms(b: Row, s: int) -> bool:
    for slot in range(6):
        m = side(s) + slot * POKEMON
        if b[m + HP] == 0:
            continue
        at = m + MOVES
        if slot == b[side(s) + ORDER]:
            at = side(s) + ACTIVE_MOVES
        for k in range(4):
            if b[at + k] != 0 and b[at + k] != TRANSFORM:
                return False
    return True


@compiled
def _everyone_is_ghost(b: Row, s: int) -> bool:
    for slot in range(6):
        m = side(s) + slot * POKEMON
        at = m + TYPES
        if slot == b[side(s) + ORDER]:
            at = side(s) + ACTIVE_TYPES
        if b[m + HP] > 0 and b[at] != GHOST and b[at + 1] != GHOST:
            return False
    return True


@compiled
def _anyone_can_progress(b: Row, s: int) -> bool:
    o = side(s)
    foes_are_ghosts = _everyone_is_ghost(b, 1 - s)
    foes_transform = _everyone_only_transforms(b, 1 - s)
    for slot in range(6):
        m = side(s) + slot * POKEMON
        if b[m + HP] == 0 or b[m + STATUS] == FROZEN:
            continue
        moves, pp = m + MOVES, m + PP
        if slot == b[o + ORDER]:
            moves, pp = o + ACTIVE_MOVES, o + ACTIVE_PP
        left = 0
        transforms = True
        for k in range(4):
            if b[moves + k] != 0:
                left += b[pp + k]
                transforms = transforms and b[moves + k] == TRANSFORM
        if not ((left == 0 and foes_are_ghosts) or (transforms and foes_transform)):
            return True
    return False


@inlined
def _can_progress(b: Row, s: int) -> bool:
    """Whether side ``s`` has anyone who can still change the battle (Endless Battle Clause)."""
    o = side(s)
    m = active(b, s)
    active_can_act = b[m + HP] > 0 and b[m + STATUS] != FROZEN
    if active_can_act and b[o + ACTIVE_MOVES] != TRANSFORM and b[o + ACTIVE_PP] > 0:
        return True  # nearly always
    return _anyone_can_progress(b, s)


_TIED_HANDLERS = TRAPPED | FALSELY_TRAPPED | BIDING | DISABLED | TRAPPING


@inlined
def _tied_disable_handlers(b: Row, s: int) -> None:
    """Volatiles that bear on the next request, sorted by Showdown in two groups of equals."""
    v = b[side(s) + VOLATILES]
    if v & _TIED_HANDLERS:
        if v & TRAPPED and v & FALSELY_TRAPPED:
            draw(b, 2)
        equals = 0
        for handler in (BIDING, DISABLED, TRAPPING):
            if v & handler:
                equals += 1
        shuffle_ties(b, equals)


@inlined
def end_turn(b: Row) -> None:
    """Begin the next turn, or end the battle in a tie where it can go on forever."""
    b[TURN] += 1
    tidy_traps(b)
    for s in range(2):
        _tied_disable_handlers(b, s)
        b[side(s) + FAINTED_THIS_TURN] = 0
        b[side(s) + REQUEST] = MOVE_REQUEST
    if not _can_progress(b, 0) and not _can_progress(b, 1):
        tell.note(b, tell.MESSAGE_ENDLESS, 0)
        b[RESULT] = TIE
    elif b[TURN] > LAST_TURN:
        tell.note(b, tell.MESSAGE_TURN_LIMIT, 0)
        b[RESULT] = TIE
    if b[RESULT] != 0:
        tell.note(b, tell.TIE, 0)
        b[REQUEST] = NO_REQUEST
        b[SIDE + REQUEST] = NO_REQUEST
    else:
        tell.note(b, tell.TURN, 0, b[TURN])


@compiled
def begin(b: Row) -> None:
    """Send in both leads and open turn 1."""
    for s in range(2):
        b[side(s) + LAST_SELECTED_MOVE] = NO_MOVE
        b[side(s) + LAST_ENEMY_SELECTED_MOVE] = NO_MOVE
        enter(b, s)
        refresh_speed(b, s)
        tell.note(b, tell.SWITCH, s)
    first = _faster(b, b[QUEUE_SPEED], b[SIDE + QUEUE_SPEED])
    speed_tie(b)
    for k in range(2):
        arrive(b, first if k == 0 else 1 - first)
        speed_tie(b)
    end_turn(b)


@compiled
def _replace_fainted(b: Row, slot_1: int, slot_2: int) -> None:
    """Send in replacements, the faster side's first; ``-1`` for a side that needs none."""
    b[REQUEST] = NO_REQUEST
    b[SIDE + REQUEST] = NO_REQUEST
    if slot_1 >= 0 and slot_2 >= 0:
        first = _faster(b, b[STAT + SPEED], b[SIDE + STAT + SPEED])
        for k in range(2):
            s = first if k == 0 else 1 - first
            send_in(b, s, slot_1 if s == 0 else slot_2)
        # The later arrival is queued before an equal one on a draw of 0.
        speeds_tie = b[QUEUE_SPEED] == b[SIDE + QUEUE_SPEED]
        arrives = 0 if b[QUEUE_SPEED] > b[SIDE + QUEUE_SPEED] else 1
        if speeds_tie:
            arrives = 1 - first if draw(b, 2) == 0 else first
        speed_tie(b)
        for k in range(2):
            arrive(b, arrives if k == 0 else 1 - arrives)
            speed_tie(b)
    else:
        s = 0 if slot_1 >= 0 else 1
        send_in(b, s, slot_1 if s == 0 else slot_2)
        speed_tie(b)
        arrive(b, s)
        speed_tie(b)
    end_turn(b)


@inlined
def _switches(b: Row, first: int, slot_1: int, slot_2: int) -> bool:
    """The turn's switches; True where one ended it."""
    for k in range(2):
        s = first if k == 0 else 1 - first
        slot = slot_1 if s == 0 else slot_2
        if slot < 0:
            continue
        send_in(b, s, slot)
        speed_tie(b)
        arrive(b, s)
        if after_action(b):
            return True
    return False


@inlined
def _moves(b: Row, first: int) -> bool:
    """The turn's moves; True where one ended it."""
    for k in range(2):
        s = first if k == 0 else 1 - first
        move = b[side(s) + PENDING_MOVE] & 255  # shows that it is not negative, like `side`
        if move == 0:
            continue
        b[side(s) + PENDING_MOVE] = 0
        run_move(b, s, move)
        if after_action(b):
            return True
    return False


@inlined
def step(b: Row, action_1: int, action_2: int) -> None:
    """Play both players' actions, ``-1`` for one with nothing to decide, up to the next request."""
    for s in range(2):
        if b[active(b, s) + HP] > 0:
            refresh_speed(b, s)
    tell.note(b, tell.SPACE, 0)
    slot_1 = action_1 - 4 if action_1 >= 4 else -1
    slot_2 = action_2 - 4 if action_2 >= 4 else -1
    if b[REQUEST] != MOVE_REQUEST or b[SIDE + REQUEST] != MOVE_REQUEST:
        _replace_fainted(b, slot_1, slot_2)
        return
    b[REQUEST] = NO_REQUEST
    b[SIDE + REQUEST] = NO_REQUEST
    b[PENDING_MOVE] = select_move(b, 0, action_1) if slot_1 < 0 else 0
    b[SIDE + PENDING_MOVE] = select_move(b, 1, action_2) if slot_2 < 0 else 0
    first = 0
    if slot_1 >= 0 and slot_2 >= 0:
        first = _faster(b, b[STAT + SPEED], b[SIDE + STAT + SPEED])
    elif slot_1 < 0 and slot_2 < 0:
        ahead = PRIORITY[b[PENDING_MOVE]] - PRIORITY[b[SIDE + PENDING_MOVE]]
        if ahead == 0:
            first = _faster(b, b[STAT + SPEED], b[SIDE + STAT + SPEED])
        elif ahead < 0:
            first = 1
    speed_tie(b)  # before the turn, twice: BeforeTurn and Update
    speed_tie(b)
    if _switches(b, first, slot_1, slot_2) or _moves(b, first):
        return
    tell.note(b, tell.SPACE, 0)
    refresh_speed(b, 0)
    refresh_speed(b, 1)
    count_down_durations(b, b[QUEUE_SPEED] == b[SIDE + QUEUE_SPEED])
    tell.note(b, tell.UPKEEP, 0)
    speed_tie(b)
    end_turn(b)
