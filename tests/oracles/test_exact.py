"""The exact oracle finds best responses, the same ones every time."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel.openspiel import MatrixGame, OpenSpielGame
from pokespiel.oracles.exact import ExactOracle
from pokespiel.protocols import BestResponseOracle, Mixture


def test_is_an_oracle() -> None:
    assert isinstance(ExactOracle(), BestResponseOracle)


def test_value_and_policy_agree() -> None:
    game = OpenSpielGame("kuhn_poker")
    uniform = [Mixture((policy,), np.ones(1)) for policy in game.initial_policies()]
    # OpenSpiel's exploitability_test.py: best responses to uniform earn .5 and .416666666667.
    for player, expected in ((0, 0.5), (1, 5 / 12)):
        response = ExactOracle().best_response(game, player, uniform, rng=np.random.default_rng(0))
        profile = game.initial_policies()
        profile[player] = response.policy
        assert response.value == pytest.approx(expected)
        assert game.expected_returns([profile])[0, player] == pytest.approx(expected)
        assert response.cost["seconds"] >= 0.0


def test_the_generator_does_not_matter() -> None:
    game = OpenSpielGame("leduc_poker")
    uniform = [Mixture((policy,), np.ones(1)) for policy in game.initial_policies()]
    first, second = (
        ExactOracle().best_response(game, 0, uniform, rng=np.random.default_rng(seed)).policy
        for seed in (0, 1)
    )
    np.testing.assert_array_equal(first.behaviours[0], second.behaviours[0])


def test_works_on_matrix_games() -> None:
    game = MatrixGame([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    rock = Mixture((0,), np.ones(1))
    response = ExactOracle().best_response(game, 0, [rock, rock], rng=np.random.default_rng(0))
    assert (response.policy, response.value) == (1, 1.0)


def test_says_what_works_where_it_does_not() -> None:
    game = OpenSpielGame("tarok", exact=False)
    mixtures = [Mixture((policy,), np.ones(1)) for policy in game.initial_policies()]
    with pytest.raises(ValueError, match=r"the exact oracle needs.*tabular Q, PPO"):
        ExactOracle().best_response(game, 0, mixtures, rng=np.random.default_rng(0))
