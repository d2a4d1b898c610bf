"""Replay fresh battles of the real Showdown simulator on the Gen 1 engine.

    POKESPIEL_SHOWDOWN_DIR=... python benchmarks/engine_parity.py --stream ou --battles 1000

Compares everything after every step and exits with 1 on any difference. The streams: `ou` (usual
sets), `uniform` (any Pokémon with any of its moves, a fifth at odd levels and DVs), `mirror` (the
same six Pokémon on both sides, where speed ties are common) and `forced` (every set carries one
move, in turn each of the 165, with any other moves beside it; `--battles` is per move).
"""

import argparse
import json
import secrets
import sys
from collections import Counter
from pathlib import Path

from pokespiel.gen1ou.engine.oracle.minimize import minimize
from pokespiel.gen1ou.engine.oracle.replay import record, replay
from pokespiel.gen1ou.engine.tables import MOVE_IDS, STRUGGLE

CHUNK = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stream", default="ou", choices=("ou", "uniform", "mirror", "forced"))
    parser.add_argument("--battles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="default: drawn at run time")
    parser.add_argument("--moves", default=None, help="forced: these moves only, by comma")
    parser.add_argument("--minimize", type=Path, default=None, help="folder for smallest failures")
    args = parser.parse_args()
    seed = secrets.randbelow(2**31) if args.seed is None else args.seed
    moves = [""]
    if args.stream == "forced":
        moves = args.moves.split(",") if args.moves else MOVE_IDS[1 : STRUGGLE + 1]
    battles = steps = 0
    thrown: Counter[str] = Counter()
    differences = []
    for move in moves:
        for first in range(0, args.battles, CHUNK):
            count = min(CHUNK, args.battles - first)
            recordings, account = record(args.stream, count, seed, move=move, first=first)
            found = replay(recordings, first)
            for difference in found:
                print(f"{move} {difference}", flush=True)
            differences += found
            battles += count
            steps += account["steps"]
            thrown.update(account["thrown"])
        print(f"{move or args.stream}: {battles} battles, {steps} steps", file=sys.stderr)
    if args.minimize and differences:
        args.minimize.mkdir(parents=True, exist_ok=True)
        for number, difference in enumerate(differences):
            (args.minimize / f"{number}.json").write_text(json.dumps(minimize(difference)))
    summary = {
        "stream": args.stream,
        "seed": seed,
        "battles": battles,
        "steps": steps,
        "different": len(differences),
        "thrown by the simulator": dict(thrown),
    }
    print(json.dumps(summary))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
