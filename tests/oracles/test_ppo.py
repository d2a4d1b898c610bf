"""PPO finds best responses where they are known, and says what it did."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from pokespiel.oracles.ppo import PPOOracle, _advantages
from pokespiel.protocols import Episode, JointMixture, Mixture
from tests.games import ROCK_PAPER_SCISSORS, TableGame


class Throw(nn.Module):
    """Logits of rock, paper, scissors; ``broken`` makes the value NaN."""

    def __init__(self, broken=False):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(3))
        self.value = nn.Parameter(torch.full((1,), float("nan") if broken else 0.0))

    def forward(self, observation):
        size = len(observation["nothing"])
        return self.logits.expand(size, 3), self.value.expand(size)


class ThrowPolicy:
    def __init__(self, network):
        self.network = network

    def copy(self):
        return ThrowPolicy(copy.deepcopy(self.network))

    def probabilities(self):
        return torch.softmax(self.network.logits.detach(), dim=-1).double().numpy()


class TrainableRockPaperScissors(TableGame):
    """Pure strategies as opponents, a three-logit network as learner; paper may be illegal."""

    def __init__(self, legal=(True, True, True), broken=False):
        super().__init__(ROCK_PAPER_SCISSORS, symmetric=True)
        self.legal = np.array(legal)
        self.broken = broken

    def new_policy(self, *, rng):
        return ThrowPolicy(Throw(self.broken))

    def is_trainable(self, policy):
        return isinstance(policy, ThrowPolicy)

    def collect(self, learner, player, opponents, episodes, *, rng):
        if isinstance(opponents, JointMixture):
            picks = rng.choice(len(opponents.profiles), size=episodes, p=opponents.weights)
            rivals = [opponents.profiles[i][1 - player] for i in picks]
        else:
            rivals = opponents[1 - player].sample(rng, episodes)
        probabilities = learner.probabilities() * self.legal
        actions = rng.choice(3, size=episodes, p=probabilities / probabilities.sum())
        return [
            Episode(
                observations={"nothing": np.zeros((1, 1), dtype=np.float32)},
                legal=self.legal[None],
                actions=np.array([action]),
                rewards=np.array([self.tensor[0, action, rival]]),
                outcome=float(self.tensor[0, action, rival]),
            )
            for action, rival in zip(actions, rivals, strict=True)
        ]


ORACLE = PPOOracle(episodes=1500, episodes_per_batch=100, learning_rate=0.05, device="cpu")
MOSTLY_PAPER = [Mixture((0, 1), np.array([0.2, 0.8]))] * 2


def respond(game, opponents=MOSTLY_PAPER, oracle=ORACLE, seed=0):
    return oracle.best_response(game, 0, opponents, rng=np.random.default_rng(seed))


def test_finds_the_best_response_to_a_mixture():
    """Scissors earn 0.8 - 0.2 against 80 % paper."""
    response = respond(TrainableRockPaperScissors())
    assert response.policy.probabilities()[2] > 0.9
    assert response.value is None
    assert response.cost["episodes"] == response.cost["decisions"] == 1500
    assert response.cost["outcome_per_batch"][-1] == pytest.approx(0.6, abs=0.25)


def test_never_learns_an_illegal_action():
    response = respond(TrainableRockPaperScissors(legal=(True, True, False)))
    assert response.policy.probabilities()[1] > response.policy.probabilities()[0]
    assert torch.isfinite(response.policy.network.logits).all()


def test_answers_a_joint_mixture():
    joint = JointMixture(profiles=((1, 0), (2, 1)), weights=np.array([0.1, 0.9]))
    assert respond(TrainableRockPaperScissors(), joint).policy.probabilities()[2] > 0.9


def test_same_seed_same_response():
    first, again, other = (
        respond(TrainableRockPaperScissors(), seed=seed).policy.probabilities()
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("start", "expected"), [("latest", 1), ("heaviest", 0), ("scratch", None)])
def test_starts_from_the_weights_asked_for(start, expected):
    population = [ThrowPolicy(Throw()) for _ in range(2)]
    for number, policy in enumerate(population):
        policy.network.logits.data[number] = 20.0
    before = [policy.probabilities() for policy in population]
    mixture = Mixture(tuple(population), np.array([0.9, 0.1]))
    oracle = PPOOracle(episodes=1, learning_rate=1e-9, start=start, device="cpu")
    game = TrainableRockPaperScissors()
    response = respond(game, [mixture, Mixture((0,), np.ones(1))], oracle)
    wanted = np.full(3, 1 / 3) if expected is None else before[expected]
    np.testing.assert_allclose(response.policy.probabilities(), wanted, atol=1e-6)
    for policy, probabilities in zip(population, before, strict=True):
        np.testing.assert_array_equal(policy.probabilities(), probabilities)


def test_a_loss_that_is_not_a_number_is_an_error():
    with pytest.raises(FloatingPointError, match="not finite after 100 episodes"):
        respond(TrainableRockPaperScissors(broken=True))


def test_a_game_without_networks_is_refused():
    game = TableGame(ROCK_PAPER_SCISSORS, symmetric=True)
    with pytest.raises(ValueError, match="cannot train networks"):
        respond(game)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="start must be 'latest', 'heaviest' or 'scratch'"):
        PPOOracle(start="warm")
    with pytest.raises(ValueError, match="episodes must be at least 1"):
        PPOOracle(episodes=0)


def test_advantages_by_hand():
    """One episode of two decisions, discount 0.5, trace 0.5: the recursion worked out on paper."""
    episode = Episode({}, np.ones((2, 1), bool), np.zeros(2, int), np.array([1.0, 2.0]), 1.0)
    advantages, returns = _advantages(
        [episode, episode], np.array([0.5, 1.0, 0.5, 1.0]), discount=0.5, trace=0.5
    )
    last = 2.0 - 1.0
    first = 1.0 + 0.5 * 1.0 - 0.5 + 0.25 * last
    np.testing.assert_allclose(advantages, [first, last] * 2)
    np.testing.assert_allclose(returns, [first + 0.5, last + 1.0] * 2)
