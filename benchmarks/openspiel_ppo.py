"""PSRO with PPO best responses on Leduc poker: exploitability against episodes and seconds.

    OMP_NUM_THREADS=1 python benchmarks/openspiel_ppo.py [--iterations 20] [--episodes 60000]
    OMP_NUM_THREADS=1 python benchmarks/openspiel_ppo.py --self-play

To be read beside psrolab's published figures for the same budget, 20 iterations of 60,000
episodes per best response: exploitability 0.84 +- 0.13, and 3,146 s for 11 iterations with PPO
(psro-in-practice, August 2026), which is 2.4 ms per training episode. Exploitability is exact.

``--self-play`` spends as many episodes on the baseline that has no population: both players'
networks train on, each against the other's newest, with a larger entropy bonus. What is measured
is the newest pair.
"""

from __future__ import annotations

import argparse
import platform
import time
from importlib.metadata import version

import torch

from pokespiel import PSRO
from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import OpenSpielGame
from pokespiel.oracles.ppo import PPOOracle

SPLIT = 6
"""Self-play trades places so many times as often as PSRO trains a new best response."""

ROWS = 20


def psro(game: OpenSpielGame, arguments: argparse.Namespace) -> PSRO:
    """Nash, and best responses from scratch."""
    oracle = PPOOracle(
        episodes=arguments.episodes,
        episodes_per_batch=1000,
        minibatch=512,
        start="scratch",
        learning_rate=3e-3,
        entropy=0.01,
        discount=1.0,
        trace=1.0,
        device="cpu",
    )
    return PSRO(game, oracle=oracle, seed=arguments.seed)


def self_play(game: OpenSpielGame, arguments: argparse.Namespace) -> PSRO:
    """The newest against the newest, each going on from its own."""
    oracle = PPOOracle(
        episodes=arguments.episodes // SPLIT,
        episodes_per_batch=1000,
        minibatch=512,
        start="latest",
        learning_rate=1e-3,
        entropy=0.1,
        discount=1.0,
        trace=1.0,
        device="cpu",
    )
    return PSRO(
        game,
        oracle=oracle,
        meta_solver="self_play",
        admit=lambda response, gain: True,
        seed=arguments.seed,
    )


def main() -> None:
    """Run and print one row per iteration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game", default="leduc_poker")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--episodes", type=int, default=60_000, help="per best response")
    parser.add_argument("--self-play", action="store_true", help="the baseline instead")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"Python {platform.python_version()}, torch {version('torch')}, "
        f"open_spiel {version('open_spiel')}, {platform.machine()}, one thread\n\n"
        "| iteration | training episodes | decisions | seconds | CPU seconds | exploitability |\n"
        "| --- | --- | --- | --- | --- | --- |",
        flush=True,
    )
    game = OpenSpielGame(arguments.game)
    loop = self_play(game, arguments) if arguments.self_play else psro(game, arguments)
    rows = ROWS if arguments.self_play else arguments.iterations
    steps = arguments.iterations * (SPLIT if arguments.self_play else 1)
    episodes = decisions = 0
    seconds = cpu = 0.0
    for iteration in range(steps + 1):
        if iteration % max(steps // rows, 1) == 0:
            exact = exploitability(game, loop.result().mixtures()).estimate
            print(
                f"| {iteration} | {episodes:,} | {decisions:,} | {seconds:.0f} | {cpu:.0f} | "
                f"{exact:.3f} |",
                flush=True,
            )
        if iteration < steps:
            started, started_cpu = time.perf_counter(), time.process_time()
            step = loop.step()
            seconds += time.perf_counter() - started
            cpu += time.process_time() - started_cpu
            episodes += sum(response["cost"]["episodes"] for response in step.responses)
            decisions += sum(response["cost"]["decisions"] for response in step.responses)
    if episodes:
        print(
            f"\n{seconds / episodes * 1e3:.3f} ms per training episode, everything included "
            f"({cpu / episodes * 1e3:.3f} ms of CPU time)"
        )


if __name__ == "__main__":
    main()
