"""Tests that take minutes run only where they are asked for."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--run-long", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-long") or "long" in config.getoption("markexpr"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --run-long"))
