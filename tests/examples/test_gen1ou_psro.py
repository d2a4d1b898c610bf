"""The Gen 1 OU example at a small budget: what it prints, draws, stores and refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pokespiel import EmpiricalGame

ROOT = Path(__file__).parents[2]
SMALL = ["--battles-per-cell", "20", "--training-battles", "40", "--fresh-battles", "20"]


def run(directory, *arguments):
    command = [sys.executable, "examples/gen1ou_psro.py", "--directory", str(directory)]
    return subprocess.run(
        [*command, *SMALL, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("example") / "run"
    return directory, run(directory, "--iterations", "2", "--self-play")


def test_it_prints_the_table_and_the_verdict(finished):
    directory, done = finished
    assert done.returncode == 0, done.stderr
    for words in (
        "Iteration 1: BR2 trained on 40 battles",
        "Win rate of the row [95 % interval]",
        "Fresh battles [95 % interval]",
        "before it by at least",
        "start: ",
        "simple_heuristics: ",
        "Restricted exploitability of the last mixture",
        "Self-play, every response to the newest alone",
        "exploits the newest",
        "PSRO's last mixture against self-play's newest, win rate on fresh battles: 0.",
        "60 battles in the table",
    ):
        assert words in " ".join(done.stdout.split()), words
    assert (directory / "payoffs.png").read_bytes().startswith(b"\x89PNG")
    assert EmpiricalGame.load(directory / "self-play" / "empirical_game.npz").sizes == (3, 3)


def test_a_resumed_run_ends_as_one_that_was_not_interrupted(finished, tmp_path):
    whole, _ = finished
    assert run(tmp_path / "parts", "--iterations", "1").returncode == 0
    assert run(tmp_path / "parts", "--iterations", "2", "--resume").returncode == 0
    tables = [EmpiricalGame.load(d / "empirical_game.npz") for d in (whole, tmp_path / "parts")]
    assert tables[0] == tables[1]


def test_mistakes_get_one_line(finished):
    directory, _ = finished
    again = run(directory)
    assert again.returncode != 0
    assert "already holds a run" in again.stderr
    assert "Traceback" not in again.stderr
