"""What a step tells its spectators, as numbers; `protocol` turns them into Showdown's lines.

Only rows longer than ``ROW`` keep a transcript: bulk simulation pays one comparison a note.
"""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# mypy: no-warn-return-any

from .compilation import compiled, inlined
from .layout import HP, ORDER, POKEMON, ROW, SIDE, STATUS, Row

NOTES = ROW  # how many notes the transcript holds
NOTE = 8  # kind, side, its active slot, the foe's active slot, hp, status, two details
FIRST_NOTE = ROW + 8
CAPACITY = 160
RECORDED_ROW = FIRST_NOTE + CAPACITY * NOTE

(
    MOVE,
    MISSED,
    STILL,
    NO_TARGET,
    FAIL,
    FAIL_STATUS,
    FAIL_SUBSTITUTE,
    FAIL_WEAK_SUBSTITUTE,
    IMMUNE,
    IMMUNE_TO_KO,
    DAMAGE,
    DAMAGE_FROM,
    DAMAGE_OF,
    DAMAGE_BY_RECOIL,
    HEAL,
    HEAL_SILENT,
    HEAL_DRAIN,
    CRITICAL,
    SUPER_EFFECTIVE,
    RESISTED,
    GET_STATUS,
    GET_STATUS_SILENT,
    CURE,
    CURE_SILENT,
    CANNOT,
    CANNOT_DISABLED,
    START,
    START_SILENT,
    END,
    END_SILENT,
    ACTIVATE,
    SUBSTITUTE_TAKES,
    RAISE,
    LOWER,
    RAISE_BY_RAGE,
    RECHARGE,
    PREPARE,
    HIT_COUNT,
    FAINT,
    SWITCH,
    TURN,
    UPKEEP,
    SPACE,
    MESSAGE_SLEEP_CLAUSE,
    MESSAGE_FREEZE_CLAUSE,
    MESSAGE_UNREACHABLE,
    MESSAGE_ENDLESS,
    MESSAGE_TURN_LIMIT,
    TRANSFORM,
    CONVERT,
    MIMIC,
    DISABLE,
    ONE_HIT_KO,
    NOTHING,
    PAY_DAY,
    CLEAR_ALL,
    FREE_FROM_TRAP,
    WIN,
    TIE,
) = range(59)

BOUNCED = 16  # added to the stages of a boost that a stat at its limit threw back


@compiled
def _write(b: Row, kind: int, s: int, x: int, y: int) -> None:
    n = b[NOTES]
    if n >= CAPACITY:
        return
    at = FIRST_NOTE + n * NOTE
    active = b[s * SIDE + ORDER]
    member = s * SIDE + active * POKEMON
    b[at] = kind
    b[at + 1] = s
    b[at + 2] = active
    b[at + 3] = b[(1 - s) * SIDE + ORDER]
    b[at + 4] = b[member + HP]
    b[at + 5] = b[member + STATUS]
    b[at + 6] = x
    b[at + 7] = y
    b[NOTES] = n + 1


@inlined
def note(b: Row, kind: int, s: int, x: int = 0, y: int = 0) -> None:
    """Write down what happened to side ``s``'s active Pokémon."""
    if b.shape[0] > ROW:
        _write(b, kind, s, x, y)
