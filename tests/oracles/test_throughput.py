"""Where a training's time goes: counted, and shown in TensorBoard."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch import nn

from pokespiel.oracles.throughput import Throughput
from pokespiel.runs.step import Step
from solvers.base import MetaStrategy


class Slow(nn.Linear):
    def forward(self, inputs):
        time.sleep(0.02)
        return super().forward(inputs)


def test_passes_while_playing_are_inference_and_others_are_not():
    network, found = Slow(1, 1), Throughput()
    with found.playing([network, network]):
        network(torch.zeros(1, 1))
        time.sleep(0.02)
    with found.improving():
        network(torch.zeros(1, 1))
    network(torch.zeros(1, 1))
    assert 0.02 <= found.inference < found.rollout
    assert found.rollout - found.inference >= 0.02
    assert found.learning >= 0.02


def test_a_failure_leaves_no_hooks_behind():
    network, found = nn.Linear(1, 1), Throughput()
    with pytest.raises(KeyError), found.playing([network]):
        raise KeyError
    assert not network._forward_hooks
    assert not network._forward_pre_hooks


def test_rates_and_shares():
    found = Throughput(decisions=1000, rollout=4.0, inference=3.0, learning=4.0)
    assert (found.rollout_rate, found.rate) == (250.0, 125.0)
    assert str(found) == (
        "250 steps/s, 125 decisions/s; 12% environment, 38% inference, 50% learning"
    )
    assert Throughput().rate == Throughput().rollout_rate == 0.0


def test_tensorboard_shows_rates_and_shares(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from pokespiel.report.tensorboard import TensorBoardLog

    cost = Throughput(decisions=1000, rollout=4.0, inference=3.0, learning=4.0).to_json()
    strategy = MetaStrategy(
        marginals=(np.ones(1),) * 2, values=np.zeros(2), regrets=np.zeros(2), joint=None
    )
    response = {"player": 0, "index": 1, "value": None, "gain": None, "cost": cost}
    with TensorBoardLog(tmp_path) as log:
        log.step(Step(0, strategy, (response,), None, (2, 2), 10, 1.0))
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    shown = {
        tag.removeprefix("throughput/player_0/"): events.Scalars(tag)[0].value
        for tag in events.Tags()["scalars"]
        if tag.startswith("throughput")
    }
    assert shown == {
        "environment_steps_per_second": 250.0,
        "decisions_per_second": 125.0,
        "share_of_rollout": 0.5,
        "share_of_learning": 0.5,
        "share_of_inference": 0.375,
    }
