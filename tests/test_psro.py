"""The loop: what PSRO must do on games whose answers are known."""

from __future__ import annotations

import multiprocessing
import time

import numpy as np
import pytest

import solvers
from pokespiel import PSRO, EmpiricalGame
from pokespiel.runs.directory import RunError
from tests.games import HAWK_DOVE, ROCK_PAPER_SCISSORS, STAG_HUNT_3P, TableGame, TableOracle


def rps(**settings):
    return TableGame(ROCK_PAPER_SCISSORS, symmetric=True, **settings)


def test_finds_the_equilibrium_of_rock_paper_scissors_and_stops():
    psro = PSRO(rps(), oracle=TableOracle())
    result = psro.run(20)
    assert psro.converged
    assert result.populations == ((0, 1, 2),)
    np.testing.assert_allclose(result.meta_strategy.marginals[0], 1 / 3, atol=1e-9)
    assert result.steps[-1].exploitability == pytest.approx(0.0, abs=1e-9)


def test_first_exploitabilities_are_those_worked_out_by_hand():
    """Rock alone loses 1 to Paper; {Rock, Paper} plays Paper and loses 1 to Scissors."""
    steps = PSRO(rps(), oracle=TableOracle()).run(3).steps
    assert [step.exploitability for step in steps] == pytest.approx([1.0, 1.0, 0.0])
    assert [step.nash_conv for step in steps] == pytest.approx([2.0, 2.0, 0.0])


def test_two_populations_give_the_same_equilibrium():
    game = TableGame(ROCK_PAPER_SCISSORS, symmetric=False)
    result = PSRO(game, oracle=TableOracle()).run(20)
    for marginal, population in zip(
        result.meta_strategy.marginals, result.populations, strict=True
    ):
        played = np.zeros(3)
        np.add.at(played, list(population), marginal)
        np.testing.assert_allclose(played, 1 / 3, atol=1e-9)


def test_symmetric_hawk_dove_is_not_halved():
    """OpenSpiel's psro_v2 builds [[-1, 2], [0, 2]] here, whose equilibrium is pure Dove."""
    game = TableGame(HAWK_DOVE, symmetric=True, start=1)
    result = PSRO(game, oracle=TableOracle()).run(10)
    order = np.argsort(result.populations[0])
    np.testing.assert_array_equal(
        np.asarray(result.table.payoffs())[np.ix_(order, order)], HAWK_DOVE
    )
    hawk = result.meta_strategy.marginals[0][result.populations[0].index(0)]
    assert hawk == pytest.approx(2 / 3, abs=1e-6)


def test_symmetric_three_player_game_has_the_right_meta_game():
    game = TableGame(STAG_HUNT_3P, symmetric=True, start=0)
    game.start = 1
    table = PSRO(game, oracle=TableOracle(), meta_solver="uniform", admit=lambda r, g: True)
    result = table.run(1)
    assert result.populations == ((1, 1),)
    game.start = 0
    two = PSRO(
        game,
        oracle=TableOracle(),
        meta_solver="uniform",
        targets=lambda strategy, payoffs: [],
    )
    two.populations[0].append(1)
    two._grow_table()
    np.testing.assert_array_equal(two.result().table.payoffs().tensor, STAG_HUNT_3P)


def test_iterating_gives_one_step_at_a_time_and_ends():
    seen = [step.sizes for step in PSRO(rps(), oracle=TableOracle())]
    assert seen == [(2, 2), (3, 3), (3, 3)]


def test_run_counts_iterations_in_all():
    psro = PSRO(rps(), oracle=TableOracle(), meta_solver="uniform", admit=lambda r, g: True)
    psro.run(2)
    psro.run(5)
    assert len(psro.steps) == 5


def test_sampled_cells_hold_exactly_the_episodes_asked_for():
    game = rps(exact=False, noise=0.5)
    result = PSRO(game, oracle=TableOracle(), episodes_per_cell=30).run(2)
    table = result.table
    assert {table.count(cell) for cell in table.cells} == {30.0}
    assert table.total_episodes() == game.played == 30 * len(table.cells)


def test_symmetric_zero_sum_diagonal_is_known_without_playing():
    game = rps(exact=False)
    result = PSRO(game, oracle=TableOracle(), episodes_per_cell=5).run(1)
    assert game.played == 5
    assert np.asarray(result.table.payoffs()).tolist() == [[0.0, -1.0], [1.0, 0.0]]


def test_same_seed_same_run_and_another_seed_another_run():
    def table(seed):
        game = rps(exact=False, noise=0.5)
        return PSRO(game, oracle=TableOracle(), episodes_per_cell=20, seed=seed).run(3).table

    assert table(1) == table(1)
    assert table(1) != table(2)


