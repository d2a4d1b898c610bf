"""The network computes what amago computes, whatever else is in its batch."""

import copy
from dataclasses import replace

import pytest
import torch

from pokespiel.metamon.network import (
    FEEDBACK,
    NUM_NUMBERS,
    NUM_WORDS,
    MetamonConfig,
    clipped_probabilities,
    masked_probabilities,
)
from tests.metamon.conftest import SMALL, new_network

TOLERANCE = 1e-5


def close(actual, expected, tolerance=TOLERANCE):
    return (actual - expected).abs().max().item() <= tolerance


@pytest.mark.metamon
def test_five_decisions_at_once(reference, reference_network):
    net = reference_network
    turns = net.encode_turns(
        reference["A/in/text_tokens"], reference["A/in/numbers"], reference["A/in/rl2s"]
    )
    assert close(turns, reference["A/out/tstep"])
    state = net(turns, reference["A/in/time_idxs"][..., 0])
    assert close(state, reference["A/out/srep"])
    logits = net.logits(state)
    assert close(logits, reference["A/out/logits"])
    legal = ~reference["A/in/illegal_actions"][:, :, None].expand_as(logits)
    assert close(clipped_probabilities(logits, legal), reference["A/out/probs"])
    # Values lie in [-1100, 1100]; that is the scale of a relative error.
    values = net.action_values(state)
    expected = reference["A/out/q_raw"][..., 0].permute(1, 2, 3, 4, 0)
    assert close(values, expected, tolerance=1100 * TOLERANCE)


@pytest.mark.metamon
def test_decision_by_decision_over_a_full_context_and_a_reset(reference, reference_network):
    net = reference_network
    turns = net.encode_turns(
        reference["B/in/text_tokens"], reference["B/in/numbers"], reference["B/in/rl2s"]
    )
    assert close(turns, reference["B/out/tstep"])
    resets = reference["B/in/reset_before_step"][:, 0].tolist()
    times = reference["B/in/time_idxs"][..., 0]
    assert times.shape[1] > net.config.context
    cache = net.new_cache(2)
    states = []
    for step in range(times.shape[1]):
        for row, before in enumerate(resets):
            if before == step:
                cache.reset(row)
        states.append(net.advance(turns[:, step], times[:, step], cache, torch.arange(2)))
    state = torch.stack(states, dim=1)
    assert close(state, reference["B/out/srep"])
    logits = net.logits(state)
    assert close(logits, reference["B/out/logits"])
    legal = ~reference["B/in/illegal_actions"][:, :, None].expand_as(logits)
    assert close(clipped_probabilities(logits, legal), reference["B/out/probs"])


@pytest.mark.metamon
def test_bfloat16_stays_close(reference, reference_network):
    """Of probabilities between 0.001 and 0.99; the worst error is 0.0053."""

    net = copy.deepcopy(reference_network).to(torch.bfloat16)
    turns = net.encode_turns(
        reference["A/in/text_tokens"], reference["A/in/numbers"], reference["A/in/rl2s"]
    )
    logits = net.logits(net(turns, reference["A/in/time_idxs"][..., 0]))
    legal = ~reference["A/in/illegal_actions"][:, :, None].expand_as(logits)
    assert close(clipped_probabilities(logits, legal), reference["A/out/probs"], tolerance=0.01)


def inputs(decisions, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randint(-1, SMALL.vocabulary, (decisions, NUM_WORDS), generator=generator),
        torch.randn(decisions, NUM_NUMBERS, generator=generator),
        torch.randn(decisions, FEEDBACK, generator=generator),
    )


def test_a_batch_of_one_equals_a_batch_of_many(small_network):
    """Battles of different lengths, each with its own memory and past the context."""
    net = small_network
    together, alone = net.new_cache(5), net.new_cache(5)
    generator = torch.Generator().manual_seed(1)
    for step in range(20):
        slots = torch.randperm(5, generator=generator)[: 1 + step % 5]
        turns = net.encode_turns(*inputs(len(slots), seed=step))
        times = together.counts[slots].clone()
        many = net.advance(turns, times, together, slots)
        one = [net.advance(turns[[i]], times[[i]], alone, slots[[i]]) for i in range(len(slots))]
        assert close(many, torch.cat(one))
    assert together.counts.max() > SMALL.context


def test_who_has_no_decision_is_left_untouched(small_network):
    net = small_network
    turns = net.encode_turns(*inputs(3))
    busy, quiet = net.new_cache(3), net.new_cache(3)
    everyone, middle = torch.arange(3), torch.tensor([1])
    for cache in (busy, quiet):
        net.advance(turns, torch.zeros(3), cache, everyone)
    for step in range(1, 12):
        net.advance(turns[[0, 2]], torch.full((2,), step), busy, torch.tensor([0, 2]))
    assert busy.counts.tolist() == [12, 1, 12]
    later = [net.advance(turns[[1]], torch.ones(1), cache, middle) for cache in (busy, quiet)]
    assert close(*later, tolerance=1e-6)


def test_a_reset_battle_starts_anew_and_a_grown_cache_forgets_nothing(small_network):
    net = small_network
    turns = net.encode_turns(*inputs(2))
    zero = torch.zeros(2)
    cache = net.new_cache(2)
    fresh = net.advance(turns, zero, cache, torch.arange(2))
    cache.reset(0)
    again = net.advance(turns[[0]], zero[:1], cache, torch.tensor([0]))
    assert close(again[0], fresh[0])
    grown = net.new_cache(2)
    net.advance(turns, zero, grown, torch.arange(2))
    grown.grow(5)
    assert grown.slots == 5
    assert close(
        net.advance(turns[[1]], zero[:1] + 1, grown, torch.tensor([1])),
        net.advance(turns[[1]], zero[:1] + 1, cache, torch.tensor([1])),
    )


def test_whole_sequences_equal_single_decisions_within_the_context(small_network):
    net = small_network
    turns = net.encode_turns(*inputs(SMALL.context)).unsqueeze(0)
    times = torch.arange(SMALL.context).unsqueeze(0)
    cache = net.new_cache(1)
    steps = [
        net.advance(turns[:, t], times[:, t], cache, torch.tensor([0]))
        for t in range(SMALL.context)
    ]
    assert close(net(turns, times), torch.stack(steps, dim=1))


def test_masked_probabilities_know_only_legal_actions():
    logits = torch.tensor([[5.0, 1.0, 1.0]])
    legal = torch.tensor([[False, True, True]])
    assert masked_probabilities(logits, legal).tolist() == [[0.0, 0.5, 0.5]]
    clipped = clipped_probabilities(logits, legal)[0]
    assert clipped.tolist() == pytest.approx([0.001 / 1.001, 0.5 / 1.001, 0.5 / 1.001])


def test_where_nothing_is_legal_everything_is():
    probabilities = masked_probabilities(torch.zeros(1, 4), torch.zeros(1, 4, dtype=torch.bool))
    assert probabilities.tolist() == [[0.25] * 4]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"turn_width": 160, "turn_heads": 7}, "7 heads do not divide the turn encoder's width"),
        ({"width": 1280, "heads": 19}, "19 heads do not divide the trajectory encoder's width"),
        ({"gammas": 3}, "gammas must be 1 or 7, got 3"),
    ],
)
def test_impossible_sizes_are_explained(sizes, message):
    with pytest.raises(ValueError, match=message):
        MetamonConfig(**sizes)


def test_scalar_critics_of_the_older_agents():

    config = replace(SMALL, critic_bins=0)
    net = new_network(config)
    assert net.action_values(torch.randn(4, config.width)).shape == (4, 2, 7, 9)
