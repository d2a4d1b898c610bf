"""One battle is one row of int32. This is where everything in it lives.

A row is two sides, then what both share. A side is six Pokémon in team order, then the state of
whichever of them is active. Offsets named here are relative to the block they belong to:
``POKEMON`` fields to ``pokemon(b, s)`` or ``member(s, slot)``, side fields to ``s * SIDE``, battle
fields to the row. A row longer than ``ROW`` keeps a transcript of the step behind it.
"""

import numpy as np
import numpy.typing as npt

Row = npt.NDArray[np.int32]

# --- a Pokémon, in team order ---
MAX_HP = 0
STATS = 1  # attack, defense, speed, special as it entered the battle (4)
HP = 5
STATUS = 6
SLEEP_TURNS = 7
SLEPT_BY_ITSELF = 8  # Rest: does not count for Sleep Clause Mod
SPECIES = 9
LEVEL = 10
TYPES = 11  # two; the same one twice where there is only one
MOVES = 13  # four move numbers, 0 for none
PP = 17
SUBSTITUTE_BROKE = 21  # Showdown's `subFainted`: stays until this Pokémon is next aimed at
SPEED_GENES = 22  # DV and stat experience as they enter the speed formula
POKEMON = 24

# --- the active Pokémon and what the side remembers, after six Pokémon ---
ORDER = 6 * POKEMON  # position (0 is active) -> team slot (6)
STAT = ORDER + 6  # attack, defense, speed, special with boosts and status drops (4)
STORED_STAT = STAT + 4  # the same before them; differs from STATS after Transform (4)
BOOST = STORED_STAT + 4  # attack, defense, speed, special, accuracy, evasion (6)
ACTIVE_MOVES = BOOST + 6  # four move numbers; differ from MOVES after Mimic and Transform
ACTIVE_PP = ACTIVE_MOVES + 4
ACTIVE_TYPES = ACTIVE_PP + 4
ACTIVE_SPECIES = ACTIVE_TYPES + 2
TRANSFORMED = ACTIVE_SPECIES + 1
QUEUE_SPEED = TRANSFORMED + 1  # Showdown's cached `pokemon.speed`, which decides speed ties
LAST_MOVE = QUEUE_SPEED + 1  # for Mirror Move
VOLATILES = LAST_MOVE + 1  # bits, below
CONFUSION_TURNS = VOLATILES + 1
TOXIC_COUNTER = CONFUSION_TURNS + 1
SUBSTITUTE_HP = TOXIC_COUNTER + 1
DISABLE_TURNS = SUBSTITUTE_HP + 1
DISABLED_MOVE = DISABLE_TURNS + 1
DISABLED_SLOT = DISABLED_MOVE + 1
BIDE_TURNS = DISABLED_SLOT + 1
BIDE_DAMAGE = BIDE_TURNS + 1
LOCKED_MOVE = BIDE_DAMAGE + 1  # Thrash or Petal Dance
LOCKED_TURNS = LOCKED_MOVE + 1
LOCKED_ACCURACY = LOCKED_TURNS + 1
RAGE_ACCURACY = LOCKED_ACCURACY + 1
CHARGED_MOVE = RAGE_ACCURACY + 1  # the two-turn move being charged
TRAPPING_MOVE = CHARGED_MOVE + 1  # Bind, Wrap, Clamp or Fire Spin being repeated
TRAPPING_TURNS = TRAPPING_MOVE + 1
TRAPPING_TOTAL = TRAPPING_TURNS + 1
TRAPPING_DAMAGE = TRAPPING_TOTAL + 1
TRAPPING_TARGET = TRAPPING_DAMAGE + 1  # team slot of the foe it holds
TRAPPED_TURNS = TRAPPING_TARGET + 1
TRAPPED_BY = TRAPPED_TURNS + 1  # team slot of the foe that holds it
TRAP_MAY_END = TRAPPED_BY + 1  # its player cannot tell whether it is still held
FALSE_TRAP_TURNS = TRAP_MAY_END + 1
FALSE_TRAP_WITH = FALSE_TRAP_TURNS + 1  # team slot of the other Pokémon
LAST_SELECTED_MOVE = FALSE_TRAP_WITH + 1
LAST_SELECTED_SLOT = LAST_SELECTED_MOVE + 1
LAST_ENEMY_SELECTED_MOVE = LAST_SELECTED_SLOT + 1  # the same, as the other player sees it
LAST_ENEMY_MOVE = LAST_ENEMY_SELECTED_MOVE + 1  # what this side last used, for the foe's Counter
POKEMON_LEFT = LAST_ENEMY_MOVE + 1
FAINTED_THIS_TURN = POKEMON_LEFT + 1
FAINT_QUEUED = FAINTED_THIS_TURN + 1  # 0, or when its active Pokémon dropped: 1 first, 2 second
PENDING_MOVE = FAINT_QUEUED + 1  # the move in the queue for this turn, 0 for none
REQUEST = PENDING_MOVE + 1
SIDE = 216

# --- shared ---
TURN = 2 * SIDE
LAST_DAMAGE = TURN + 1
RESULT = TURN + 2
FAINTS = TURN + 3  # how many are in the faint queue
PRNG_HIGH = TURN + 4
PRNG_LOW = TURN + 5
ROW = 2 * SIDE + 8

# --- values ---
NO_REQUEST, MOVE_REQUEST, SWITCH_REQUEST = 0, 1, 2
ONGOING, PLAYER_1_WINS, PLAYER_2_WINS, TIE = 0, 1, 2, 3

HEALTHY, ASLEEP, POISONED, BURNED, FROZEN, PARALYZED, BADLY_POISONED = 0, 1, 2, 3, 4, 5, 6

ATTACK, DEFENSE, SPEED, SPECIAL, ACCURACY, EVASION = 0, 1, 2, 3, 4, 5

CONFUSED = 1
FLINCHED = 1 << 1
MIST = 1 << 2
FOCUS_ENERGY = 1 << 3
LIGHT_SCREEN = 1 << 4
REFLECT = 1 << 5
TOXIC_COUNTED = 1 << 6  # Showdown's `residualdmg`
SUBSTITUTE = 1 << 7
MUST_RECHARGE = 1 << 8
LEECH_SEEDED = 1 << 9
DISABLED = 1 << 10
BIDING = 1 << 11
RAGING = 1 << 12
THRASHING = 1 << 13  # Showdown's `lockedmove`
CHARGING = 1 << 14  # Showdown's `twoturnmove`
UNREACHABLE = 1 << 15  # Dig and Fly; Showdown's `invulnerability`
TRAPPING = 1 << 16  # Showdown's `partialtrappinglock`
TRAPPED = 1 << 17  # Showdown's `partiallytrapped`
FALSELY_TRAPPED = 1 << 18  # Showdown's `fakepartiallytrapped`

# Numbers beyond the 165 moves: what a side may have selected without choosing a move.
NO_MOVE = 166
CANNOT_MOVE = 167
