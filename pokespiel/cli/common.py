"""What the commands share: failures in one line, JSON, progress, runs opened for more games."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

CLOSING = 2**32 - 1
"""Marks the random numbers of games after the loop, apart from those of any iteration."""


_EXTRAS = {"poke_env": "showdown", "websockets": "showdown"}
"""Package that may be missing -> the extra that brings it."""


@contextmanager
def failing_in_one_line() -> Iterator[None]:
    """Turn what a user can mend into a `click.ClickException`; other errors are bugs and pass."""
    from pokespiel.exploitability.result import MeasurementError
    from pokespiel.gen1ou.showdown.install import ShowdownError
    from pokespiel.runs.directory import RunError

    try:
        yield
    except (MeasurementError, ShowdownError, FloatingPointError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise click.ClickException(str(error)) from error
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        raise click.ClickException(
            f'this needs {error.name}, which is not installed: pip install "pokespiel[{extra}]"'
        ) from error
    except (RunError, ImportError) as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def write_json(document: Any) -> None:
    """One JSON document on stdout; NumPy values become plain ones, NaN and infinity null."""
    click.echo(json.dumps(_plain(document), indent=2))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def columns(rows: list[list[str]], *, left: int = 1) -> str:
    """Rows as aligned text; the first is the head, the first ``left`` columns are words."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def most_weight(distribution: NDArray[np.float64], names: Sequence[str], *, most: int = 5) -> str:
    """The strategies of most weight, the heaviest first."""
    order = [i for i in np.argsort(-distribution, kind="stable") if distribution[i] > 5e-4]
    shown = ", ".join(f"{names[i]} {distribution[i]:.3f}" for i in order[:most])
    return shown + (f" and {len(order) - most} more" if len(order) > most else "")


@contextmanager
def without_native_stderr() -> Iterator[None]:
    """Silence what compiled code writes to stderr by itself: an error is to be one line."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class Progress:
    """One line on stderr that says how far it is; silent unless stderr is a terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._what = ""

    def doing(self, what: str) -> None:
        """Say what is being done."""
        self._what = what
        self._write(what)

    def games(self, done: int, total: int) -> None:
        """Say how many games are done."""
        self._write(f"{self._what}: {done} of {total} games")

    def training(self, done: int, total: int, mean: float, throughput: Any) -> None:
        """Say how far a training is, and where its time goes."""
        self._write(f"training {done}/{total} games, outcome {mean:.2f}; {throughput}")

    def bytes(self, done: int, total: int) -> None:
        """Say how much of a file is there."""
        share = f" of {total / 1e6:.0f}" if total else ""
        self._write(f"{self._what}: {done / 1e6:.0f}{share} MB")

    def clear(self) -> None:
        """Remove the line."""
        self._write("")

    def _write(self, line: str) -> None:
        if self._shown:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\033[K{line[:width]}")
            sys.stderr.flush()


def open_game(
    description: str,
    *,
    start: Path | None = None,
    concurrency: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Any:
    """The meta-game that a run's configuration names.

    ``start`` is where the run's first policy is stored: Gen 1 OU can start from policies that have
    no name of their own.

    Raises
    ------
    ValueError
        If it cannot be built from its name.
    """
    found = re.fullmatch(
        r"gen1ou\(backend=(\w+), initial=(.+?), (?:network=([\w-]+), )?seed=(\d+), teams=(\w+)\)",
        description,
    )
    if found is not None:
        from pokespiel.gen1ou.meta_game import Gen1OU

        backend, initial, network = found[1], found[2], found[3] or "compact"
        named = initial in Gen1OU.initial_names(backend)
        battles = Gen1OU(
            backend=backend,
            initial=initial if named or start is None else Gen1OU().load_policy(start),
            network=network,
            seed=int(found[4]),
            concurrency=concurrency,
        )
        battles.progress = progress
        game: Any = battles
    elif description.startswith("matrix_game("):
        raise ValueError(
            f"the run is of {description}, whose payoffs are not stored in it; this command takes "
            "runs of OpenSpiel games and of Gen 1 OU"
        )
    else:
        from pokespiel.openspiel import OpenSpielGame

        sampled = description.endswith(", sampled")
        name = description.removesuffix(", sampled")
        symmetric = name.endswith(", one population")
        name = name.removesuffix(", one population")
        game = OpenSpielGame(name, exact=not sampled, symmetric=symmetric)
    if game.name != description:
        raise ValueError(
            f"the run is of {description}, but this version of PokéSpiel builds {game.name}"
        )
    return game


class OpenedRun:
    """A run with its game and policies, to play more games with. Nothing is written to it."""

    def __init__(self, path: Path, progress: Progress, *, concurrency: int | None = None) -> None:
        from pokespiel.report.run import read_run, strategy_name
        from pokespiel.runs.directory import RunError

        self.run = read_run(path)
        self.game = open_game(
            str(self.run.config.get("game")),
            start=path / "policies" / "0" / "0",
            concurrency=concurrency,
            progress=progress.games,
        )
        self.populations: list[list[Any]] = []
        for population in range(self.run.populations):
            policies = []
            for index in range(self.run.table.sizes[population]):
                folder = path / "policies" / str(population) / str(index)
                if not folder.is_dir():
                    raise RunError(f"{folder} is missing: the run is damaged")
                policy = self.game.load_policy(folder)
                if index and "name" in vars(policy):
                    # Stored networks are all called alike.
                    policy.name = strategy_name(index)
                policies.append(policy)
            self.populations.append(policies)

    def strategy(self) -> Any:
        """The meta-strategy on the table as it stands.

        Raises
        ------
        RunError
            If the table is unfinished or the solver cannot be built again.
        """
        from pokespiel.runs.directory import RunError

        if self.run.strategy is None:
            if self.run.payoffs is None:
                why = "its table has cells that were never played; resume the run"
            else:
                why = f"its meta-solver {self.run.config.get('meta_solver')} is not a default one"
            raise RunError(f"{self.run.path} has no meta-strategy now: {why}")
        return self.run.strategy


@contextmanager
def closing(game: Any) -> Iterator[Any]:
    """Close a game that owns something (Gen 1 OU owns a server)."""
    with ExitStack() as stack:
        if hasattr(game, "__exit__"):
            stack.enter_context(game)
        yield game
