"""The sequence form agrees with OpenSpiel's own algorithms and with published figures."""

from __future__ import annotations

import functools

import numpy as np
import pyspiel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.algorithms import best_response as openspiel_best_response
from open_spiel.python.algorithms import expected_game_score, exploitability

from pokespiel.openspiel.best_response import best_response, best_response_value
from pokespiel.openspiel.compile import GameTooLargeError, compile_game, estimate_histories
from pokespiel.openspiel.policy import from_openspiel, to_openspiel
from pokespiel.openspiel.sequence_form import SequenceForm
from pokespiel.openspiel.states import is_simultaneous

GAMES = [
    "kuhn_poker",
    "kuhn_poker(players=3)",
    "kuhn_poker(players=4)",
    "leduc_poker",
    "liars_dice(dice_sides=3)",
    "tiny_hanabi",
    "first_sealed_auction(max_value=4)",
    "trade_comm(num_items=2)",
    "battleship(board_width=1,board_height=2,ship_sizes=[1],ship_values=[1],num_shots=2)",
    "dark_hex(num_rows=2,num_cols=2)",
    # Perfect information.
    "mnk(m=2,n=2,k=2)",
    "nim(pile_sizes=2;3)",
    # Simultaneous moves.
    "goofspiel(num_cards=3,imp_info=True,points_order=descending)",
    "goofspiel(num_cards=3,players=3,points_order=random)",
    "oshi_zumo(horizon=3,coins=3)",
    "blotto(coins=4,fields=2)",
    "matrix_pd",
    "matching_pennies_3p",
    "python_iterated_prisoners_dilemma(max_game_length=3)",
    # One player.
    "cliff_walking(height=2,width=3,horizon=4)",
]


@functools.cache
def compiled(name: str) -> SequenceForm:
    return compile_game(name)


def random_behaviours(form: SequenceForm, rng: np.random.Generator) -> list[np.ndarray]:
    """Random behaviours that sometimes never take an action."""
    behaviours = []
    for own in form.players:
        weights = rng.exponential(size=own.num_sequences) * (
            rng.random(own.num_sequences) < 0.7
        ) + 1e-3 * (rng.random() < 0.5)
        totals = np.add.reduceat(weights, own.first_sequence[:-1])
        empty = np.repeat(totals == 0.0, own.num_actions)
        weights[1:][empty] = 1.0
        totals = np.add.reduceat(weights, own.first_sequence[:-1])
        weights[1:] /= np.repeat(totals, own.num_actions)
        weights[0] = 1.0
        behaviours.append(own.check(weights))
    return behaviours


def plans_of(form: SequenceForm, behaviours: list[np.ndarray]) -> list[np.ndarray]:
    pairs = zip(form.players, behaviours, strict=True)
    return [own.realization_plan(behaviour) for own, behaviour in pairs]


def nash_conv(form: SequenceForm, plans: list[np.ndarray]) -> float:
    gradients = [form.gradient(player, plans) for player in range(form.num_players)]
    return sum(
        best_response_value(own, gradient) - gradient @ plan
        for own, gradient, plan in zip(form.players, gradients, plans, strict=True)
    )


@pytest.mark.parametrize("name", GAMES)
def test_agrees_with_openspiel_on_random_policies(name: str) -> None:
    form = compiled(name)
    rng = np.random.default_rng(1)
    for _ in range(2):
        behaviours = random_behaviours(form, rng)
        plans = plans_of(form, behaviours)
        theirs = to_openspiel(form, behaviours)
        root = form.game.new_initial_state()
        for player in range(form.num_players):
            reference = openspiel_best_response.BestResponsePolicy(form.game, player, theirs)
            value = best_response_value(form.players[player], form.gradient(player, plans))
            assert value == pytest.approx(reference.value(root), abs=1e-9)
        reference_conv = exploitability.nash_conv(form.game, theirs)
        assert nash_conv(form, plans) == pytest.approx(reference_conv, abs=1e-9)
        if form.num_players > 1:
            # OpenSpiel takes one joint policy where moves are simultaneous, else one per player.
            policies = theirs if is_simultaneous(form.game) else [theirs] * form.num_players
            scores = expected_game_score.policy_value(root, policies)
            np.testing.assert_allclose(form.expected_returns(plans), scores, atol=1e-9)


