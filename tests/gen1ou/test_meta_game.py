"""Gen 1 OU as the loop sees it, on the engine and on real Showdown."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from pokespiel import PSRO
from pokespiel.gen1ou.arena import IllegalActionError
from pokespiel.gen1ou.baselines import (
    BASELINES,
    MaxDamagePolicy,
    RandomPolicy,
)
from pokespiel.gen1ou.meta_game import Gen1OU, register_policy_kind
from pokespiel.gen1ou.neural import NeuralPolicy
from pokespiel.gen1ou.showdown.install import ShowdownError, showdown_directory
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import MetaGame, Mixture, TrainingGame
from pokespiel.stats import wilson


def _installed():
    try:
        showdown_directory()
    except ShowdownError as error:
        return str(error)
    return None


MEW = "Mew|||NoAbility|psychic|Serious|252,252,252,252,252,252|N||||"
MISSING = _installed()
showdown = [
    pytest.mark.showdown,
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
    pytest.mark.xdist_group("showdown-meta-game"),
]


@pytest.fixture(scope="module")
def game():
    with Gen1OU(backend="showdown", concurrency=20) as game:
        yield game


class Seated(RandomPolicy):
    """Plays at random and notes the seat and the team that it was given."""

    def __init__(self):
        super().__init__()
        self.seats = {}

    def act(self, decisions, rng):
        for decision in decisions:
            species = frozenset(p.base_species for p in decision.battle.team.values())
            self.seats.setdefault(decision.battle_id, (decision.player, species))
        return super().act(decisions, rng)


def test_is_a_game_that_psro_can_play_and_ppo_can_train_on():
    game = Gen1OU()
    assert isinstance(game, MetaGame)
    assert isinstance(game, TrainingGame)
    with pytest.raises(ValueError, match="no exact expected returns"):
        game.expected_returns([])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backend": "cartridge"}, "unknown backend 'cartridge'; available: engine, showdown"),
        (
            {"initial": "champion"},
            "unknown initial policy 'champion'; available on engine: starter, network, random",
        ),
        ({"teams": []}, "at least one team"),
        ({"teams": "Mew"}, "teams is a list of packed teams, got 'Mew'"),
        ({"teams": [5]}, r"teams\[0\]: expected Showdown's packed text, got 5"),
        ({"concurrency": 0}, "concurrency must be at least 1, got 0"),
        ({"teams": ["Mew"]}, r"teams\[0\], Pokémon 1: "),
        ({"teams": [MEW]}, r"teams\[0\]: Mew is banned"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Gen1OU(**settings)


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_are_stored_by_name(tmp_path, name):
    game = Gen1OU(backend="showdown", initial=name)
    game.save_policy(game.initial_policies()[0], tmp_path)
    assert type(game.load_policy(tmp_path)) is BASELINES[name]


def test_a_policy_of_unknown_kind_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"kind": "os.system", "config": {}}))
    with pytest.raises(ValueError, match=r"unknown kind 'os\.system'"):
        Gen1OU().load_policy(tmp_path)


def test_a_network_made_for_other_observations_is_refused(tmp_path):
    game = Gen1OU()
    game.save_policy(game.initial_policies()[0], tmp_path)
    document = json.loads((tmp_path / "config.json").read_text())
    document["config"]["move_features"] = 11
    (tmp_path / "config.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=r"made for other observations \(move_features 11, now 9"):
        game.load_policy(tmp_path)


class Remembered(RandomPolicy):
    """A policy of a user's own, which stores itself."""

    KIND = "tests/remembered"
    name = "remembered"

    def save(self, directory):
        (directory / "config.json").write_text(json.dumps({"kind": self.KIND, "config": {}}))

    @classmethod
    def load(cls, directory):
        return cls()


def test_a_policy_of_ones_own_starts_a_population_and_is_stored_with_it(tmp_path):
    own = Remembered()
    game = Gen1OU(initial=own)
    assert game.initial_policies() == [own]
    assert "initial=remembered" in game.name
    game.save_policy(own, tmp_path)
    with pytest.raises(
        ValueError, match=r"unknown kind 'tests/remembered'; known: .*gen1ou/random"
    ):
        game.load_policy(tmp_path)
    load = Remembered.load
    register_policy_kind(Remembered.KIND, load)
    register_policy_kind(Remembered.KIND, load)
    assert type(game.load_policy(tmp_path)) is Remembered
    with pytest.raises(ValueError, match="have a loader already"):
        register_policy_kind(Remembered.KIND, lambda directory: RandomPolicy())


def test_an_initial_policy_must_play_on_the_backend():
    with pytest.raises(ValueError, match=r"of type object cannot play on engine: it has no act_on"):
        Gen1OU(initial=object())


def test_populations_start_from_a_player():
    game = Gen1OU()
    (starter,) = game.initial_policies()
    rivals = [BASELINES[name]() for name in ("random", "max_damage")]
    played = game.play([(starter, r) for r in rivals], 200, rng=np.random.default_rng(0))
    assert (wilson(played[:, :, 0].sum(axis=1), 200).low > [0.9, 0.5]).all()
    assert game.is_trainable(starter)


