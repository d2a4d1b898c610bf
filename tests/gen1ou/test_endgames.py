"""Endgames solved over the exact chances of the engine's own rules."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pokespiel.gen1ou import endgames
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.endgames import Position, Standing
from pokespiel.gen1ou.endgames.matrix_games import guarantees, solve_games
from pokespiel.gen1ou.endgames.play import cells_of, follow, rows_of
from pokespiel.gen1ou.endgames.regret import engine_policy, regret
from pokespiel.gen1ou.endgames.solve import build, guaranteed, initial_values, payoffs
from pokespiel.gen1ou.endgames.unknowns import roll_weights, runs
from pokespiel.gen1ou.engine import Battles
from pokespiel.gen1ou.engine import layout as at
from solvers.zero_sum import MatrixGameLP

BULL = ("Body Slam", "Hyper Beam")
FAST = (
    Position(
        "boom",
        (Standing("Tauros", BULL, hp=250),),
        (Standing("Snorlax", ("Body Slam", "Self-Destruct"), hp=350),),
    ),
    Position(
        "sleep",
        (Standing("Jynx", ("Lovely Kiss", "Psychic"), hp=90),),
        (Standing("Exeggutor", ("Sleep Powder", "Explosion"), hp=90, status="slp", slept=2),),
    ),
    Position(
        "rest",
        (Standing("Alakazam", ("Psychic", "Rest"), hp=150, status="par"),),
        (Standing("Gengar", ("Night Shade", "Explosion"), hp=200),),
    ),
    Position(
        "drain",
        (Standing("Venusaur", ("Leech Seed", "Mega Drain"), hp=40),),
        (Standing("Rhydon", ("Rock Slide", "Body Slam"), hp=60, status="brn"),),
    ),
    Position(
        "switch",
        (Standing("Alakazam", ("Seismic Toss",), hp=90), Standing("Tauros", BULL, hp=80)),
        (Standing("Gengar", ("Night Shade", "Explosion"), hp=150), Standing("Tauros", BULL, hp=90)),
    ),
)


@pytest.fixture(scope="module")
def solutions():
    return {position.name: endgames.solve(position) for position in FAST}


# --- rolls that stay open ---


@pytest.mark.parametrize("n", [2, 4, 7, 8, 39, 149, 256])
def test_rolls_have_the_chances_of_the_generators_32_bits(n):
    words = np.concatenate([[0, 2**32 - 1], np.random.default_rng(0).integers(0, 2**32, 20_000)])
    drawn = np.bincount((words.astype(np.uint64) * np.uint64(n)) >> np.uint64(32), minlength=n)
    assert roll_weights(n).sum() == 1.0
    assert np.abs(roll_weights(n) - 1 / n).max() < 2**-32 * n
    assert np.abs(drawn / len(words) - roll_weights(n)).max() < 0.02


def test_a_roll_that_is_compared_splits_in_two_and_one_that_is_not_does_not():
    def program(world):
        world.roll(256)
        return world.roll(256) < 63

    found = [(answer, world.probability()) for world, answer in runs(program)]
    assert sorted(found) == [(False, 193 / 256), (True, 63 / 256)]


def test_damage_is_carried_as_a_distribution_and_split_only_at_fainting():
    def program(world):
        hp = world.given(0, np.arange(1, 61))
        damage = world.roll(39) + 20
        if damage >= hp:
            return "faints", hp
        return "stands", hp - damage

    found = {}
    for _, (name, hp) in runs(program):
        table = hp.table
        for before, weight in zip(table.given, table.weights, strict=True):
            found[name, int(before)] = found.get((name, int(before)), 0.0) + weight
    assert {name for name, _ in found} == {"faints", "stands"}
    for hp in range(1, 61):
        faints = sum(roll_weights(39)[k] for k in range(39) if 20 + k >= hp)
        assert found.get(("faints", hp), 0.0) == pytest.approx(faints, abs=1e-12)
        assert found.get(("stands", hp), 0.0) == pytest.approx(1 - faints, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 6),
    st.integers(2, 6),
    st.lists(st.tuples(st.sampled_from("+-*%<=&/"), st.booleans(), st.integers(1, 5)), max_size=6),
)
def test_programs_over_rolls_have_the_distribution_of_trying_everything(n, m, steps):
    """Random programs of arithmetic and branches, against every value of both rolls."""

    def program(x, y):
        for operation, on_x, constant in steps:
            value, other = (x, y) if on_x else (y, x)
            if operation == "+":
                value = value + other
            elif operation == "-":
                value = constant - value
            elif operation == "*":
                value = value * constant
            elif operation == "%":
                value = value % (constant + 1)
            elif operation == "/":
                value = value // constant
            elif operation == "&":
                value = value & constant
            elif operation == "<":
                value = value + 1 if value < other else value - constant
            else:
                value = other + constant if value == other else value
            x, y = (value, other) if on_x else (other, value)
        return x + 100 * y

    expected = Counter()
    for i, p in enumerate(roll_weights(n)):
        for j, q in enumerate(roll_weights(m)):
            expected[program(i, j)] += p * q
    found = Counter()
    for world, result in runs(lambda world: int(program(world.roll(n), world.roll(m)))):
        found[result] += world.probability()
    assert set(found) == set(expected)
    for result, probability in expected.items():
        assert found[result] == pytest.approx(probability, abs=1e-12)


# --- matrix games ---


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_many_small_games_are_solved_as_the_linear_program_solves_them(n, m, seed, coarse):
    rng = np.random.default_rng(seed)
    games = rng.integers(0, 3, (5, n, m)) / 2.0 if coarse else rng.random((5, n, m))
    rows, columns = solve_games(games)
    np.testing.assert_allclose(rows.sum(axis=1), 1.0)
    np.testing.assert_allclose(columns.sum(axis=1), 1.0)
    assert rows.min() >= 0.0
    assert columns.min() >= 0.0
    floor, ceiling = guarantees(games, rows, columns)
    values = [MatrixGameLP().solve(game).value for game in games]
    np.testing.assert_allclose(floor, values, atol=1e-8)
    np.testing.assert_allclose(ceiling, values, atol=1e-8)


# --- a turn's chances ---


@pytest.mark.parametrize("name", [position.name for position in FAST])
def test_chances_sum_to_one_in_every_situation(solutions, name):
    endgame = solutions[name].endgame
    ones = [np.ones(node.shape) for node in endgame.nodes]
    for number, node in enumerate(endgame.nodes):
        if node.branches:
            np.testing.assert_allclose(payoffs(endgame, number, ones), 1.0, atol=1e-12)


@pytest.mark.parametrize("name", [position.name for position in FAST])
def test_turns_come_out_as_often_on_the_compiled_engine(solutions, name):
    """2,000 turns of the engine from random hp and situations, against the exact chances."""
    rng = np.random.default_rng(5)
    endgame = solutions[name].endgame
    going = [k for k, node in enumerate(endgame.nodes) if node.branches]
    for number in rng.choice(going, min(3, len(going)), replace=False):
        node = endgame.nodes[number]
        pairs = list(node.branches)
        pair = pairs[rng.integers(len(pairs))]
        cell = int(rng.integers(np.prod(node.shape)))
        expected = exact_turn(endgame, int(number), pair, cell)
        seen = sampled_turn(endgame, int(number), pair, cell, 2_000, rng)
        assert set(seen) <= set(expected)
        assert sum(expected.values()) == pytest.approx(1.0)
        chances = np.array(list(expected.values())) * 2_000
        counts = np.array([seen[key] for key in expected])
        common = chances >= 5
        chances = np.append(chances[common], chances[~common].sum())
        counts = np.append(counts[common], counts[~common].sum())
        keep = chances > 0
        statistic = ((counts - chances)[keep] ** 2 / chances[keep]).sum()
        freedom = keep.sum() - 1
        # Far beyond the 99.99 % point of chi-squared.
        assert statistic < freedom + 5 * np.sqrt(2 * max(freedom, 1)) + 10


def exact_turn(endgame, number, pair, cell):
    """Chances of (situation, cell) after a turn."""
    shape = endgame.nodes[number].shape
    where = np.unravel_index(cell, shape)
    found = Counter()
    for branch in endgame.nodes[number].branches[pair]:
        after = endgame.nodes[branch.successor].shape
        chances = np.full((1,) * len(shape), branch.probability)
        for axis in range(len(shape)):
            line = np.zeros(after[axis])
            if axis in branch.kernels:
                kernel = branch.kernels[axis]
                kernel = kernel if isinstance(kernel, np.ndarray) else kernel.toarray()
                line[:] = kernel[where[axis]]
            else:
                line[where[axis] if after[axis] > 1 else 0] = 1.0
            chances = np.multiply.outer(chances, line)
        chances = chances.reshape(after)
        for index in np.argwhere(chances > 0):
            found[branch.successor, int(np.ravel_multi_index(tuple(index), after))] += float(
                chances[tuple(index)]
            )
    return found


def sampled_turn(endgame, number, pair, cell, times, rng):
    node = endgame.nodes[number]
    battles = Battles(times)
    battles.rows[:] = rows_of(endgame, number, rng)[cell]
    for place, values, shares in node.situation.beliefs:
        battles.rows[:, place] = rng.choice(values, times, p=np.array(shares) / sum(shares))
    words = rng.integers(-(2**31), 2**31, (times, 2), dtype=np.int32)
    battles.rows[:, at.PRNG_HIGH : at.PRNG_LOW + 1] = words
    actions = [node.actions[s][pair[s]] for s in range(2)]
    battles.step(np.tile(actions, (times, 1)))
    seen = Counter()
    for row in battles.rows:
        successor = follow(endgame, number, pair, row)
        seen[successor, int(cells_of(endgame, successor, row[None])[0])] += 1
    return seen


def test_sleep_is_believed_as_players_see_it():
    """Asleep for k turns already, the rest is uniform over what is left of one to seven."""
    sleeper = Standing("Exeggutor", ("Psychic",), status="slp", slept=2)
    endgame = build(Position("doze", (Standing("Alakazam", ("Seismic Toss",)),), (sleeper,)))
    lengths = [
        len(node.situation.beliefs[0][1]) for node in endgame.nodes if node.situation.beliefs
    ]
    assert endgame.nodes[0].situation.beliefs[0][1] == (1, 2, 3, 4, 5)
    assert set(lengths) <= {2, 3, 4, 5}


# --- solutions ---


def test_seismic_toss_at_a_hundred_hp_each_is_won_by_the_first_to_hit():
    """Alakazam is faster; both hit 255 times in 256: v = a + (1 - a)^2 v."""
    position = Position(
        "toss",
        (Standing("Alakazam", ("Seismic Toss",), hp=100),),
        (Standing("Chansey", ("Seismic Toss",), hp=100),),
    )
    hit = 255 / 256
    solution = endgames.solve(position)
    assert solution.bounds == pytest.approx((hit / (1 - (1 - hit) ** 2),) * 2, abs=1e-9)


def test_speed_ties_make_a_mirror_even():
    standing = Standing("Tauros", BULL, hp=150)
    solution = endgames.solve(Position("mirror", (standing,), (standing,)))
    assert solution.bounds[0] <= 0.5 <= solution.bounds[1]
    assert solution.value == pytest.approx(0.5, abs=1e-6)


def test_exploding_last_against_last_is_a_tie_if_it_hits():
    """At 1 hp each a slower Snorlax can only lose; a faster Gengar may tie, or win by attacking."""
    position = Position(
        "last",
        (Standing("Electrode", ("Explosion",), hp=1),),
        (Standing("Chansey", ("Seismic Toss",), hp=1),),
    )
    solution = endgames.solve(position)
    # A miss (1 in 256) kills Electrode alone.
    assert solution.value == pytest.approx(0.5 * 255 / 256, abs=1e-9)


def test_bounds_close_and_the_value_lies_within_every_cells_bounds(solutions):
    for solution in solutions.values():
        assert 0.0 <= solution.bounds[1] - solution.bounds[0] < 1e-6
        for lower, upper in zip(solution.lower, solution.upper, strict=True):
            assert (lower <= upper + 1e-9).all()


def test_swapping_the_players_swaps_the_value(solutions):
    for position in FAST[:1]:
        swapped = endgames.solve(Position("swapped", position.second, position.first))
        assert swapped.value == pytest.approx(1 - solutions[position.name].value, abs=1e-6)


def test_explosion_is_mixed(solutions):
    """Hyper Beam knocks Snorlax out unless it explodes first; neither player may be certain."""
    solution = solutions["boom"]
    assert all(0.01 < p < 0.99 for player in range(2) for p in solution.mix(player).values())


@pytest.mark.parametrize("name", [position.name for position in FAST])
def test_the_solved_policies_earn_their_value_on_the_engine(solutions, name):
    solution = solutions[name]
    returns = endgames.play(solution.endgame, solution.strategies, 1500, np.random.default_rng(11))
    # A return's variance is at most that of a coin that wins as often.
    error = np.sqrt(solution.value * (1 - solution.value) / len(returns))
    assert abs(returns.mean() - solution.value) < 4 * error


def test_a_solved_strategy_keeps_its_value_against_a_uniform_player(solutions):
    """What a strategy guarantees, it also earns from somebody who plays badly, and more."""
    solution = solutions["boom"]
    uniform = [np.full_like(s, 1 / s.shape[1]) for s in solution.strategies[1]]
    returns = endgames.play(
        solution.endgame, (solution.strategies[0], uniform), 1500, np.random.default_rng(1)
    )
    assert returns.mean() > solution.bounds[0] - 4 * returns.std() / np.sqrt(len(returns))


# --- policies held against solutions ---


class FirstLegal:
    """Always the first legal action."""

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator):
        """Choose."""
        assert decisions.observations["ids"].shape == (len(decisions), 12, 6)
        return decisions.legal.argmax(axis=1)


def uniform_policy(rows, player, legal):
    return legal / legal.sum(axis=1, keepdims=True)


def test_a_uniform_policys_loss_is_what_a_best_response_takes(solutions):
    solution = solutions["boom"]
    found = regret(uniform_policy, solution, 0, rng=np.random.default_rng(0))
    uniform = [np.full_like(s, 1 / s.shape[1]) for s in solution.strategies[0]]
    won = guaranteed(solution.endgame, 0, uniform)[0][solution.endgame.start]
    assert found.won == pytest.approx(won)
    assert found.loss == pytest.approx(solution.bounds[0] - won)
    assert found.loss >= found.one_step > 0.0
    assert found.mix[:2] == pytest.approx([0.5, 0.5])


def test_losses_are_never_negative(solutions):
    policy = engine_policy(FirstLegal(), 1, np.random.default_rng(0))
    for solution in solutions.values():
        for player in range(2):
            found = regret(policy, solution, player, rng=np.random.default_rng(0))
            assert found.loss > -1e-6
            assert found.one_step > -1e-6
            assert found.loss >= found.one_step - 1e-6


def test_a_policy_that_answers_nonsense_is_refused(solutions):
    def everywhere(rows, player, legal):
        return np.full((len(rows), 10), 0.1)

    def scalar(rows, player, legal):
        return np.ones(len(rows))

    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="distributions over the legal actions"):
        regret(everywhere, solutions["boom"], 0, rng=rng)
    with pytest.raises(ValueError, match="expected"):
        regret(scalar, solutions["boom"], 0, rng=rng)


# --- positions ---


@pytest.mark.parametrize(
    ("standing", "message"),
    [
        (Standing("Tauros", BULL, hp=0), "Tauros with 0 hp: expected 1 to 353"),
        (Standing("Tauros", BULL, hp=400), "Tauros with 400 hp: expected 1 to 353"),
        (Standing("Tauros", BULL, status="sleepy"), "status 'sleepy': expected '', 'par'"),
        (Standing("Tauros", ("Spore",)), "Tauros cannot learn spore"),
        (Standing("Tauros", BULL, status="slp", slept=7), "slept 7: expected 0 to 6"),
    ],
)
def test_impossible_positions_are_named(standing, message):
    with pytest.raises(ValueError, match=message):
        Position("bad", (standing,), (Standing("Tauros", BULL),))


def test_moves_that_leave_traces_are_refused():
    wrapper = Standing("Dragonite", ("Wrap",))
    position = Position("wrap", (wrapper,), (Standing("Tauros", BULL),))
    with pytest.raises(ValueError, match="endgames do not follow wrap"):
        endgames.solve(position)


def test_positions_that_are_too_large_are_refused():
    both = (Standing("Tauros", BULL, hp=50), Standing("Alakazam", ("Thunder Wave",), hp=50))
    with pytest.raises(ValueError, match="more than 8 situations"):
        build(Position("large", both, both), max_situations=8)


def test_undecided_battles_count_against_both():
    """Two Chanseys that only heal go on forever: the bounds say that nothing is known."""
    chansey = Standing("Chansey", ("Soft-Boiled",), hp=600)
    solution = endgames.solve(Position("forever", (chansey,), (chansey,)), max_turns=20)
    assert solution.bounds == (0.0, 1.0)
    endgame = solution.endgame
    assert initial_values(endgame, 0.25)[0][endgame.start] == 0.25


# --- the table ---

DOCS = Path(__file__).parents[2] / "docs" / "endgames.md"


def table():
    """The documented values by position."""
    rows = [
        line.split("|") for line in DOCS.read_text("utf-8").splitlines() if line.count("|") == 8
    ]
    return {row[1].strip(): row for row in rows if row[1].strip() in endgames.POSITIONS}


def test_every_position_is_in_the_documents_table():
    assert list(table()) == list(endgames.POSITIONS)


@pytest.mark.parametrize("name", ["tauros-snorlax-boom", "alakazam-chansey", "slam-or-ghost"])
def test_the_documents_table_holds_what_is_solved(name):
    solution = endgames.solve(endgames.POSITIONS[name])
    row = table()[name]
    assert row[4].strip() == f"{solution.value:.5f}"
    assert row[7].strip() == f"{solution.endgame.size:,}"
    for player in range(2):
        for choice, probability in solution.mix(player).items():
            assert probability < 0.0005 or choice in row[5 + player]


def test_the_example_prints_the_tables_rows():
    script = DOCS.parents[1] / "examples" / "solve_endgames.py"
    command = [sys.executable, str(script), "--names", "alakazam-chansey", "--battles", "50"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[2] in DOCS.read_text("utf-8")
    assert lines[-1].startswith("alakazam-chansey: between 0.34622511")
    bad = subprocess.run([*command[:3], "nobody"], capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "no position is called 'nobody'" in bad.stderr
