"""PPO finds best responses where they are known, and says what it did."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from torch import nn

from pokespiel.oracles.ppo import DivergedError, PPOOracle, _on_device, between, divergence, entropy
from pokespiel.oracles.stopping import StopWhenFlat
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
        self.collected = 0

    def new_policy(self, *, rng):
        return ThrowPolicy(Throw(self.broken))

    def is_trainable(self, policy):
        return isinstance(policy, ThrowPolicy)

    def collect(self, learner, player, opponents, episodes, *, rng):
        self.collected += episodes
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


def test_a_loss_that_is_not_a_number_is_an_error_that_keeps_the_policy():
    with pytest.raises(DivergedError, match=r"not finite at gradient step 1 in batch 1") as caught:
        respond(TrainableRockPaperScissors(broken=True))
    assert isinstance(caught.value, FloatingPointError)
    assert torch.equal(caught.value.policy.network.logits, torch.zeros(3))


class Fails(Throw):
    """Fails in the given pass that learns."""

    def __init__(self, at, error):
        super().__init__()
        self.left, self.error = at, error

    def forward(self, observation):
        self.left -= torch.is_grad_enabled()
        if self.left == 0:
            raise self.error
        return super().forward(observation)


def test_a_full_gpu_is_an_error_that_says_what_to_lower(tmp_path):
    start = ThrowPolicy(Fails(10, torch.cuda.OutOfMemoryError("CUDA out of memory")))
    oracle = replace(ORACLE, start=start, checkpoint=tmp_path)
    with pytest.raises(MemoryError, match=r"lower minibatch first.*player0.safetensors") as caught:
        respond(TrainableRockPaperScissors(), oracle=oracle)
    assert "in batch 3, after 200 of 1500 episodes" in str(caught.value)
    assert caught.value.policy.probabilities()[2] > 1 / 3


def test_no_last_batch_is_left_a_handful():
    seen = []
    oracle = replace(
        ORACLE,
        episodes=103,
        episodes_per_batch=50,
        progress=lambda done, total, mean, throughput: seen.append(done),
    )
    respond(TrainableRockPaperScissors(), oracle=oracle)
    assert seen == [35, 69, 103]


def killed_after(batches):
    def progress(done, total, outcome, throughput):
        if done == 100 * batches:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("every", [1, 3])
def test_killed_and_resumed_equals_unkilled(tmp_path, every):
    game = TrainableRockPaperScissors()
    oracle = replace(ORACLE, checkpoint=tmp_path, checkpoint_every=every, normalize_values=True)
    whole = respond(game, oracle=replace(oracle, checkpoint=None))
    for batches in (2, 9):
        with pytest.raises(KeyboardInterrupt):
            respond(game, oracle=replace(oracle, progress=killed_after(batches)))
    game.collected = 0
    resumed = respond(game, oracle=oracle)
    assert game.collected == 1500 - 900
    for one, other in zip(
        whole.policy.network.parameters(), resumed.policy.network.parameters(), strict=True
    ):
        assert torch.equal(one, other)
    for entry in ("episodes", "decisions", "outcome_per_batch"):
        assert whole.cost[entry] == resumed.cost[entry]


def test_what_is_drawn_after_a_resumed_training_is_the_same(tmp_path):
    oracle = replace(ORACLE, checkpoint=tmp_path, episodes=300)
    draws = []
    for _ in range(2):
        rng = np.random.default_rng(3)
        oracle.best_response(TrainableRockPaperScissors(), 0, MOSTLY_PAPER, rng=rng)
        draws.append(rng.random())
    assert draws[0] == draws[1]


def test_a_finished_training_is_not_repeated_and_another_one_starts_anew(tmp_path):
    game = TrainableRockPaperScissors()
    oracle = replace(ORACLE, checkpoint=tmp_path)
    for seed, collected in ((0, 1500), (0, 1500), (1, 3000)):
        respond(game, oracle=oracle, seed=seed)
        assert game.collected == collected
    assert [path.name for path in tmp_path.iterdir()] == ["player0.safetensors"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = tmp_path / "player0.safetensors"
    oracle = replace(ORACLE, checkpoint=tmp_path)
    respond(TrainableRockPaperScissors(), oracle=oracle)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"player0.safetensors is a damaged checkpoint"):
        respond(TrainableRockPaperScissors(), oracle=oracle)


def test_only_parameters_that_require_gradients_are_trained_and_stored(tmp_path):
    start = ThrowPolicy(Throw())
    start.network.value.requires_grad_(False)
    response = respond(
        TrainableRockPaperScissors(), oracle=replace(ORACLE, start=start, checkpoint=tmp_path)
    )
    assert response.policy.probabilities()[2] > 0.9
    assert response.policy.network.value.item() == 0.0
    with safe_open(tmp_path / "player0.safetensors", framework="pt") as file:
        assert [n for n in file.keys() if n.startswith("network")] == ["network.logits"]  # noqa: SIM118
    start.network.requires_grad_(False)
    with pytest.raises(ValueError, match="has no parameter that requires gradients"):
        respond(TrainableRockPaperScissors(), oracle=replace(ORACLE, start=start))


def test_the_divergence_from_the_start_holds_the_policy_back():
    start = ThrowPolicy(Throw())
    start.network.logits.data[:] = torch.tensor([1.0, 0.0, 0.0])
    near, far = (
        respond(TrainableRockPaperScissors(), oracle=replace(ORACLE, start=start, kl_weight=weight))
        for weight in (100.0, 0.0)
    )
    np.testing.assert_allclose(near.policy.probabilities(), start.probabilities(), atol=0.05)
    assert far.policy.probabilities()[2] > 0.8


def test_a_moderate_divergence_is_the_closed_form():
    """The policy that maximises u - w KL(p, q) is q exp(u / w), normalised."""
    start = ThrowPolicy(Throw())
    start.network.logits.data[:] = torch.tensor([0.5, 0.0, 0.0])
    oracle = replace(
        ORACLE, start=start, kl_weight=0.5, entropy=0.0, episodes=20_000, episodes_per_batch=1000
    )
    found = respond(TrainableRockPaperScissors(), oracle=oracle).policy.probabilities()
    # Advantages are normalised, so the utility is in units of their standard deviation.
    utility = ROCK_PAPER_SCISSORS @ [0.2, 0.8, 0.0]
    second = (ROCK_PAPER_SCISSORS**2) @ [0.2, 0.8, 0.0]
    wanted = start.probabilities()
    for _ in range(100):
        spread = np.sqrt(wanted @ second - (wanted @ utility) ** 2)
        wanted = start.probabilities() * np.exp(utility / spread / 0.5)
        wanted /= wanted.sum()
    np.testing.assert_allclose(found, wanted, atol=0.06)


def masked(legal, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(legal.shape, generator=generator, requires_grad=True)
    return logits, torch.log_softmax(logits.masked_fill(~legal, float("-inf")), dim=-1)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4).filter(any), min_size=1))
def test_entropy_and_divergence_are_over_the_legal_actions(legal):
    legal = torch.tensor(legal)
    logits, log_policy = masked(legal)
    _, reference = masked(legal, seed=1)
    policy, other = log_policy.exp().detach().numpy(), reference.exp().detach().numpy()
    np.testing.assert_allclose(
        entropy(log_policy).detach(), scipy.stats.entropy(policy, axis=1), atol=1e-6
    )
    np.testing.assert_allclose(
        divergence(log_policy, reference).detach(),
        [scipy.stats.entropy(p[p > 0], q[p > 0]) for p, q in zip(policy, other, strict=True)],
        atol=1e-5,
    )
    (entropy(log_policy) + divergence(log_policy, reference)).sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[~legal] == 0.0).all()


class Remembers(Throw):
    """Checks that it sees whole episodes in order."""

    recurrent = True

    def forward(self, observation):
        step, first = observation["nothing"][:, 0], observation["first"]
        assert first[0]
        assert torch.equal(first, step == 0)
        assert torch.equal(step[1:][~first[1:]], step[:-1][~first[1:]] + 1)
        assert len(step) <= 1024 + 3
        return super().forward(observation)


class RepeatedThrows(TrainableRockPaperScissors):
    """Episodes of one to three throws, which all count; the observation is the throw's number."""

    def collect(self, learner, player, opponents, episodes, *, rng):
        single = super().collect(learner, player, opponents, episodes, rng=rng)
        return [
            Episode(
                {"nothing": np.arange(length, dtype=np.float32)[:, None]},
                np.repeat(episode.legal, length, axis=0),
                np.repeat(episode.actions, length),
                np.repeat(episode.rewards, length),
                episode.outcome,
            )
            for episode, length in zip(single, rng.integers(1, 4, size=episodes), strict=True)
        ]


