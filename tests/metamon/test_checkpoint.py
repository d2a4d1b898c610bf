"""Checkpoints in metamon's format: read, folded, written, refused."""

import os
import pickle
from dataclasses import replace

import pytest
import torch

from pokespiel.metamon.checkpoint import (
    export_state_dict,
    infer_config,
    load_checkpoint,
    network_from,
    save_checkpoint,
)
from pokespiel.metamon.network import (
    FEEDBACK,
    NUM_NUMBERS,
    NUM_WORDS,
    MetamonConfig,
    MetamonNetwork,
)
from tests.metamon.conftest import SMALL, new_network


def outputs(network):
    generator = torch.Generator().manual_seed(0)
    turns = network.encode_turns(
        torch.randint(-1, network.config.vocabulary, (1, 5, NUM_WORDS), generator=generator),
        torch.randn(1, 5, NUM_NUMBERS, generator=generator),
        torch.randn(1, 5, FEEDBACK, generator=generator),
    )
    state = network(turns, torch.arange(5).unsqueeze(0))
    return network.logits(state), network.action_values(state)


def assert_same_outputs(one, other):
    """Within 1e-5, of values relative to their range of [-1100, 1100]."""
    (logits, values), (other_logits, other_values) = outputs(one), outputs(other)
    torch.testing.assert_close(logits, other_logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(values, other_values, rtol=0, atol=1100e-5)


@pytest.mark.parametrize(
    "changes",
    [{}, {"critic_bins": 0}, {"gammas": 1}, {"actor_layers": 1, "critic_layers": 1}],
    ids=["multi-task", "scalar critics", "imitation", "shallow heads"],
)
def test_written_checkpoints_are_read_back(tmp_path, changes):
    network = new_network(replace(SMALL, **changes))
    save_checkpoint(tmp_path / "policy_epoch_1.pt", network)
    loaded = load_checkpoint(tmp_path / "policy_epoch_1.pt", context=SMALL.context)
    assert loaded.config == network.config
    assert_same_outputs(loaded, network)


@pytest.mark.metamon
def test_writing_metamons_own_weights_changes_nothing(reference, reference_network):
    written = export_state_dict(reference_network)
    theirs = {name[3:]: value for name, value in reference.items() if name[:3] == "sd/"}
    assert written.keys() == theirs.keys()
    assert all(written[name].shape == value.shape for name, value in theirs.items())
    again = network_from(written, context=8, turn_heads=2)
    assert_same_outputs(again, reference_network)


def test_sizes_of_synthetic_rl_v2_are_the_default():
    """200,710,556 parameters with two targets and a copy of the critics; METAMON's own count."""
    with torch.device("meta"):
        network = MetamonNetwork(MetamonConfig())
    count = {
        part: sum(p.numel() for name, p in network.named_parameters() if name.startswith(part))
        for part in ("turn", "actor", "critics")
    }
    assert count == {"turn": 1_862_278, "actor": 950_847, "critics": 5_837_376}


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "policy_epoch_1.pt")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_truncated_file(tmp_path, share):
    path = tmp_path / "policy_epoch_1.pt"
    save_checkpoint(path, new_network())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"policy_epoch_1\.pt.*(damaged|refused)"):
        load_checkpoint(path)


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", ["torch", "pickle"])
def test_a_pickle_with_code_in_it_is_refused_and_not_executed(tmp_path, protocol):
    victim = tmp_path / "executed"
    content = {"actor.base.in_layer.weight": Payload(victim)}
    path = tmp_path / "policy_epoch_1.pt"
    if protocol == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"refused.*Nothing in it was executed"):
        load_checkpoint(path)
    assert not victim.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(1)], "holds a list, not named tensors"),
        ({}, "holds a dict, not named tensors"),
        ({"epoch": 3}, "something else than tensors: 'epoch'"),
        ({"weight": torch.zeros(1)}, "no transformer agent of metamon: it has no tensor"),
    ],
)
def test_other_contents(tmp_path, content, message):
    path = tmp_path / "other.pt"
    torch.save(content, path)
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path)


def state_with(**changes):
    state = export_state_dict(new_network())
    for name, value in changes.items():
        if value is None:
            del state[name]
        else:
            state[name] = value
    return state


TURN = "tstep_encoder.turn_embedding"
LAYER = "traj_encoder.tformer.layers.1"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{LAYER}.ff1.u": None}, "has no tensor 'traj_encoder.tformer.layers.1.ff1.u'"),
        ({f"{LAYER}.ff1.u": torch.zeros(3)}, r"ff1.u and .v do not fit a weight of \(64, 32\)"),
        (
            {"tstep_encoder.extra_emb.weight": torch.zeros(4, 14)},
            "made for 13 actions, not for 9",
        ),
        (
            {f"{TURN}.multimodal_fuse.num_emb.weight": torch.zeros(40, 60)},
            "reads 56 numbers per decision, not the 48",
        ),
        ({f"{TURN}.token_embedding.text_emb.weight": torch.zeros(5)}, "not 2 dimensions"),
        ({"traj_encoder.tformer.inp.bias": torch.zeros(7)}, r"embed.bias has shape \(7,\)"),
        ({"traj_encoder.rnn.weight_ih_l0": torch.zeros(1)}, "only the transformers are known"),
    ],
)
def test_misfits_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        network_from(state_with(**changes))


def test_heads_of_the_turn_encoder_can_be_given():
    state = export_state_dict(new_network())
    assert infer_config(state).turn_heads == 1
    assert infer_config(state, turn_heads=2).turn_heads == 2
    with pytest.raises(ValueError, match="7 heads do not divide"):
        infer_config(state, turn_heads=7)
