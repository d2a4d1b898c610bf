"""Tabular Q-learning finds best responses by playing."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel import PSRO
from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import MatrixGame, OpenSpielGame
from pokespiel.oracles.tabular_q import TabularQOracle
from pokespiel.protocols import BestResponseOracle, Mixture


def uniform(game: OpenSpielGame) -> list[Mixture]:
    return [Mixture((policy,), np.ones(1)) for policy in game.initial_policies()]


def test_is_an_oracle_whose_name_tells_its_settings() -> None:
    assert isinstance(TabularQOracle(), BestResponseOracle)
    assert TabularQOracle().name != TabularQOracle(episodes=5).name


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        "kuhn_poker",
        "kuhn_poker(players=3)",
        "goofspiel(num_cards=3,imp_info=True,points_order=descending)",
    ],
)
def test_finds_best_responses_to_uniform_play(name: str, exact: bool) -> None:
    reference = OpenSpielGame(name)
    game = OpenSpielGame(name, exact=exact)
    for player in range(game.num_players):
        response = TabularQOracle(episodes=4000).best_response(
            game, player, uniform(game), rng=np.random.default_rng(player)
        )
        profile = reference.initial_policies()
        profile[player] = response.policy
        best = reference.best_response(player, uniform(reference))[1]
        assert reference.expected_returns([profile])[0, player] > best - 0.02
        assert response.value is None
        assert response.cost["episodes"] == 4000


def test_learns_without_knowing_chance() -> None:
    game = OpenSpielGame("tarok(players=3)", exact=False)
    response = TabularQOracle(episodes=4, episodes_per_batch=2).best_response(
        game, 0, uniform(game), rng=np.random.default_rng(0)
    )
    assert response.cost["infostates"] > 4


def test_the_generator_decides_everything() -> None:
    game = OpenSpielGame("leduc_poker")
    first, again = (
        TabularQOracle(episodes=500).best_response(
            game, 0, uniform(game), rng=np.random.default_rng(3)
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(
        first.policy.behaviour(game.form, 0), again.policy.behaviour(game.form, 0)
    )


def test_psro_with_it_comes_close_to_equilibrium_in_kuhn() -> None:
    game = OpenSpielGame("kuhn_poker")
    result = PSRO(game, oracle=TabularQOracle(episodes=4000)).run(8)
    assert exploitability(game, result.mixtures()).estimate < 0.08
    assert result.steps[-1].nash_conv is None  # a learned response proves nothing


def test_one_population(tmp_path) -> None:
    game = OpenSpielGame("kuhn_poker", symmetric=True)
    run = PSRO(game, oracle=TabularQOracle(episodes=3000), directory=tmp_path / "run")
    result = run.run(4)
    assert exploitability(game, result.mixtures()).estimate < 0.25
    stored = game.load_policy(tmp_path / "run" / "policies" / "0" / "1")
    assert set(stored.tables) == {0, 1}


def test_refuses_games_without_information_states() -> None:
    game = MatrixGame([[0, 1], [-1, 0]])
    mixtures = [Mixture((0,), np.ones(1))] * 2
    with pytest.raises(ValueError, match="no named information states"):
        TabularQOracle().best_response(game, 0, mixtures, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("episodes", 0),
        ("episodes_per_batch", 0),
        ("exploration", 1.5),
        ("step_exponent", 0.5),
    ],
)
def test_refuses_bad_settings(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=setting):
        TabularQOracle(**{setting: value})
