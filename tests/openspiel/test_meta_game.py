"""OpenSpiel games as meta-games: exact and sampled cells, one population and several, storage."""

from __future__ import annotations

import json

import numpy as np
import pyspiel
import pytest

from pokespiel import PSRO
from pokespiel.openspiel import MatrixGame, OpenSpielGame
from pokespiel.openspiel.env import play_states
from pokespiel.openspiel.policy import InfostatePolicy, TabularPolicy
from pokespiel.oracles.exact import ExactOracle
from pokespiel.protocols import JointMixture, MetaGame, Mixture

GOOFSPIEL = "goofspiel(num_cards=3,imp_info=True,points_order=descending)"


def random_policy(game: OpenSpielGame, players: list[int], seed: int) -> TabularPolicy:
    rng = np.random.default_rng(seed)
    behaviours = {}
    for player in players:
        own = game.form.players[player]
        weights = rng.exponential(size=own.num_sequences)
        weights[1:] /= np.repeat(np.add.reduceat(weights, own.first_sequence[:-1]), own.num_actions)
        weights[0] = 1.0
        behaviours[player] = weights
    return TabularPolicy(behaviours)


def test_is_a_meta_game() -> None:
    for game in (OpenSpielGame("kuhn_poker"), OpenSpielGame("kuhn_poker", exact=False)):
        assert isinstance(game, MetaGame)
        assert (game.num_players, game.is_symmetric, game.is_zero_sum) == (2, False, True)
        assert game.payoff_bounds == (-2.0, 2.0)


def test_names_tell_games_and_settings_apart() -> None:
    names = {
        OpenSpielGame("kuhn_poker").name,
        OpenSpielGame("kuhn_poker", exact=False).name,
        OpenSpielGame("kuhn_poker", symmetric=True).name,
        OpenSpielGame("kuhn_poker(players=3)").name,
    }
    assert len(names) == 4
    assert OpenSpielGame("kuhn_poker").name == OpenSpielGame(pyspiel.load_game("kuhn_poker")).name


def test_populations_start_where_they_are_told() -> None:
    form = OpenSpielGame("kuhn_poker").form
    start = [TabularPolicy({p: own.uniform()}) for p, own in enumerate(form.players)]
    game = OpenSpielGame("kuhn_poker", initial=start)
    assert game.initial_policies() == start
    with pytest.raises(ValueError, match="need 1 initial policies, got 2"):
        OpenSpielGame("kuhn_poker", symmetric=True, initial=start)