def test_a_network_that_remembers_learns_from_whole_episodes():
    oracle = replace(ORACLE, start=ThrowPolicy(Remembers()), minibatch=32)
    assert respond(RepeatedThrows(), oracle=oracle).policy.probabilities()[2] > 0.9


def test_stops_when_the_outcomes_stop_rising():
    """Against a lone rock paper wins all; from then on the curve is flat."""
    oracle = replace(ORACLE, episodes=20_000, stop=StopWhenFlat(rise=0.05, window=3))
    response = respond(TrainableRockPaperScissors(), [Mixture((0,), np.ones(1))] * 2, oracle)
    assert response.policy.probabilities()[1] > 0.9
    assert response.cost["episodes"] < 10_000


def test_bfloat16_learns_too():
    response = respond(TrainableRockPaperScissors(), oracle=replace(ORACLE, precision="bfloat16"))
    assert response.policy.probabilities()[2] > 0.9


def test_opponents_play_on_the_learners_device_as_copies():
    """A device without memory stands for a GPU; who learns need not be moved twice."""
    game = TrainableRockPaperScissors()
    network, own = ThrowPolicy(Throw()), ThrowPolicy(Throw())
    weights = np.array([0.5, 0.25, 0.25])
    mixtures = [Mixture((own,), np.ones(1)), Mixture((network, 1, network), weights)]
    meta = torch.device("meta")
    first, second = _on_device(mixtures, game, 0, meta)
    assert first.policies == (own,)
    copied, table, again = second.policies
    assert copied is again
    assert table == 1
    assert copied.network.logits.is_meta
    assert not network.network.logits.is_meta
    assert _on_device(mixtures, game, 0, torch.device("cpu")) is mixtures
    joint = JointMixture(((own, network), (own, 1)), np.array([0.5, 0.5]))
    assert _on_device(joint, game, 0, meta).profiles[0][1].network.logits.is_meta
    assert _on_device(joint, game, 0, torch.device("cpu")) is joint


