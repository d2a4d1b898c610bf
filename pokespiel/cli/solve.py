"""``pokespiel solve``: meta-solvers on a payoff file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pokespiel.cli.common import columns, failing_in_one_line, most_weight, write_json


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--solver",
    "names",
    multiple=True,
    metavar="NAME",
    help="A meta-solver; may be repeated. [default: all of them]",
)
@click.option(
    "--resamples",
    type=click.IntRange(min=2),
    help="Also solve so many resampled tables: how sure are the weights?",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the resampling."
)
@click.option("--list", "listed", is_flag=True, help="List the meta-solvers and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def solve(
    file: Path | None,
    names: tuple[str, ...],
    resamples: int | None,
    seed: int,
    listed: bool,
    as_json: bool,
) -> None:
    """Solve a payoff table by one or many meta-solvers.

    FILE is a CSV of match records (columns row, column, wins, losses, draws), a CSV of a square
    matrix with or without names, an npz or JSON of an (n, n) matrix or (players, n1, ..., nN)
    tensor, or the empirical_game.npz of a run. Payoffs are the row player's.

    \b
    Examples:
      pokespiel solve table.csv
      pokespiel solve table.csv --solver nash --solver alpharank
      pokespiel solve matches.csv --solver nash --resamples 1000
      pokespiel solve runs/leduc/empirical_game.npz --solver nash --json
      pokespiel solve --list
    """  # fmt: skip
    with failing_in_one_line():
        if listed:
            _list(as_json=as_json)
        elif file is None:
            raise click.UsageError("a payoff FILE is needed (or --list)")
        else:
            _solve(file, names, resamples, seed, as_json=as_json)


def _list(*, as_json: bool) -> None:
    import solvers

    found = solvers.available()
    if as_json:
        write_json([vars(info) for info in found])
        return
    for info in found:
        click.echo(str(info))


def _solve(
    file: Path, names: tuple[str, ...], resamples: int | None, seed: int, *, as_json: bool
) -> None:
    import solvers
    from pokespiel.cli.payoff_files import read_payoffs

    read = read_payoffs(file)
    compared = solvers.compare(read.payoffs, names or None)
    uncertainty = _uncertainty(read.table, compared, resamples, seed)
    if as_json:
        write_json(_document(file, read, compared, uncertainty))
    else:
        click.echo(_table(read, compared))
        for name, found in uncertainty.items():
            click.echo(f"\n{name}: {found.describe(read.names)}")
    if all(row.result is None for row in compared):
        raise click.UsageError(f"no solver takes this game: {compared[0].refusal}")


def _uncertainty(table: Any, compared: Any, resamples: int | None, seed: int) -> dict[str, Any]:
    if resamples is None:
        return {}
    if table is None:
        raise click.UsageError("--resamples needs counts of games: a CSV of match records or the "
                               "empirical_game.npz of a run")  # fmt: skip
    import numpy as np

    import solvers
    from pokespiel.uncertainty import meta_strategy_uncertainty

    return {
        row.name: meta_strategy_uncertainty(
            table, solvers.get(row.name), samples=resamples, rng=np.random.default_rng(seed)
        )
        for row in compared
        if row.result is not None
    }


def _table(read: Any, compared: Any) -> str:
    from solvers.comparison import per_player

    shared = read.payoffs.symmetric
    lines, refused = [["solver", "regret", "support", "ms", "strategies"]], []
    for row in compared:
        if row.result is None:
            refused.append(f"{row.name}: refused, {row.refusal}")
            continue
        marginals = row.result.marginals[:1] if shared else row.result.marginals
        mixed = [_named(m, read.names, p) for p, m in enumerate(marginals)]
        lines.append(
            [
                row.name,
                f"{row.result.restricted_exploitability:.3g}",
                per_player(row.support_sizes, "d"),
                f"{1e3 * row.seconds:.1f}",
                " | ".join(mixed),
            ]
        )
    # The last column is words, however long.
    head = columns([line[:-1] for line in lines]).splitlines() if len(lines) > 1 else []
    shown = [f"{start}  {line[-1]}" for start, line in zip(head, lines, strict=bool(head))]
    return "\n".join([*shown, *refused])


def _named(distribution: Any, names: Any, player: int) -> str:
    from solvers.comparison import describe

    if names is None:
        return str(describe(distribution))
    return most_weight(distribution, names[min(player, len(names) - 1)])


def _document(file: Path, read: Any, compared: Any, uncertainty: dict[str, Any]) -> dict[str, Any]:
    results = []
    for row in compared:
        entry: dict[str, Any] = {"solver": row.name, "seconds": row.seconds}
        if row.result is None:
            entry["refusal"] = row.refusal
        else:
            entry |= {
                "marginals": list(row.result.marginals),
                "joint": row.result.joint,
                "values": row.result.values,
                "regrets": row.result.regrets,
                "restricted_exploitability": row.result.restricted_exploitability,
                "diagnostics": dict(row.result.diagnostics),
            }
        if row.name in uncertainty:
            found = uncertainty[row.name]
            entry["uncertainty"] = {
                "samples": found.samples,
                "method": found.method,
                "confidence": found.values.confidence,
                "inclusion": list(found.inclusion),
                "alone": list(found.alone),
                "weights_low": [interval.low for interval in found.weights],
                "weights_high": [interval.high for interval in found.weights],
            }
        results.append(entry)
    return {
        "file": str(file),
        "names": read.names,
        "num_strategies": read.payoffs.num_strategies,
        "results": results,
    }
