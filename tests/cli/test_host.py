"""``pokespiel play --showdown``: a scripted account challenges, plays and is told the truth."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time

import pytest

from pokespiel.cli import main
from pokespiel.gen1ou.showdown.install import ShowdownError, find_node, showdown_directory
from pokespiel.gen1ou.teams import load_teams

poke_env = pytest.importorskip("poke_env")

ACCOUNT = "HouseBot"


@pytest.fixture
def port():
    try:
        find_node()
        showdown_directory()
    except ShowdownError as error:
        pytest.skip(str(error))
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


def wait_until(condition, timeout=60.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


async def challenge(port, battles):
    """Challenge the account from another one, as a user's own program would."""
    from poke_env import AccountConfiguration, ServerConfiguration
    from poke_env.player import RandomPlayer

    challenger = RandomPlayer(
        AccountConfiguration("Challenger", None),
        battle_format="gen1ou",
        team=load_teams()[0],
        server_configuration=ServerConfiguration(f"ws://127.0.0.1:{port}/showdown/websocket", None),
        log_level=logging.CRITICAL,
    )
    await challenger.send_challenges(ACCOUNT, battles)
    await challenger.ps_client.stop_listening()
    return challenger


@pytest.mark.showdown
def test_a_challenger_gets_its_battles(port, capsys):
    status = []
    command = ["play", "max_damage", "--showdown", "--port", str(port), "--account", ACCOUNT,
               "--battles", "2", "--seed", "1"]  # fmt: skip
    waiting = threading.Thread(target=lambda: status.append(main(command)), daemon=True)
    waiting.start()
    printed = ""

    def ready():
        nonlocal printed
        printed += capsys.readouterr().out
        return f"waits as {ACCOUNT} at http://localhost:{port}" in printed

    wait_until(ready)
    challenger = asyncio.run(asyncio.wait_for(challenge(port, 2), timeout=120))
    waiting.join(timeout=60)
    printed += capsys.readouterr().out
    assert status == [0]
    assert challenger.n_finished_battles == 2
    assert printed.count("Challenger challenges: accepted") == 2
    said = printed.count("the policy won"), printed.count("Challenger won")
    assert said == (challenger.n_lost_battles, challenger.n_won_battles)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["play", "random", "--port", "8000"], "--port is for --showdown"),
        (["play", "random", "--battles", "2"], "--battles is for --showdown"),
        (["play", "random", "--showdown", "--team", __file__], "a challenger brings its own"),
    ],
)
def test_options_that_do_not_go_together_are_named(arguments, words, capsys):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
