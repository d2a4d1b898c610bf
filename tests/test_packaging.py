"""What a wheel of the project holds, and that it can be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pokespiel", "solvers")
NOT_SHIPPED = (".pyc", ".nbc", ".nbi")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy, so that nothing is written into the checkout."""
    pytest.importorskip("build")
    pytest.importorskip("setuptools", minversion="77")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    ignored = shutil.ignore_patterns("__pycache__", *(f"*{suffix}" for suffix in NOT_SHIPPED))
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target),
         str(source)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return next(target.glob("pokespiel-*.whl"))


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    shipped = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in NOT_SHIPPED
    }
    assert sorted(wanted - shipped) == []
    assert {"pokespiel/py.typed", "solvers/py.typed"} <= shipped


def test_nothing_else_is_in_the_wheel(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_unpacked_wheel_works_without_the_checkout(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import pokespiel, solvers; from pokespiel.gen1ou.teams import load_teams; "
        "from importlib.resources import files; "
        "assert pokespiel.__file__.startswith(__import__('os').getcwd()), pokespiel.__file__; "
        "assert len(load_teams()) >= 20; "
        "assert files('pokespiel.report').joinpath('style.css').is_file(); "
        "print(solvers.get('nash').solve([[0, 1], [-1, 0]]).marginals[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[1. 0.]"
