"""Bulk recordings on disk: what the simulator wrote, compressed, to be replayed at any time.

A folder holds files of battles, ``index.jsonl`` with a line for each (what was asked of the
simulator, and its account) and ``layout.json``, the layout the rows were written in.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from .replay import LAYOUT, Recording, parse, simulate

Entry = dict[str, Any]


def entries(folder: Path) -> list[Entry]:
    """The index of a folder of recordings.

    Raises
    ------
    ValueError
        If there is none, or the recordings were made with another layout.
    """
    index = folder / "index.jsonl"
    if not index.exists():
        raise ValueError(f"{folder}: no recordings (expected an index.jsonl there)")
    if json.loads((folder / "layout.json").read_text()) != LAYOUT:
        raise ValueError(f"{folder}: recorded with another layout of rows; record anew")
    return [json.loads(line) for line in index.read_text().splitlines()]


def load(folder: Path, entry: Entry) -> list[Recording]:
    """The battles of one file."""
    words = np.frombuffer(gzip.decompress((folder / entry["file"]).read_bytes()), np.int32)
    return list(parse(words, logs=False))


def write(
    folder: Path, stream: str, battles: int, seed: int, *, move: str = "", first: int = 0
) -> Entry:
    """Have the simulator play battles numbered from ``first``; write them and their index line."""
    folder.mkdir(parents=True, exist_ok=True)
    layout = folder / "layout.json"
    if layout.exists():
        entries(folder)
    else:
        layout.write_text(json.dumps(LAYOUT))
        (folder / "index.jsonl").touch()
    words, account = simulate(stream, battles, seed, move=move, first=first)
    name = "-".join(part for part in (stream, move, str(seed), str(first)) if part) + ".bin.gz"
    (folder / name).write_bytes(gzip.compress(words.tobytes(), 1))
    entry = {
        "file": name,
        "stream": stream,
        "move": move,
        "first": first,
        "count": battles,
        "seed": seed,
        "account": account,
    }
    with (folder / "index.jsonl").open("a") as index:
        index.write(json.dumps(entry) + "\n")
    return entry
