"""Replay battles of the real Showdown simulator on the Gen 1 engine.

    export POKESPIEL_SHOWDOWN_DIR=...
    python benchmarks/engine_parity.py --stream ou --battles 1000
    python benchmarks/engine_parity.py --stream ou --battles 10000 --record FOLDER
    python benchmarks/engine_parity.py --replay FOLDER
    python benchmarks/engine_parity.py --stream mirror --battles 1000 --logs

Compares everything after every step and exits with 1 on any difference. The streams: `ou` (usual
sets), `uniform` (any Pokémon with any of its moves, a fifth at odd levels and DVs), `mirror` (the
same six Pokémon on both sides, where speed ties are common) and `forced` (every set carries one
move, in turn each of the 165, with any other moves beside it; `--battles` is per move).

The simulator is the slow part: `--record` has it play once and keeps what it wrote; `--replay`
holds the engine to a folder of recordings, without Node. `--logs` compares the protocol logs too,
line by line.
"""

import argparse
import difflib
import json
import secrets
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pokespiel.gen1ou.engine.oracle import fixture, recordings
from pokespiel.gen1ou.engine.oracle.draws import report
from pokespiel.gen1ou.engine.oracle.logs import engine_log, informative
from pokespiel.gen1ou.engine.oracle.minimize import minimize
from pokespiel.gen1ou.engine.oracle.replay import Difference, Recording, record, replay
from pokespiel.gen1ou.engine.tables import MOVE_IDS, STRUGGLE

CHUNK = 100
REPORTED = 5  # in full; of further differences only the step


def chunks(args: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    """Move, first battle and number of battles of every request to the simulator."""
    moves = [""]
    if args.stream == "forced":
        moves = args.moves.split(",") if args.moves else MOVE_IDS[1 : STRUGGLE + 1]
    for move in moves:
        for first in range(0, args.battles, CHUNK):
            yield move, first, min(CHUNK, args.battles - first)


class Tally:
    """What has been replayed and found, stream by stream."""

    def __init__(self) -> None:
        self.counts: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        self.thrown: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        self.differences: list[Difference] = []
        self.differing_logs = 0

    def add(self, entry: recordings.Entry, battles: list[Recording]) -> None:
        stream = entry["stream"], entry["seed"]
        found = replay(battles, entry["first"])
        for difference in found:
            first_ones = len(self.differences) < REPORTED
            text = report(difference) if first_ones else str(difference).splitlines()[0]
            print(f"{entry['move']} {text}", flush=True)
            self.differences.append(difference)
        steps = sum(len(b.rows) for b in battles)
        self.counts[stream].update(battles=len(battles), steps=steps, different=len(found))
        self.thrown[stream].update(entry["account"]["thrown"])
        print(*stream, entry["move"], dict(self.counts[stream]), file=sys.stderr, flush=True)

    def add_logs(self, entry: recordings.Entry, battles: list[Recording]) -> None:
        stream = entry["stream"], entry["seed"]
        for number, battle in enumerate(battles, entry["first"]):
            ours = engine_log(battle.teams, battle.seed, battle.actions)
            theirs = informative(battle.log.split("\n"))
            self.counts[stream].update({"log lines": len(theirs)})
            if ours != theirs:
                self.differing_logs += 1
                self.counts[stream].update({"logs different": 1})
                lines = difflib.unified_diff(theirs, ours, "simulator", "engine", lineterm="")
                print(*stream, entry["move"], "battle", number)
                print(*islice(lines, 20), sep="\n", flush=True)

    def summary(self) -> list[dict[str, object]]:
        return [
            {
                "stream": stream,
                "seed": seed,
                **counts,
                "thrown by the simulator": dict(self.thrown[stream, seed]),
            }
            for (stream, seed), counts in self.counts.items()
        ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stream", default="ou", choices=("ou", "uniform", "mirror", "forced"))
    parser.add_argument("--battles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="default: drawn at run time")
    parser.add_argument("--moves", default=None, help="forced: these moves only, by comma")
    parser.add_argument("--record", type=Path, default=None, help="only record, into this folder")
    parser.add_argument("--replay", type=Path, default=None, help="replay this folder's recordings")
    parser.add_argument("--logs", action="store_true", help="compare the protocol logs too")
    parser.add_argument("--minimize", type=Path, default=None, help="folder for smallest failures")
    args = parser.parse_args()
    if args.logs and (args.record or args.replay):
        parser.error("--logs plays afresh: recordings hold no logs")
    seed = secrets.randbelow(2**31) if args.seed is None else args.seed
    tally = Tally()
    try:
        if args.replay:
            for entry in recordings.entries(args.replay):
                tally.add(entry, recordings.load(args.replay, entry))
        for move, first, count in () if args.replay else chunks(args):
            if args.record:
                entry = recordings.write(
                    args.record, args.stream, count, seed, move=move, first=first
                )
                print(json.dumps(entry), flush=True)
                continue
            battles, account = record(
                args.stream, count, seed, logs=args.logs, move=move, first=first
            )
            entry = {"stream": args.stream, "move": move, "first": first, "seed": seed}
            tally.add(entry | {"account": account}, battles)
            if args.logs:
                tally.add_logs(entry, battles)
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if args.minimize and tally.differences:
        args.minimize.mkdir(parents=True, exist_ok=True)
        for number, difference in enumerate(tally.differences):
            smallest, battle = minimize(difference)
            (args.minimize / f"{number}.json").write_text(json.dumps(smallest))
            fixture.write(args.minimize / f"{number}.json.xz", [battle])
    for line in tally.summary():
        print(json.dumps(line))
    return 1 if tally.differences or tally.differing_logs else 0


if __name__ == "__main__":
    sys.exit(main())
