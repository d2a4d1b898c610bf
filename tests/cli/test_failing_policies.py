"""A policy that fails while it is measured: named in one line, what was found before kept."""

from __future__ import annotations

import json

import pytest

from pokespiel.cli import main
from pokespiel.gen1ou.baselines import MaxDamagePolicy, RandomPolicy
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.psro import PSRO
from pokespiel.report.records import read_measurements
from pokespiel.report.run import read_run


def run(capsys, *arguments):
    """Exit status, stdout, stderr of a command."""
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def fail_after(monkeypatch, kind, calls):
    """Let a baseline raise once it has been asked so often."""
    plays, left = kind.act_on_engine, [calls]

    def failing(self, decisions, rng):
        left[0] -= 1
        if left[0] < 0:
            raise KeyError("a bug")
        return plays(self, decisions, rng)

    monkeypatch.setattr(kind, "act_on_engine", failing)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A run of one strategy, random play; battles are measured in blocks of ten."""
    path = tmp_path / "run"
    loop = PSRO(Gen1OU(initial="random"), oracle=PPOOracle(), directory=path, episodes_per_cell=10)
    loop.run(0)
    loop.close()
    monkeypatch.setattr("pokespiel.exploitability.sampling.BLOCK", 10)
    return path


def test_the_estimate_before_a_failure_is_printed_and_kept(measured, capsys, monkeypatch):
    fail_after(monkeypatch, RandomPolicy, 3000)
    status, out, err = run(capsys, "exploitability", measured, "--games", 10_000)
    assert status == 1
    *compiling, error = err.splitlines()
    assert all(line.startswith("Compiling the Gen 1 engine") for line in compiling)
    assert error.startswith("pokespiel: error: policy random failed in battle ")
    assert "KeyError: 'a bug'" in err
    assert ", turn " in err
    assert out.startswith("restricted exploitability ")
    (kept,) = read_measurements(measured).exploitabilities
    assert 0 < kept.games < 10_000
    assert kept.method.endswith("cut short by a failure")
    assert read_run(measured).measurements.exploitabilities == (kept,)


def test_measurements_before_the_one_that_fails_are_kept(measured, capsys, monkeypatch):
    options = ["--games", 10, "--exploiter", "learned", "--training-games", 40, "--seeds", 1]
    monkeypatch.setattr(
        "pokespiel.exploitability.approximate.play_deviations",
        lambda *_, **__: (_ for _ in ()).throw(RuntimeError("policy x failed in battle 1, turn 2")),
    )
    status, out, err = run(capsys, "exploitability", measured, *options, "--json")
    assert status == 1
    assert "policy x failed in battle 1, turn 2; no estimate so far" in err
    assert [one["kind"] for one in json.loads(out)] == ["restricted"]
    assert [one.kind for one in read_measurements(measured).exploitabilities] == ["restricted"]


def test_a_failure_with_nothing_before_it_leaves_nothing(measured, capsys, monkeypatch):
    fail_after(monkeypatch, RandomPolicy, 0)
    status, out, err = run(capsys, "exploitability", measured, "--games", 10, "--json")
    assert (status, out) == (1, "")
    assert "policy random failed in battle 0, turn 1" in err
    assert read_measurements(measured) is None


def test_a_tournament_says_what_the_battles_before_a_failure_say(tmp_path, capsys, monkeypatch):
    fail_after(monkeypatch, MaxDamagePolicy, 900)
    table = tmp_path / "table.csv"
    start = ["tournament", "random", "max_damage", "--games", 3000, "--output", table, "--json"]
    status, out, err = run(capsys, *start, "--directory", tmp_path / "cup")
    assert status == 1
    *compiling, error = err.splitlines()
    assert all(line.startswith("Compiling the Gen 1 engine") for line in compiling)
    assert "error: policy max_damage failed in battle " in error
    document = json.loads(out)
    assert 0 < document["games"] < 3000
    assert f"{document['games']} games are kept" in err
    assert table.read_text().splitlines()[1].startswith("random,max_damage,")
    status, out, err = run(capsys, *start)
    assert (status, out) == (1, "")
    assert "some pairings have no games yet" in err
