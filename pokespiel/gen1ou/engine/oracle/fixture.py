"""Recorded battles as a small file: what was played, and a checksum of everything at every step.

    python -m pokespiel.gen1ou.engine.oracle.fixture FILE LOGS

plays fresh battles on the real simulator and writes them, and a few more with their protocol logs
into another file. Replaying needs no Node.
"""

import dataclasses
import json
import lzma
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..layout import Row
from ..tables import SOURCE
from ..teams import PokemonSet
from .replay import Recording, comparable, play, record


def checksum(row: Row, legal: Row) -> int:
    """CRC-32 of a comparable row and both legal masks."""
    words = np.concatenate([row, legal]).astype("<i4")
    return zlib.crc32(words.tobytes())


def _entry(recording: Recording) -> dict[str, Any]:
    rows = comparable(recording.rows)
    entry: dict[str, Any] = {
        "seed": recording.seed,
        "teams": [[dataclasses.astuple(m) for m in team] for team in recording.teams],
        "actions": recording.actions.tolist(),
        "checksums": [checksum(r, m) for r, m in zip(rows, recording.legal, strict=True)],
    }
    return entry | ({"log": recording.log.split("\n")} if recording.log else {})


def write(path: Path, recordings: list[Recording]) -> None:
    content = {"source": SOURCE, "battles": [_entry(r) for r in recordings]}
    path.write_bytes(lzma.compress(json.dumps(content, separators=(",", ":")).encode(), preset=9))


def read(path: Path) -> list[dict[str, Any]]:
    """The battles of a fixture file."""
    battles: list[dict[str, Any]] = json.loads(lzma.decompress(path.read_bytes()))["battles"]
    return battles


def teams_of(battle: dict[str, Any]) -> list[list[PokemonSet]]:
    """Both teams of a fixture battle."""
    return [[PokemonSet(m[0], tuple(m[1]), *m[2:]) for m in team] for team in battle["teams"]]


def first_difference(battles: list[dict[str, Any]]) -> list[int]:
    """Replay fixture battles; the first differing step of each, -1 for none."""
    teams = [teams_of(b) for b in battles]
    found = [-1] * len(battles)
    steps = play([b["seed"] for b in battles], teams, [b["actions"] for b in battles])
    for k, (rows, legal) in enumerate(steps):
        for i, battle in enumerate(battles):
            expected = battle["checksums"]
            if k < len(expected) and found[i] < 0 and checksum(rows[i], legal[i]) != expected[k]:
                found[i] = k
    return found


def main() -> None:
    recordings = []
    for stream, battles in (("ou", 120), ("uniform", 120), ("mirror", 60)):
        recordings += record(stream, battles, 20_260)[0]
    for move in _FORCED:
        recordings += record("forced", 5, 20_261, move=move)[0]
    write(Path(sys.argv[1]), recordings)
    logged = []
    for stream, battles in (("ou", 4), ("uniform", 4), ("mirror", 2)):
        logged += record(stream, battles, 20_262, logs=True)[0]
    for move in ("metronome", "haze", "substitute", "wrap"):
        logged += record("forced", 1, 20_263, logs=True, move=move)[0]
    write(Path(sys.argv[2]), logged)
    print(f"{len(recordings)} battles, {sum(len(r.actions) for r in recordings)} steps")


_FORCED = (
    *("bind", "wrap", "clamp", "firespin", "substitute", "hyperbeam", "counter", "leechseed"),
    *("psywave", "dig", "fly", "skyattack", "thrash", "petaldance", "rage", "bide", "disable"),
    *("haze", "mimic", "transform", "conversion", "metronome", "mirrormove", "explosion"),
    *("fissure", "rest", "toxic", "mist", "struggle", "fireblast", "highjumpkick", "twineedle"),
    *("dreameater", "confuseray", "superfang", "solarbeam", "focusenergy", "reflect", "splash"),
    *("minimize", "firepunch", "horndrill", "sharpen"),
)

if __name__ == "__main__":
    main()