@pytest.mark.parametrize("name", ["kuhn_poker", "leduc_poker", "liars_dice(dice_sides=3)"])
def test_agrees_with_openspiels_cpp_nash_conv(name: str) -> None:
    form = compiled(name)
    behaviours = random_behaviours(form, np.random.default_rng(2))
    table = openspiel_policy.TabularPolicy(form.game)
    theirs = to_openspiel(form, behaviours)
    for state in table.states:
        for action, probability in theirs.action_probabilities(state).items():
            table.policy_for_key(state.information_state_string())[action] = probability
    reference = pyspiel.nash_conv(
        form.game, openspiel_policy.python_policy_to_pyspiel_policy(table)
    )
    assert nash_conv(form, plans_of(form, behaviours)) == pytest.approx(reference, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # open_spiel/python/algorithms/exploitability_test.py; the 3- and 4-player values and
        # liar's dice are OpenSpiel 2.0.2's own answers.
        ("kuhn_poker", 11 / 12),
        ("leduc_poker", 4.747222222222222),
        ("kuhn_poker(players=3)", 2.0625),
        ("kuhn_poker(players=4)", 3.4760416667),
        ("goofspiel(num_cards=4,imp_info=True,points_order=descending)", 1.4166666667),
    ],
)
def test_nash_conv_of_the_uniform_policy(name: str, expected: float) -> None:
    form = compiled(name)
    plans = plans_of(form, [own.uniform() for own in form.players])
    assert nash_conv(form, plans) == pytest.approx(expected, abs=1e-9)


def test_nash_conv_of_the_uniform_policy_in_liars_dice() -> None:
    form = compile_game("liars_dice")
    plans = plans_of(form, [own.uniform() for own in form.players])
    assert nash_conv(form, plans) == pytest.approx(1.5614886463844795, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # open_spiel/python/algorithms/best_response_test.py
        ("oshi_zumo(horizon=5,coins=5)", 0.856471051954),
        ("python_iterated_prisoners_dilemma(max_game_length=5)", 21.4320068359375),
    ],
)
def test_best_response_to_uniform_in_simultaneous_games(name: str, value: float) -> None:
    form = compile_game(name)
    plans = plans_of(form, [own.uniform() for own in form.players])
    behaviour, found = best_response(form.players[0], form.gradient(0, plans))
    assert found == pytest.approx(value, abs=1e-9)
    if name.startswith("python"):
        own = form.players[0]
        last = own.first_sequence[own.index["us:CDCD op:DCDC"]]
        assert behaviour[last : last + 2].tolist() == [0.0, 1.0]  # defect


def test_always_first_action_in_kuhn() -> None:
    # Always passing: exploitability_test.py, NashConv 2.
    form = compiled("kuhn_poker")
    behaviours = []
    for own in form.players:
        behaviour = np.zeros(own.num_sequences)
        behaviour[0] = 1.0
        behaviour[own.first_sequence[:-1]] = 1.0
        behaviours.append(behaviour)
    assert nash_conv(form, plans_of(form, behaviours)) == pytest.approx(2.0, abs=1e-12)


def test_a_one_player_game_with_chance_and_no_information_state_strings() -> None:
    # A paddle that follows the ball always catches it.
    form = compile_game("catch(rows=4,columns=3)")
    (own,) = form.players
    uniform = own.realization_plan(own.uniform())
    behaviour, value = best_response(own, form.gradient(0, [uniform]))
    assert value == pytest.approx(1.0)
    assert form.expected_returns([own.realization_plan(behaviour)]) == pytest.approx([1.0])


class TestBestResponse:
    @pytest.mark.parametrize("name", GAMES)
    def test_earns_its_value(self, name: str) -> None:
        form = compiled(name)
        plans = plans_of(form, random_behaviours(form, np.random.default_rng(3)))
        for player, own in enumerate(form.players):
            for ties in ("uniform", "first"):
                behaviour, value = best_response(own, form.gradient(player, plans), ties=ties)
                own.check(behaviour)
                answered = [*plans]
                answered[player] = own.realization_plan(behaviour)
                assert form.expected_returns(answered)[player] == pytest.approx(value, abs=1e-9)
                if ties == "first":
                    assert set(np.unique(behaviour)) <= {0.0, 1.0}

    def test_breaks_ties_as_told(self) -> None:
        form = compiled("matrix_rps")
        plans = plans_of(form, [own.uniform() for own in form.players])
        own, gradient = form.players[0], form.gradient(0, plans)
        behaviour, value = best_response(own, gradient, ties="first")
        assert behaviour.tolist() == [1.0, 1.0, 0.0, 0.0]
        assert value == pytest.approx(0.0, abs=1e-15)
        assert best_response(own, gradient)[0] == pytest.approx([1.0, 1 / 3, 1 / 3, 1 / 3])
        with pytest.raises(ValueError, match="'uniform' or 'first', not 'last'"):
            best_response(own, gradient, ties="last")

    def test_everything_ties_where_the_opponent_never_goes(self) -> None:
        form = compiled("kuhn_poker")
        first, second = form.players
        never_bets = np.zeros(first.num_sequences)
        never_bets[0] = 1.0
        never_bets[first.first_sequence[:-1]] = 1.0
        plans = plans_of(form, [never_bets, second.uniform()])
        facing_a_bet = [second.index[f"{card}b"] for card in "012"]
        for ties, passing in (("first", 1.0), ("uniform", 0.5)):
            behaviour, _ = best_response(second, form.gradient(1, plans), ties=ties)
            assert behaviour[second.first_sequence[facing_a_bet]].tolist() == [passing] * 3


