"""How well does the oracle's network play after ten minutes from fresh weights?

    OMP_NUM_THREADS=1 python benchmarks/gen1ou_from_scratch.py
    OMP_NUM_THREADS=1 python benchmarks/gen1ou_from_scratch.py --showdown 200

PPO's best response to a mixture of max_damage and random, from freshly drawn weights, then fresh
battles against either, on the engine and, where asked for, on real Showdown. Prints the time that
training took and win rates with 95 % intervals (Wilson; a tie is half a win).
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro

from pokespiel.gen1ou.baselines import MaxDamagePolicy, RandomPolicy
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.oracles.throughput import Throughput
from pokespiel.protocols import Mixture
from pokespiel.stats import wilson

OPPONENTS = {"max_damage": (MaxDamagePolicy(), 0.6), "random": (RandomPolicy(), 0.4)}
"""With their shares of the training battles: who has never won learns from random play first."""


@dataclass
class Arguments:
    """Train from scratch and measure."""

    training_battles: int = 40_000
    batch: int = 1000
    learning_rates: tuple[float, float] = (2e-3, 3e-4)
    entropies: tuple[float, float] = (0.02, 0.003)
    precision: Literal["float32", "bfloat16"] = "float32"
    battles: int = 1000
    """Fresh ones on the engine, per opponent."""
    showdown: int = 0
    """Fresh ones on Showdown, per opponent."""
    save: Path | None = None
    """An existing directory for the policy."""
    seed: int = 0


def main(arguments: Arguments) -> None:
    """Train, measure, print."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(arguments.seed)
    game = Gen1OU(initial="network", seed=arguments.seed)
    policies, shares = zip(*OPPONENTS.values(), strict=True)
    own = Mixture(tuple(game.initial_policies()), np.ones(1))
    wall, cpu = time.perf_counter(), time.process_time()

    def progress(done: int, total: int, outcome: float, _: Throughput) -> None:
        if done % (5 * arguments.batch) == 0:
            seconds = time.perf_counter() - wall
            print(f"{done} of {total} battles, {seconds:.0f} s, {outcome:.3f}", file=sys.stderr)

    oracle = PPOOracle(
        episodes=arguments.training_battles,
        episodes_per_batch=arguments.batch,
        learning_rate=arguments.learning_rates,
        entropy=arguments.entropies,
        trace=0.9,
        precision=arguments.precision,
        device="cpu",
        progress=progress,
    )
    response = oracle.best_response(game, 0, [own, Mixture(policies, np.array(shares))], rng=rng)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"trained on {arguments.training_battles} battles, {response.cost['decisions']} decisions, "
        f"in {wall:.0f} s ({cpu:.0f} s of CPU), {arguments.precision}, seed {arguments.seed}"
    )
    if arguments.save is not None:
        response.policy.save(arguments.save)
    for backend, battles in (("engine", arguments.battles), ("showdown", arguments.showdown)):
        if not battles:
            continue
        with Gen1OU(backend=backend) as field:
            for name, (opponent, _) in OPPONENTS.items():
                returns = field.play([(response.policy, opponent)], battles, rng=rng)[0, :, 0]
                found = wilson(float(returns.sum()), battles)
                print(
                    f"{backend}: {returns.mean():.3f} [{found.low:.3f}, {found.high:.3f}] against "
                    f"{name} in {battles} fresh battles",
                    flush=True,
                )


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
