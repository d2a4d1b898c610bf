"""The notebooks run from a clean kernel, solutions of their exercises included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", flags=re.DOTALL)


def solutions(cell):
    """Code of the folded solutions in a Markdown cell."""
    return SOLUTION.findall(cell.source) if cell.cell_type == "markdown" else []


def test_there_are_seven():
    assert [notebook.name[0] for notebook in NOTEBOOKS] == list("1234567")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_stripped_and_has_exercises_with_solutions(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    text = "\n".join(cell.source for cell in notebook.cells)
    assert text.startswith(f"# {path.stem[0]}. ")
    exercises = len(re.findall(r"^\*\*\d\.\*\*", text, flags=re.MULTILINE))
    assert exercises >= 2
    assert sum(len(solutions(cell)) for cell in notebook.cells) == exercises


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_a_clean_kernel(path, monkeypatch):
    # Threads that wait for each other take ten times as long on a busy machine.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    notebook = nbformat.read(path, as_version=4)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        cells += [nbformat.v4.new_code_cell(code) for code in solutions(cell)]
    notebook.cells = cells
    client = nbclient.NotebookClient(
        notebook,
        timeout=600,
        startup_timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": FOLDER}},
    )
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                lines = output.text.splitlines()
                assert all(line.startswith("Compiling the Gen 1 engine") for line in lines), lines
