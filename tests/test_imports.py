"""``import pokespiel`` is light."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("heavy", ["torch", "numba", "cvxpy", "pyspiel", "poke_env"])
def test_importing_the_package_loads_nothing_heavy(heavy):
    code = f"import pokespiel, solvers, sys; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there():
    import pokespiel

    for name in pokespiel.__all__:
        assert getattr(pokespiel, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'PRSO'"):
        _ = pokespiel.PRSO
