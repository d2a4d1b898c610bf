"""Long tests run when they are asked for: ``pytest -m long``, or ``--run-long`` if there is one."""

import pytest


def pytest_collection_modifyitems(config, items):
    asked = "long" in config.getoption("markexpr") or config.getoption("--run-long", default=False)
    for item in items:
        if item.get_closest_marker("long") and not asked:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with -m long"))
