"""Replay battles of the real simulator on the engine and compare everything after every step."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import layout as at
from ..batch import begin_all, legal_all, step_all
from ..layout import Row
from ..tables import MOVE_IDS, SPECIES_IDS
from ..teams import PokemonSet, pack

Words = npt.NDArray[np.int32]
ORACLE = Path(__file__).parent
LAYOUT = {
    name: int(value)
    for name, value in vars(at).items()
    if name.isupper() and isinstance(value, int)
}
_TEAM_WORDS = 16

# Fields that mean nothing unless their volatile is there.
_ONLY_WITH = {
    at.CONFUSED: [at.CONFUSION_TURNS],
    at.TOXIC_COUNTED: [at.TOXIC_COUNTER],
    at.SUBSTITUTE: [at.SUBSTITUTE_HP],
    at.DISABLED: [at.DISABLE_TURNS, at.DISABLED_MOVE, at.DISABLED_SLOT],
    at.BIDING: [at.BIDE_TURNS, at.BIDE_DAMAGE],
    at.RAGING: [at.RAGE_ACCURACY],
    at.THRASHING: [at.LOCKED_MOVE, at.LOCKED_TURNS, at.LOCKED_ACCURACY],
    at.CHARGING: [at.CHARGED_MOVE],
    at.TRAPPING: [
        at.TRAPPING_MOVE,
        at.TRAPPING_TURNS,
        at.TRAPPING_TOTAL,
        at.TRAPPING_DAMAGE,
        at.TRAPPING_TARGET,
    ],
    at.TRAPPED: [at.TRAPPED_TURNS, at.TRAPPED_BY, at.TRAP_MAY_END],
    at.FALSELY_TRAPPED: [at.FALSE_TRAP_TURNS, at.FALSE_TRAP_WITH],
}


@dataclass(frozen=True)
class Recording:
    """One battle of the simulator: what began it and every step (the first is the start)."""

    seed: int
    teams: tuple[list[PokemonSet], list[PokemonSet]]
    actions: Row
    legal: Row
    rows: Row
    log: str


@dataclass(frozen=True)
class Difference:
    """Where the engine and the simulator part."""

    battle: int
    step: int
    recording: Recording = field(repr=False)
    fields: dict[str, tuple[int, int]]

    def __str__(self) -> str:
        r = self.recording
        lines = [f"battle {self.battle}, step {self.step}: (simulator, engine)"]
        lines += [f"  {name}: {pair}" for name, pair in self.fields.items()]
        before = r.rows[max(self.step - 1, 0)]
        for s in range(2):
            o = s * at.SIDE
            m = o + int(before[o + at.ORDER]) * at.POKEMON
            moves = [MOVE_IDS[x] for x in before[o + at.ACTIVE_MOVES : o + at.ACTIVE_MOVES + 4]]
            lines.append(
                f"  side {s + 1}: action {r.actions[self.step, s]},"
                f" {SPECIES_IDS[before[m + at.SPECIES]]} hp {before[m + at.HP]}"
                f" status {before[m + at.STATUS]}"
                f" volatiles {volatile_names(before[o + at.VOLATILES])}"
                f" moves {moves} last selected {MOVE_IDS[before[o + at.LAST_SELECTED_MOVE]]}"
            )
        return "\n".join(lines)


def volatile_names(bits: int) -> list[str]:
    """The layout's names of the volatiles in ``bits``."""
    return [name for name, bit in _VOLATILES.items() if bit & bits]


_order = list(LAYOUT)
_VOLATILES = {
    n: LAYOUT[n] for n in _order[_order.index("CONFUSED") : _order.index("FALSELY_TRAPPED") + 1]
}


def simulator_available() -> bool:
    """Whether Node and the pinned simulator can be used."""
    directory = os.environ.get("POKESPIEL_SHOWDOWN_DIR")
    return (
        directory is not None
        and shutil.which("node") is not None
        and (Path(directory) / "node_modules" / "pokemon-showdown" / "dist" / "sim").is_dir()
    )


