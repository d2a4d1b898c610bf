import subprocess
import sys

import numpy as np
import pytest
from known_games import BIASED_RPS, COORDINATION

import solvers


def test_importing_solvers_loads_nothing_heavy():
    code = (
        "import sys, solvers; solvers.get('uniform').solve([[0.5]]);"
        "print([m for m in ('cvxpy', 'torch', 'pokespiel', 'matplotlib', 'highspy') "
        "if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_no_solver_loads_torch_or_pokespiel():
    code = (
        "import sys, solvers; solvers.available(); import solvers.drawing;"
        "print([m for m in ('cvxpy', 'torch', 'pokespiel') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_names_match_the_classes():
    for info in solvers.available():
        assert type(solvers.get(info.name)).name == info.name
        assert isinstance(solvers.get(info.name), solvers.MetaSolver)


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"alpharank, .*uniform"):
        solvers.get("alpha-rank")


def test_unknown_hyperparameter_lists_the_known():
    with pytest.raises(TypeError, match="it takes alpha, population_size, selection"):
        solvers.get("alpharank", temperature=1.0)


def test_compare_is_a_table():
    comparison = solvers.compare(BIASED_RPS, ["nash", "uniform", "alpharank"])
    assert [row.name for row in comparison] == ["nash", "uniform", "alpharank"]
    assert comparison[0].result.restricted_exploitability == pytest.approx(0.0, abs=1e-12)
    assert comparison[0].support_sizes == (3, 3)
    np.testing.assert_allclose(comparison[1].entropies, np.log(3))
    assert all(row.seconds > 0.0 for row in comparison)
    lines = str(comparison).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("uniform")


def test_compare_shows_refusals():
    comparison = solvers.compare(COORDINATION, ["pfsp", "nash"])
    assert comparison[0].result is None
    assert "constant-sum" in comparison[0].refusal
    assert "constant-sum" in str(comparison)


def test_compare_runs_everything_by_default():
    comparison = solvers.compare([[0.5, 0.6], [0.4, 0.5]])
    assert {row.name for row in comparison} == {info.name for info in solvers.available()}
    assert all(row.result is not None for row in comparison)
