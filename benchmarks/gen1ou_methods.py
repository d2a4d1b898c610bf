"""PSRO beside self-play on Gen 1 OU, at equal training battles.

    OMP_NUM_THREADS=1 python benchmarks/gen1ou_methods.py [--rounds 5] [--battles 6000]

PSRO answers the Nash mixture of its table; the others go on from their newest policy and choose its
opponents without solving anything: the newest itself, the last three, or whoever is hard to beat
(PFSP). All start from the same policy and give every round to the same oracle. At the end every
method's result, PSRO's a mixture and the others' their newest policy, is

- played against every other, and against heuristics that none of them trained on;
- exploited by the same oracle with the same fresh budget, and by look-ahead with the starter's
  network as judge: lower bounds on its exploitability, from battles that training has not seen.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from typing import Any

import numpy as np
import torch

from pokespiel import PSRO
from pokespiel.cli.psro import gen1ou_oracle
from pokespiel.exploitability.approximate import learned_bound, lower_bound
from pokespiel.exploitability.gen1ou.local import LocalBestResponse
from pokespiel.exploitability.gen1ou.network_value import NetworkValue
from pokespiel.gen1ou.meta_game import STARTER, Gen1OU
from pokespiel.gen1ou.neural import NeuralPolicy
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import Mixture
from pokespiel.psro import admit_always
from pokespiel.stats import wilson
from pokespiel.variants.league import last, league_self_play, prioritised

HEURISTICS = ("max_damage", "simple_heuristics", "gym_leader")

Result = tuple[Mixture, int, int]
"""A strategy, the training battles and the decisions that it took."""


def oracle(game: Gen1OU, arguments: argparse.Namespace) -> PPOOracle:
    """What every round of every method is, and what exploits the results."""
    settings: PPOOracle = gen1ou_oracle(arguments.battles, game.initial)
    return replace(settings, precision=arguments.precision, device="cpu")


def psro(game: Gen1OU, arguments: argparse.Namespace) -> Iterator[Result]:
    """Best responses to the Nash mixture, from the newest policy."""
    loop = PSRO(
        game,
        oracle=oracle(game, arguments),
        admit=admit_always,
        episodes_per_cell=arguments.cell,
        seed=arguments.seed,
    )
    battles = decisions = 0
    while True:
        cost = loop.step().responses[0]["cost"]
        battles += cost["episodes"]
        decisions += cost["decisions"]
        yield loop.result().mixtures()[0], battles, decisions


def league(matchmaking: Any) -> Callable[[Gen1OU, argparse.Namespace], Iterator[Result]]:
    """The newest policy of a league."""

    def rounds(game: Gen1OU, arguments: argparse.Namespace) -> Iterator[Result]:
        battles = decisions = 0
        for stage in league_self_play(
            game,
            oracle(game, arguments),
            matchmaking=matchmaking,
            rng=np.random.default_rng(arguments.seed),
        ):
            if stage.response is not None:
                battles += stage.response.cost["episodes"]
                decisions += stage.response.cost["decisions"]
                yield Mixture(stage.policies[-1:], np.ones(1)), battles, decisions

    return rounds


METHODS = {
    "PSRO (Nash)": psro,
    "self-play": league(last(1)),
    "last three": league(last(3)),
    "PFSP": league(prioritised()),
}


def rate(game: Gen1OU, one: Any, other: Any, battles: int, rng: np.random.Generator) -> str:
    """Win rate with its 95 % interval, in percent."""
    wins = float(game.play([(one, other)], battles, rng=rng)[0, :, 0].sum())
    interval = wilson(wins, battles)
    return f"{100 * wins / battles:.1f} ({100 * interval.low:.1f}, {100 * interval.high:.1f})"


def main() -> None:
    """Train, compare, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--battles", type=int, default=6000, help="of training, per round")
    parser.add_argument("--cell", type=int, default=200, help="battles per cell of PSRO's table")
    parser.add_argument("--fresh", type=int, default=2000, help="battles behind each figure")
    parser.add_argument("--exploiters", type=int, default=1, help="seeds of each exploiter")
    parser.add_argument("--judged", type=int, default=200, help="battles of the look-ahead")
    parser.add_argument("--initial", default="network", choices=("starter", "network"))
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    game = Gen1OU(initial=arguments.initial, seed=arguments.seed)
    start = game.initial_policies()[0]
    starter = NeuralPolicy.load(STARTER)
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numba", "numpy"))
    print(f"Python {platform.python_version()}, {packages}, CPU; {vars(arguments)}\n", flush=True)
    print("| method | round | training battles | decisions | against the start | CPU s |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    results = {"the start": Mixture((start,), np.ones(1))}
    rng = np.random.default_rng([arguments.seed, 1])
    for name, method in METHODS.items():
        began = time.process_time()
        stages = islice(method(game, arguments), arguments.rounds)
        for number, (found, battles, decisions) in enumerate(stages, start=1):
            spent = time.process_time() - began
            against = rate(game, found, start, arguments.fresh, rng)
            cost = f"{battles:,} | {decisions:,} | {against} | {spent:.0f}"
            print(f"| {name} | {number} | {cost} |", flush=True)
            results[name] = found
    columns = [*results, *HEURISTICS]
    print("\n| win rate of the row | " + " | ".join(columns) + " | learned exploiter | network |")
    print("| --- " * (len(columns) + 3) + "|", flush=True)
    for name, found in results.items():
        rates = [
            "" if other == name else rate(game, found, rival, arguments.fresh, rng)
            for other, rival in results.items()
        ]
        rates += [
            rate(game, found, game.baselines[other](), arguments.fresh, rng) for other in HEURISTICS
        ]
        learned = learned_bound(
            game,
            oracle(game, arguments),
            [found, found],
            arguments.fresh,
            seeds=arguments.exploiters,
            rng=rng,
        ).best
        judge = LocalBestResponse(
            found, game.teams, samples=4, turns=0, value=NetworkValue(starter)
        )
        looking = lower_bound(game, 0, judge, [found, found], arguments.judged, rng=rng)
        for bound in (learned, looking):
            assert bound.interval is not None
            low, high = float(bound.interval.low), float(bound.interval.high)
            rates.append(f"{bound.estimate:.3f} [{low:.3f}, {high:.3f}]")
        print(f"| {name} | " + " | ".join(rates) + " |", flush=True)
    print("\n" + json.dumps({"seconds of CPU": round(time.process_time())}))


if __name__ == "__main__":
    main()
