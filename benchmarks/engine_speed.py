"""How fast the Gen 1 engine plays, beside the real simulator in the same run.

    POKESPIEL_SHOWDOWN_DIR=... python benchmarks/engine_speed.py

Uniformly random legal choices with usual OU sets, battles begun anew as they end. Rates are per
second of CPU time on one core, so that other work on the machine does not flatter or hurt either
side, and per second of wall time on all cores.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import time

import numba
import numpy as np

from pokespiel.gen1ou.engine import Battles, pack
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.batch import begin_all, choose_at_random, step_all
from pokespiel.gen1ou.engine.oracle.replay import ORACLE, simulator_available

BATTLES_PER_CORE = 512
"""Where all cores step: waking them for fewer battles costs more than it gains."""


def teams(n: int, rng: np.random.Generator) -> at.Row:
    sets = json.loads((ORACLE / "ou_sets.json").read_text())

    def one() -> at.Row:
        chosen = [sets[k] for k in rng.choice(len(sets), 6, replace=False)]
        return pack([(s["species"], list(rng.permutation(s["moves"])[:4])) for s in chosen])

    pool = np.stack([one() for _ in range(200)])
    return pool[rng.integers(0, len(pool), (n, 2))]


def engine(n: int, seconds: float, threads: int, rng: np.random.Generator) -> dict[str, float]:
    numba.set_num_threads(threads)
    battles = Battles(n)
    states = rng.integers(0, 2**64, n, np.uint64)
    battles.reset(teams(n, rng), rng.integers(0, 2**64, n, np.uint64))
    actions = np.zeros((n, 2), np.int32)
    results = np.zeros(n, np.int32)
    fresh = teams(n, rng)
    seeds = rng.integers(0, 2**64, n, np.uint64)
    rows = battles.rows
    choose_at_random(rows, states, actions)
    step_all(rows, actions, results)
    finished = turns = steps = 0
    wall, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < seconds:
        for _ in range(20):
            choose_at_random(rows, states, actions)
            step_all(rows, actions, results)
        steps += 20 * n
        over = np.flatnonzero(results)
        if len(over) > n // 8:
            finished += len(over)
            turns += int(rows[over, at.TURN].sum())
            again = np.zeros((len(over), at.ROW), np.int32)
            begin_all(again, fresh[over], seeds[over])
            seeds[over] += np.uint64(1)
            rows[over] = again
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    turns += int(rows[:, at.TURN].sum())
    return {
        "turns": turns,
        "battles": finished,
        "wall": wall,
        "cpu": cpu,
        "turns_per_cpu_second": turns / cpu,
        "turns_per_second": turns / wall,
    }


def simulator(seconds: float) -> dict[str, float]:
    done = subprocess.run(
        ["node", str(ORACLE / "speed.js"), str(seconds)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found | {
        "turns_per_cpu_second": found["turns"] / found["cpu"],
        "battles_per_cpu_second": found["battles"] / found["cpu"],
    }


def oak(seconds: float, rng: np.random.Generator) -> dict[str, float | str]:
    """libpkmn through the oak-lab package: one battle and one call of Python at a time."""
    if importlib.util.find_spec("oak") is None:
        return {"skipped": "the oak-lab package is not installed"}
    import oak

    from pokespiel.exploitability.gen1ou.oak import oak_battle

    battles = Battles(200)
    battles.reset(teams(200, rng), rng.integers(0, 2**64, 200, np.uint64))
    picks = rng.random(2**16)
    turns = finished = drawn = 0
    cpu = time.process_time()
    while time.process_time() - cpu < seconds:
        battle, durations, result = oak_battle(battles.rows[finished % 200])
        while oak.result_type(result) == 0:
            mine, theirs = oak.choices(battle, result)
            p, q = picks[drawn % 2**16], picks[(drawn + 1) % 2**16]
            drawn += 2
            pair = mine[int(p * len(mine))], theirs[int(q * len(theirs))]
            result = oak.update(battle, durations, *pair)
        turns += battle.turn
        finished += 1
    cpu = time.process_time() - cpu
    return {"turns": turns, "battles": finished, "cpu": cpu, "turns_per_cpu_second": turns / cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--battles", type=int, default=256, help="side by side, on one core")
    parser.add_argument("--seconds", type=float, default=5.0, help="of CPU for each figure")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    cores = numba.config.NUMBA_NUM_THREADS
    report: dict[str, object] = {"load": os.getloadavg()[0], "cores": cores}
    report["one core"] = engine(args.battles, args.seconds, 1, rng)
    report["all cores"] = engine(BATTLES_PER_CORE * cores, args.seconds, cores, rng)
    if simulator_available():
        node = simulator(args.seconds)
        ours = engine(args.battles, args.seconds, 1, rng)
        report["simulator"] = node
        report["one core, after it"] = ours
        report["times the simulator"] = ours["turns_per_cpu_second"] / node["turns_per_cpu_second"]
    report["libpkmn through oak-lab"] = oak(args.seconds, rng)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