def simulate(
    stream: str, battles: int, seed: int, *, logs: bool = False, **config: Any
) -> tuple[Words, dict[str, Any]]:
    """Have the simulator play; what it wrote, and its own account of time and exceptions.

    Raises
    ------
    RuntimeError
        If the simulator is not there, or fails.
    """
    if not simulator_available():
        raise RuntimeError(
            "no simulator: set POKESPIEL_SHOWDOWN_DIR to the folder with"
            " node_modules/pokemon-showdown, and have node on the path"
        )
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "battles"
        request = {
            "stream": stream,
            "battles": battles,
            "seed": seed,
            "layout": LAYOUT,
            "logs": logs,
            "output": str(output),
            "standard": json.loads((ORACLE / "ou_sets.json").read_text()),
            **config,
        }
        done = subprocess.run(
            ["node", str(ORACLE / "dump.js"), json.dumps(request)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the simulator failed:\n{done.stderr}")
        return np.fromfile(output, np.int32), json.loads(done.stdout)


def record(
    stream: str, battles: int, seed: int, *, logs: bool = False, **config: Any
) -> tuple[list[Recording], dict[str, Any]]:
    """`simulate`, parsed."""
    words, account = simulate(stream, battles, seed, logs=logs, **config)
    return list(parse(words, logs=logs)), account


def parse(words: Words, *, logs: bool) -> Iterator[Recording]:
    """The battles in what the simulator wrote; see ``dump.js``."""
    width = 4 + at.ROW
    p = 0
    while p < len(words):
        steps = int(words[p])
        high, low = (int(x) & 0xFFFFFFFF for x in words[p + 1 : p + 3])
        sets = words[p + 3 : p + 3 + 12 * _TEAM_WORDS].reshape(2, 6, _TEAM_WORDS)
        p += 3 + 12 * _TEAM_WORDS
        table = words[p : p + steps * width].reshape(steps, width)
        p += steps * width
        log = ""
        if logs:
            length = int(words[p])
            size = -(-length // 4)
            log = words[p + 1 : p + 1 + size].tobytes()[:length].decode()
            p += 1 + size
        teams = ([_set(w) for w in sets[0] if w[0]], [_set(w) for w in sets[1] if w[0]])
        yield Recording(high << 32 | low, teams, table[:, :2], table[:, 2:4], table[:, 4:], log)


def _set(words: Row) -> PokemonSet:
    w = [int(x) for x in words]
    moves = tuple(MOVE_IDS[m] for m in w[12:16] if m)
    return PokemonSet(SPECIES_IDS[w[0]], moves, w[1], tuple(w[2:7]), tuple(w[7:12]))


def comparable(rows: Row) -> Row:
    """Rows with everything that means nothing at that moment set to zero."""
    rows = np.array(rows[..., : at.ROW])
    for s in range(2):
        side = rows[..., s * at.SIDE : (s + 1) * at.SIDE]
        for bit, names in _ONLY_WITH.items():
            absent = side[..., at.VOLATILES] & bit == 0
            for name in names:
                side[..., name] = np.where(absent, 0, side[..., name])
        side[..., at.PENDING_MOVE] = 0
        for slot in range(6):
            member = side[..., slot * at.POKEMON : (slot + 1) * at.POKEMON]
            awake = member[..., at.STATUS] != at.ASLEEP
            for name in (at.SLEEP_TURNS, at.SLEPT_BY_ITSELF):
                member[..., name] = np.where(awake, 0, member[..., name])
        active = side[..., at.ORDER]
        hp = np.take_along_axis(side, (active * at.POKEMON + at.HP)[..., None], -1)[..., 0]
        side[..., at.QUEUE_SPEED] = np.where(hp == 0, 0, side[..., at.QUEUE_SPEED])
    return rows


def name_of(index: int) -> str:
    """The name of a place in a row."""
    if index >= 2 * at.SIDE:
        inside, prefix, low = index, "", 2 * at.SIDE
    else:
        prefix, inside, low = f"side {index // at.SIDE + 1} ", index % at.SIDE, at.ORDER
        if inside < at.ORDER:
            prefix += f"slot {inside // at.POKEMON} "
            inside, low = inside % at.POKEMON, 0
    high = {0: at.POKEMON, at.ORDER: at.SIDE, 2 * at.SIDE: at.ROW}[low]
    names = [n for n in _FIELDS if low <= LAYOUT[n] < high and LAYOUT[n] <= inside]
    if not names:
        return f"{prefix}{inside}"
    name = max(names, key=LAYOUT.__getitem__)
    offset = inside - LAYOUT[name]
    return f"{prefix}{name.lower()}" + (f"[{offset}]" if offset else "")


_FIELDS = [n for n in _order[: _order.index("NO_REQUEST")] if n not in ("POKEMON", "SIDE", "ROW")]


def play(
    seeds: Sequence[int],
    teams: Sequence[Sequence[Sequence[PokemonSet]]],
    actions: Sequence[Any],
) -> Iterator[tuple[Row, Row]]:
    """Play given choices in many battles at once.

    Yields, from the start and then after every step, the comparable rows and, shape ``(n, 2)``,
    the legal actions of both players as bit masks.
    """
    n = len(seeds)
    rows = np.zeros((n, at.ROW), np.int32)
    packed = np.stack([[pack(list(t), rules=None) for t in pair] for pair in teams])
    begin_all(rows, packed, np.array(seeds, np.uint64))
    longest = max(len(a) for a in actions)
    padded = np.full((longest, n, 2), -1, np.int32)
    for i, taken in enumerate(actions):
        padded[: len(taken), i] = taken
    results = np.zeros(n, np.int32)
    legal = np.zeros((n, 2, 10), np.bool_)
    for k in range(longest):
        if k > 0:
            step_all(rows, padded[k], results)
        legal_all(rows, legal)
        yield comparable(rows), (legal * (1 << np.arange(10))).sum(-1).astype(np.int32)


def replay(recordings: list[Recording], first: int = 0) -> list[Difference]:
    """Play the same battles on the engine, all at once; the first difference of each."""
    differences: dict[int, Difference] = {}
    theirs = [
        np.concatenate([comparable(r.rows), r.legal], axis=-1).astype(np.int32) for r in recordings
    ]
    steps = play(
        [r.seed for r in recordings],
        [r.teams for r in recordings],
        [r.actions for r in recordings],
    )
    for k, (rows, legal) in enumerate(steps):
        mine = np.concatenate([rows, legal], axis=-1)
        for i, expected in enumerate(theirs):
            if k >= len(expected) or i in differences or (mine[i] == expected[k]).all():
                continue
            fields = {
                name_of(int(j)) if j < at.ROW else f"legal of side {j - at.ROW + 1}": (
                    int(expected[k, j]),
                    int(mine[i, j]),
                )
                for j in np.flatnonzero(mine[i] != expected[k])
            }
            differences[i] = Difference(first + i, k, recordings[i], fields)
    return list(differences.values())