class TestExact:
    @pytest.mark.parametrize(
        ("name", "values"),
        [
            # OpenSpiel's expected_returns of the uniform policy.
            ("kuhn_poker", [0.125, -0.125]),
            ("leduc_poker", [-0.078125, 0.078125]),
        ],
    )
    def test_uniform_returns(self, name: str, values: list[float]) -> None:
        game = OpenSpielGame(name)
        np.testing.assert_allclose(game.expected_returns([game.initial_policies()]), [values])

    @pytest.mark.parametrize("name", ["kuhn_poker", "kuhn_poker(players=3)", "matrix_pd"])
    def test_mixtures_are_worth_the_average_of_their_profiles(self, name: str) -> None:
        game = OpenSpielGame(name)
        rng = np.random.default_rng(0)
        mixtures = [
            Mixture(
                tuple(random_policy(game, [player], seed) for seed in range(3)),
                rng.dirichlet(np.ones(3)),
            )
            for player in range(game.num_players)
        ]
        shape = (3,) * game.num_players
        profiles = [
            [mixture.policies[i] for mixture, i in zip(mixtures, index, strict=True)]
            for index in np.ndindex(shape)
        ]
        weights = np.array(
            [
                np.prod([m.weights[i] for m, i in zip(mixtures, index, strict=True)])
                for index in np.ndindex(shape)
            ]
        )
        expected = weights @ game.expected_returns(profiles)
        np.testing.assert_allclose(game.mixture_returns(mixtures), expected, atol=1e-12)
        joint = JointMixture(tuple(tuple(profile) for profile in profiles), weights)
        np.testing.assert_allclose(game.mixture_returns(joint), expected, atol=1e-12)
        for player in range(game.num_players):
            to_mixtures = game.best_response(player, mixtures)[1]
            assert game.best_response(player, joint)[1] == pytest.approx(to_mixtures, abs=1e-12)

    def test_the_average_policy_plays_like_the_mixture(self) -> None:
        game = OpenSpielGame("leduc_poker")
        mixture = Mixture(
            tuple(random_policy(game, [0], s) for s in range(4)), np.array([0.1, 0.2, 0.3, 0.4])
        )
        rival = random_policy(game, [1], 9)
        averaged = game.expected_returns([[game.average(mixture, 0), rival]])[0]
        mixed = game.mixture_returns([mixture, Mixture((rival,), np.ones(1))])
        np.testing.assert_allclose(averaged, mixed, atol=1e-12)

    def test_a_joint_best_response_answers_what_the_others_do_together(self) -> None:
        # The others match each other; answering their marginals independently would gain less.
        game = OpenSpielGame("matching_pennies_3p")
        policies = [
            [
                TabularPolicy({player: np.array([1.0, 1.0, 0.0])}),
                TabularPolicy({player: np.array([1.0, 0.0, 1.0])}),
            ]
            for player in range(3)
        ]
        profiles = tuple(tuple(policies[p][i] for p in range(3)) for i in (0, 1))
        joint = JointMixture(profiles, np.array([0.5, 0.5]))
        by_hand = max(
            np.mean(
                [
                    game.expected_returns([[policies[0][action], *profile[1:]]])[0, 0]
                    for profile in profiles
                ]
            )
            for action in (0, 1)
        )
        assert game.best_response(0, joint)[1] == pytest.approx(by_hand)

    def test_a_policy_for_another_player_is_refused(self) -> None:
        game = OpenSpielGame("kuhn_poker")
        first, second = game.initial_policies()
        with pytest.raises(ValueError, match="plays as player 1, not as player 0"):
            game.expected_returns([[second, first]])

    def test_something_that_is_no_policy_is_refused(self) -> None:
        game = OpenSpielGame("kuhn_poker")
        with pytest.raises(ValueError, match=r"cannot play a policy of type str.*from_openspiel"):
            game.expected_returns([["always bet", "always pass"]])

    def test_tables_by_information_state_are_policies_too(self) -> None:
        game = OpenSpielGame("kuhn_poker")
        table = InfostatePolicy({0: {"2": np.array([0.0, 1.0])}})
        uniform = game.initial_policies()
        np.testing.assert_allclose(
            game.expected_returns([[InfostatePolicy(), InfostatePolicy()]]),
            game.expected_returns([uniform]),
        )
        own = game.form.players[0]
        behaviour = table.behaviour(game.form, 0)
        first = own.first_sequence[own.index["2"]]
        assert behaviour[first : first + 2].tolist() == [0.0, 1.0]