def test_the_initial_network_depends_on_the_seed_alone(tmp_path):
    first, again, other = (
        Gen1OU(initial="network", seed=s).initial_policies()[0].network for s in (1, 1, 2)
    )
    weights = [network.state_dict()["species.weight"].numpy() for network in (first, again, other)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


class TestOnTheEngine:
    def test_returns_are_the_first_policys_view_on_both_seats(self):
        """Max damage beats random from either seat; a mixed-up seat would show as about 0.5."""
        profile = MaxDamagePolicy(), RandomPolicy()
        returns = Gen1OU().play([profile], 100, rng=np.random.default_rng(1))
        np.testing.assert_array_equal(returns.sum(axis=-1), 1.0)
        assert returns[0, 0::2, 0].mean() > 0.75
        assert returns[0, 1::2, 0].mean() > 0.75

    def test_same_seed_same_battles(self):
        profile = NeuralPolicy.new(rng=np.random.default_rng(0)), RandomPolicy()
        first, again, other = (
            Gen1OU().play([profile], 30, rng=np.random.default_rng(seed)) for seed in (4, 4, 5)
        )
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_collected_episodes_hold_what_happened(self):
        learner = NeuralPolicy.new(rng=np.random.default_rng(0))
        opponents = [Mixture((MaxDamagePolicy(), RandomPolicy()), np.array([0.5, 0.5]))] * 2
        episodes = Gen1OU().collect(learner, 0, opponents, 40, rng=np.random.default_rng(3))
        assert len(episodes) == 40
        for episode in episodes:
            check_episode(episode)

    def test_a_best_response_in_a_minute_beats_random(self):
        game = Gen1OU()
        start = Mixture((RandomPolicy(),), np.ones(1))
        oracle = PPOOracle(episodes=600, episodes_per_batch=100, learning_rate=1e-3, device="cpu")
        response = oracle.best_response(game, 0, [start, start], rng=np.random.default_rng(0))
        returns = game.play([(response.policy, RandomPolicy())], 400, rng=np.random.default_rng(1))
        assert wilson(returns[0, :, 0].sum(), 400).low > 0.5

    def test_a_policy_without_the_engines_method_is_named(self):
        class OnShowdownOnly:
            name = "elsewhere"

            def act(self, decisions, rng):
                raise AssertionError("never asked")

        with pytest.raises(ValueError, match="elsewhere cannot play on the engine"):
            Gen1OU().play([(OnShowdownOnly(), RandomPolicy())], 2, rng=np.random.default_rng(0))

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (lambda d: np.full(len(d), 10), "Cheat chose action 10 in battle 0, turn 1; legal are"),
            (lambda d: np.zeros(3), "answered float64 of shape"),
            (lambda d: np.argmin(d.legal, axis=1), "chose action"),
        ],
    )
    def test_an_illegal_answer_is_named(self, answer, message):
        class Cheat:
            def act_on_engine(self, decisions, rng):
                return answer(decisions)

        with pytest.raises(IllegalActionError, match=message):
            Gen1OU().play([(Cheat(), RandomPolicy())], 2, rng=np.random.default_rng(0))


def check_episode(episode):
    steps = len(episode.actions)
    assert {len(array) for array in episode.observations.values()} == {steps}
    assert episode.legal[np.arange(steps), episode.actions].all()
    assert episode.outcome in (0.0, 0.5, 1.0)
    # Shaping sums to a fraction of a win, so the end decides the sign.
    assert (
        np.sign(episode.rewards.sum()) == np.sign(episode.outcome - 0.5) or episode.outcome == 0.5
    )


class TestOnShowdown:
    pytestmark = showdown

    def test_battles_come_in_pairs_with_teams_and_seats_swapped(self, game):
        first, second = Seated(), Seated()
        returns = game.play([(first, second)], 4, rng=np.random.default_rng(0))
        assert returns.shape == (1, 4, 2)
        np.testing.assert_array_equal(returns.sum(axis=-1), 1.0)
        assert Counter(seat for seat, _ in first.seats.values()) == {0: 2, 1: 2}
        assert Counter(team for _, team in first.seats.values()) == Counter(
            team for _, team in second.seats.values()
        )

    def test_returns_are_the_first_policys_view_on_both_seats(self, game):
        """Max damage beats random from either seat; a mixed-up seat would show as about 0.5."""
        returns = game.play([(MaxDamagePolicy(), RandomPolicy())], 20, rng=np.random.default_rng(1))
        assert returns[0, 0::2, 0].mean() > 0.7
        assert returns[0, 1::2, 0].mean() > 0.7

    def test_a_mixture_in_a_profile_is_drawn_per_battle(self, game):
        rivals = Seated(), Seated()
        mixture = Mixture(rivals, np.array([0.5, 0.5]))
        game.play([(RandomPolicy(), mixture)], 12, rng=np.random.default_rng(2))
        counts = [len(rival.seats) for rival in rivals]
        assert sum(counts) == 12
        assert min(counts) > 0

    def test_collected_episodes_hold_what_happened(self, game):
        learner = NeuralPolicy.new(rng=np.random.default_rng(0))
        opponents = [Mixture((MaxDamagePolicy(),), np.ones(1))] * 2
        episodes = game.collect(learner, 0, opponents, 6, rng=np.random.default_rng(3))
        assert len(episodes) == 6
        for episode in episodes:
            check_episode(episode)

    def test_psro_counts_exactly_the_battles_that_the_server_finished(self, tmp_path):
        with Gen1OU(backend="showdown", concurrency=20, initial="random") as game:
            oracle = PPOOracle(episodes=8, episodes_per_batch=8, device="cpu")
            settings = {"oracle": oracle, "episodes_per_cell": 10, "directory": tmp_path / "run"}
            psro = PSRO(game, **settings)
            result = psro.run(1)
            trained = sum(r["cost"]["episodes"] for step in result.steps for r in step.responses)
            finished = len(game.arena.server.finished_battles())
            assert result.table.total_episodes() == 10
            assert finished == result.table.total_episodes() + trained
            psro.close()
            again = PSRO(game, **settings, resume=True)
            resumed = again.run(1)
            assert resumed.table == result.table
            assert len(game.arena.server.finished_battles()) == finished
            weights = [
                r.populations[0][1].network.state_dict()["species.weight"].numpy()
                for r in (result, resumed)
            ]
            np.testing.assert_array_equal(*weights)
