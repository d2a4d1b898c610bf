"""Tournaments: ratings with intervals, cycles that are no noise, games that survive a kill."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from pokespiel.empirical_game import EmpiricalGame
from pokespiel.gen1ou.baselines import MaxDamagePolicy, RandomPolicy
from pokespiel.protocols import Mixture
from pokespiel.tournaments import TournamentError, bradley_terry, judge, tournament

SKILL = np.array([0.0, 0.5, 1.0, 2.0])
TRANSITIVE = 1.0 / (1.0 + np.exp(SKILL[None, :] - SKILL[:, None]))
CYCLE = np.array([[0.5, 0.8, 0.2], [0.2, 0.5, 0.8], [0.8, 0.2, 0.5]])


class Coin:
    """Strategy i beats j with probability ``rates[i, j]``, unless they draw."""

    name = "coin"
    num_players = 2
    is_symmetric = True
    is_zero_sum = True
    is_exact = False
    payoff_bounds = (0.0, 1.0)

    def __init__(self, rates, draws=0.0, fails_after=None):
        self.rates, self.draws = np.asarray(rates), draws
        self.left = fails_after

    def play(self, profiles, episodes, *, rng):
        if self.left is not None:
            self.left -= len(profiles) * episodes
            if self.left < 0:
                raise RuntimeError("policy b chose action 11 in battle 3, turn 7")
        rates = np.array([self.rates[i, j] for i, j in profiles])[:, None]
        wins = (rng.random((len(profiles), episodes)) < rates).astype(float)
        wins[rng.random(wins.shape) < self.draws] = 0.5
        return np.stack([wins, 1.0 - wins], axis=-1)


def named(size):
    return {name: i for i, name in enumerate("abcdefgh"[:size])}


def test_skills_are_found_and_are_not_cyclic():
    result = tournament(named(4), 3000, game=Coin(TRANSITIVE), samples=40, rounds=4)
    assert result.games == 3000
    truth = SKILL - SKILL.mean()
    ends, found = result.bradley_terry.interval, result.bradley_terry.values
    assert np.all(np.abs(found - truth) < ends.high - ends.low)
    points = truth * 400 / np.log(10)
    assert np.all(np.abs(result.elo.values - points) < 40)
    assert np.all(result.elo.interval.low < result.elo.values)
    assert result.nash.inclusion[0][3] > 0.95
    assert result.cyclic.corrected < 0.05
    assert str(result).splitlines()[2].startswith("d ")


def test_a_cycle_is_told_from_noise():
    result = tournament(named(3), 1500, game=Coin(CYCLE), samples=30, rounds=3)
    assert result.cyclic.corrected > 0.9
    assert result.nash.estimate.marginals[0] == pytest.approx(np.full(3, 1 / 3), abs=0.1)
    assert np.all(result.nash.inclusion[0] > 0.9)
    few = [
        tournament(
            named(4), 120, game=Coin(TRANSITIVE), seed=seed, samples=20, equal_share=1.0
        ).cyclic
        for seed in range(5)
    ]
    assert np.mean([found.share for found in few]) > 0.05
    most = 0.7 * np.mean([found.share for found in few])
    assert np.mean([found.corrected for found in few]) < most


def test_games_go_where_the_equilibrium_is_decided():
    rates = np.array([[0.5, 0.51, 0.95], [0.49, 0.5, 0.95], [0.05, 0.05, 0.5]])
    table = tournament(named(3), 2000, game=Coin(rates), samples=5, rounds=5).table
    assert table.count((0, 1)) > 1.5 * table.count((1, 2))
    assert all(table.count(cell) % 2 == 0 for cell in [(0, 1), (0, 2), (1, 2)])


def test_draws_are_modelled():
    result = tournament(named(3), 1200, game=Coin(CYCLE, draws=0.4), samples=5, rounds=2)
    assert result.draws == pytest.approx(480, abs=70)
    wins = np.array([[0.0, 300.0], [100.0, 0.0]])
    ties = np.array([[0.0, 200.0], [200.0, 0.0]])
    strengths, spread, nu = bradley_terry(wins, ties)
    # Davidson 1970 fits two players exactly: odds 3 to 1, draws as nu sqrt(3) to 3 and 1.
    assert strengths[0] - strengths[1] == pytest.approx(np.log(3), abs=0.01)
    assert nu == pytest.approx(200 / np.sqrt(300 * 100), rel=0.01)
    # The log odds of wins over losses have standard error sqrt(1/300 + 1/100).
    assert 2 * spread[0] == pytest.approx(np.sqrt(1 / 300 + 1 / 100), rel=0.02)


@pytest.mark.parametrize("best", [2.0, 4.5])
def test_intervals_of_ratings_cover(best):
    """Also where the best wins nearly every game."""
    rng = np.random.default_rng(0)
    skill = np.append(SKILL[:3], best)
    truth, covered = skill - skill.mean(), []
    upper = np.triu_indices(4, 1)
    for _ in range(100):
        wins = np.zeros((4, 4))
        wins[upper] = rng.binomial(50, expit(skill[upper[0]] - skill[upper[1]]))
        wins.T[upper] = 50 - wins[upper]
        strengths, spread, _ = bradley_terry(wins, np.zeros((4, 4)))
        covered.append(np.abs(strengths - truth) < 1.96 * spread)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.04)


def test_a_policy_that_never_lost_has_a_rating():
    rates = np.array([[0.5, 1.0], [0.0, 0.5]])
    result = tournament(named(2), 100, game=Coin(rates), samples=10, rounds=2)
    assert np.all(np.isfinite(result.elo.values))
    assert np.all(np.isfinite(result.elo.interval.high))
    assert np.all(np.isfinite(result.bradley_terry.interval.high))
    json.dumps(result.to_json(), allow_nan=False)


@st.composite
def tables(draw):
    """A round robin of 2 to 5 policies, and the share of games each wins; often all or none."""
    size = draw(st.integers(2, 5))
    table = EmpiricalGame(
        2, symmetric=True, zero_sum=True, payoff_bounds=(0.0, 1.0), sizes=[size, size]
    )
    sided = draw(st.booleans())
    for cell in table.cells:
        if cell[0] == cell[1]:
            continue
        won = draw(st.integers(0, 300))
        lost = 0 if sided and won else draw(st.integers(0, 300))
        drawn = draw(st.integers(0, 100) | st.just(0))
        drawn += 2 if won + lost + drawn < 2 else 0
        wins = np.repeat([1.0, 0.0, 0.5], [won, lost, drawn])
        table.record(cell, np.stack([wins, 1.0 - wins], axis=1))
    return table


@settings(max_examples=40, deadline=None)
@given(tables())
def test_every_estimate_lies_within_its_interval_and_every_interval_is_finite(table):
    names = tuple("abcde"[: table.sizes[0]])
    result = judge(table, names, samples=5)
    cyclic = result.cyclic
    for values, interval in [
        (result.win_rates, result.interval),
        (result.elo.values, result.elo.interval),
        (result.bradley_terry.values, result.bradley_terry.interval),
        (cyclic.corrected, cyclic.interval),
    ]:
        assert np.all(np.isfinite(interval.low) & np.isfinite(interval.high))
        assert np.all(interval.low - 1e-12 <= values)
        assert np.all(values <= interval.high + 1e-12)


def test_who_wins_every_game_is_rated_above_what_the_games_exclude():
    """Two that beat everyone always, as a network does random play: wins say at least, not at most.

    100 wins of 100 exclude (97.5 %) a rate below 0.964: 570 Elo points.
    """
    table = EmpiricalGame(2, symmetric=True, zero_sum=True, payoff_bounds=(0.0, 1.0), sizes=[2, 2])
    wins = np.ones(100)
    table.record((0, 1), np.stack([wins, 1.0 - wins], axis=1))
    elo = judge(table, ("a", "b"), samples=2).elo
    assert elo.values[0] - elo.values[1] > 570
    assert elo.interval.low[0] - elo.interval.high[1] < 570
    assert elo.interval.high[0] - elo.interval.low[1] > 1500


def test_it_goes_on_after_a_kill_as_if_nothing_had_happened(tmp_path):
    options = {"samples": 5, "rounds": 4}
    whole = tournament(named(3), 600, game=Coin(CYCLE), **options)
    with pytest.raises(TournamentError, match=r"action 11 in battle 3, turn 7; \d+ games") as info:
        tournament(named(3), 600, game=Coin(CYCLE, fails_after=350), directory=tmp_path, **options)
    kept = info.value.partial
    assert 0 < kept.games <= 350
    resumed = tournament(named(3), 600, game=Coin(CYCLE), directory=tmp_path, **options)
    assert resumed.table == whole.table
    assert np.array_equal(resumed.elo.values, whole.elo.values)
    again = tournament(
        named(3), 600, game=Coin(CYCLE, fails_after=0), directory=tmp_path, **options
    )
    assert again.table == whole.table


def test_a_policy_that_fails_is_called_what_the_tournament_calls_it():
    class Broken(RandomPolicy):
        def act_on_engine(self, decisions, rng):
            raise KeyError("a bug")

    policies = {"max_damage": MaxDamagePolicy(), "mine": Broken()}
    with pytest.raises(TournamentError, match=r"policy mine failed in battle \d+, turn 1 .*a bug"):
        tournament(policies, 10)
    mixture = Mixture((RandomPolicy(), Broken()), np.array([0.5, 0.5]))
    with pytest.raises(TournamentError, match=r"policy random of runs/first failed in battle"):
        tournament({**policies, "mine": RandomPolicy(), "runs/first": mixture}, 30)


def test_more_games_later(tmp_path):
    options = {"game": Coin(CYCLE), "directory": tmp_path, "samples": 5, "rounds": 2}
    tournament(named(3), 300, **options)
    assert tournament(named(3), 500, **options).games == 500


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ValueError, match="at least two policies, got 1"):
        tournament(named(1), 100, game=Coin(CYCLE))
    with pytest.raises(ValueError, match="3 pairings, which need a budget of at least 6"):
        tournament(named(3), 5, game=Coin(CYCLE))
    with pytest.raises(ValueError, match="samples must be at least 2, got 1"):
        tournament(named(3), 60, game=Coin(CYCLE), samples=1)
    tournament(named(3), 60, game=Coin(CYCLE), directory=tmp_path, samples=5, equal_share=1.0)
    with pytest.raises(ValueError, match="another tournament: seed was 0, now 1"):
        tournament(named(3), 60, game=Coin(CYCLE), directory=tmp_path, seed=1, equal_share=1.0)
