"""The trainer of the starter policy at a tiny budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_starter.py"


def test_trains_measures_and_goes_on_from_what_it_stored(example, tmp_path, capsys):
    def arguments(directory, **more):
        return example.Arguments(
            directory=directory, minutes=0.01, battles=20, snapshot_every=1, evaluate_every=1,
            evaluation_battles=10, **more,
        )  # fmt: skip

    example.train(arguments(tmp_path / "first"))
    stored = (tmp_path / "first/curve.jsonl").read_text()
    assert capsys.readouterr().out == stored
    lines = [json.loads(line) for line in stored.splitlines()]
    assert lines[-1]["battles"] == 20 * lines[-1]["round"]
    mean, low, high = lines[-1]["max_damage"]
    assert 0.0 <= low <= mean <= high <= 1.0

    with pytest.raises(SystemExit, match="holds a run already; choose another --directory"):
        example.train(arguments(tmp_path / "first"))

    policy = tmp_path / "first/policy"
    example.train(arguments(tmp_path / "second", start=policy))
    settings = json.loads((tmp_path / "second/arguments.json").read_text())
    assert settings["start"] == str(policy)
    assert (tmp_path / "second/policy/weights.safetensors").exists()
