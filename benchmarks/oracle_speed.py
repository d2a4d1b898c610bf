"""Decisions per second of PPO on Gen 1 OU: of playing, and of the whole loop.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benchmarks/oracle_speed.py
    python benchmarks/oracle_speed.py --device cuda --network transformer-1m --precision bfloat16 \\
        --batches 2048 8192 --minibatch 32768

Self-play: a network that starts from fresh weights, or the starter for the compact network, learns
against its own copy and an older one, drawn per battle. Counted are the learner's decisions; its
opponents decide as often. The first, unmeasured training compiles and warms up. A row per batch
size, then the same as one line of JSON.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import torch
import tyro

from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.oracles.throughput import Throughput
from pokespiel.protocols import Mixture


@dataclass
class Arguments:
    """What to measure."""

    network: str = "compact"
    """A name of `pokespiel.gen1ou.neural.NETWORKS`."""
    device: str = "cpu"
    batches: tuple[int, ...] = (100, 500)
    """Battles per batch."""
    minibatch: int = 1024
    epochs: int = 4
    precision: Literal["float32", "bfloat16"] = "float32"
    concurrency: int = 1024
    """Battles under way at once."""
    rounds: int = 3
    """Measured batches of each size; medians are reported."""
    threads: int = 1
    """CPU threads of torch."""


def measure(arguments: Arguments, game: Gen1OU, battles: int) -> dict[str, Any]:
    """One training per round, of one batch each."""
    policy = (
        game.initial_policies()[0]
        if arguments.network == "compact"
        else game.new_policy(rng=np.random.default_rng(0))
    )
    older = policy.copy()
    mixture = Mixture((policy, older), np.array([0.7, 0.3]))
    rounds = []
    for number in range(arguments.rounds + 1):
        seen: list[Throughput] = []
        oracle = PPOOracle(
            episodes=battles if number else min(battles, 50),
            episodes_per_batch=battles,
            minibatch=arguments.minibatch,
            epochs=arguments.epochs,
            precision=arguments.precision,
            device=arguments.device,
            progress=lambda *found, seen=seen: seen.append(found[-1]),
        )
        cpu = time.process_time()
        oracle.best_response(game, 0, [mixture, mixture], rng=np.random.default_rng(number))
        spent = time.process_time() - cpu
        if number:
            (throughput,) = seen
            rounds.append({**throughput.to_json(), "cpu_seconds": spent})
    middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    middle["decisions_per_cpu_second"] = statistics.median(
        one["decisions"] / one["cpu_seconds"] for one in rounds
    )
    return {"battles": battles, **middle}


def main(arguments: Arguments) -> None:
    """Print a table and a line of JSON."""
    torch.set_num_threads(arguments.threads)
    game = Gen1OU(network=arguments.network, concurrency=arguments.concurrency)
    size = sum(
        p.numel() for p in game.new_policy(rng=np.random.default_rng(0)).network.parameters()
    )
    device = (
        torch.cuda.get_device_name()
        if arguments.device.startswith("cuda")
        else f"CPU {platform.machine()}, {arguments.threads} of {os.cpu_count()} cores"
    )
    print(
        f"{device}; {arguments.network} ({size:,} parameters), {arguments.precision}, minibatch "
        f"{arguments.minibatch}, {arguments.epochs} epochs; torch {version('torch')}\n\n"
        "| battles per batch | decisions | rollout: decisions/s | whole loop: decisions/s | "
        "per CPU second | environment | inference | learning |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        flush=True,
    )
    rows = []
    for battles in arguments.batches:
        row = measure(arguments, game, battles)
        rows.append(row)
        seconds = row["rollout_seconds"] + row["learning_seconds"]
        shares = (
            (row["rollout_seconds"] - row["inference_seconds"]) / seconds,
            row["inference_seconds"] / seconds,
            row["learning_seconds"] / seconds,
        )
        print(
            f"| {battles} | {row['decisions']:,.0f} | {row['environment_steps_per_second']:,.0f} | "
            f"{row['decisions_per_second']:,.0f} | {row['decisions_per_cpu_second']:,.0f} | "
            + " | ".join(f"{share:.0%}" for share in shares)
            + " |",
            flush=True,
        )
    document = {
        "device": device,
        "network": arguments.network,
        "parameters": size,
        "precision": arguments.precision,
        "minibatch": arguments.minibatch,
        "epochs": arguments.epochs,
        "torch": version("torch"),
        "rows": rows,
    }
    print(f"\n{json.dumps(document)}")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
