"""The rules compile: once, under a name of their own, and for a GPU as they are."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

from pokespiel.gen1ou.engine import batch, compilation

PLAY = """
import numpy as np
from pokespiel.gen1ou.engine import Battles, pack
battles = Battles(2)
team = pack([("Tauros", ["Body Slam"])])
battles.reset(np.broadcast_to(team, (2, 2, *team.shape)), np.zeros(2))
battles.step([[0, 0], [0, 0]])
print(battles.rows.sum())
"""


@pytest.fixture
def copied_package(tmp_path, monkeypatch):
    package = tmp_path / "pokespiel"
    shutil.copytree(
        compilation.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "teams")
    )
    monkeypatch.setattr(compilation, "PACKAGE", package)
    monkeypatch.setattr(compilation, "ENGINE", package / "gen1ou/engine")
    return package / "gen1ou"


@pytest.mark.parametrize(
    ("compiled", "dependency"),
    [
        ("engine/batch.py", "engine/trapping.py"),
        ("engine/batch.py", "engine/data/gen1.json"),
        ("estimates.py", "estimates.py"),
        ("estimates.py", "observation.py"),
        ("estimates.py", "engine/layout.py"),
    ],
)
def test_the_cache_is_named_by_everything_a_compiled_file_depends_on(
    compiled, dependency, copied_package
):
    before = compilation.fingerprint(copied_package / compiled)
    with (copied_package / dependency).open("a") as file:
        file.write("\n")
    assert compilation.fingerprint(copied_package / compiled) != before


def test_what_a_compiled_file_does_not_import_leaves_its_cache_alone(copied_package):
    before = compilation.fingerprint(copied_package / "engine/batch.py")
    with (copied_package / "meta_game.py").open("a") as file:
        file.write("\n")
    assert compilation.fingerprint(copied_package / "engine/batch.py") == before


def test_caches_unused_for_a_month_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("POKESPIEL_CACHE", str(tmp_path))
    old, recent, foreign = (tmp_path / "engine" / n for n in ("0" * 16, "a" * 16, "notes"))
    for folder in (old, recent, foreign):
        folder.mkdir(parents=True)
        (folder / "x.nbc").touch()
    for folder in (old, foreign):
        os.utime(folder, (0, 0))
    compilation.remove_old_caches()
    assert sorted((tmp_path / "engine").iterdir()) == [recent, foreign]


def test_compiling_is_announced_once_per_process(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("POKESPIEL_CACHE", str(tmp_path))
    batch._announce.cache_clear()
    batch._announce()
    batch._announce()
    assert capsys.readouterr().err.count("Compiling the Gen 1 engine") == 1


def test_the_same_source_runs_uncompiled():
    """For a debugger; and the first battle equals the compiled one."""
    printed = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PLAY],
            env={**os.environ, **extra},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for extra in ({}, {"NUMBA_DISABLE_JIT": "1"})
    ]
    assert printed[0] == printed[1]


@pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed"
)
def test_a_step_compiles_to_ptx_without_a_gpu():
    from pokespiel.gen1ou.engine.device import ptx

    code = ptx((8, 0))
    assert ".visible .entry" in code
    assert ".f64" not in code
