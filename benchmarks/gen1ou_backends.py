"""Battles per second of what PSRO does on Gen 1 OU: on the engine, and on the Showdown server.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benchmarks/gen1ou_backends.py [--rounds 3]

The same networks on both, in turn: cells of the payoff table (the starter against itself), and a
best response's training as `examples/gen1ou_psro.py` sets it. The engine plays on one core; on
Showdown the server, a process of its own, has another one.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import torch

from pokespiel.cli.psro import gen1ou_oracle
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.protocols import Mixture

BACKENDS = ("engine", "showdown")


def playing(game: Gen1OU, battles: int, seed: int) -> None:
    """A cell of the table."""
    (policy,) = game.initial_policies()
    game.play([(policy, policy)], battles, rng=np.random.default_rng(seed))


def training(game: Gen1OU, battles: int, seed: int) -> None:
    """A best response to the starter, without the battles that judge it."""
    mixture = Mixture(tuple(game.initial_policies()), np.ones(1))
    oracle = replace(gen1ou_oracle(battles, game.initial), device="cpu")
    oracle.best_response(game, 0, [mixture, mixture], rng=np.random.default_rng(seed))


def rate(work: Callable[[Gen1OU, int, int], None], game: Gen1OU, battles: int, seed: int) -> float:
    """Battles per second of wall time."""
    started = time.perf_counter()
    work(game, battles, seed)
    return battles / (time.perf_counter() - started)


def main() -> None:
    """Measure in turn, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", type=int, default=4000, help="battles per round there")
    parser.add_argument("--showdown", type=int, default=120, help="battles per round there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numba", "poke-env"))
    print(f"Python {platform.python_version()}, {packages}, CPU; {vars(arguments)}\n", flush=True)
    battles = {"engine": arguments.engine, "showdown": arguments.showdown}
    found: dict[tuple[str, str], list[float]] = {}
    with Gen1OU(backend="showdown", concurrency=40) as there, Gen1OU(concurrency=1024) as here:
        games = {"engine": here, "showdown": there}
        for number in range(arguments.rounds + 1):
            for work in (playing, training):
                for backend in BACKENDS:
                    # The first round compiles, starts the server, and is not counted.
                    some = battles[backend] if number else 40
                    measured = rate(work, games[backend], some, number)
                    if number:
                        found.setdefault((work.__name__, backend), []).append(measured)
    print("| battles/s | engine | Showdown | ratio |\n| --- | --- | --- | --- |")
    for work in (playing, training):
        here_rate, there_rate = (
            statistics.median(found[work.__name__, backend]) for backend in BACKENDS
        )
        ratio = here_rate / there_rate
        print(f"| {work.__name__} | {here_rate:,.0f} | {there_rate:.1f} | {ratio:.0f} |")


if __name__ == "__main__":
    main()
