"""The worked example says what the records say, and names bad files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import solvers
from pokespiel.tables import read_csv
from pokespiel.uncertainty import meta_strategy_uncertainty

EXAMPLE = Path(__file__).parents[2] / "examples" / "phase0_metagame.py"
RECORDS = EXAMPLE.parent / "data" / "phase0.csv"


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments], capture_output=True, text=True, timeout=120
    )


def test_the_records_are_the_published_win_rates():
    named = read_csv(RECORDS)
    assert named.names[0] == (
        "SyntheticRLV2",
        "SyntheticRLV1",
        "SyntheticRLV1_SelfPlay",
        "PokeEnvHeuristic",
        "GymLeader",
    )
    published = [
        [0.50, 0.62, 0.48, 0.96, 1.00],
        [0.38, 0.50, 0.38, 0.90, 0.88],
        [0.52, 0.62, 0.50, 0.86, 0.94],
        [0.04, 0.10, 0.14, 0.50, 0.50],
        [0.00, 0.12, 0.06, 0.50, 0.50],
    ]
    np.testing.assert_allclose(np.asarray(named.game.payoffs()), published)
    counts = named.game.counts()
    assert counts[~np.eye(5, dtype=bool)].tolist() == [50.0] * 20


@pytest.mark.parametrize(("method", "share"), [("bayesian", 0.37), ("bootstrap", 0.43)])
def test_another_agent_is_the_equilibrium_in_about_four_tables_of_ten(method, share):
    uncertainty = meta_strategy_uncertainty(
        read_csv(RECORDS).game,
        solvers.get("nash"),
        samples=1000,
        rng=np.random.default_rng(0),
        method=method,
    )
    assert uncertainty.alone[0][0] == pytest.approx(share, abs=0.05)
    assert uncertainty.inclusion[0][0] == pytest.approx(0.42, abs=0.06)
    assert uncertainty.alone[0][2] < 0.63
    assert uncertainty.inclusion[0][3:].max() == 0.0


def test_it_prints_its_findings_and_draws_them(tmp_path):
    picture = tmp_path / "phase0.png"
    done = run("--samples", "100", "--picture", str(picture))
    assert done.returncode == 0, done.stderr
    assert "Nash equilibrium of these rates: 100% SyntheticRLV1_SelfPlay" in done.stdout
    assert "Restricted exploitability: 0.00" in done.stdout
    assert "Its own best payoff less one half: 0.94 - 0.50 = 0.44" in done.stdout
    assert "p = 0.119; 134 games would settle it with 80% power" in done.stdout
    assert matplotlib.image.imread(picture).shape[1] > 1000


def test_a_file_that_is_no_table_is_named(tmp_path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    done = run("--table", str(wrong))
    assert done.returncode == 1
    assert "phase0_metagame:" in done.stderr
    assert "must have the columns row, column, wins, losses, draws" in done.stderr
    assert "Traceback" not in done.stderr
