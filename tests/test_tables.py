"""Tables read from files and other libraries, written back, and refused by name."""

from __future__ import annotations

import nashpy
import numpy as np
import pyspiel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pokespiel import EmpiricalGame
from pokespiel.tables import (
    exact_game,
    from_gambit,
    from_nashpy,
    from_openspiel,
    read_csv,
    read_npz,
    to_gambit,
    to_nashpy,
    to_openspiel,
    write_csv,
)

GAMBIT = "needs pygambit, whose C++ is compiled where it is installed"

CHICKEN = np.array([[[0.0, 7.0], [2.0, 6.0]], [[0.0, 2.0], [7.0, 6.0]]])

RECORDS = """row,column,wins,losses,draws
tauros,snorlax,6,3,1
chansey,tauros,4,4,2
snorlax,chansey,5,5,0
"""


def written(tmp_path, text):
    path = tmp_path / "records.csv"
    path.write_text(text)
    return path


def test_records_of_one_population(tmp_path):
    named = read_csv(written(tmp_path, RECORDS))
    assert named.names == (("tauros", "chansey", "snorlax"),) or named.names == (
        ("tauros", "snorlax", "chansey"),
    )
    (names,) = named.names
    tauros, snorlax, chansey = (names.index(n) for n in ("tauros", "snorlax", "chansey"))
    payoffs = np.asarray(named.game.payoffs())
    assert payoffs[tauros, snorlax] == pytest.approx(0.65)
    assert payoffs[snorlax, tauros] == pytest.approx(0.35)
    assert payoffs[tauros, chansey] == payoffs[chansey, tauros] == pytest.approx(0.5)
    assert named.game.count((tauros, chansey)) == 10
    assert payoffs[tauros, tauros] == 0.5


def test_records_of_two_populations(tmp_path):
    text = "column,row,losses,wins\nhydro pump,zapdos,1,3\nrest,zapdos,0,4\n"
    named = read_csv(written(tmp_path, text), symmetric=False)
    assert named.names == (("zapdos",), ("hydro pump", "rest"))
    assert named.game.sizes == (1, 2)
    assert named.game.payoffs().tensor[0].tolist() == [[0.75, 1.0]]
    assert named.game.payoffs().tensor[1].tolist() == [[0.25, 0.0]]


@pytest.mark.parametrize("symmetric", [True, False])
def test_records_round_trip(tmp_path, symmetric):
    named = read_csv(written(tmp_path, RECORDS), symmetric=symmetric)
    write_csv(tmp_path / "copy.csv", named)
    copy = read_csv(tmp_path / "copy.csv", symmetric=symmetric)
    assert set(copy.names[0]) == set(named.names[0])
    for row, first in enumerate(named.names[0]):
        for column, second in enumerate(named.names[-1]):
            theirs = copy.names[0].index(first), copy.names[-1].index(second)
            assert copy.game.count(theirs) == named.game.count((row, column))
            np.testing.assert_array_equal(copy.game.mean(theirs), named.game.mean((row, column)))


def test_a_pairing_that_was_not_played_stays_unplayed(tmp_path):
    named = read_csv(written(tmp_path, "\n".join(RECORDS.splitlines()[:3])))
    assert len(named.game.missing(1)) == 1


HEAD = "row,column,wins,losses,draws\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have the columns row, column, wins, losses, draws .* got none"),
        ("row,column,wins\na,b,1\n", "must have the columns"),
        ("row,column,wins,losses,ties\na,b,1,1,1\n", "got row, column, wins, losses, ties"),
        ("row,row,column,wins,losses\na,a,b,1,1\n", "each once"),
        (HEAD, "holds no pairings"),
        (HEAD + "a,b,1,1\n", "line 2: 5 fields expected, got 4"),
        (HEAD + "a,,1,1,0\n", "line 2: row and column must be named"),
        (HEAD + "a,b,-1,1,0\n", "line 2: wins must be a whole number of at least 0, got '-1'"),
        (HEAD + "a,b,0.6,0.4,0\n", "wins must be a whole number"),
        (HEAD + "a,b,1,,0\n", "losses must be a whole number of at least 0, got ''"),
        (HEAD + "a,b,0,0,0\n", "no games; leave out pairings"),
        (HEAD + "a,b,1,0,0\na,b,1,0,0\n", "line 3: a against b was given before"),
        (HEAD + "a,b,1,0,0\nb,a,1,0,0\n", "line 3: b against a was given before"),
    ],
)
def test_bad_records_are_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_csv(written(tmp_path, text))


