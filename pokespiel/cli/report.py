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
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the history as TensorBoard's scalars into this folder instead.",
)
def report(run: Path, output: Path | None, tensorboard: Path | None) -> None:
    """Draw a run as one HTML file that needs no network.

    The run is only read and may still be going on: draw it again to see more.

    \b
    Examples:
      pokespiel report runs/leduc
      pokespiel report runs/first --output first.html
      pokespiel report runs/first --tensorboard runs/first/tensorboard
    """  # fmt: skip
    with failing_in_one_line():
        if tensorboard is not None:
            if output is not None:
                raise click.UsageError("--output is for the page, --tensorboard writes none")
            from pokespiel.report.run import read_run
            from pokespiel.report.tensorboard import write_tensorboard

            write_tensorboard(read_run(run), tensorboard)
            click.echo(f"{tensorboard}; look at it with: tensorboard --logdir {tensorboard}")
            return
        from pokespiel.report import write_report

        click.echo(write_report(run, output))
