"""The command line: ``pokespiel COMMAND``.

Exit status: 0 all went well, 1 it failed while running, 2 it was asked for something impossible.
Errors are one line on stderr. Results go to stdout, as text for people or, with ``--json``, as one
JSON document.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click
from click.exceptions import NoArgsIsHelpError

import pokespiel

_COMMANDS = {
    "psro": ("pokespiel.cli.psro", "psro"),
    "solve": ("pokespiel.cli.solve", "solve"),
    "exploitability": ("pokespiel.cli.exploitability", "exploitability"),
    "report": ("pokespiel.cli.report", "report"),
    "tournament": ("pokespiel.cli.tournament", "tournament"),
    "play": ("pokespiel.cli.play", "play"),
    "showdown": ("pokespiel.cli.showdown", "showdown"),
    "metamon": ("pokespiel.cli.metamon", "metamon"),
    "doctor": ("pokespiel.cli.doctor", "doctor"),
}
"""Name -> (module, attribute). Loaded when asked for: torch takes seconds."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS:
            raise click.UsageError(
                f"no command {args[0]!r}; there are {', '.join(_COMMANDS)}", ctx=ctx
            )
        return super().resolve_command(ctx, args)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(pokespiel.__version__, prog_name="pokespiel")
def commands() -> None:
    """Game theory over learned policies: PSRO, meta-solvers, Gen 1 OU.

    \b
    Examples:
      pokespiel psro leduc_poker --directory runs/leduc
      pokespiel report runs/leduc
      pokespiel solve table.csv --solver nash --solver alpharank
      pokespiel psro gen1ou --iterations 2 --directory runs/first
      pokespiel doctor
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Read when torch loads: the networks of PokéSpiel are small, their threads mostly wait.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        result = commands.main(given, prog_name="pokespiel", standalone_mode=False, obj=given)
        return result if isinstance(result, int) else 0
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        where = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            where = error.ctx.command_path.removeprefix("pokespiel").strip()
        return _fail(where, error.format_message(), error.exit_code)
    except click.Abort:
        return _fail("", "interrupted", 1)
    except BrokenPipeError:
        # Whoever read has gone (`| head`); nothing can be said any more.
        sys.stderr.close()
        return 1


def _fail(where: str, message: str, status: int) -> int:
    line = " ".join(message.split())
    click.echo(f"pokespiel{' ' + where if where else ''}: error: {line}", err=True)
    return status
