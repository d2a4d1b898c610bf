"""The rules compile: once, under a name of their own, and for a GPU as they are."""

import importlib.util
import os
import subprocess
import sys

import pytest

from pokespiel.gen1ou.engine import compilation

PLAY = """
import numpy as np
from pokespiel.gen1ou.engine import Battles, pack
battles = Battles(2)
team = pack([("Tauros", ["Body Slam"])])
battles.reset(np.broadcast_to(team, (2, 2, *team.shape)), np.zeros(2))
battles.step([[0, 0], [0, 0]])
print(battles.rows.sum())
"""


def test_the_cache_is_named_by_everything_a_compiled_step_depends_on(tmp_path, monkeypatch):
    above = compilation.ENGINE.parent
    for file in [
        *above.glob("*.py"),
        *above.glob("engine/*.py"),
        *above.glob("engine/data/*.json"),
    ]:
        copy = tmp_path / file.relative_to(above)
        copy.parent.mkdir(exist_ok=True, parents=True)
        copy.write_bytes(file.read_bytes())
    ours = compilation.fingerprint()
    monkeypatch.setattr(compilation, "ENGINE", tmp_path / "engine")
    assert compilation.fingerprint() == ours
    for changed in ("engine/trapping.py", "engine/data/gen1.json", "observation.py"):
        before = compilation.fingerprint()
        with (tmp_path / changed).open("a") as file:
            file.write("\n")
        assert compilation.fingerprint() != before


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
