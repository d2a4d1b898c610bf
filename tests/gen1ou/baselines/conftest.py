"""What needs Showdown is skipped where it cannot run."""

import pytest

from pokespiel.gen1ou.showdown import ShowdownError
from pokespiel.gen1ou.showdown.install import find_node, showdown_directory


def pytest_collection_modifyitems(items):
    try:
        find_node()
        showdown_directory()
    except ShowdownError as error:
        for item in items:
            if item.get_closest_marker("showdown"):
                item.add_marker(pytest.mark.skip(reason=str(error)))
