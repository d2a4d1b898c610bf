"""``pokespiel tournament``: a round robin in Gen 1 OU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pokespiel.cli.common import Progress, closing, columns, failing_in_one_line, write_json


@click.command()
@click.argument("policies", nargs=-1, required=True)
@click.option(
    "--games",
    default=100,
    show_default=True,
    type=click.IntRange(min=2),
    help="Battles per pairing, on average.",
)
@click.option(
    "--equal-share",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0.0, 1.0, min_open=True),
    help="Share of the battles that every pairing gets alike; 1 is a plain round robin.",
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
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the battles here, and go on with those that are here already.",
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
    equal_share: float,
    seed: int,
    backend: str,
    concurrency: int | None,
    directory: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Play POLICIES against each other in Gen 1 OU; rate them.

    A policy is a baseline (random, max_damage, ...), starter (the network that comes with
    PokéSpiel), an agent of metamon's (SyntheticRLV2), a stored policy's directory, a run's
    directory (the mixture of its meta-strategy) or RUN:STRATEGY (runs/first:BR2, runs/first:2).
    Every pairing gets an equal share first; the rest goes where battles can still move the
    equilibrium. The intervals allow for that. If a policy fails, it is named, with the battle and
    the turn; what was found before is printed and kept.

    \b
    Examples:
      pokespiel tournament random max_damage starter --games 50
      pokespiel tournament runs/first runs/first:BR1 max_damage --output table.csv
      pokespiel tournament runs/a runs/b max_damage --games 500 --directory runs/cup
      pokespiel solve table.csv --solver nash
    """  # fmt: skip
    with failing_in_one_line():
        from pokespiel.cli.opponents import resolve
        from pokespiel.gen1ou.baselines import BASELINES
        from pokespiel.gen1ou.meta_game import Gen1OU
        from pokespiel.tables import NamedGame, write_csv
        from pokespiel.tournaments import Tournament, TournamentError
        from pokespiel.tournaments import tournament as play

        if len(policies) < 2 or len(set(policies)) != len(policies):
            raise click.UsageError(
                f"a tournament needs two or more different policies, got {', '.join(policies)}"
            )
        players = {policy: resolve(policy).policy for policy in policies}
        budget = games * (len(players) * (len(players) - 1) // 2)
        progress = Progress(quiet=as_json)
        progress.doing("battles")
        failure: TournamentError | None = None
        found: Tournament | None
        try:
            with closing(Gen1OU(backend=backend, concurrency=concurrency)) as game:
                found = play(
                    players, budget, game=game, seed=seed, equal_share=equal_share,
                    directory=directory, progress=progress.games,
                )  # fmt: skip
        except TournamentError as error:
            failure, found = error, error.partial
        progress.clear()
        if found is not None:
            if output is not None:
                write_csv(output, NamedGame(found.table, (found.names,)))
            if as_json:
                write_json({**found.to_json(), "seed": seed})
            else:
                click.echo(_shown(found))
                learnt = [name for name in found.names if name not in BASELINES]
                if len(learnt) == 1:
                    click.echo(
                        f"note: {learnt[0]} met heuristics only. Beating them does not show that "
                        "it is strong: let it meet the starter, the policy that it came from, or "
                        "see what exploits it (pokespiel exploitability)."
                    )
        if failure is not None:
            raise click.ClickException(str(failure)) from failure


def _shown(found: Any) -> str:
    """The win rates with their intervals, then the ratings."""
    low, high, counts = found.interval.low, found.interval.high, found.table.counts()
    rows = [["row's win rate", *found.names]]
    for i, name in enumerate(found.names):
        cells = [
            "-" if i == j else
            f"{found.win_rates[i, j]:.2f} [{low[i, j]:.2f}, {high[i, j]:.2f}] of {counts[i, j]:.0f}"
            for j in range(len(found.names))
        ]  # fmt: skip
        rows.append([name, *cells])
    return f"{columns(rows)}\n\n{found}"
