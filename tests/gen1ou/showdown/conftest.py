"""A server for the tests that need one; they skip where it cannot run."""

import numpy as np
import pytest

from pokespiel.gen1ou.showdown import Arena, ShowdownError, ShowdownServer
from pokespiel.gen1ou.showdown.install import find_node, showdown_directory


def pytest_collection_modifyitems(items):
    try:
        find_node()
        showdown_directory()
    except ShowdownError as error:
        for item in items:
            if item.get_closest_marker("showdown"):
                item.add_marker(pytest.mark.skip(reason=str(error)))


@pytest.fixture(scope="session")
def server():
    with ShowdownServer() as server:
        yield server


@pytest.fixture(scope="session")
def arena(server):
    with Arena(server, concurrency=20) as arena:
        yield arena


@pytest.fixture
def rng():
    return np.random.default_rng(0)
