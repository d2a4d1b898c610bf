"""What a network remembers: the same one decision at a time as over whole episodes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pokespiel.policies.memory import Memories, Memory

LENGTHS = (4, 1, 6)


@pytest.fixture
def memory():
    torch.manual_seed(0)
    unit = Memory(8, 5)
    torch.nn.init.normal_(unit.recalled.weight)
    return unit


def episodes():
    trunk = torch.randn(sum(LENGTHS), 8, generator=torch.Generator().manual_seed(1))
    first = torch.cat([torch.arange(length) == 0 for length in LENGTHS])
    return trunk, first


def test_whole_episodes_are_what_single_decisions_are(memory):
    trunk, first = episodes()
    together, nothing = memory(trunk, {"first": first})
    assert nothing == ()
    rows, state = [], torch.zeros(1, 5)
    for row, begins in zip(trunk.split(1), first, strict=True):
        state = state * ~begins
        found, (state,) = memory(row, {"memory": state})
        rows.append(found)
    torch.testing.assert_close(together, torch.cat(rows))


def test_nothing_crosses_from_one_episode_to_the_next(memory):
    trunk, first = episodes()
    whole, _ = memory(trunk, {"first": first})
    trunk[0] = 0.0
    changed, _ = memory(trunk, {"first": first})
    same = (whole == changed).all(dim=1)
    assert same.tolist() == [False] * 4 + [True] * 7


def test_it_adds_nothing_before_it_has_learnt():
    trunk, first = episodes()
    assert torch.equal(Memory(8, 5)(trunk, {"first": first})[0], trunk)


def test_it_keeps_its_precision_in_mixed_precision(memory):
    trunk, first = episodes()
    with torch.autocast("cpu", torch.bfloat16):
        _, (state,) = memory(trunk.bfloat16(), {"memory": torch.zeros(len(trunk), 5)})
        memory(trunk.bfloat16(), {"first": first})
    assert state.dtype == torch.float32


def test_seats_keep_their_memories_until_they_are_forgotten():
    memories, device = Memories(2), torch.device("cpu")
    rng = np.random.default_rng(0)
    expected: dict[int, float] = {}
    for step in range(200):
        seats = rng.choice(50, size=rng.integers(1, 20), replace=False)
        places = memories.places(seats)
        found = memories.read(places, device)[:, 0].tolist()
        assert found == [expected.get(seat, 0.0) for seat in seats.tolist()]
        memories.write(places, torch.full((len(seats), 2), float(step + 1)))
        expected |= dict.fromkeys(seats.tolist(), float(step + 1))
        over = rng.choice(60, size=8, replace=False)
        memories.forget(over)
        for seat in over.tolist():
            expected.pop(seat, None)
        assert len(memories) == len(expected)
