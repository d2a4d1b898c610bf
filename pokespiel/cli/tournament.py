"""``pokespiel tournament``: a round robin in Gen 1 OU."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import click
import numpy as np

from pokespiel.cli.common import Progress, closing, columns, failing_in_one_line, write_json


@click.command()
@click.argument("policies", nargs=-1, required=True)
@click.option(
    "--games",
    default=100,
    show_default=True,
    type=click.IntRange(min=2),
    help="Battles per pairing.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Of teams and policies; Showdown's own dice are not.",
)
@click.option(
    "--backend",
    default="engine",
    show_default=True,
    type=click.Choice(["engine", "showdown"]),
    help="Who plays the battles.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    help="Battles under way at once. [default: 1024; showdown: 40]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the records as CSV, which `pokespiel solve` reads.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tournament(
    policies: tuple[str, ...],
    games: int,
    seed: int,
    backend: str,
    concurrency: int | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Play every pairing of POLICIES in Gen 1 OU.

    A policy is a baseline (random, max_damage, simple_heuristics), a run's directory (the mixture
    of its meta-strategy) or RUN:STRATEGY (runs/first:BR2). All pairings meet the same teams, each
    from both sides. Intervals are Wilson's, 95 %, of each pairing on its own.

    \b
    Examples:
      pokespiel tournament random max_damage simple_heuristics --games 50
      pokespiel tournament runs/first runs/first:BR1 max_damage --output table.csv
      pokespiel solve table.csv --solver nash
    """  # fmt: skip
    with failing_in_one_line():
        _tournament(policies, games, seed, backend, concurrency, output, as_json=as_json)


def _tournament(
    policies: tuple[str, ...], games: int, seed: int, backend: str,
    concurrency: int | None, output: Path | None,
    *, as_json: bool,
) -> None:  # fmt: skip
    from pokespiel.cli.opponents import resolve
    from pokespiel.empirical_game import EmpiricalGame
    from pokespiel.gen1ou.meta_game import Gen1OU
    from pokespiel.tables import NamedGame, write_csv

    if len(policies) < 2 or len(set(policies)) != len(policies):
        raise click.UsageError(
            f"a tournament needs two or more different policies, got {', '.join(policies)}"
        )
    players = [resolve(policy) for policy in policies]
    pairings = list(combinations(range(len(players)), 2))
    progress = Progress(quiet=as_json)
    with closing(Gen1OU(backend=backend, concurrency=concurrency)) as game:
        progress.doing("battles")
        game.progress = progress.games
        profiles = [(players[i].policy, players[j].policy) for i, j in pairings]
        returns = game.play(profiles, games, rng=np.random.default_rng(seed))
    progress.clear()
    table = EmpiricalGame(
        2, symmetric=True, zero_sum=True, payoff_bounds=(0.0, 1.0), sizes=[len(players)] * 2
    )
    for pairing, played in zip(pairings, returns, strict=True):
        table.record(pairing, played)
    names = tuple(player.name for player in players)
    if output is not None:
        write_csv(output, NamedGame(table, (names,)))
    if as_json:
        write_json(_document(table, names, games, seed))
    else:
        click.echo(_shown(table, names, games))


def _shown(table: Any, names: tuple[str, ...], games: int) -> str:
    means, interval = np.asarray(table.payoffs()), table.intervals(0.95)
    low, high = interval.low[0], interval.high[0]
    rows = [[f"row's win rate, {games} games each", *names, "mean"]]
    for i, name in enumerate(names):
        others = [j for j in range(len(names)) if j != i]
        cells = [
            "-" if i == j else f"{means[i, j]:.2f} [{low[i, j]:.2f}, {high[i, j]:.2f}]"
            for j in range(len(names))
        ]
        rows.append([name, *cells, f"{means[i, others].mean():.3f}"])
    return columns(rows)


def _document(table: Any, names: tuple[str, ...], games: int, seed: int) -> dict[str, Any]:
    interval = table.intervals(0.95)
    return {
        "policies": names,
        "games_per_pairing": games,
        "seed": seed,
        "win_rates": np.asarray(table.payoffs()),
        "low": interval.low[0],
        "high": interval.high[0],
        "confidence": interval.confidence,
        "method": interval.method,
    }
