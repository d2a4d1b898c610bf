"""A Showdown server of one's own, on loopback, for as long as it is needed."""

from __future__ import annotations

import http.client
import importlib.resources
import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pokespiel.gen1ou.showdown.install import ShowdownError, find_node, showdown_directory

HOST = "127.0.0.1"
# Battles of the n-th start of a server are numbered from n times this.
BATTLES_PER_START = 10_000_000


@dataclass(frozen=True, slots=True)
class FinishedBattle:
    """A line of the server's own record of the battles it has finished.

    Attributes
    ----------
    battle_tag : str
    returns : (float, float)
        1 for the winner, 0 for the loser, 0.5 each for a tie.
    turns : int
    """

    battle_tag: str
    returns: tuple[float, float]
    turns: int


class ShowdownServer:
    """The pinned Showdown server as a context manager.

    It listens on 127.0.0.1 only and makes no network request. Each server runs in a folder of its
    own that links to the shared installation, so any number of them can run at once. It is one
    process; it ends with the ``with`` block, and on its own soon after this process has died.

    Parameters
    ----------
    port
        Port to listen on; a free one by default.
    log_directory
        Where ``server.log`` (everything the server prints) and ``battles.jsonl`` (one line per
        finished battle) go, appended to if they exist. By default a temporary folder that
        vanishes with the server.
    start_timeout
        Seconds until the server must answer.

    Raises
    ------
    ShowdownError
        On starting: if Node or the installation is missing, the port is in use, or the
        server dies or does not answer; the message shows the end of its log.

    Examples
    --------
    >>> with ShowdownServer() as server:  # doctest: +SKIP
    ...     print(server.websocket_url)
    """

    def __init__(
        self,
        port: int | None = None,
        log_directory: str | os.PathLike[str] | None = None,
        *,
        start_timeout: float = 60.0,
    ) -> None:
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"port must be between 1 and 65535, got {port}")
        self.port = 0
        self.starts = 0
        self._wanted_port = port or 0
        self._start_timeout = start_timeout
        self._given_log_directory = Path(log_directory).resolve() if log_directory else None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._finished: list[FinishedBattle] = []
        self._record_end = 0

    @property
    def websocket_url(self) -> str:
        """Address for clients."""
        return f"ws://{HOST}:{self.port}/showdown/websocket"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise ShowdownError("the Showdown server is not running")
        return self._process.pid

    @property
    def log_directory(self) -> Path:
        """Folder of ``server.log`` and ``battles.jsonl``."""
        if self._given_log_directory is not None:
            return self._given_log_directory
        if self._temporary is None:
            raise ShowdownError("the Showdown server is not running")
        return Path(self._temporary.name) / "logs"

    def is_alive(self) -> bool:
        """Whether the server's process runs."""
        return self._process is not None and self._process.poll() is None

    def is_healthy(self) -> bool:
        """Whether the server's process runs and answers."""
        return self.is_alive() and _answers(self.port)

    def finished_battles(self) -> list[FinishedBattle]:
        """The server's own record of the battles it has finished since `start`, oldest first.

        Players may hear of the end of a battle a moment before it stands in the record.
        """
        path = self.log_directory / "battles.jsonl"
        if path.exists():
            with path.open("rb") as record:
                record.seek(self._record_end)
                for line in record:
                    if not line.endswith(b"\n"):
                        break
                    self._record_end += len(line)
                    self._finished.append(_finished_battle(json.loads(line)))
        return list(self._finished)

    @property
    def exit_status(self) -> int | None:
        """Exit status of a server that has died, negative if a signal killed it."""
        return None if self._process is None else self._process.poll()

    def log_tail(self, lines: int = 20) -> str:
        """Last lines of what the server printed."""
        path = self.log_directory / "server.log"
        if not path.exists():
            return ""
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])

    def start(self) -> None:
        """Start the server; the ``with`` statement does it too.

        Raises
        ------
        ShowdownError
            If Node or the installation is missing, the port is in use, or the server dies or does
            not answer.
        """
        if self._temporary is not None:
            raise ShowdownError("this Showdown server has been started already")
        # Checked first: their errors say what to do.
        find_node()
        showdown_directory()
        self._temporary = tempfile.TemporaryDirectory(prefix="pokespiel-showdown-")
        try:
            self.log_directory.mkdir(parents=True, exist_ok=True)
            record = self.log_directory / "battles.jsonl"
            self._finished = []
            self._record_end = record.stat().st_size if record.exists() else 0
            self._start_process()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server if it runs, and forget it."""
        self._stop_process()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def restart(self) -> None:
        """Start the server again after it has died or hung; its port may change."""
        if self._process is not None:
            self._process.kill()
        self._stop_process()
        self._start_process()

    def __enter__(self) -> ShowdownServer:
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start_process(self) -> None:
        assert self._temporary is not None
        home = Path(self._temporary.name) / f"start-{self.starts}"
        _make_home(home, showdown_directory())
        settings = {
            "port": self._wanted_port,
            "parent": os.getpid(),
            "temporary": self._temporary.name,
            "record": str(self.log_directory / "battles.jsonl"),
            "firstBattle": self.starts * BATTLES_PER_START,
            "keepSeconds": 5,
        }
        log = self.log_directory / "server.log"
        with log.open("ab") as output:
            offset = output.tell()
            self._process = subprocess.Popen(
                [
                    find_node(),
                    "--preserve-symlinks",
                    "--preserve-symlinks-main",
                    "pokemon-showdown",
                    "start",
                    "--no-security",
                    "--skip-build",
                ],
                cwd=home,
                env={**os.environ, "POKESPIEL_SHOWDOWN": json.dumps(settings)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.starts += 1
        try:
            self.port = self._wait_until_healthy(log, offset)
        except BaseException:
            self._stop_process()
            raise

    def _wait_until_healthy(self, log: Path, offset: int) -> int:
        """Port on which the server answers; ``offset`` is where its output begins in the log."""
        deadline = time.monotonic() + self._start_timeout
        while True:
            died = not self.is_alive()
            with log.open("rb") as output:
                output.seek(offset)
                printed = output.read().decode(errors="replace")
            if "EADDRINUSE" in printed:
                raise ShowdownError(f"port {self._wanted_port} is in use")
            if died:
                raise ShowdownError(
                    f"the Showdown server died at start (exit status {self.exit_status}); "
                    f"the end of its log:\n{self.log_tail()}"
                )
            port = re.search(r"^PokéSpiel: port (\d+)$", printed, re.MULTILINE)
            if port and _answers(int(port[1])):
                return int(port[1])
            if time.monotonic() > deadline:
                raise ShowdownError(
                    f"the Showdown server did not answer within {self._start_timeout:g} s; "
                    f"the end of its log:\n{self.log_tail()}"
                )
            time.sleep(0.05)

    def _stop_process(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _finished_battle(line: dict[str, Any]) -> FinishedBattle:
    scores = {line["players"][0]: (1.0, 0.0), line["players"][1]: (0.0, 1.0)}
    return FinishedBattle(line["battle"], scores.get(line["winner"], (0.5, 0.5)), line["turns"])


def _make_home(home: Path, package: Path) -> None:
    """A folder in which the shared package runs with a configuration and logs of its own."""
    home.mkdir()
    for entry in package.iterdir():
        if entry.name not in ("config", "logs"):
            (home / entry.name).symlink_to(entry)
    (home / "node_modules").symlink_to(package.parent)
    # Showdown reports a crash for each folder of these that is missing.
    for folder in ("config/chat-plugins", "logs/repl", "logs/chat", "logs/modlog"):
        (home / folder).mkdir(parents=True)
    for entry in (package / "config").iterdir():
        (home / "config" / entry.name).symlink_to(entry)
    config = importlib.resources.files("pokespiel.gen1ou.showdown").joinpath("npm", "config.js")
    (home / "config" / "config.js").write_bytes(config.read_bytes())


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5.0)
    try:
        connection.request("GET", "/showdown/info")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
