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


def test_the_engine_needs_no_poke_env():
    """It comes with the extra ``showdown``; Gen 1 OU is played on the engine without it."""
    code = (
        "import sys; sys.modules['poke_env'] = None\n"
        "import numpy as np\n"
        "from pokespiel.gen1ou.meta_game import Gen1OU\n"
        "game = Gen1OU(initial='max_damage')\n"
        "(policy,) = game.initial_policies()\n"
        "print(game.play([(policy, policy)], 2, rng=np.random.default_rng(0)).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "(1, 2, 2)\n", done.stderr