def test_a_solver_can_be_passed_as_an_object():
    result = PSRO(rps(), oracle=TableOracle(), meta_solver=solvers.get("uniform")).run(1)
    np.testing.assert_array_equal(result.meta_strategy.marginals[0], [0.5, 0.5])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"meta_solver": "nahs"}, "unknown meta-solver 'nahs'; available: .*nash"),
        ({"episodes_per_cell": 0}, "episodes_per_cell must be at least 1"),
        ({"seed": -1}, "seed must be a non-negative integer"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        PSRO(rps(), oracle=TableOracle(), **settings)


# Runs on disk --------------------------------------------------------------------------------


def make(directory, *, resume=False, episodes=200, seed=3):
    game = rps(exact=False, noise=0.5)
    oracle = TableOracle()
    return PSRO(
        game,
        oracle=oracle,
        episodes_per_cell=episodes,
        seed=seed,
        directory=directory,
        resume=resume,
        admit=lambda response, gain: True,
    )


def test_a_resumed_run_is_the_run_that_was_never_interrupted(tmp_path):
    whole = make(tmp_path / "whole").run(4)
    for total in (1, 2, 4):
        part = make(tmp_path / "parts", resume=True)
        resumed = part.run(total)
        part.close()
    assert resumed.table == whole.table
    assert resumed.populations == whole.populations
    np.testing.assert_array_equal(
        resumed.meta_strategy.marginals[0], whole.meta_strategy.marginals[0]
    )
    assert EmpiricalGame.load(tmp_path / "parts" / "empirical_game.npz") == whole.table


@pytest.mark.parametrize("doing", ["table", "history", "policy"])
def test_a_step_that_dies_while_writing_is_done_again(tmp_path, monkeypatch, doing):
    whole = make(tmp_path / "whole").run(3)
    psro = make(tmp_path / "run")
    psro.run(1)
    method = {"table": "save_table", "history": "commit", "policy": "save_policy"}[doing]

    def die(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(psro._run, method, die)
    with pytest.raises(KeyboardInterrupt):
        psro.run(3)
    psro.close()
    resumed = make(tmp_path / "run", resume=True).run(3)
    assert resumed.table == whole.table


def _run_in_child(directory, ready):
    psro = make(directory)
    ready.set()
    psro.run(6)


def test_twenty_kills_change_nothing(tmp_path):
    """SIGKILL at 20 random moments; each resumed run ends as the unkilled one."""
    started = time.perf_counter()
    whole = make(tmp_path / "whole").run(6)
    duration = time.perf_counter() - started
    rng = np.random.default_rng(20)
    context = multiprocessing.get_context("fork")
    unfinished = 0
    for number in range(20):
        directory = tmp_path / str(number)
        ready = context.Event()
        child = context.Process(target=_run_in_child, args=(directory, ready))
        child.start()
        assert ready.wait(timeout=30)
        time.sleep(float(rng.uniform(0.0, duration)))
        child.kill()
        child.join()
        resumed = make(directory, resume=True)
        unfinished += len(resumed.steps) < 6
        final = resumed.run(6)
        assert final.table == whole.table
        np.testing.assert_array_equal(
            final.meta_strategy.marginals[0], whole.meta_strategy.marginals[0]
        )
    assert unfinished >= 10, "the kills came too late to test anything"


def test_a_finished_run_is_not_overwritten(tmp_path):
    psro = make(tmp_path / "run")
    psro.run(1)
    psro.close()
    with pytest.raises(RunError, match="already holds a run; resume it"):
        make(tmp_path / "run")


def test_resuming_with_other_settings_says_which(tmp_path):
    psro = make(tmp_path / "run")
    psro.run(1)
    psro.close()
    with pytest.raises(RunError, match="seed was 3, is 4"):
        make(tmp_path / "run", resume=True, seed=4)


def test_two_processes_cannot_share_a_run(tmp_path):
    psro = make(tmp_path / "run")
    with pytest.raises(RunError, match="in use by another process"):
        make(tmp_path / "run", resume=True)
    psro.close()


@pytest.mark.parametrize("file", ["config.json", "history.jsonl", "empirical_game.npz"])
def test_a_damaged_run_is_refused_with_the_files_name(tmp_path, file):
    psro = make(tmp_path / "run")
    psro.run(1)
    psro.close()
    path = tmp_path / "run" / file
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RunError, match=file):
        make(tmp_path / "run", resume=True)


def test_a_missing_policy_is_named(tmp_path):
    psro = make(tmp_path / "run")
    psro.run(1)
    psro.close()
    (tmp_path / "run" / "policies" / "0" / "1" / "policy.json").unlink()
    with pytest.raises(RunError, match="policies/0/1"):
        make(tmp_path / "run", resume=True)


def test_a_directory_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"holds other files \(thesis.tex\)"):
        make(tmp_path)
