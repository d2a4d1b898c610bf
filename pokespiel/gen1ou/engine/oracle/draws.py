"""What every random draw of a step was for, by watching the uncompiled rules take it.

    NUMBA_DISABLE_JIT=1 python -m pokespiel.gen1ou.engine.oracle.draws < STEP

reads a step as JSON (the row before it and both actions; or teams and seed, for the beginning of a
battle) and prints its draws as JSON.
"""

import json
import linecache
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from .. import layout as at
from .. import prng, turn
from ..batch import begin_all
from ..layout import Row
from ..teams import pack
from .replay import Difference, Recording

_MULTIPLIER, _INCREMENT = 0x5D588B656C078965, 0x269EC3


@dataclass(frozen=True)
class Draw:
    """A number below ``n``, and the line of the rules that asked for it."""

    n: int
    drawn: int
    place: str
    source: str

    def __str__(self) -> str:
        return f"{self.drawn} of {self.n} in {self.place}: {self.source}"


def frames_between(before: Row, after: Row, *, most: int = 200) -> int | None:
    """How many draws lead from one row's generator to another's; None if not in ``most``."""
    state, wanted = _state(before), _state(after)
    for n in range(most + 1):
        if state == wanted:
            return n
        state = (state * _MULTIPLIER + _INCREMENT) % 2**64
    return None


def _state(row: Row) -> int:
    high, low = (int(row[k]) & 0xFFFFFFFF for k in (at.PRNG_HIGH, at.PRNG_LOW))
    return high << 32 | low


def draws_of(recording: Recording, step: int) -> list[Draw]:
    """The draws the rules take in a step of a recorded battle, from the simulator's row before it.

    Runs the rules uncompiled in a Python of its own.
    """
    if step == 0:
        teams = np.stack([pack(list(team), rules=None) for team in recording.teams])
        job: dict[str, Any] = {"teams": teams.tolist(), "seed": recording.seed}
    else:
        job = {
            "row": recording.rows[step - 1].tolist(),
            "actions": recording.actions[step].tolist(),
        }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__],
        input=json.dumps(job),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [Draw(**found) for found in json.loads(done.stdout)]


def report(difference: Difference) -> str:
    """A difference with the draws of its step by name, and how many the simulator took."""
    recording, step = difference.recording, difference.step
    lines = [str(difference)]
    if step > 0:
        frames = frames_between(recording.rows[step - 1], recording.rows[step])
        lines.append(f"  the simulator drew {'over 200' if frames is None else frames} times")
    lines.append("  the engine drew")
    lines += [f"    {draw}" for draw in draws_of(recording, step)]
    return "\n".join(lines)


def _watch(play: Callable[[], None]) -> list[Draw]:
    found: list[Draw] = []
    target: Any = prng.draw
    rules = Path(prng.__file__).parent

    def on_event(frame: FrameType, event: str, result: Any) -> None:
        caller = frame.f_back
        if event != "return" or frame.f_code is not target.__code__ or caller is None:
            return
        file = Path(caller.f_code.co_filename)
        place = f"{caller.f_code.co_name} ({file.relative_to(rules)}:{caller.f_lineno})"
        source = linecache.getline(str(file), caller.f_lineno).strip()
        found.append(Draw(int(frame.f_locals["n"]), int(result), place, source))

    sys.setprofile(on_event)
    try:
        play()
    finally:
        sys.setprofile(None)
    return found


def main() -> None:
    job = json.load(sys.stdin)
    if "teams" in job:
        row = np.zeros((1, at.ROW), np.int32)
        teams, seeds = np.array([job["teams"]], np.int32), np.array([job["seed"]], np.uint64)
        found = _watch(lambda: begin_all(row, teams, seeds))
    else:
        row = np.array(job["row"], np.int32)
        found = _watch(lambda: turn.step(row, *job["actions"]))
    print(json.dumps([asdict(draw) for draw in found]))


if __name__ == "__main__":
    main()
