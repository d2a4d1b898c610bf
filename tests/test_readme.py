"""Every Python snippet of the README runs, and prints what the README says it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", README, flags=re.DOTALL)


@pytest.mark.parametrize(("code", "expected"), BLOCKS)
def test_snippet(code, expected):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert not expected or printed.getvalue() == expected


def test_there_are_snippets():
    assert len(BLOCKS) >= 2
    assert any(expected for _, expected in BLOCKS)
