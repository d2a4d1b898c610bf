"""Metamon's files, which are not part of this project, and a small network of its family."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from pokespiel.metamon.checkpoint import network_from
from pokespiel.metamon.network import MetamonConfig, MetamonNetwork

VARIABLE = "POKESPIEL_METAMON_ASSETS"


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """More would wait for each other: these networks are tiny."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def assets():
    """The folder that the variable names, or a skip."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"{VARIABLE} is not set")
    path = Path(folder)
    if not (path / "conformance.npz").is_file():
        pytest.skip(f"{VARIABLE} is {folder}, which holds no conformance.npz")
    return path


@pytest.fixture(scope="session")
def reference(assets):
    """Inputs and outputs of a tiny agent, computed by amago 3.1.1."""
    with np.load(assets / "conformance.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file if file[name].dtype.kind != "U"}


@pytest.fixture(scope="session")
def reference_network(reference):
    weights = {
        name.removeprefix("sd/"): value for name, value in reference.items() if name[:3] == "sd/"
    }
    return network_from(weights, context=8, turn_heads=2)


SMALL = MetamonConfig(
    turn_width=20,
    turn_layers=2,
    turn_heads=1,
    scratch_tokens=2,
    number_tokens=2,
    feedback_width=4,
    width=32,
    layers=2,
    heads=2,
    feed_forward=64,
    context=8,
    actor_width=16,
    critics=2,
    critic_width=16,
    critic_bins=12,
)


def new_network(config=SMALL, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MetamonNetwork(config).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def small_network():
    return new_network()
