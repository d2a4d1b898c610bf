"""``pokespiel showdown``: the local Showdown server."""

from __future__ import annotations

import time

import click

from pokespiel.cli.common import failing_in_one_line


@click.group()
def showdown() -> None:
    """Install or start the pinned Showdown server.

    \b
    Examples:
      pokespiel showdown install
      pokespiel showdown start --port 8000
    """


@showdown.command()
def install() -> None:
    """Install the pinned npm package, unless it is there.

    Fetches it into the cache from the npm registry; nothing else in PokéSpiel does.

    \b
    Examples:
      pokespiel showdown install
      POKESPIEL_CACHE=/scratch/pokespiel pokespiel showdown install
    """
    with failing_in_one_line():
        from pokespiel.gen1ou.showdown.install import install_showdown, showdown_version

        directory = install_showdown()
        click.echo(f"Showdown {showdown_version()} is in {directory}")


@showdown.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port. [default: a free one]")
def start(port: int | None) -> None:
    """Start a server on 127.0.0.1 and keep it until Ctrl-C.

    \b
    Examples:
      pokespiel showdown start
      pokespiel showdown start --port 8000
    """
    with failing_in_one_line():
        from pokespiel.gen1ou.showdown.install import ShowdownError
        from pokespiel.gen1ou.showdown.server import ShowdownServer

        with ShowdownServer(port) as server:
            try:
                click.echo(f"{server.websocket_url} (Ctrl-C stops it)")
                while server.is_alive():
                    time.sleep(0.2)
            except KeyboardInterrupt:
                return
            raise ShowdownError(f"the server died:\n{server.log_tail(3)}")
