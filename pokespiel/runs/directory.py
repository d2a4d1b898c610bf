"""The directory of one run.

::

    config.json             what was asked for; a resumed run must ask for the same
    history.jsonl           one line per finished iteration: the commit point
    empirical_game.npz      the payoff table
    policies/<player>/<k>/  strategy k of a population

The history decides what counts. A policy's folder is renamed into place before the line that
admits it is written; the table only ever catches up with the history. A kill between any two of
these writes therefore leaves a directory that `RunDirectory.open` brings back to the state before
the step that was under way.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from pokespiel.empirical_game import EmpiricalGame
from pokespiel.files import write_atomically


class RunError(ValueError):
    """A run directory is damaged, in use, or belongs to another run."""


class RunDirectory:
    """One run on disk, locked to this process while open.

    Parameters
    ----------
    path
        Created if missing.
    config
        What defines the run; JSON-able. An existing run with another config is refused.
    resume
        Whether an existing run may be continued. Starting fresh where there is none is fine.

    Raises
    ------
    RunError
        If the directory holds a run and ``resume`` is false, holds another run, holds something
        that is not a run, is damaged, or is open in another process.
    """

    def __init__(self, path: str | Path, *, config: dict[str, Any], resume: bool) -> None:
        self.path = Path(path)
        existing = (self.path / "config.json").exists()
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file; a run needs a directory")
        if not existing and self.path.exists():
            strangers = [entry.name for entry in self.path.iterdir() if entry.name[0] != "."]
            if strangers:
                raise RunError(
                    f"{self.path} holds other files ({', '.join(sorted(strangers)[:3])}) and no "
                    "run; choose an empty or new directory"
                )
        if existing and not resume:
            raise RunError(
                f"{self.path} already holds a run; resume it (resume=True, --resume) "
                "or choose another directory"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = self._acquire()
        try:
            if existing:
                self._check_config(config)
            else:
                with write_atomically(self.path / "config.json") as file:
                    file.write(json.dumps(config, indent=2).encode())
            self.history: list[dict[str, Any]] = self._read_history()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another process open the run."""
        self._lock.close()

    def _acquire(self) -> IO[str]:
        # The handle lives as long as the lock: closing it releases the lock, as does a kill.
        lock = open(self.path / ".lock", "w")  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise RunError(f"{self.path} is in use by another process") from None
        return lock

    def _check_config(self, config: dict[str, Any]) -> None:
        try:
            stored = json.loads((self.path / "config.json").read_text())
        except ValueError as error:
            raise RunError(f"{self.path / 'config.json'} is damaged: {error}") from None
        asked = json.loads(json.dumps(config))
        changed = sorted(
            key for key in stored.keys() | asked.keys() if stored.get(key) != asked.get(key)
        )
        if changed:
            details = "; ".join(f"{k} was {stored.get(k)!r}, is {asked.get(k)!r}" for k in changed)
            raise RunError(f"{self.path} is a run with other settings: {details}")

    # History ---------------------------------------------------------------------------------

    def _read_history(self) -> list[dict[str, Any]]:
        path = self.path / "history.jsonl"
        if not path.exists():
            return []
        try:
            history = [json.loads(line) for line in path.read_text().splitlines()]
            if [entry["iteration"] for entry in history] != list(range(len(history))):
                raise ValueError("its iterations are not 0, 1, 2, ...")
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path} is damaged: {error}") from None
        return history

    def commit(self, entry: dict[str, Any]) -> None:
        """Append one iteration. From here on its policies are part of the run."""
        self.history.append(entry)
        with write_atomically(self.path / "history.jsonl") as file:
            file.write("".join(json.dumps(line) + "\n" for line in self.history).encode())

    # Table -----------------------------------------------------------------------------------

    def save_table(self, table: EmpiricalGame) -> None:
        """Replace the payoff table."""
        table.save(self.path / "empirical_game.npz")

    def load_table(self) -> EmpiricalGame | None:
        """The payoff table, or None before the first was written.

        Raises
        ------
        RunError
            If it is damaged, or missing although iterations were committed.
        """
        path = self.path / "empirical_game.npz"
        if not path.exists():
            if self.history:
                raise RunError(f"{path} is missing, though {len(self.history)} iterations are done")
            return None
        try:
            return EmpiricalGame.load(path)
        except ValueError as error:
            raise RunError(str(error)) from None

    # Policies --------------------------------------------------------------------------------

    def _policy_path(self, player: int, index: int) -> Path:
        return self.path / "policies" / str(player) / str(index)

    def save_policy(self, player: int, index: int, write: Callable[[Path], None]) -> None:
        """Let ``write`` fill a temporary directory, then rename it into place.

        A folder left there by a killed step is replaced.
        """
        path = self._policy_path(player, index)
        temporary = path.with_name(f".{index}.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            write(temporary)
            shutil.rmtree(path, ignore_errors=True)
            os.replace(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    def load_policy(self, player: int, index: int, read: Callable[[Path], Any]) -> Any:
        """Read a policy back.

        Raises
        ------
        RunError
            If its folder is missing or cannot be read.
        """
        path = self._policy_path(player, index)
        if not path.is_dir():
            raise RunError(f"{path} is missing: the run is damaged")
        try:
            return read(path)
        except Exception as error:
            raise RunError(f"{path} cannot be read: {error}") from error