class TestPlans:
    @given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(GAMES[:5]))
    @settings(max_examples=20, deadline=None)
    def test_behaviour_and_plan_are_two_views_of_one_policy(self, seed: int, name: str) -> None:
        form = compiled(name)
        rng = np.random.default_rng(seed)
        for own, behaviour in zip(form.players, random_behaviours(form, rng), strict=True):
            plan = own.realization_plan(behaviour)
            back = own.behaviour(plan)
            np.testing.assert_allclose(own.realization_plan(back), plan, atol=1e-12)
            reached = plan[own.sequence_parent] > 0.0
            np.testing.assert_allclose(back[reached], behaviour[reached], atol=1e-12)

    @given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(GAMES[:5]))
    @settings(max_examples=20, deadline=None)
    def test_an_average_is_worth_what_the_mixture_is_worth(self, seed: int, name: str) -> None:
        form = compiled(name)
        rng = np.random.default_rng(seed)
        policies = [random_behaviours(form, rng) for _ in range(3)]
        weights = rng.dirichlet(np.ones(3))
        own = form.players[0]
        rest = plans_of(form, policies[0])[1:]
        averaged = own.average(np.array([policy[0] for policy in policies]), weights)
        own.check(own.behaviour(averaged))
        each = [
            form.expected_returns([own.realization_plan(policy[0]), *rest]) for policy in policies
        ]
        np.testing.assert_allclose(
            form.expected_returns([averaged, *rest]), weights @ np.array(each), atol=1e-10
        )


@pytest.mark.parametrize("name", [g for g in GAMES if "players=4" not in g])
def test_policies_go_to_openspiel_and_back(name: str) -> None:
    form = compiled(name)
    behaviours = random_behaviours(form, np.random.default_rng(4))
    players = range(form.num_players)
    back = from_openspiel(form, to_openspiel(form, behaviours), players)
    for player in players:
        np.testing.assert_allclose(back.behaviours[player], behaviours[player], atol=1e-12)


def test_policies_of_the_turn_based_conversion_are_policies_of_the_game() -> None:
    form = compiled("goofspiel(num_cards=3,imp_info=True,points_order=descending)")
    game = pyspiel.convert_to_turn_based(form.game)
    behaviours = random_behaviours(form, np.random.default_rng(5))
    theirs = to_openspiel(form, behaviours)
    table = openspiel_policy.tabular_policy_from_callable(game, theirs.action_probabilities)
    back = from_openspiel(form, table, [0, 1])
    for player in (0, 1):
        np.testing.assert_allclose(back.behaviours[player], behaviours[player], atol=1e-12)


class TestRefusals:
    def test_imperfect_recall(self) -> None:
        with pytest.raises(ValueError, match="imperfect recall: player 1 reaches information"):
            compile_game("liars_dice_ir")

    def test_sampled_stochastic(self) -> None:
        with pytest.raises(ValueError, match="tabular Q-learning and PPO still work"):
            compile_game("tarok")

    def test_no_information_states(self) -> None:
        with pytest.raises(ValueError, match="provides no information state strings"):
            compile_game("deep_sea(size=3)")

    def test_mean_field(self) -> None:
        with pytest.raises(ValueError, match="mean-field"):
            compile_game("mfg_garnet")

    def test_a_misspelt_name(self) -> None:
        with pytest.raises(ValueError, match="no game called 'leduc_pocker'; did you mean leduc"):
            compile_game("leduc_pocker")

    def test_wrong_parameters(self) -> None:
        with pytest.raises(ValueError, match="OpenSpiel cannot load"):
            compile_game("kuhn_poker(seats=2)")

    def test_something_else(self) -> None:
        with pytest.raises(ValueError, match="OpenSpiel game or its name, got int"):
            compile_game(3)

    def test_a_hopelessly_large_game_is_refused_early(self) -> None:
        with pytest.raises(GameTooLargeError, match=r"e.* or more; use .*exact=False"):
            compile_game("go(board_size=9)")

    def test_a_somewhat_too_large_game_is_refused_at_the_limit(self) -> None:
        with pytest.raises(GameTooLargeError, match="at most 5,000 are compiled"):
            compile_game("leduc_poker", max_histories=5_000)
        assert compile_game("leduc_poker", max_histories=9_457).tree.num_histories == 9_457

    def test_the_estimate_is_cautious(self) -> None:
        for name in ("leduc_poker", "kuhn_poker(players=3)"):
            truth = compiled(name).tree.num_histories
            assert 0.05 * truth < estimate_histories(pyspiel.load_game(name)) < 10 * truth

    def test_a_behaviour_that_is_none(self) -> None:
        own = compiled("kuhn_poker").players[0]
        with pytest.raises(ValueError, match=r"has shape \(13,\), got \(2,\)"):
            own.check([1.0, 0.0])
        with pytest.raises(ValueError, match="sum to 2"):
            own.check(np.ones(13))
        with pytest.raises(ValueError, match="non-negative"):
            own.check(-np.ones(13))
