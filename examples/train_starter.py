"""Train the policy that Gen 1 OU populations start from, by self-play in a league.

    OMP_NUM_THREADS=1 python examples/train_starter.py --minutes 45 --directory starter

Each round the network improves by PPO against a league: its own newest copy, its earlier
snapshots (the more, the more they win against it), and the heuristics. Fresh battles against the
heuristics are the curve, in ``curve.jsonl``; ``policy/`` holds the network of its last line.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro

from pokespiel.files import write_atomically
from pokespiel.gen1ou.baselines import RandomPolicy
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import Mixture
from pokespiel.stats import wilson

HEURISTICS = ("max_damage", "random")
"""In the league. Others are kept for measuring."""
SHARES = {"newest": 0.5, "snapshots": 0.3, "heuristics": 0.2}


@dataclass
class Arguments:
    """Train a starter policy."""

    directory: Path = Path("starter")
    minutes: float = 45.0
    """CPU time to train for; the schedules run over it."""
    battles: int = 1000
    """Battles per round."""
    snapshot_every: int = 5
    """Rounds between two snapshots that stay in the league."""
    evaluate_every: int = 10
    """Rounds between two points of the curve."""
    evaluation_battles: int = 400
    start: Path | None = None
    """A stored policy to go on from, instead of fresh weights."""
    learning_rates: tuple[float, float] = (1e-3, 2e-4)
    """At the start and at the end; geometric between them."""
    entropies: tuple[float, float] = (0.02, 0.003)
    """Weights of the entropy bonus at the start and at the end."""
    minibatch: int = 1024
    epochs: int = 3
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the passes while learning; bfloat16 is faster on processors that have it."""
    seed: int = 0


class League:
    """Who the newest network trains against."""

    def __init__(self, game: Gen1OU) -> None:
        self.heuristics = [game.baselines[name]() for name in HEURISTICS if name in game.baselines]
        self.snapshots: list[Any] = []
        self.losses = np.zeros(0)
        """Share of battles that each snapshot won against the newest, smoothed."""

    def mixture(self, newest: Any) -> Mixture:
        """Half the newest itself; before there are snapshots it takes their share."""
        policies, weights = [newest], [SHARES["newest"]]
        if self.snapshots:
            priority = self.losses + 0.05
            policies += self.snapshots
            weights += list(SHARES["snapshots"] * priority / priority.sum())
        policies += self.heuristics
        # Against random play there is little to learn, and nothing to forget.
        shares = np.array([0.1 if type(h) is RandomPolicy else 1.0 for h in self.heuristics])
        weights += list(SHARES["heuristics"] * shares / shares.sum())
        total = np.array(weights)
        return Mixture(tuple(policies), total / total.sum())

    def add(self, snapshot: Any) -> None:
        """Keep a copy; nobody knows yet how it fares."""
        self.snapshots.append(snapshot)
        self.losses = np.append(self.losses, 0.5)


def between(ends: tuple[float, float], done: float) -> float:
    """Geometric interpolation."""
    return float(ends[0] * (ends[1] / ends[0]) ** min(done, 1.0))


def train(arguments: Arguments) -> None:
    """Train until the time is up."""
    torch.set_num_threads(1)
    game = Gen1OU(seed=arguments.seed)
    directory = arguments.directory
    curve_file = directory / "curve.jsonl"
    rng = np.random.default_rng(arguments.seed)
    newest = (
        game.new_policy(rng=rng) if arguments.start is None else game.load_policy(arguments.start)
    )
    league = League(game)
    lines: list[str] = []
    decisions = battles = number = 0
    spent = 0.0
    if curve_file.exists():
        raise SystemExit(f"{directory} holds a run already; choose another --directory")
    (directory / "policy").mkdir(parents=True)
    while spent < 60.0 * arguments.minutes:
        started = time.process_time()
        done = spent / (60.0 * arguments.minutes)
        oracle = PPOOracle(
            episodes=arguments.battles,
            episodes_per_batch=arguments.battles,
            minibatch=arguments.minibatch,
            epochs=arguments.epochs,
            trace=0.9,
            precision=arguments.precision,
            learning_rate=between(arguments.learning_rates, done),
            entropy=between(arguments.entropies, done),
            device="cpu",
        )
        rivals = league.mixture(newest.copy())
        own = Mixture((newest,), np.ones(1))
        response = oracle.best_response(game, 0, [own, rivals], rng=rng)
        newest = response.policy
        decisions += response.cost["decisions"]
        battles += arguments.battles
        number += 1
        if number % arguments.snapshot_every == 0:
            league.add(newest.copy())
            played = game.play([(newest, rival) for rival in league.snapshots], 20, rng=rng)
            lost = 1.0 - played[:, :, 0].mean(axis=1)
            league.losses = 0.5 * league.losses + 0.5 * lost
        spent += time.process_time() - started
        if number % arguments.evaluate_every == 0 or spent >= 60.0 * arguments.minutes:
            line = {
                "round": number,
                "battles": battles,
                "decisions": decisions,
                "cpu_seconds": round(spent, 1),
                **measure(game, newest, arguments.evaluation_battles, rng),
            }
            lines.append(json.dumps(line))
            with write_atomically(curve_file) as file:
                file.write(("\n".join(lines) + "\n").encode())
            newest.save(directory / "policy")
            print(lines[-1], flush=True)
    settings = {key: str(value) for key, value in asdict(arguments).items()}
    (directory / "arguments.json").write_text(json.dumps(settings, indent=1) + "\n")


def measure(game: Gen1OU, policy: Any, battles: int, rng: np.random.Generator) -> dict[str, Any]:
    """Win rates with 95 % intervals on fresh battles."""
    result = {}
    for name, kind in game.baselines.items():
        wins = game.play([(policy, kind())], battles, rng=rng)[0, :, 0]
        interval = wilson(float(wins.sum()), battles)
        result[name] = [round(float(x), 3) for x in (wins.mean(), interval.low, interval.high)]
    return result


if __name__ == "__main__":
    train(tyro.cli(Arguments))
