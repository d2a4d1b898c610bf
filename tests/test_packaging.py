"""What a wheel of the project holds, and that it can be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import pokespiel

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


def test_its_metadata_is_what_package_indexes_take(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        found = Metadata.from_email(archive.read(path), validate=True)
    assert str(found.version) == pokespiel.__version__
    assert found.description_content_type == "text/markdown"
    assert found.description == (ROOT / "README.md").read_text("utf-8")
    assert "showdown" in found.provides_extra


def test_twine_has_nothing_to_say(wheel):
    pytest.importorskip("twine", reason="twine is not installed; its check of a wheel is left out")
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", str(wheel)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment with the wheel alone; what it depends on is borrowed from this one.

    ``PYTHONPATH`` lends packages but not ``.pth`` files, so that an editable checkout stays out.
    """
    target = tmp_path_factory.mktemp("environment")
    venv.create(target, with_pip=False)
    python = target / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = ["--no-deps", "--no-index", "--no-compile", "--quiet", str(wheel)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", *install],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return target, python


def run(command, tmp_path):
    borrowed = {"PYTHONPATH": sysconfig.get_path("purelib")}
    return subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, **borrowed}, timeout=300,
    )  # fmt: skip


def test_an_environment_of_its_own_imports_it(environment, tmp_path):
    target, python = environment
    code = (
        "import pokespiel, solvers; from pokespiel.gen1ou.teams import load_teams; "
        "from importlib.resources import files; "
        f"assert pokespiel.__file__.startswith({str(target)!r}), pokespiel.__file__; "
        "assert len(load_teams()) >= 20; "
        "assert files('pokespiel.report').joinpath('style.css').is_file(); "
        "print(solvers.get('nash').solve([[0, 1], [-1, 0]]).marginals[0])"
    )
    done = run([str(python), "-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[1. 0.]"


def test_it_brings_the_command_line(environment, tmp_path):
    script = environment[1].parent / "pokespiel"
    done = run([str(script), "--version"], tmp_path)
    assert done.stdout == f"pokespiel, version {pokespiel.__version__}\n", done.stderr
    done = run([str(script), "psro", "kuhn_poker", "--directory", "run"], tmp_path)
    assert done.returncode == 0, done.stderr
    done = run([str(script), "report", "run"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").is_file()


def test_the_citation_is_of_this_version():
    assert f"\nversion: {pokespiel.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
