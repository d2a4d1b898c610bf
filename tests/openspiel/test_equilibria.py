"""Equilibria of compiled games by other means than PSRO: baselines, and second opinions."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from pokespiel.openspiel import SequenceForm, compile_game
from pokespiel.openspiel.best_response import best_response_value
from pokespiel.openspiel.cfr import cfr, cfr_br
from pokespiel.openspiel.linear_program import minimum_exploitability, solve_zero_sum
from pokespiel.openspiel.magnetic_mirror_descent import magnetic_mirror_descent

GOOFSPIEL = "goofspiel(num_cards=4,imp_info=True,points_order=descending)"


@pytest.fixture(scope="module")
def kuhn() -> SequenceForm:
    return compile_game("kuhn_poker")


@pytest.fixture(scope="module")
def leduc() -> SequenceForm:
    return compile_game("leduc_poker")


def nash_conv(form: SequenceForm, plans) -> float:
    gradients = [form.gradient(player, plans) for player in range(form.num_players)]
    return sum(
        best_response_value(own, gradient) - gradient @ plan
        for own, gradient, plan in zip(form.players, gradients, plans, strict=True)
    )


class TestLinearProgram:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            # open_spiel/python/algorithms/sequence_form_lp_test.py
            ("kuhn_poker", -1 / 18),
            ("leduc_poker", -0.085606424078),
            (GOOFSPIEL, 0.0),
            ("matrix_rps", 0.0),
        ],
    )
    def test_game_values(self, name: str, value: float) -> None:
        form = compile_game(name)
        equilibrium = solve_zero_sum(form)
        assert equilibrium.value == pytest.approx(value, abs=1e-9)
        assert nash_conv(form, equilibrium.plans) == pytest.approx(0.0, abs=1e-8)

    def test_of_a_game_with_fewer_actions(self, kuhn: SequenceForm) -> None:
        # A first player who never bets and folds to every bet loses the ante whenever the second
        # bets; the second then always does.
        first, second = kuhn.players
        passive = np.zeros(first.num_sequences, dtype=bool)
        passive[first.first_sequence[:-1]] = True
        allowed = (passive, np.ones(second.num_sequences, dtype=bool))
        equilibrium = solve_zero_sum(kuhn, allowed)
        assert equilibrium.value == pytest.approx(-1.0)
        assert np.all(equilibrium.plans[0][1:][~passive[1:]] == 0.0)

    def test_refuses_other_games(self) -> None:
        for name in ("matrix_pd", "kuhn_poker(players=3)"):
            with pytest.raises(ValueError, match="not a two-player zero-sum game"):
                solve_zero_sum(compile_game(name))

    def test_minimum_exploitability_of_a_mixture(self, kuhn: SequenceForm) -> None:
        rng = np.random.default_rng(0)
        own, other = kuhn.players
        plans = []
        for _ in range(4):
            choice = own.first_sequence[:-1] + rng.integers(own.num_actions)
            behaviour = np.zeros(own.num_sequences)
            behaviour[choice] = 1.0
            plans.append(own.realization_plan(behaviour))
        weights, value, reply = minimum_exploitability(kuhn, 0, np.array(plans))

        def worst(w: np.ndarray) -> float:
            mixed = w @ np.array(plans)
            return -best_response_value(other, kuhn.gradient(1, [mixed, np.zeros(0)]))

        assert worst(weights) == pytest.approx(value, abs=1e-9)
        # Against the opponent's part of the equilibrium no plan does better.
        assert max(np.array(plans) @ kuhn.gradient(0, [np.zeros(0), reply])) <= value + 1e-9
        tried = [worst(w) for w in rng.dirichlet(np.ones(4), size=300)]
        assert max(tried) <= value + 1e-9

    def test_of_one_plan_there_is_nothing_to_choose(self, kuhn: SequenceForm) -> None:
        own = kuhn.players[1]
        uniform = own.realization_plan(own.uniform())
        weights, value, _ = minimum_exploitability(kuhn, 1, uniform[None])
        assert weights == pytest.approx([1.0])
        assert value == pytest.approx(-0.5)  # the best response to uniform earns 1/2


class TestCFR:
    def test_on_leduc(self, leduc: SequenceForm) -> None:
        # Exploitability of the average policy, OpenSpiel's CFR: at 1, 10, 50 and 100 iterations.
        curve = [nash_conv(leduc, plans) / 2 for plans in islice(cfr(leduc), 100)]
        assert [curve[i] for i in (0, 9, 49, 99)] == pytest.approx(
            [2.3736, 0.8886, 0.1891, 0.0957], abs=5e-5
        )

    def test_plus_is_faster(self, leduc: SequenceForm) -> None:
        *_, plans = islice(cfr(leduc, plus=True), 100)
        assert nash_conv(leduc, plans) / 2 < 0.02

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            # open_spiel/python/algorithms/cfr_br_test.py; its iteration 0 is the uniform policy.
            ("kuhn_poker", [0.9166666667, 0.3333333333, 0.3194444444, 0.2604166667, 0.2266666667]),
            ("leduc_poker", [4.7472222222, 4.0068672840, 3.4090489231, 2.8982539553, 2.5367193594]),
        ],
    )
    def test_against_best_responses(self, name: str, expected: list[float]) -> None:
        form = compile_game(name)
        curve = [nash_conv(form, plans) for plans in islice(cfr_br(form), 5)]
        assert curve == pytest.approx(expected, abs=1e-9)

    def test_plays_kuhn_at_its_value(self, kuhn: SequenceForm) -> None:
        *_, plans = islice(cfr(kuhn), 300)
        assert kuhn.expected_returns(plans)[0] == pytest.approx(-1 / 18, abs=1e-3)


class TestMagneticMirrorDescent:
    @pytest.mark.parametrize(
        ("name", "reached"), [("kuhn_poker", 0.03), ("leduc_poker", 0.4), (GOOFSPIEL, 0.03)]
    )
    def test_the_last_iterate_approaches_equilibrium(self, name: str, reached: float) -> None:
        form = compile_game(name)
        curve = [nash_conv(form, plans) / 2 for plans in islice(magnetic_mirror_descent(form), 500)]
        assert curve[-1] < reached
        assert curve[-1] < curve[49] < curve[0]

    def test_stays_inside(self, kuhn: SequenceForm) -> None:
        *_, plans = islice(magnetic_mirror_descent(kuhn), 50)
        for own, plan in zip(kuhn.players, plans, strict=True):
            assert np.all(plan > 0.0)
            own.check(own.behaviour(plan))

    def test_refuses_bad_settings(self, kuhn: SequenceForm) -> None:
        with pytest.raises(ValueError, match="must be positive"):
            next(magnetic_mirror_descent(kuhn, step=0.0))


@pytest.mark.parametrize("name", ["kuhn_poker(players=3)", "leduc_poker"])
def test_reach_counts_every_history_of_an_information_state(name: str) -> None:
    form = compile_game(name)
    plans = [own.realization_plan(own.uniform()) for own in form.players]
    tree = form.tree
    for player, own in enumerate(form.players):
        expected = np.zeros(own.num_infostates)
        for node in np.flatnonzero(tree.player == player):
            probability, at = 1.0, node
            while at > 0:
                above = tree.parent[at]
                if tree.player[above] < 0:
                    probability *= tree.chance[at]
                elif tree.player[above] != player:
                    mover = form.players[tree.player[above]]
                    probability /= mover.num_actions[tree.infostate[above]]
                at = above
            expected[tree.infostate[node]] += probability
        np.testing.assert_allclose(form.reach(player, plans), expected, atol=1e-12)
