"""One worker runs the engine's tests, so that it is compiled once."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "gen1ou/engine" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group("engine"))
