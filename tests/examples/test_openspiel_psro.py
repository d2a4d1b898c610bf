"""PSRO on OpenSpiel games, at budgets of a second: exact, trained, sampled, stored and resumed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

EXAMPLE = Path(__file__).parents[2] / "examples" / "openspiel_psro.py"


def printed(example, **arguments):
    said = io.StringIO()
    example.main(example.Arguments(**arguments), Console(file=said, width=100))
    return said.getvalue()


def test_kuhn_poker_is_solved(example):
    text = printed(example, game="kuhn_poker")
    assert "no response gains anything: an equilibrium of the whole game" in text
    assert "-0.055556" in text
    assert text.endswith("exploitability 0.000000\n")


def test_a_joint_meta_strategy_of_three_players_is_measured(example):
    text = printed(example, game="kuhn_poker(players=3)", meta_solver="mgcce", iterations=1)
    assert "iteration, strategies, exploitability (exact), seconds" in text
    assert "(2, 2, 2)" in text


@pytest.mark.parametrize("oracle", ["tabular_q", "ppo"])
def test_learning_oracles_play_sampled_games(example, oracle):
    trained = {"oracle": oracle, "episodes": 40, "episodes_per_cell": 20, "iterations": 1}
    text = printed(example, game="kuhn_poker", sampled=True, **trained)
    assert "last training return" in text
    assert text.endswith("80 episodes in the table; exploitability is unknown\n")


def test_a_stored_run_is_resumed(example, tmp_path):
    stored = {"game": "kuhn_poker", "one_population": True, "directory": tmp_path / "run"}
    whole = printed(example, game="kuhn_poker", one_population=True, iterations=2)
    printed(example, **stored, iterations=1)
    resumed = printed(example, **stored, iterations=2, resume=True)
    assert [line.split()[0] for line in resumed.splitlines()[1:2]] == ["1"]
    assert resumed.splitlines()[-1] == whole.splitlines()[-1]
