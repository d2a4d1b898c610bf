"""Environment steps per second with observations: `Gen1OUEnv` against poke-env's `SinglesEnv`.

    NUMBA_NUM_THREADS=2 python benchmarks/env_speed.py [--battles 4096] [--rounds 3]
    python benchmarks/env_speed.py --leak 1000000

A step is one joint step of one battle: both players act at random, both get their observation,
their legal actions and their reward. Both sides alternate in one run; poke-env plays on the real
Showdown server on this machine and observes what we do, through the same features built from its
battle. ``--leak`` plays so many battles, 10,000 at once, and prints the memory on the way.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from pokespiel.gen1ou.engine.batch import call, choose_at_random
from pokespiel.gen1ou.env import Gen1OUEnv


class Watched(Gen1OUEnv):
    """Knows how long it looked."""

    looking = 0.0

    def _look(self) -> None:
        started = time.perf_counter()
        super()._look()
        self.looking += time.perf_counter() - started


def play(env: Gen1OUEnv, steps: int, rng: np.random.Generator) -> None:
    """Random legal actions for so many steps."""
    states = rng.integers(2**64, size=env.num_battles, dtype=np.uint64)
    actions = np.empty((env.num_battles, 2), np.int32)
    for _ in range(steps):
        call(choose_at_random, env.rows, states, actions)
        env.step(np.maximum(actions, 0))


def ours(battles: int, threads: int, seconds: float) -> tuple[float, float, float]:
    """Steps per second of wall and of CPU time, and the share of time spent observing."""
    env = Watched(battles, threads=threads)
    rng = np.random.default_rng(0)
    play(env, 5, rng)
    env.looking, steps = 0.0, 0
    started, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        play(env, 10, rng)
        steps += 10 * battles
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    return steps / wall, steps / cpu, env.looking / wall


def poke_env_environment(server: Any, number: int) -> Any:
    """poke-env's two-player environment with our observations."""
    from poke_env import AccountConfiguration, ServerConfiguration
    from poke_env.environment import SinglesEnv
    from poke_env.teambuilder import Teambuilder

    from pokespiel.gen1ou.actions import legal_mask
    from pokespiel.gen1ou.showdown.observation import observe
    from pokespiel.gen1ou.teams import load_teams

    rng = np.random.default_rng(number)
    teams = load_teams()

    class Teams(Teambuilder):
        def yield_team(self) -> str:
            return teams[int(rng.integers(len(teams)))]

    class Environment(SinglesEnv):
        def calc_reward(self, battle: Any) -> float:
            return float(battle.won or 0)

        def embed_battle(self, battle: Any) -> dict[str, NDArray[Any]]:
            return observe(battle, legal_mask(battle))

    return Environment(
        account_configuration1=AccountConfiguration(f"speed{number}a", None),
        account_configuration2=AccountConfiguration(f"speed{number}b", None),
        battle_format="gen1ou",
        server_configuration=ServerConfiguration(server.websocket_url, ""),
        team=Teams(),
        log_level=50,
        strict=False,
    )


def theirs(env: Any, seconds: float, rng: np.random.Generator) -> float:
    """Steps per second of poke-env's environment."""
    steps, spent = 0, 0.0
    while spent < seconds:
        started = time.perf_counter()
        env.reset()
        while env.agents:
            actions = {}
            for agent, battle in zip(env.agents, (env.battle1, env.battle2), strict=True):
                legal = np.flatnonzero(env.get_action_mask(battle))
                actions[agent] = np.int64(rng.choice(legal)) if len(legal) else np.int64(0)
            env.step(actions)
            steps += 1
        spent += time.perf_counter() - started
    return steps / spent


def speed(arguments: argparse.Namespace) -> None:
    """Print the table."""
    from pokespiel.gen1ou.showdown.server import ShowdownServer

    rng = np.random.default_rng(1)
    rates: dict[str, list[float]] = {"poke-env": [], "1": [], "2": [], "1 cpu": [], "share": []}
    with ShowdownServer() as server:
        env = poke_env_environment(server, os.getpid())
        theirs(env, 1.0, rng)
        for _ in range(arguments.rounds):
            rates["poke-env"].append(theirs(env, arguments.seconds, rng))
            for threads in (1, 2):
                rate, per_cpu, share = ours(arguments.battles, threads, arguments.seconds)
                rates[str(threads)].append(rate)
                if threads == 1:
                    rates["1 cpu"].append(per_cpu)
                    rates["share"].append(share)
        env.close()
    middle = {name: statistics.median(values) for name, values in rates.items()}
    base = middle["poke-env"]
    print(f"| {arguments.battles} battles at once | steps/s | times poke-env |")
    print("| --- | --- | --- |")
    print(f"| poke-env's SinglesEnv, real server | {base:,.0f} | 1 |")
    for name, label in (("1", "one core"), ("1 cpu", "one core, per CPU second"), ("2", "two")):
        print(f"| Gen1OUEnv, {label} | {middle[name]:,.0f} | {middle[name] / base:,.0f} |")
    print(f"\nobserving takes {middle['share']:.0%} of a step on one core")


def leak(battles: int) -> None:
    """Memory over many battles."""
    process = psutil.Process()
    env = Gen1OUEnv(10_000)
    rng = np.random.default_rng(0)
    next_row = 0
    print("| battles | resident MB |\n| --- | --- |", flush=True)
    while env.statistics.battles < battles:
        play(env, 20, rng)
        if env.statistics.battles >= next_row:
            memory = process.memory_info().rss / 1e6
            print(f"| {env.statistics.battles:,} | {memory:,.0f} |", flush=True)
            next_row += battles // 10


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--battles", type=int, default=4096, help="at once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="per side and round")
    parser.add_argument("--leak", type=int, default=0, help="battles to watch memory over")
    arguments = parser.parse_args()
    print(
        f"Python {platform.python_version()}, numba {version('numba')}, poke-env "
        f"{version('poke-env')}, {os.cpu_count()} cores, {platform.machine()}\n"
    )
    if arguments.leak:
        leak(arguments.leak)
    else:
        speed(arguments)


if __name__ == "__main__":
    main()
