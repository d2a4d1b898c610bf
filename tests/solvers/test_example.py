"""examples/compare_meta_solvers.py: its files read, its picture drawn, its mistakes named."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "compare_meta_solvers.py"


def test_as_a_user_runs_it(tmp_path):
    (tmp_path / "bad.csv").write_text("0.5,abc\n0.4,0.5\n")
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--file", "bad.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("error: bad.csv: 'abc' is not a number; accepted is a CSV")
    assert done.stderr.count("\n") == 1


def test_records_of_matches_are_compared_by_name(example, tmp_path, capsys):
    table = EXAMPLE.parent / "data" / "phase0.csv"
    example.main(example.Arguments(file=table, solvers=("nash",), picture=tmp_path / "picture.png"))
    assert "SyntheticRLV1_SelfPlay 1.000" in capsys.readouterr().out


def test_npz_is_compared_and_drawn(example, tmp_path, capsys):
    np.savez(tmp_path / "game.npz", payoffs=np.zeros((3, 2, 2, 2)))
    picture = tmp_path / "picture.png"
    example.main(
        example.Arguments(
            file=tmp_path / "game.npz", solvers=("alpharank", "pfsp"), picture=picture
        )
    )
    assert "refused" in capsys.readouterr().out
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"game": "chess"}, "built in"), ({"solvers": ("magic",)}, "unknown meta-solver")],
)
def test_mistakes_are_named(example, arguments, message):
    with pytest.raises(ValueError, match=message):
        example.main(example.Arguments(**arguments))