def test_says_where_the_time_went():
    seen = []
    oracle = replace(ORACLE, progress=lambda *arguments: seen.append(arguments))
    cost = respond(TrainableRockPaperScissors(), oracle=oracle).cost
    done, total, _, throughput = seen[-1]
    assert (done, total) == (1500, 1500)
    assert 0.0 < cost["rollout_seconds"] + cost["learning_seconds"] <= cost["seconds"]
    assert 0.0 <= cost["inference_seconds"] <= cost["rollout_seconds"]
    assert cost["environment_steps_per_second"] > cost["decisions_per_second"] > 0.0
    assert str(throughput).endswith("learning")


def test_a_game_without_networks_is_refused():
    game = TableGame(ROCK_PAPER_SCISSORS, symmetric=True)
    with pytest.raises(ValueError, match="cannot train networks"):
        respond(game)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="or a policy, got 'warm'"):
        PPOOracle(start="warm")
    with pytest.raises(ValueError, match="episodes must be at least 1"):
        PPOOracle(episodes=0)
    with pytest.raises(ValueError, match="precision must be one of"):
        PPOOracle(precision="float16")
    with pytest.raises(ValueError, match="kl_weight must not be negative"):
        PPOOracle(kl_weight=-1.0)


def test_settings_that_change_go_from_one_end_to_the_other():
    assert [between((1.0, 0.01), share) for share in (0.0, 0.5, 1.0)] == pytest.approx(
        [1, 0.1, 0.01]
    )
    assert between(0.3, 0.5) == 0.3
    oracle = replace(ORACLE, learning_rate=(0.1, 0.01), entropy=(0.1, 0.001))
    assert respond(TrainableRockPaperScissors(), oracle=oracle).policy.probabilities()[2] > 0.9
    with pytest.raises(ValueError, match="entropy must be a number or two positive ones"):
        PPOOracle(entropy=(0.1, 0.0))


def test_the_name_tells_what_changes_the_result_and_nothing_else(tmp_path):
    usual = PPOOracle()
    assert replace(usual, checkpoint=tmp_path, device="cpu").name == usual.name
    others = [
        replace(usual, kl_weight=0.1),
        replace(usual, stop=StopWhenFlat()),
        replace(usual, normalize_values=True),
        replace(usual, precision="bfloat16"),
        replace(usual, start=ThrowPolicy(Throw())),
    ]
    assert len({usual.name, *(other.name for other in others)}) == 6
