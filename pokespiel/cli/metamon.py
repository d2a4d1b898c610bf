"""``pokespiel metamon``: metamon's published agents."""

from __future__ import annotations

from pathlib import Path

import click

from pokespiel.cli.common import Progress, failing_in_one_line


@click.group()
def metamon() -> None:
    """Fetch metamon's published agents.

    \b
    Examples:
      pokespiel metamon download SyntheticRLV2
    """


@metamon.command()
@click.argument("name")
@click.option(
    "--epoch",
    type=click.IntRange(min=0),
    help="Checkpoint. [default: the one metamon plays by default]",
)
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Copy from this folder instead of the network.",
)
def download(name: str, epoch: int | None, source: Path | None) -> None:
    """Fetch an agent into the cache, unless it is there.

    That is its weights, and the vocabulary that all of them share.

    \b
    Examples:
      pokespiel metamon download SyntheticRLV2
      pokespiel metamon download SmallRL --epoch 40 --from /media/weights
    """  # fmt: skip
    with failing_in_one_line():
        from pokespiel.metamon.assets import AssetError
        from pokespiel.metamon.download import download as fetch

        progress = Progress()
        progress.doing(name)
        try:
            path = fetch(name, epoch=epoch, source=source, progress=progress.bytes)
        except AssetError as error:
            raise click.ClickException(str(error)) from error
        finally:
            progress.clear()
        click.echo(path)
