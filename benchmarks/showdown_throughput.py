"""Battles and decisions per second: the arena against poke-env's own ``battle_against``.

Both play on the same server, in turn, with the same policies, teams and number of battles. The
poke-env side is what its documentation shows: two players with ``max_concurrent_battles``, each
choosing one move at a time.

    python benchmarks/showdown_throughput.py [--repeats 3] [--json FILE]

Policies: ``random``; ``simple_heuristics`` (poke-env's); ``network``, a 256-256-256 perceptron in
torch on the CPU, which the arena asks in batches and poke-env one decision at a time; and
``network_one_by_one``, the same network asked one decision at a time on both sides.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from poke_env import AccountConfiguration, ServerConfiguration
from poke_env.battle import Battle
from poke_env.player import BattleOrder, Player
from poke_env.teambuilder import Teambuilder

from pokespiel.gen1ou.actions import NUM_ACTIONS, legal_mask, order_for
from pokespiel.gen1ou.baselines import RandomPolicy, SimpleHeuristicsPolicy
from pokespiel.gen1ou.showdown import Arena, Decision, Match, ShowdownPolicy, ShowdownServer
from pokespiel.gen1ou.showdown.install import find_node, showdown_version
from pokespiel.gen1ou.teams import load_teams

BATTLES = {1: 15, 10: 60, 50: 150}
TIMEOUT = 600.0
# The number of the repeat that is not measured.
WARM_UP = 1000
SYSTEMS = ("arena", "poke-env")


class NetworkPolicy:
    """A perceptron on hit points, boosts and legal actions. Untrained: speed is the question."""

    name = "network"
    batched = True

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        sizes = [26 + NUM_ACTIONS, 256, 256, 256]
        layers: list[torch.nn.Module] = []
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
        self.network = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], NUM_ACTIONS))

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> NDArray[np.int64]:
        if not self.batched and len(decisions) > 1:
            return np.concatenate([self.act([decision], rng) for decision in decisions])
        observations = np.stack([_observe(d.battle, d.legal) for d in decisions])
        legal = np.stack([d.legal for d in decisions])
        with torch.inference_mode():
            logits = self.network(torch.from_numpy(observations)).numpy()
        noisy = logits + rng.gumbel(size=logits.shape)
        return np.asarray(np.where(legal, noisy, -np.inf).argmax(axis=1), dtype=np.int64)


class OneByOnePolicy(NetworkPolicy):
    """The same network without batches."""

    name = "network_one_by_one"
    batched = False


def _observe(battle: Battle, legal: NDArray[np.bool_]) -> NDArray[np.float32]:
    features = np.zeros(26 + NUM_ACTIONS, dtype=np.float32)
    for offset, team in ((0, battle.team), (6, battle.opponent_team)):
        for place, pokemon in enumerate(team.values()):
            features[offset + place] = pokemon.current_hp_fraction
    for offset, active in ((12, battle.active_pokemon), (19, battle.opponent_active_pokemon)):
        if active is not None:
            features[offset : offset + 7] = list(active.boosts.values())
    features[26:] = legal
    return features


class PokeEnvPlayer(Player):
    """Chooses by a policy in ``choose_move``, one decision at a time."""

    def __init__(self, policy: ShowdownPolicy, rng: np.random.Generator, **settings: object):
        super().__init__(**settings)
        self.policy = policy
        self.rng = rng
        self.decisions = 0

    def choose_move(self, battle: Battle) -> BattleOrder:
        self.decisions += 1
        legal = legal_mask(battle)
        action = self.policy.act([Decision(0, 0, battle, legal)], self.rng)[0]
        return order_for(battle, int(action))


class DrawnTeams(Teambuilder):
    """Packed teams in a given order."""

    def __init__(self, teams: Sequence[str]) -> None:
        self.teams = iter(teams)

    def yield_team(self) -> str:
        return next(self.teams)


@dataclass(frozen=True)
class Measurement:
    """One system's play of one batch of battles."""

    system: str
    policy: str
    concurrency: int
    repeat: int
    battles: int
    turns: int
    decisions: int
    seconds: float
    python_cpu_seconds: float

    @property
    def battles_per_second(self) -> float:
        return self.battles / self.seconds

    @property
    def decisions_per_second(self) -> float:
        return self.decisions / self.seconds


Play = Callable[[ShowdownPolicy, list[tuple[str, str]], np.random.Generator], tuple[int, int]]


def play_in_arena(arena: Arena) -> Play:
    """Turns and decisions of battles in the arena."""

    def play(
        policy: ShowdownPolicy, pairs: list[tuple[str, str]], rng: np.random.Generator
    ) -> tuple[int, int]:
        results = arena.play([Match((policy, policy), pair) for pair in pairs], rng=rng)
        return sum(r.turns for r in results), sum(r.decisions for r in results)

    return play


def play_in_poke_env(server: ShowdownServer, concurrency: int) -> Play:
    """Turns and decisions of battles of two poke-env players."""
    users = 0

    def play(
        policy: ShowdownPolicy, pairs: list[tuple[str, str]], rng: np.random.Generator
    ) -> tuple[int, int]:
        nonlocal users
        players = []
        for side in (0, 1):
            users += 1
            players.append(
                PokeEnvPlayer(
                    policy,
                    rng,
                    account_configuration=AccountConfiguration(f"b{concurrency}u{users}", None),
                    battle_format="gen1ou",
                    max_concurrent_battles=concurrency,
                    server_configuration=ServerConfiguration(server.websocket_url, ""),
                    team=DrawnTeams([pair[side] for pair in pairs]),
                    log_level=50,
                )
            )
        first, second = players
        battles = first.battle_against(second, n_battles=len(pairs))
        asyncio.run(asyncio.wait_for(battles, TIMEOUT))
        turns = sum(battle.turn for battle in first.battles.values())
        finished = sum(battle.finished for battle in first.battles.values())
        if finished != len(pairs):
            raise RuntimeError(f"poke-env finished {finished} of {len(pairs)} battles")
        return turns, sum(player.decisions for player in players)

    return play


