"""Tests that take minutes run only where they are asked for."""

import importlib.util
import sys

import pytest


def pytest_addoption(parser):
    parser.addoption("--run-long", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-long") or "long" in config.getoption("markexpr"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --run-long"))


@pytest.fixture(scope="module")
def script():
    """Loads a file that is no part of a package, as a module."""
    loaded = []

    def load(path):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        # Dataclasses look their module up.
        sys.modules[path.stem] = module
        loaded.append(path.stem)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in loaded:
        del sys.modules[name]


@pytest.fixture(scope="module")
def example(request, script):
    """The script that a test module calls ``EXAMPLE``."""
    return script(request.module.EXAMPLE)
