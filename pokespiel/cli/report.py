"""``pokespiel report``: a run as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from pokespiel.cli.common import failing_in_one_line


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write. [default: report.html in the run's directory]",
)
def report(run: Path, output: Path | None) -> None:
    """Draw a run as one HTML file that needs no network.

    The run is only read and may still be going on: draw it again to see more.

    \b
    Examples:
      pokespiel report runs/leduc
      pokespiel report runs/first --output first.html
    """  # fmt: skip
    with failing_in_one_line():
        from pokespiel.report import write_report

        click.echo(write_report(run, output))