def measure(
    plays: Mapping[str, Play],
    system: str,
    *,
    policy: ShowdownPolicy,
    concurrency: int,
    repeat: int,
    seed: int,
    battles: int,
) -> Measurement:
    """Play battles and take the time. The teams depend on the seed alone."""
    rng = np.random.default_rng([seed, concurrency, repeat])
    teams = load_teams()
    pairs = [(teams[i], teams[j]) for i, j in rng.integers(len(teams), size=(battles, 2))]
    start, cpu = time.perf_counter(), time.process_time()
    turns, decisions = plays[system](policy, pairs, rng)
    return Measurement(
        system=system,
        policy=str(getattr(policy, "name", "")),
        concurrency=concurrency,
        repeat=repeat,
        battles=battles,
        turns=turns,
        decisions=decisions,
        seconds=time.perf_counter() - start,
        python_cpu_seconds=time.process_time() - cpu,
    )


def run(
    policies: Sequence[ShowdownPolicy],
    concurrencies: Sequence[int],
    repeats: int,
    seed: int,
    scale: float,
) -> Iterator[list[Measurement]]:
    """Measurements of each cell, in pairs; which system comes first alternates."""
    with ShowdownServer() as server:
        for concurrency in concurrencies:
            battles = max(1, round(BATTLES[concurrency] * scale))
            with Arena(server, concurrency) as arena:
                plays = {
                    "arena": play_in_arena(arena),
                    "poke-env": play_in_poke_env(server, concurrency),
                }
                for policy in policies:
                    cell = partial(
                        measure, plays, policy=policy, concurrency=concurrency, seed=seed
                    )
                    for system in SYSTEMS:
                        # Connections, code and the server's caches.
                        cell(system, repeat=WARM_UP, battles=min(concurrency, 4))
                    yield [
                        cell(system, repeat=repeat, battles=battles)
                        for repeat in range(repeats)
                        for system in (SYSTEMS if repeat % 2 == 0 else SYSTEMS[::-1])
                    ]


def environment(seed: int) -> dict[str, object]:
    """What the figures depend on."""
    node = subprocess.run([find_node(), "--version"], capture_output=True, text=True, check=True)
    cpu = Path("/proc/cpuinfo")
    models = (
        [line for line in cpu.read_text().splitlines() if "model name" in line]
        if cpu.exists()
        else []
    )
    return {
        "python": platform.python_version(),
        "pokespiel": version("pokespiel"),
        "poke-env": version("poke-env"),
        "pokemon-showdown": showdown_version(),
        "node": node.stdout.strip(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": f"cpu ({models[0].split(':')[1].strip() if models else platform.processor()})",
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "seed": seed,
    }


def summary(cell: Sequence[Measurement]) -> dict[str, Any]:
    """Medians of one policy at one concurrency, and the median ratio of the pairs."""
    row: dict[str, Any] = {"policy": cell[0].policy, "concurrency": cell[0].concurrency}
    speeds: dict[str, list[float]] = {}
    for system in SYSTEMS:
        mine = sorted((m for m in cell if m.system == system), key=lambda m: m.repeat)
        speeds[system] = [m.decisions_per_second for m in mine]
        row[f"{system} battles/s"] = statistics.median(m.battles_per_second for m in mine)
        row[f"{system} decisions/s"] = statistics.median(speeds[system])
        row[f"{system} python us/decision"] = statistics.median(
            1e6 * m.python_cpu_seconds / m.decisions for m in mine
        )
    # Of decisions, because the length of battles is chance.
    row["ratios"] = [a / b for a, b in zip(*speeds.values(), strict=True)]
    row["ratio"] = statistics.median(row["ratios"])
    return row


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="pairs of measurements per cell")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 10, 50],
                        choices=list(BATTLES))  # fmt: skip
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the battles played")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write all measurements here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    policies: list[ShowdownPolicy] = [
        RandomPolicy(),
        SimpleHeuristicsPolicy(),
        NetworkPolicy(arguments.seed),
        OneByOnePolicy(arguments.seed),
    ]
    facts = environment(arguments.seed)
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(f"medians of {arguments.repeats}; ratio = arena / poke-env, decisions per second")
    columns = f"{'battles':>8} {'decis.':>8} {'us cpu':>8}"
    print(f"{'':20} {'':>7} | {'arena':26} | {'poke-env':26} |")
    print(f"{'policy':20} {'at once':>7} | {columns} | {columns} | ratio")
    measurements, rows = [], []
    for cell in run(
        policies, arguments.concurrency, arguments.repeats, arguments.seed, arguments.scale
    ):
        row = summary(cell)
        figures = " | ".join(
            f"{row[f'{s} battles/s']:8.1f} {row[f'{s} decisions/s']:8.0f} "
            f"{row[f'{s} python us/decision']:8.0f}"
            for s in SYSTEMS
        )
        print(
            f"{row['policy']:20} {row['concurrency']:7} | {figures} | {row['ratio']:5.2f}",
            flush=True,
        )
        measurements += cell
        rows.append(row)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"peak memory of this process: {peak} MB")
    if arguments.json:
        document = {
            "environment": facts,
            "rows": rows,
            "measurements": [asdict(measurement) for measurement in measurements],
        }
        arguments.json.write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
