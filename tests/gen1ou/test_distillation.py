"""A compact network learns to play as its teacher does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pokespiel.gen1ou.baselines import MaxDamagePolicy, RandomPolicy
from pokespiel.gen1ou.distillation import distil
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.neural import NeuralPolicy


@pytest.fixture(scope="module")
def game():
    return Gen1OU()


def student(seed=0):
    return NeuralPolicy.new(rng=np.random.default_rng(seed))


def taught(game, **settings):
    teacher = game.initial_policies()[0]
    return distil(game, teacher, student(), rng=np.random.default_rng(1), **settings)


def test_the_student_comes_to_play_as_its_teacher(game):
    """The surer the teacher, the more steps it takes: these leave a wide margin."""
    untaught = taught(game, battles=40, held_out=0.5, epochs=1, learning_rate=0.0)
    found = taught(game, battles=200, epochs=4, minibatch=64)
    before, *after = found.divergence
    assert len(after) == 4
    assert after[-1] < 0.6 * before
    assert untaught.divergence[0] == untaught.divergence[1]
    assert found.agreement > untaught.agreement + 0.25
    assert found.battles == 200
    assert found.decisions > 200


def test_the_given_student_is_left_as_it_was(game):
    given = student()
    kept = [p.clone() for p in given.network.parameters()]
    distil(game, RandomPolicy(), given, rng=np.random.default_rng(0), battles=10, epochs=1)
    assert all(torch.equal(a, b) for a, b in zip(kept, given.network.parameters(), strict=True))


def test_same_seed_same_student(game):
    def weights():
        found = distil(
            game,
            MaxDamagePolicy(),
            student(),
            rng=np.random.default_rng(5),
            battles=10,
            epochs=1,
        )
        return found, [p.detach() for p in found.policy.network.parameters()]

    (one, first), (two, second) = weights(), weights()
    assert one.divergence == two.divergence
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_choices_are_imitated_where_there_are_no_probabilities(game):
    """And what was learnt is seen head-to-head, not in a loss."""
    found = distil(
        game,
        MaxDamagePolicy(),
        student(),
        rng=np.random.default_rng(2),
        opponents=(RandomPolicy(), MaxDamagePolicy()),
        battles=300,
        epochs=4,
    )
    profiles = [(found.policy, RandomPolicy()), (student(), RandomPolicy())]
    after, before = game.play(profiles, 200, rng=np.random.default_rng(3))[:, :, 0].mean(axis=1)
    assert before < 0.65
    assert after > 0.8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"held_out": 1.0}, "held_out must be between 0 and 1, got 1.0"),
        ({"battles": 1}, "1 battles, 0.1 of them held out, and 4 epochs leave nothing"),
        ({"epochs": 0}, "0 epochs leave nothing"),
    ],
)
def test_bad_numbers_are_named(game, settings, message):
    with pytest.raises(ValueError, match=message):
        distil(game, RandomPolicy(), student(), rng=np.random.default_rng(0), **settings)


def test_it_plays_on_the_engine_only():
    showdown = Gen1OU(backend="showdown")
    with pytest.raises(ValueError, match="plays on the engine, not on showdown"):
        distil(showdown, RandomPolicy(), student(), rng=np.random.default_rng(0))


def test_a_student_with_a_memory_is_refused(game):
    remembering = NeuralPolicy.new("compact-memory", rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="the student must have no memory"):
        distil(game, RandomPolicy(), remembering, rng=np.random.default_rng(0))
