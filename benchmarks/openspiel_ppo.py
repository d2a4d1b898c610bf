"""PSRO with PPO best responses on Leduc poker: exploitability against episodes and seconds.

    OMP_NUM_THREADS=1 python benchmarks/openspiel_ppo.py [--iterations 20] [--episodes 60000]
    OMP_NUM_THREADS=1 python benchmarks/openspiel_ppo.py --self-play

To be read beside psrolab's published figures for the same budget, 20 iterations of 60,000
episodes per best response: exploitability 0.84 +- 0.13, and 3,146 s for 11 iterations with PPO
(psro-in-practice, August 2026), which is 2.4 ms per training episode. Exploitability is exact.

``--self-play`` spends as many episodes on the baseline that has no population: both players'
networks improve by one batch at a time, each against the other's newest, with a larger entropy
bonus. What is measured is the newest pair.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, TypeAlias

import numpy as np
import torch

from pokespiel import PSRO
from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import OpenSpielGame
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import Mixture
from pokespiel.variants.independent import independent_self_play

Moves: TypeAlias = Iterator[tuple[list[Mixture], list[Mapping[str, Any]]]]
"""Strategies to be measured, and what the responses since the last cost."""

BATCH = 1000
"""Episodes between two improvements of a network."""


def oracle(episodes: int, **settings: Any) -> PPOOracle:
    """PPO with what both share."""
    return PPOOracle(
        episodes=episodes,
        episodes_per_batch=BATCH,
        minibatch=512,
        discount=1.0,
        trace=1.0,
        device="cpu",
        **settings,
    )


def psro(game: OpenSpielGame, arguments: argparse.Namespace) -> Moves:
    """Nash, and best responses from scratch."""
    best_responses = oracle(arguments.episodes, start="scratch", learning_rate=3e-3, entropy=0.01)
    loop = PSRO(game, oracle=best_responses, seed=arguments.seed)
    yield loop.result().mixtures(), []
    for _ in range(arguments.iterations):
        step = loop.step()
        yield loop.result().mixtures(), [response["cost"] for response in step.responses]


def self_play(game: OpenSpielGame, arguments: argparse.Namespace) -> Moves:
    """Both networks improve by one batch against each other, over and over."""
    improvement = oracle(BATCH, start="latest", learning_rate=1e-3, entropy=arguments.entropy)
    rounds = independent_self_play(game, improvement, rng=np.random.default_rng(arguments.seed))
    costs = []
    for number, latest in enumerate(rounds):
        costs += [response.cost for response in latest.responses]
        if number % (arguments.episodes // BATCH) == 0:
            yield list(latest.mixtures), costs
            costs = []
            if number == arguments.iterations * (arguments.episodes // BATCH):
                return


def main() -> None:
    """Run and print one row per iteration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game", default="leduc_poker")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--episodes", type=int, default=60_000, help="per best response")
    parser.add_argument("--self-play", action="store_true", help="the baseline instead")
    parser.add_argument("--entropy", type=float, default=0.1, help="bonus in self-play")
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
    episodes = decisions = 0
    started, started_cpu = time.perf_counter(), time.process_time()
    moves = self_play(game, arguments) if arguments.self_play else psro(game, arguments)
    for iteration, (mixtures, costs) in enumerate(moves):
        seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
        episodes += sum(cost["episodes"] for cost in costs)
        decisions += sum(cost["decisions"] for cost in costs)
        exact = exploitability(game, mixtures).estimate
        print(
            f"| {iteration} | {episodes:,} | {decisions:,} | {seconds:.0f} | {cpu:.0f} | "
            f"{exact:.3f} |",
            flush=True,
        )
    if episodes:
        print(
            f"\n{seconds / episodes * 1e3:.3f} ms per training episode, everything included "
            f"({cpu / episodes * 1e3:.3f} ms of CPU time)"
        )


if __name__ == "__main__":
    main()