class TestSampling:
    @pytest.mark.parametrize(
        ("name", "exact"),
        [
            ("leduc_poker", True),
            ("leduc_poker", False),
            ("kuhn_poker(players=3)", True),
            ("kuhn_poker(players=3)", False),
            (GOOFSPIEL, True),
            (GOOFSPIEL, False),
            ("oshi_zumo(horizon=3,coins=3)", False),
        ],
    )
    def test_means_are_the_exact_returns(self, name: str, exact: bool) -> None:
        reference = OpenSpielGame(name)
        game = OpenSpielGame(name, exact=exact)
        policies = [random_policy(reference, [p], 3 + p) for p in range(game.num_players)]
        expected = reference.expected_returns([policies])[0]
        if not exact:
            policies = [infostate_policy(reference, q, p) for p, q in enumerate(policies)]
        episodes = 20_000 if exact else 4_000
        returns = game.play([policies], episodes, rng=np.random.default_rng(0))
        assert returns.shape == (1, episodes, game.num_players)
        error = returns[0].std(axis=0) / np.sqrt(episodes)
        assert np.all(np.abs(returns[0].mean(axis=0) - expected) < 4.5 * error + 1e-12)

    @pytest.mark.parametrize("name", ["leduc_poker", "kuhn_poker(players=3)"])
    def test_tables_stepped_together_are_worth_the_same(self, name: str) -> None:
        # `play` leaves profiles of tables to OpenSpiel's bots; beside a network they are stepped.
        reference = OpenSpielGame(name)
        policies = [random_policy(reference, [p], 3 + p) for p in range(reference.num_players)]
        expected = reference.expected_returns([policies])[0]
        tables = [infostate_policy(reference, q, p) for p, q in enumerate(policies)]
        returns = play_states(reference.game, [tables] * 4_000, rng=np.random.default_rng(0))
        error = returns.std(axis=0) / np.sqrt(4_000)
        assert np.all(np.abs(returns.mean(axis=0) - expected) < 4.5 * error + 1e-12)

    def test_tables_of_a_turn_based_conversion_are_looked_up(self) -> None:
        rock = InfostatePolicy({0: {"Observing player: 0. Non-terminal": np.eye(3)[0]}})
        paper = InfostatePolicy({1: {"Observing player: 1. Non-terminal": np.eye(3)[1]}})
        for name in ("matrix_rps", "turn_based_simultaneous_game(game=matrix_rps())"):
            game = OpenSpielGame(name, exact=False)
            returns = game.play([[rock, paper]], 20, rng=np.random.default_rng(0))
            np.testing.assert_array_equal(returns[0], [[-1.0, 1.0]] * 20)

    def test_a_table_that_holds_no_distribution_is_refused(self) -> None:
        game = OpenSpielGame("kuhn_poker", exact=False)
        broken = InfostatePolicy({0: {"0": np.array([0.0, np.nan])}})
        with pytest.raises(ValueError, match=r"no distribution over actions at .* state '0'"):
            game.play([[broken, InfostatePolicy()]], 1, rng=np.random.default_rng(0))

    def test_only_the_generator_decides(self) -> None:
        for exact in (True, False):
            game = OpenSpielGame("leduc_poker", exact=exact)
            uniform = game.initial_policies()
            first, again = (
                game.play([uniform] * 2, 50, rng=np.random.default_rng(7)) for _ in range(2)
            )
            np.testing.assert_array_equal(first, again)
            assert not np.array_equal(first[0], first[1])

    def test_long_games_need_no_recursion(self) -> None:
        # psro_v2's sample_episode recurses once per move: RecursionError near 1,000 moves.
        game = OpenSpielGame(
            "repeated_game(stage_game=matrix_rps(),num_repetitions=2000)", exact=False
        )
        returns = game.play([game.initial_policies()], 2, rng=np.random.default_rng(0))
        assert np.all(returns.sum(axis=2) == 0.0)

    def test_a_sampled_stochastic_game(self) -> None:
        game = OpenSpielGame("tarok(players=3)", exact=False)
        returns = game.play([game.initial_policies()], 3, rng=np.random.default_rng(0))
        assert returns.shape == (1, 3, 3)

    def test_nothing_exact_is_promised(self) -> None:
        game = OpenSpielGame("kuhn_poker", exact=False)
        assert not game.is_exact
        with pytest.raises(ValueError, match="played by sampling; nothing exact is known"):
            game.expected_returns([game.initial_policies()])

    def test_a_behaviour_of_the_compiled_game_is_refused(self) -> None:
        game = OpenSpielGame("kuhn_poker", exact=False)
        compiled = OpenSpielGame("kuhn_poker").initial_policies()
        with pytest.raises(ValueError, match="cannot play a policy of type TabularPolicy"):
            game.play([compiled], 1, rng=np.random.default_rng(0))


def infostate_policy(game: OpenSpielGame, policy: TabularPolicy, player: int) -> InfostatePolicy:
    own, behaviour = game.form.players[player], policy.behaviours[player]
    table = {}
    for key, index in own.index.items():
        low, high = own.first_sequence[index], own.first_sequence[index + 1]
        table[key] = np.zeros(game.game.num_distinct_actions())
        table[key][own.actions[low:high]] = behaviour[low:high]
    return InfostatePolicy({player: table})


