"""What users may call a Gen 1 OU policy, and what comes of it."""

from __future__ import annotations

import click
import numpy as np
import pytest

from pokespiel.cli import main
from pokespiel.cli.common import OpenedRun, Progress
from pokespiel.cli.opponents import SMALL_AGENT, resolve, room_for, start_of
from pokespiel.cli.psro import _judged
from pokespiel.gen1ou.meta_game import STARTER, Gen1OU
from pokespiel.gen1ou.neural import NeuralPolicy
from pokespiel.metamon.finetune import TrainedPolicy
from pokespiel.metamon.policy import MetamonPolicy
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import Mixture


def test_a_stored_policy_is_named_by_its_directory():
    found = resolve(str(STARTER)).policy
    assert isinstance(found, NeuralPolicy)
    assert isinstance(start_of(str(STARTER)), NeuralPolicy)


def test_gen1ous_own_names_stay_names():
    assert [start_of(name) for name in ("starter", "network", "max_damage")] == [
        "starter",
        "network",
        "max_damage",
    ]


def test_agents_of_metamons_are_trained_by_adapters():
    assert isinstance(resolve(SMALL_AGENT).policy, MetamonPolicy)
    start = start_of(SMALL_AGENT)
    assert isinstance(start, TrainedPolicy)
    assert start.part == "lora"


def test_responses_from_an_agent_are_always_judged_against_it():
    game = Gen1OU(initial=start_of(SMALL_AGENT))
    assert list(_judged(PPOOracle(), "ppo", game, None).rivals) == [SMALL_AGENT]
    with pytest.raises(click.UsageError, match="always judged"):
        _judged(PPOOracle(), "ppo", game, 0)
    assert not _judged(PPOOracle(), "ppo", Gen1OU(), None).rivals


def test_agents_that_remember_play_fewer_battles_at_once():
    start = start_of(SMALL_AGENT)
    assert room_for(start, "engine") == 256
    assert room_for(start, "showdown") is None
    assert room_for("starter", "engine") is None


def test_an_agent_that_is_not_downloaded_says_how(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("POKESPIEL_CACHE", str(tmp_path))
    run = ["psro", "gen1ou", "--directory", str(tmp_path / "run")]
    assert main([*run, "--initial", "SyntheticRLV2"]) != 0
    error = capsys.readouterr().err
    assert "SyntheticRLV2 is not downloaded" in error
    assert "Traceback" not in error


def test_a_run_from_an_agent_is_opened_again(tmp_path):
    """Its strategies play, and the next run starts from one of them."""
    directory = tmp_path / "run"
    run = ["psro", "gen1ou", "--initial", SMALL_AGENT, "--directory", str(directory)]
    small = ["--iterations", "1", "--training-games", "2", "--games-per-cell", "4"]
    assert main([*run, *small]) == 0
    opened = OpenedRun(directory, Progress(quiet=True))
    response = opened.populations[0][1]
    assert isinstance(response, TrainedPolicy)
    assert isinstance(resolve(str(directory)).policy, Mixture)
    start = start_of(f"{directory}:BR1")
    assert isinstance(start, TrainedPolicy)
    returns = Gen1OU(initial=start).play([(start, response)], 4, rng=np.random.default_rng(0))
    assert returns.sum() == 4.0
    with pytest.raises(ValueError, match="is a mixture; a population starts from one policy"):
        start_of(str(directory))
