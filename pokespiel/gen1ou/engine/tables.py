"""Moves, species and types as arrays indexed by their numbers, read from ``data/gen1.json``."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from . import layout as at
from .compilation import ENGINE

# int32 like the rows: wide enough for every product of the rules, in half the cache of int64.
Table = npt.NDArray[np.int32]

DATA: dict[str, Any] = json.loads((ENGINE / "data" / "gen1.json").read_text())
SOURCE: str = DATA["source"]
TYPE_NAMES: list[str] = DATA["types"]
SPECIES_IDS = [""] + [s["id"] for s in DATA["species"]]
SPECIES_NAMES = [""] + [s["name"] for s in DATA["species"]]
MOVE_IDS = [""] + [m["id"] for m in DATA["moves"]] + ["nomove", "cannotmove"]
MOVE_NAMES = [""] + [m["name"] for m in DATA["moves"]] + ["Fissure", ""]
SPECIES_NUMBER = {name: number for number, name in enumerate(SPECIES_IDS) if name}
MOVE_NUMBER = {name: number for number, name in enumerate(MOVE_IDS) if name}
STATUS_IDS = ["", "slp", "psn", "brn", "frz", "par", "tox"]

PHYSICAL_MOVE, SPECIAL_MOVE, STATUS_MOVE = 0, 1, 2
TYPELESS = len(TYPE_NAMES)
NORMAL, GRASS, GHOST = (TYPE_NAMES.index(name) for name in ("Normal", "Grass", "Ghost"))
FISSURE, SWIFT, TRANSFORM, DISABLE, COUNTER, BIDE, RAGE, METRONOME, MIRROR_MOVE, STRUGGLE = (
    MOVE_NUMBER[name]
    for name in (
        "fissure",
        "swift",
        "transform",
        "disable",
        "counter",
        "bide",
        "rage",
        "metronome",
        "mirrormove",
        "struggle",
    )
)

# What a move does beyond damage, status and boosts.
(
    NO_EFFECT,
    RECOVERS,
    RESTS,
    NEEDS_SLEEPING_TARGET,
    CRASHES,
    HALVES_HP,
    DRAWS_DAMAGE,
    COUNTERS,
    TRAPS,
    RECHARGES,
    RAGES,
    THRASHES,
    TWO_TURNS,
    TWO_TURNS_UNREACHABLE,
    BIDES,
    MAKES_SUBSTITUTE,
    SEEDS,
    DISABLES,
    CLEARS_ALL,
    MIMICS,
    TRANSFORMS,
    CONVERTS,
    CALLS_RANDOM_MOVE,
    CALLS_LAST_MOVE,
    SETS_SCREEN,
    SPLASHES,
    PAYS,
) = range(27)

_EFFECTS = {
    "recover": RECOVERS,
    "softboiled": RECOVERS,
    "rest": RESTS,
    "dreameater": NEEDS_SLEEPING_TARGET,
    "jumpkick": CRASHES,
    "highjumpkick": CRASHES,
    "superfang": HALVES_HP,
    "psywave": DRAWS_DAMAGE,
    "counter": COUNTERS,
    "razorwind": TWO_TURNS,
    "solarbeam": TWO_TURNS,
    "skullbash": TWO_TURNS,
    "skyattack": TWO_TURNS,
    "dig": TWO_TURNS_UNREACHABLE,
    "fly": TWO_TURNS_UNREACHABLE,
    "bide": BIDES,
    "substitute": MAKES_SUBSTITUTE,
    "leechseed": SEEDS,
    "disable": DISABLES,
    "haze": CLEARS_ALL,
    "mimic": MIMICS,
    "transform": TRANSFORMS,
    "conversion": CONVERTS,
    "metronome": CALLS_RANDOM_MOVE,
    "mirrormove": CALLS_LAST_MOVE,
    "reflect": SETS_SCREEN,
    "lightscreen": SETS_SCREEN,
    "splash": SPLASHES,
    "payday": PAYS,
}
_EFFECTS_ON_USER = {
    "partialtrappinglock": TRAPS,
    "mustrecharge": RECHARGES,
    "rage": RAGES,
    "lockedmove": THRASHES,
}
_VOLATILES = {
    "confusion": at.CONFUSED,
    "flinch": at.FLINCHED,
    "mist": at.MIST,
    "focusenergy": at.FOCUS_ENERGY,
    "lightscreen": at.LIGHT_SCREEN,
    "reflect": at.REFLECT,
}
_BOOSTS = {"atk": 0, "def": 1, "spe": 2, "spa": 3, "accuracy": 4, "evasion": 5}
TWO_TO_FIVE_HITS = -1
DAMAGE_IS_LEVEL = -1

_COUNT = at.CANNOT_MOVE + 1


def _per_move() -> Table:
    return np.zeros(_COUNT, np.int32)


POWER, ACCURACY, TYPE, CATEGORY, PRIORITY, MAX_PP = (_per_move() for _ in range(6))
BASE_PP, TARGETS_USER, IGNORES_IMMUNITY, HIGH_CRITICAL, STATUS, VOLATILE = (
    _per_move() for _ in range(6)
)
SECONDARY_CHANCE, SECONDARY_STATUS, SECONDARY_VOLATILE = (_per_move() for _ in range(3))
DRAINS, RECOIL, HITS, FIXED_DAMAGE, ONE_HIT_KO, EXPLODES = (_per_move() for _ in range(6))
EFFECT, KEEPS_LAST_DAMAGE, COUNTERABLE, HAS_BOOSTS, SECONDARY_HAS_BOOSTS = (
    _per_move() for _ in range(5)
)
BOOSTS = np.zeros((_COUNT, 6), np.int32)
SECONDARY_BOOSTS = np.zeros((_COUNT, 6), np.int32)


def _stages(boosts: dict[str, int], into: Table) -> bool:
    for name, stages in boosts.items():
        if name != "spd":  # one Special in Gen 1; Showdown moves both halves together
            into[_BOOSTS[name]] = stages
    return True


def _fill(move: dict[str, Any]) -> None:
    n = move["num"]
    POWER[n], MAX_PP[n], BASE_PP[n] = move["power"], move["maxPP"], move["pp"]
    ACCURACY[n] = 0 if move["accuracy"] is None else move["accuracy"] * 255 // 100
    TYPE[n] = TYPE_NAMES.index(move["type"]) if move["type"] in TYPE_NAMES else TYPELESS
    CATEGORY[n] = ("Physical", "Special", "Status").index(move["category"])
    PRIORITY[n] = move["priority"]
    TARGETS_USER[n] = move["target"] == "self"
    IGNORES_IMMUNITY[n] = move["ignoresImmunity"]
    HIGH_CRITICAL[n] = move["critRatio"] == 2
    STATUS[n] = STATUS_IDS.index(move["status"] or "")
    VOLATILE[n] = _VOLATILES.get(move["volatile"], 0)
    DRAINS[n] = move["drain"] is not None
    RECOIL[n] = move["recoil"][1] // move["recoil"][0] if move["recoil"] else 0
    hits = move["multihit"]
    HITS[n] = TWO_TO_FIVE_HITS if isinstance(hits, list) else hits or 0
    FIXED_DAMAGE[n] = DAMAGE_IS_LEVEL if move["damage"] == "level" else move["damage"] or 0
    ONE_HIT_KO[n], EXPLODES[n] = move["ohko"], move["selfdestruct"]
    EFFECT[n] = _EFFECTS.get(move["id"], _EFFECTS_ON_USER.get(move["selfVolatile"], NO_EFFECT))
    KEEPS_LAST_DAMAGE[n] = move["id"] in DATA["keepsLastDamage"]
    COUNTERABLE[n] = move["type"] in ("Normal", "Fighting") and move["power"] > 0
    if move["boosts"]:
        HAS_BOOSTS[n] = _stages(move["boosts"], BOOSTS[n])
    for secondary in move["secondaries"]:
        SECONDARY_STATUS[n] = STATUS_IDS.index(secondary.get("status", ""))
        SECONDARY_VOLATILE[n] = _VOLATILES.get(secondary.get("volatileStatus", ""), 0)
        confuses = secondary.get("volatileStatus") == "confusion"
        SECONDARY_CHANCE[n] = -(-secondary["chance"] * 256 // 100) - confuses
        if "boosts" in secondary:
            SECONDARY_HAS_BOOSTS[n] = _stages(secondary["boosts"], SECONDARY_BOOSTS[n])


for _move in DATA["moves"]:
    _fill(_move)

# Thawed before any move was selected, a Pokémon attacks with this.
POWER[at.NO_MOVE], ACCURACY[at.NO_MOVE] = 102, 8100 * 255 // 25600
TYPE[at.NO_MOVE], CATEGORY[at.NO_MOVE] = TYPELESS, SPECIAL_MOVE
TYPE[at.CANNOT_MOVE] = TYPELESS

METRONOME_POOL = np.array([m["num"] for m in DATA["moves"] if m["metronome"]], np.int32)

# 1 super effective, -1 not very effective, 2 no effect (which only counts as immunity)
IMMUNE = 2
EFFECTIVENESS = np.zeros((TYPELESS + 1, TYPELESS + 1), np.int32)
for _attacking, _row in enumerate(DATA["damageTaken"]):
    for _defending, _taken in enumerate(_row):
        EFFECTIVENESS[_attacking, _defending] = (0, 1, -1, IMMUNE)[_taken]

IMMUNE_TO_STATUS = np.zeros((TYPELESS + 1, len(STATUS_IDS)), np.int32)
for _type, _names in enumerate(DATA["statusImmunity"]):
    for _name in _names:
        IMMUNE_TO_STATUS[_type, STATUS_IDS.index(_name)] = 1
IMMUNE_TO_STATUS[:, at.BADLY_POISONED] = IMMUNE_TO_STATUS[:, at.POISONED]

BASE_STATS = np.zeros((len(SPECIES_IDS), 5), np.int32)  # hp, attack, defense, speed, special
SPECIES_TYPES = np.zeros((len(SPECIES_IDS), 2), np.int32)
for _species in DATA["species"]:
    BASE_STATS[_species["num"]] = _species["stats"]
    _types = [TYPE_NAMES.index(name) for name in _species["types"]]
    SPECIES_TYPES[_species["num"]] = _types[0], _types[-1]

# Percentages for boosts -6 to 6, and the outcomes of "2 to 5 hits", which trapping shares.
BOOST_PERCENT = np.array([25, 28, 33, 40, 50, 66, 100, 150, 200, 250, 300, 350, 400], np.int32)
TWO_TO_FIVE = np.array([2, 2, 2, 3, 3, 3, 4, 5], np.int32)
