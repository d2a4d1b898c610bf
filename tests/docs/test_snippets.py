"""Every snippet of the README and the docs is run or checked, or says on its page why not.

- Python blocks of a page run in order and share their names, in a temporary directory that has
  ``examples/``. A ``text`` block right after one is what it must print.
- Lines of shell blocks are checked: the command, its options and files must exist. A block under
  ``<!-- run -->`` is run as well.
- A block under ``<!-- not run: REASON -->`` is left alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from pokespiel.cli import commands, main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>run|not run: [^>]+) -->\n)?^```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$"
    r"(?:\n\n```text\n(?P<expected>.*?)^```$)?",
    flags=re.DOTALL | re.MULTILINE,
)
SHELLS = ("", "bash", "sh", "console")


@dataclass(frozen=True)
class Snippet:
    language: str
    code: str
    expected: str
    mark: str
    line: int


def snippets(text: str) -> list[Snippet]:
    return [
        Snippet(
            language=found["language"],
            code=found["code"],
            expected=found["expected"] or "",
            mark=found["mark"] or "",
            line=text[: found.start("code")].count("\n") + 1,
        )
        for found in BLOCK.finditer(text)
    ]


def having(*languages: str) -> list[object]:
    """Pages with a snippet in one of the languages, as parameters."""
    pages = [p for p in PAGES if any(s.language in languages for s in snippets(p.read_text()))]
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Where a reader would stand: a folder with the examples."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", having("python"))
def test_snippets_run_and_print_what_the_page_says(page, directory):
    names: dict[str, object] = {"__name__": "__main__"}
    for snippet in snippets(page.read_text()):
        if snippet.mark == "run":
            for words in lines(snippet.code):
                assert words[0] == "pokespiel", f"only pokespiel is run here, not {words[0]}"
                assert main(words[1:]) == 0, words
        if snippet.language != "python" or snippet.mark.startswith("not run"):
            continue
        # A traceback shows the page's own line.
        code = compile("\n" * snippet.line + snippet.code, str(page), "exec", dont_inherit=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert not snippet.expected or printed.getvalue() == snippet.expected


@pytest.mark.parametrize("page", having(*SHELLS))
def test_shell_commands_options_and_files_exist(page):
    for snippet in snippets(page.read_text()):
        if snippet.language in SHELLS and not snippet.mark.startswith("not run"):
            for words in lines(snippet.code):
                check(words)


def lines(code: str) -> list[list[str]]:
    """Commands of a shell block as words, comments dropped."""
    joined = code.replace("\\\n", " ").splitlines()
    return [words for line in joined if (words := shlex.split(line, comments=True))]


def check(words: list[str]) -> None:
    """Raise unless the command, its options and its files exist; other programs pass."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if not words:
        return
    program, *rest = words
    program = program.removeprefix(".venv/bin/")
    if program == "pokespiel":
        check_command_line(rest)
    elif program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        wanted = [word for word in rest if "=" not in word]
        assert set(wanted) <= set(targets), f"no target {wanted} in the Makefile"
    elif program.startswith("python") and rest[:1] == ["-m"]:
        assert importlib.util.find_spec(rest[1]) is not None, f"no module {rest[1]}"
    elif program.startswith("python") and rest and rest[0].endswith(".py"):
        script = ROOT / rest[0]
        assert script.is_file(), f"no file {rest[0]}"
        source = script.read_text()
        for option in (word.split("=")[0] for word in rest[1:] if word.startswith("--")):
            field = option.removeprefix("--").removeprefix("no-").replace("-", "_")
            assert option == "--help" or field in source or option in source, (rest[0], option)


def check_command_line(arguments: list[str]) -> None:
    """Raise unless click takes the arguments; files need not exist."""
    command: click.Command = commands
    while isinstance(command, click.Group) and arguments and arguments[0][0] != "-":
        name, *arguments = arguments
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"no command {name}"
        command = found
    if isinstance(command, click.Group) or "--help" in arguments:
        return
    try:
        command.make_context(command.name, list(arguments))
    except click.BadParameter as error:
        if "does not exist" not in error.format_message():
            raise


def test_marks_give_reasons_and_expectations_are_used():
    text = (
        "```python\nprint(1)\n```\n\n```text\n1\n```\n\n"
        "<!-- not run: needs the moon -->\n```python\nfly()\n```\n"
        "<!-- run -->\n```bash\npokespiel doctor # now\n```\n"
    )
    found = snippets(text)
    assert [s.language for s in found] == ["python", "python", "bash"]
    assert found[0].expected == "1\n"
    assert [s.mark for s in found] == ["", "not run: needs the moon", "run"]
    assert lines(found[2].code) == [["pokespiel", "doctor"]]


@pytest.mark.parametrize(
    "line",
    [
        "pokespiel frobnicate",
        "pokespiel psro kuhn_poker --no-such-option",
        "python examples/no_such_file.py",
        "python examples/phase0_metagame.py --no-such-option",
        "python -m no_such_module_here",
        "make nonsense",
    ],
)
def test_wrong_commands_are_noticed(line):
    with pytest.raises((AssertionError, click.ClickException)):
        check(line.split())


def test_worked_examples_are_short():
    for name in ("add-a-solver", "add-an-oracle", "add-a-game"):
        text = (ROOT / "docs" / "how-to" / f"{name}.md").read_text()
        longest = max(s.code.count("\n") for s in snippets(text) if s.language == "python")
        assert longest < 40, f"{name} has {longest} lines"
