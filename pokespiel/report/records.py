"""What is noted beside a run: how it was started, and what was measured of it afterwards.

``commands.jsonl`` gets a line each time that the run is started or continued; ``measurements.json``
holds the latest measurements on fresh games. The loop itself reads neither.
"""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pokespiel.exploitability.result import Exploitability
from pokespiel.files import write_atomically

_PACKAGES = ("pokespiel", "numpy", "scipy", "highspy", "open_spiel", "torch", "numba", "poke-env")

COMMANDS = "commands.jsonl"
MEASUREMENTS = "measurements.json"


@dataclass(frozen=True)
class Command:
    """One start of a run.

    Attributes
    ----------
    command : str
        As it was typed.
    started : str
        Time in UTC, ISO 8601.
    versions : mapping
        Of Python and the packages that compute.
    machine : str
    """

    command: str
    started: str
    versions: dict[str, str]
    machine: str


def versions() -> dict[str, str]:
    """Versions of Python and of those packages that are installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def record_command(run: Path, command: str) -> None:
    """Note that ``command`` started or continued the run."""
    entry = Command(
        command=command,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        machine=f"{platform.system()} {platform.machine()}",
    )
    with (run / COMMANDS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(entry)) + "\n")


def read_commands(run: Path) -> list[Command]:
    """Every start that was noted, oldest first.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    path = run / COMMANDS
    if not path.exists():
        return []
    try:
        return [Command(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


@dataclass(frozen=True)
class Measurements:
    """What fresh games, or exact computation, say of a run as it stood.

    Attributes
    ----------
    sizes : tuple of int
        Strategies per player when it was measured.
    exploitabilities : tuple of Exploitability
    """

    sizes: tuple[int, ...]
    exploitabilities: tuple[Exploitability, ...]


def record_measurements(run: Path, found: Measurements) -> None:
    """Replace the run's measurements."""
    document = {
        "sizes": found.sizes,
        "exploitabilities": [e.to_json() for e in found.exploitabilities],
    }
    with write_atomically(run / MEASUREMENTS) as file:
        file.write(json.dumps(document, indent=2).encode())


def read_measurements(run: Path) -> Measurements | None:
    """The run's measurements, None if nothing was measured.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    path = run / MEASUREMENTS
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text("utf-8"))
        return Measurements(
            tuple(document["sizes"]),
            tuple(Exploitability.from_json(entry) for entry in document["exploitabilities"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def command_line(arguments: Sequence[str]) -> str:
    """The command of this process, fit to be pasted into a shell."""
    return shlex.join(["pokespiel", *arguments])
