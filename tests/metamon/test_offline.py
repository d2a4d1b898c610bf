"""Metamon's trainer out of process, with a stand-in that takes and leaves the same files."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from pokespiel.gen1ou.baselines import MaxDamagePolicy
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.teams import load_teams
from pokespiel.metamon.assets import VOCABULARY_SIZE
from pokespiel.metamon.checkpoint import export_state_dict
from pokespiel.metamon.finetune import trainable
from pokespiel.metamon.offline import TRAINER, OfflineOracle, TrainerError, model_gin
from pokespiel.metamon.policy import MetamonPolicy
from pokespiel.protocols import Mixture
from tests.metamon.conftest import SMALL, new_network
from tests.metamon.test_finetune import WORDS

# Scales the actor, so that the second round's start is seen to be the first one's result.
STAND_IN = """
import json, pathlib, sys, torch
settings = json.loads(pathlib.Path(sys.argv[1]).read_text())
battles = list(pathlib.Path(settings["battles"]).glob("gen1ou/*.json"))
state = torch.load(settings["start"], weights_only=True)
state["actor.base.out_layer.bias"] += len(battles)
torch.save(state, settings["result"])
print("learnt from", len(battles))
"""


@pytest.fixture(scope="module")
def agent():
    filled = {f"<unused{n}>": n for n in range(len(WORDS), VOCABULARY_SIZE)}
    return MetamonPolicy(new_network(SMALL), {**WORDS, **filled}, name="small")


@pytest.fixture
def oracle(agent, tmp_path):
    def build(script=STAND_IN, **settings):
        trainer = tmp_path / "trainer.py"
        trainer.write_text(script)
        usual = {"python": sys.executable, "directory": tmp_path / "work", "trainer": trainer}
        return OfflineOracle(agent, **{**usual, "episodes": 3, "rounds": 2, **settings})

    return build


def respond(oracle, agent, game=None):
    game = game or Gen1OU(load_teams()[:4], initial=agent)
    sides = [Mixture((agent,), np.ones(1)), Mixture((MaxDamagePolicy(),), np.ones(1))]
    return oracle.best_response(game, 0, sides, rng=np.random.default_rng(0))


def test_each_round_learns_from_all_battles_and_goes_on_from_the_one_before(
    oracle, agent, tmp_path
):
    response = respond(oracle(), agent)
    moved = (
        response.policy.network.actor.layers[-1].bias - agent.network.actor.layers[-1].bias
    ).numpy()
    np.testing.assert_allclose(moved, 3 + 6, atol=1e-4)
    assert response.policy.network.config == agent.network.config
    assert response.cost["episodes"] == 6
    assert len(response.cost["outcome_per_batch"]) == 2
    folder = tmp_path / "work" / "player0"
    assert len(list(folder.glob("battles/gen1ou/*_Unrated_learner_vs_mixture_*.json"))) == 6
    assert (folder / "round1" / "trainer.log").read_text() == "learnt from 6\n"
    settings = json.loads((folder / "round1" / "settings.json").read_text())
    assert settings["start"] == str(folder / "round0" / "policy.pt")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("print('no amago here'); raise SystemExit(3)", r"status 3; the end of .*\nno amago here"),
        ("pass", "left no result"),
    ],
)
def test_a_trainer_that_fails_says_so(oracle, agent, script, message):
    with pytest.raises(TrainerError, match=message):
        respond(oracle(script), agent)


def test_without_metamon_the_trainer_says_what_is_missing(oracle, agent):
    """This environment has none."""
    with pytest.raises(TrainerError, match=r"has no metamon with its trainer: No module named"):
        respond(oracle(trainer=TRAINER), agent)


def test_an_interpreter_that_is_not_there(oracle, agent):
    with pytest.raises(TrainerError, match="cannot run metamon's trainer with /nowhere/python"):
        respond(oracle(python="/nowhere/python"), agent)


def test_a_result_of_another_kind_is_refused(oracle, agent):
    script = STAND_IN.replace("torch.save(state,", "torch.save(dict(list(state.items())[:9]),")
    with pytest.raises(ValueError, match="no transformer agent of metamon"):
        respond(oracle(script), agent)


def test_other_games_are_refused(oracle, agent):
    with pytest.raises(ValueError, match="on the engine"):
        respond(oracle(), agent, Gen1OU(backend="showdown", initial=agent))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"reward": "Sparse"}, "reward must be one of DefaultShapedReward, .*, got 'Sparse'"),
        ({"advantage_filter": "all"}, "advantage_filter must be one of exp, binary"),
        ({"replay_weight": 1.0}, "replay_weight must be between 0 and 1"),
        ({"replays": "/nowhere"}, "no data set of metamon's: it holds no gen1ou/"),
    ],
)
def test_bad_settings_are_named(oracle, settings, message):
    with pytest.raises(ValueError, match=message):
        oracle(**settings)


def test_adapters_and_other_vocabularies_are_refused(oracle, agent, tmp_path):
    usual = {"python": "python", "directory": tmp_path}
    with pytest.raises(ValueError, match="knows no adapters"):
        OfflineOracle(trainable(agent), **usual)
    sizes = replace(SMALL, vocabulary=len(WORDS))
    other = MetamonPolicy(new_network(sizes), WORDS, name="other")
    with pytest.raises(ValueError, match=r"vocabulary of 1407 words; other has \d+"):
        OfflineOracle(other, **usual)


def test_a_binary_reward_warns_with_the_evidence_and_its_caveat(oracle):
    with pytest.warns(UserWarning, match=r"(?s)binary reward stalls.*never received"):
        oracle(reward="BinaryReward")


def test_human_replays_warn_with_the_evidence(oracle, tmp_path):
    (tmp_path / "human" / "gen1ou").mkdir(parents=True)
    with pytest.warns(UserWarning, match=r"(?s)38 % of 50 battles.*heuristics"):
        oracle(replays=tmp_path / "human")


def test_the_agent_is_described_to_metamon_as_it_is(agent):
    """With upstream's agent, whatever its heads are."""
    gin = model_gin(agent.network.config)
    assert "MetamonAMAGOExperiment.agent_type = @agent.MultiTaskAgent\n" in gin
    assert "traj_encoders.TformerTrajEncoder.d_model = 32\n" in gin
    older = model_gin(replace(SMALL, critic_bins=0))
    assert "agent.Agent.critic_type = @actor_critic.NCritics\n" in older
    assert export_state_dict(agent.network).keys() >= {"actor.base.out_layer.bias"}
