"""The site is built without a warning, misses no page, and needs no network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import solvers

ROOT = Path(__file__).parents[2]


def test_every_solver_is_named():
    page = (ROOT / "docs" / "solvers.md").read_text()
    assert [info.name for info in solvers.available() if f"`{info.name}`" not in page] == []


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return target, done.stderr


def test_every_page_is_in_the_navigation(site):
    assert "not included in the" not in site[1], site[1]


def test_no_page_loads_anything_from_elsewhere(site):
    loaded = re.compile(r'<(?:script|img|iframe|link rel="(?:stylesheet|icon)")[^>]*(?:src|href)="'
                        r'(https?:)?//')  # fmt: skip
    for page in site[0].rglob("*.html"):
        assert not loaded.search(page.read_text("utf-8")), page


def test_public_names_have_a_place_in_the_reference(site):
    index = (site[0] / "objects.inv").read_bytes()
    assert index.startswith(b"# Sphinx inventory")
    reference = " ".join(p.read_text("utf-8") for p in (site[0] / "api").rglob("*.html"))
    for name in ("pokespiel.psro.PSRO", "solvers.base.MetaStrategy", "pokespiel.stats.wilson"):
        assert f'id="{name}"' in reference, name