def test_only_wins_draws_and_losses_are_records(tmp_path):
    named = read_csv(written(tmp_path, RECORDS))
    named.game.record((0, 1), [[0.3, 0.7]])
    with pytest.raises(ValueError, match=r"not a table of wins, draws and losses; use save\(\)"):
        write_csv(tmp_path / "copy.csv", named)


def test_npz_of_either_kind(tmp_path):
    table = EmpiricalGame(2, symmetric=True, zero_sum=True, payoff_bounds=(0.0, 1.0), sizes=(2, 2))
    table.record((0, 1), [[1.0, 0.0]])
    table.save(tmp_path / "table.npz")
    assert read_npz(tmp_path / "table.npz") == table
    np.savez(tmp_path / "matrix.npz", payoffs=[[0.5, 1.0], [0.0, 0.5]])
    read = read_npz(tmp_path / "matrix.npz")
    assert np.asarray(read.payoffs()).tolist() == [[0.5, 1.0], [0.0, 0.5]]
    assert read.count((0, 1)) == np.inf
    np.savez(tmp_path / "tensor.npz", CHICKEN)
    assert not read_npz(tmp_path / "tensor.npz").symmetric
    assert read_npz(tmp_path / "tensor.npz", symmetric=True).symmetric


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.eye(2), "b": np.eye(2)}, "one array of payoffs, it has a, b"),
        ({"a": np.zeros((2, 3))}, r"bad\.npz: a payoff matrix must be square"),
        ({"a": np.array([[np.nan]])}, r"bad\.npz: payoffs must be finite"),
        ({"metadata": np.array("{}")}, "not a readable empirical game"),
    ],
)
def test_bad_archives_are_named(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_npz(tmp_path / "bad.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match=r"text\.npz is not a readable npz archive"):
        read_npz(tmp_path / "text.npz")


@pytest.mark.parametrize("kind", ["openspiel", "gambit"])
@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=3), st.integers(0, 2**32))
def test_games_go_there_and_back(kind, sizes, seed):
    there, back = to_openspiel, from_openspiel
    if kind == "gambit":
        pytest.importorskip("pygambit", reason=GAMBIT)
        there, back = to_gambit, from_gambit
    tensor = np.random.default_rng(seed).integers(-9, 9, size=(len(sizes), *sizes)) / 4.0
    game = back(there(tensor))
    assert game.sizes == tuple(sizes)
    np.testing.assert_allclose(game.payoffs().tensor, tensor)
    assert game.zero_sum == (np.ptp(tensor.sum(axis=0)) == 0.0)


def test_bimatrix_games_go_to_nashpy_and_back():
    game = to_nashpy(exact_game(CHICKEN))
    np.testing.assert_array_equal(game.payoff_matrices, CHICKEN)
    assert from_nashpy(game) == exact_game(CHICKEN)
    assert from_nashpy(nashpy.Game(np.array([[0.0, 1.0], [-1.0, 0.0]])), symmetric=True).zero_sum


def test_a_sampled_table_is_converted_by_its_means(tmp_path):
    table = read_csv(written(tmp_path, RECORDS)).game
    np.testing.assert_allclose(to_openspiel(table).row_utilities(), np.asarray(table.payoffs()))


def test_any_one_shot_game_of_openspiel_is_taken():
    blotto = from_openspiel(pyspiel.load_game("blotto(coins=3,fields=2,players=2)"), symmetric=True)
    assert blotto.sizes == (4, 4)
    assert blotto.zero_sum
    matrix = from_openspiel(pyspiel.load_matrix_game("matrix_rps"), symmetric=True)
    assert np.asarray(matrix.payoffs()).tolist() == [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: from_openspiel(pyspiel.load_game("kuhn_poker")), "not a one-shot game"),
        (lambda: from_openspiel(pyspiel.load_game("goofspiel")), "not a one-shot game"),
        (lambda: to_nashpy(np.zeros((3, 2, 2, 2))), "nashpy takes two-player games"),
        (lambda: exact_game(-CHICKEN[[0, 0]], symmetric=True), "not symmetric"),
    ],
)
def test_games_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_gambit_game_of_different_players_is_not_symmetric():
    pygambit = pytest.importorskip("pygambit", reason=GAMBIT)
    with pytest.raises(ValueError, match="not symmetric"):
        from_gambit(pygambit.Game.from_arrays([[1.0]], [[2.0]]), symmetric=True)
