"""The PSRO family compared at a tiny budget: every variant runs, the table and picture appear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "compare_psro_variants.py"


def test_every_variant_gets_a_row_and_a_line(example, tmp_path, capsys):
    output = tmp_path / "new" / "kuhn"
    example.main(example.Arguments(iterations=2, seconds=60.0, seeds=1, output=output))
    rows = output.with_suffix(".md").read_text().splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows[2:]] == list(example.VARIANTS)
    assert rows[0].startswith("| kuhn_poker | 10 calls | 20 calls |")
    assert output.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "CFR+ (baseline): " in capsys.readouterr().out


def test_exploitability_falls_with_oracle_calls(example):
    arguments = example.Arguments(iterations=30, seconds=60.0)
    curve = example.run("PSRO, Nash", "kuhn_poker", 0, arguments)
    assert curve.calls[0] == 0
    assert np.all(np.diff(curve.calls) == 2)
    assert curve.exploitability[-1] == pytest.approx(0.0, abs=1e-9)
    assert curve.exploitability[0] > 0.1


def test_runs_cut_off_before_a_budget_are_not_compared_there(example):
    curve = example.Curve(np.array([0, 4]), np.array([0.1, 0.2]), np.array([0.5, 0.25]))
    assert example.at(3, curve.calls, curve) == 0.5
    assert example.ended_before(10, curve.calls, curve)
    text = example.table({"some": [curve]}, example.Arguments(seconds=0.1))
    assert text.splitlines()[-1].startswith("| some | - | - | - | - | - |")


def test_unknown_variants_are_named(example):
    with pytest.raises(SystemExit, match=r"unknown variants \['magic'\]; there are"):
        example.main(example.Arguments(variants=("magic",)))
