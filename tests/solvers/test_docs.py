"""The examples of docs/solvers.md, run in order."""

import re
from pathlib import Path

import solvers

PAGE = Path(__file__).parents[2] / "docs" / "solvers.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


def test_examples_run():
    names: dict[str, object] = {}
    assert len(SNIPPETS) >= 6
    for snippet in SNIPPETS:
        exec(compile(snippet, str(PAGE), "exec"), names)


def test_every_solver_is_named():
    page = PAGE.read_text()
    assert [info.name for info in solvers.available() if f"`{info.name}`" not in page] == []
