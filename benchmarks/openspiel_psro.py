"""PokéSpiel against OpenSpiel on OpenSpiel's own games, paired in one run.

    OMP_NUM_THREADS=1 python benchmarks/openspiel_psro.py [--smoke]

Measures NashConv of random policies (with the time to compile the game apart), 1,000 sampled
episodes between random tables (one cell of psro_v2's table), and PSRO with exact best responses and
the Nash meta-solver. Both sides alternate within one process; the table gives medians of CPU time,
so that other work on the machine counts for little. psro_v2 needs the ``ecos`` package for its Nash
meta-solver.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import pyspiel
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.algorithms import exploitability as openspiel_exploitability
from open_spiel.python.algorithms import policy_aggregator
from open_spiel.python.algorithms.psro_v2 import best_response_oracle, psro_v2

from pokespiel import PSRO
from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import OpenSpielGame, compile_game
from pokespiel.openspiel.env import play_states
from pokespiel.openspiel.policy import InfostatePolicy, from_openspiel
from pokespiel.oracles.exact import ExactOracle
from pokespiel.protocols import Mixture


def paired(
    ours: Callable[[], Any], theirs: Callable[[], Any], *, rounds: int, repeats: int
) -> tuple[float, float]:
    """Median CPU milliseconds per call of each, in alternating rounds; ours is repeated more."""
    ours()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(repeats):
            ours()
        times[0].append((time.process_time() - started) / repeats * 1e3)
        started = time.process_time()
        theirs()
        times[1].append((time.process_time() - started) * 1e3)
    return statistics.median(times[0]), statistics.median(times[1])


def random_table(game: Any, seed: int) -> Any:
    """A random policy as OpenSpiel keeps it."""
    table = openspiel_policy.TabularPolicy(game)
    weights = np.random.default_rng(seed).exponential(size=table.action_probability_array.shape)
    weights *= table.legal_actions_mask
    table.action_probability_array[:] = weights / weights.sum(axis=1, keepdims=True)
    return table


def bench_nash_conv(name: str, rounds: int) -> None:
    """Time NashConv of one policy; the policy is handed over before the clock starts."""
    started = time.process_time()
    form = compile_game(name)
    compile_ms = (time.process_time() - started) * 1e3
    game = OpenSpielGame(form.game)
    table = random_table(form.game, 0)
    policies = [from_openspiel(form, table, [player]) for player in range(form.num_players)]
    cpp = openspiel_policy.python_policy_to_pyspiel_policy(table)

    def ours() -> float:
        # New objects each time, so that nothing computed for an earlier call is reused.
        fresh = [type(policy)(policy.behaviours) for policy in policies]
        return exploitability(game, [Mixture((p,), np.ones(1)) for p in fresh]).nash_conv

    def theirs() -> float:
        return float(pyspiel.nash_conv(form.game, cpp))

    difference = abs(ours() - theirs())
    mine, other = paired(ours, theirs, rounds=rounds, repeats=20)
    print(
        f"| NashConv, {name} | {mine:.3f} ms | {other:.1f} ms | {other / mine:.0f}x | "
        f"compiled once in {compile_ms:.0f} ms; results differ by {difference:.0e} |",
        flush=True,
    )


def openspiel_psro(game: Any, sims: int) -> Any:
    """psro_v2 as its example sets it up, with exact best responses."""
    uniform = openspiel_policy.TabularPolicy(game)
    oracle = best_response_oracle.BestResponseOracle(game=game, policy=uniform)
    return psro_v2.PSROSolver(
        game,
        oracle,
        initial_policies=[uniform.__copy__() for _ in range(game.num_players())],
        training_strategy_selector="probabilistic",
        rectifier="",
        sims_per_entry=sims,
        number_policies_selected=1,
        meta_strategy_method="nash",
        sample_from_marginals=True,
        symmetric_game=False,
    )


def bench_cell(name: str, rounds: int) -> None:
    """Time one cell of 1,000 sampled episodes between tables of all information states."""
    compiled, states = OpenSpielGame(name), OpenSpielGame(name, exact=False)
    players = range(compiled.num_players)
    rng = np.random.default_rng(0)
    solver = openspiel_psro(compiled.game, 1)
    tables = [random_table(compiled.game, seed) for seed in players]
    behaviours = [from_openspiel(compiled.form, tables[p], [p]) for p in players]
    named = []
    for player, table in zip(players, tables, strict=True):
        rows = {key: table.policy_for_key(key) for key in compiled.form.players[player].infostates}
        named.append(InfostatePolicy({player: rows}))

    def compare(ours: Callable[[], Any], repeats: int, what: str, how: str) -> None:
        mine, other = paired(
            ours, lambda: solver.sample_episodes(tables, 1000), rounds=rounds, repeats=repeats
        )
        print(
            f"| {what} | {mine:.2f} ms | {other:.0f} ms | {other / mine:.1f}x | {how} |",
            flush=True,
        )

    compare(
        lambda: compiled.play([behaviours], 1000, rng=rng),
        20,
        f"1,000 sampled episodes, {name}",
        "psro_v2's `sample_episodes`",
    )
    compare(
        lambda: states.play([named], 1000, rng=rng),
        5,
        "the same, game not compiled",
        "tables, played by OpenSpiel's own bots",
    )
    compare(
        lambda: play_states(states.game, [named] * 1000, rng=rng),
        2,
        "the same, stepped together",
        "as networks and simultaneous moves need",
    )


def bench_loop(name: str, iterations: int) -> None:
    """Time PSRO from the game's name to the last best response, and compare where they stand."""
    started = time.process_time()
    game = OpenSpielGame(name)
    loop = PSRO(game, oracle=ExactOracle(), meta_solver="nash")
    result = loop.run(iterations)
    mine = time.process_time() - started
    ours = exploitability(game, result.mixtures()).nash_conv

    started = time.process_time()
    solver = openspiel_psro(game.game, 1000)
    for _ in range(iterations):
        solver.iteration()
    other = time.process_time() - started
    aggregate = policy_aggregator.PolicyAggregator(game.game).aggregate(
        range(2), solver.get_policies(), solver.get_meta_strategies()
    )
    theirs = openspiel_exploitability.nash_conv(game.game, aggregate)
    print(
        f"| {iterations} PSRO iterations, {name} | {mine:.2f} s | {other:.1f} s | "
        f"{other / mine:.0f}x | NashConv then {ours:.3f} and {theirs:.3f} |",
        flush=True,
    )


def main() -> None:
    """Run everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="one quick round of everything")
    smoke = parser.parse_args().smoke
    np.random.seed(1)  # noqa: NPY002 - psro_v2 draws from the global generator
    print(
        f"Python {platform.python_version()}, numpy {version('numpy')}, "
        f"open_spiel {version('open_spiel')}, {platform.machine()}\n\n"
        "| what | PokéSpiel | OpenSpiel | faster | |\n| --- | --- | --- | --- | --- |",
        flush=True,
    )
    for name in ("kuhn_poker", "kuhn_poker(players=3)", "leduc_poker"):
        bench_nash_conv(name, rounds=2 if smoke else 15)
    if not smoke:
        bench_nash_conv("liars_dice", rounds=3)
    bench_cell("leduc_poker", rounds=2 if smoke else 9)
    bench_loop("kuhn_poker", iterations=4 if smoke else 10)
    if not smoke:
        bench_loop("leduc_poker", iterations=30)


if __name__ == "__main__":
    main()