class TestOnePopulation:
    def test_hawk_dove(self) -> None:
        # psro_v2's symmetric mode halves the off-diagonals: its ESS is pure Dove.
        game = OpenSpielGame(
            pyspiel.create_matrix_game([[-1, 4], [0, 2]], [[-1, 0], [4, 2]]), symmetric=True
        )
        loop = PSRO(game, oracle=ExactOracle())
        strategy = loop.run(5).meta_strategy
        hawk, dove = (
            TabularPolicy({p: np.array([1.0, *pure]) for p in (0, 1)})
            for pure in ([1.0, 0.0], [0.0, 1.0])
        )
        cells = [[hawk, hawk], [hawk, dove], [dove, hawk], [dove, dove]]
        np.testing.assert_allclose(game.expected_returns(cells), [[-1, -1], [4, 0], [0, 4], [2, 2]])
        population = [policy.behaviours[0][1] for policy in loop.populations[0]]
        assert strategy.marginals[0] @ population == pytest.approx(2 / 3, abs=1e-9)

    def test_three_players(self) -> None:
        # Symmetric: a player alone with its choice wins 2 from the two others.
        lone = np.zeros((3, 2, 2, 2))
        for profile in np.ndindex(2, 2, 2):
            for player in range(3):
                alone = profile.count(profile[player]) == 1
                everyone_same = len(set(profile)) == 1
                lone[(player, *profile)] = 0.0 if everyone_same else (2.0 if alone else -1.0)
        game = OpenSpielGame(
            pyspiel.create_tensor_game([list(own.ravel()) for own in lone], [2, 2, 2]),
            symmetric=True,
        )
        pure = [
            TabularPolicy({p: np.array([1.0, *choice]) for p in range(3)})
            for choice in ([1.0, 0.0], [0.0, 1.0])
        ]
        cells = list(np.ndindex(2, 2, 2))
        returns = game.expected_returns([[pure[i] for i in cell] for cell in cells])
        np.testing.assert_allclose(returns, [[lone[(p, *c)] for p in range(3)] for c in cells])
        table = PSRO(game, oracle=ExactOracle()).run(3).table
        assert table.payoffs().symmetric

    def test_seats_are_drawn_in_games_that_are_not_symmetric(self) -> None:
        game = OpenSpielGame("kuhn_poker", symmetric=True)
        (uniform,) = game.initial_policies()
        rival = random_policy(game, [0, 1], 1)
        both = OpenSpielGame("kuhn_poker")
        seats = [
            both.expected_returns([[uniform, rival]])[0, 0],
            both.expected_returns([[rival, uniform]])[0, 1],
        ]
        exact = game.expected_returns([[uniform, rival], [rival, uniform]])
        assert exact[0, 0] == exact[1, 1] == pytest.approx(np.mean(seats))
        played = game.play([[uniform, rival]], 20_000, rng=np.random.default_rng(0))[0]
        assert abs(played[:, 0].mean() - exact[0, 0]) < 4.5 * played[:, 0].std() / np.sqrt(20_000)

    def test_kuhn_is_fair_when_seats_are_drawn(self) -> None:
        result = PSRO(OpenSpielGame("kuhn_poker", symmetric=True), oracle=ExactOracle()).run(30)
        assert result.meta_strategy.values == pytest.approx([0.0, 0.0], abs=1e-9)
        assert result.steps[-1].exploitability == pytest.approx(0.0, abs=1e-9)


class TestStorage:
    @pytest.mark.parametrize("symmetric", [False, True])
    def test_policies_come_back(self, symmetric: bool, tmp_path) -> None:
        game = OpenSpielGame("kuhn_poker", symmetric=symmetric)
        policy = random_policy(game, [0, 1], 0)
        game.save_policy(policy, tmp_path)
        back = game.load_policy(tmp_path)
        for player in (0, 1):
            np.testing.assert_array_equal(back.behaviours[player], policy.behaviours[player])

    def test_tables_come_back(self, tmp_path) -> None:
        game = OpenSpielGame("kuhn_poker", exact=False)
        policy = InfostatePolicy({0: {"0pb": np.array([0.25, 0.75])}, 1: {}})
        game.save_policy(policy, tmp_path)
        back = game.load_policy(tmp_path)
        np.testing.assert_array_equal(back.tables[0]["0pb"], [0.25, 0.75])

    def test_a_policy_of_another_game_is_refused(self, tmp_path) -> None:
        game = OpenSpielGame("kuhn_poker")
        game.save_policy(game.initial_policies()[0], tmp_path)
        with pytest.raises(ValueError, match=r"no policy of leduc_poker.*made for another game"):
            OpenSpielGame("leduc_poker").load_policy(tmp_path)

    def test_rubbish_is_refused(self, tmp_path) -> None:
        game = OpenSpielGame("kuhn_poker")
        with pytest.raises(ValueError, match="describes no policy"):
            game.load_policy(tmp_path)
        (tmp_path / "config.json").write_text(json.dumps({"kind": "gen1ou/random"}))
        with pytest.raises(ValueError, match="unknown kind 'gen1ou/random'"):
            game.load_policy(tmp_path)
        (tmp_path / "config.json").write_text(json.dumps({"kind": TabularPolicy.kind}))
        (tmp_path / "behaviours.npz").write_bytes(b"rubbish")
        with pytest.raises(ValueError, match="holds no policy of kuhn_poker"):
            game.load_policy(tmp_path)
        with pytest.raises(ValueError, match="cannot store a policy of type int"):
            game.save_policy(3, tmp_path)

    def test_a_run_goes_on_where_it_stopped(self, tmp_path) -> None:
        whole = PSRO(OpenSpielGame("leduc_poker"), oracle=ExactOracle()).run(6)
        directory = tmp_path / "run"
        PSRO(OpenSpielGame("leduc_poker"), oracle=ExactOracle(), directory=directory).run(3)
        resumed = PSRO(
            OpenSpielGame("leduc_poker"), oracle=ExactOracle(), directory=directory, resume=True
        ).run(6)
        assert [s.nash_conv for s in resumed.steps] == [s.nash_conv for s in whole.steps]


def test_the_matrix_game_needs_no_openspiel() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pokespiel.openspiel import MatrixGame; MatrixGame([[0.]]); "
        "sys.exit('pyspiel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert MatrixGame.is_exact
