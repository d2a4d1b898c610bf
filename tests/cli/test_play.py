"""``pokespiel play`` and ``showdown start`` as someone at a terminal meets them."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from pokespiel.cli import main
from pokespiel.gen1ou.showdown.install import ShowdownError, find_node, showdown_directory

pytest.importorskip("poke_env")
pytestmark = pytest.mark.showdown


@pytest.fixture(autouse=True)
def server():
    try:
        find_node()
        showdown_directory()
    except ShowdownError as error:
        pytest.skip(str(error))


def typing(monkeypatch, *first):
    """Answer the prompts with these, then always with the first choice."""
    rest = iter(first)
    monkeypatch.setattr("builtins.input", lambda _: next(rest, "1"))


def test_a_battle_is_played_to_its_end(capsys, monkeypatch):
    typing(monkeypatch, "99", "surf", " 2 ")
    assert main(["play", "max_damage", "--seed", "1"]) == 0
    out = capsys.readouterr().out
    assert out.count("type a number from 1 to ") == 2
    for words in ("\nTurn 1\n", "  opponent: ", "  you:      ", "  1) ", " PP)", "switch to ",
                  "  your ", "  their ", " used ", " fainted"):  # fmt: skip
        assert words in out, words
    assert out.splitlines()[-1].split(" after ")[0] in ("you won", "you lost", "a tie")


@pytest.mark.parametrize("word", ["q", "Q"])
def test_a_battle_is_given_up(capsys, monkeypatch, word):
    typing(monkeypatch, word)
    assert main(["play", "random", "--seed", "1"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("you gave the battle up\n")
    assert all(line.startswith("Compiling the Gen 1 engine") for line in err.splitlines())


def hear_interrupts():
    """Programs that a shell starts in the background ignore them, and so would their own."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_the_server_is_kept_until_interrupted():
    command = [sys.executable, "-m", "pokespiel.cli", "showdown", "start"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=hear_interrupts
    ) as started:
        assert started.stdout is not None
        try:
            said = started.stdout.readline()
            started.send_signal(signal.SIGINT)
            assert started.wait(timeout=60) == 0
        finally:
            started.kill()
    assert said.startswith("ws://127.0.0.1:")
    assert said.endswith(" (Ctrl-C stops it)\n")
