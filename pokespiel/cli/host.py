"""A policy as an account on a Showdown server that accepts every challenge to Gen 1 OU."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from poke_env import AccountConfiguration, ServerConfiguration
from poke_env.battle import AbstractBattle, Battle
from poke_env.player import BattleOrder, Player

from pokespiel.gen1ou.actions import NUM_ACTIONS, legal_choices
from pokespiel.gen1ou.showdown.corrections import correct
from pokespiel.gen1ou.showdown.decision import BattleResult, Decision
from pokespiel.gen1ou.showdown.install import ShowdownError
from pokespiel.gen1ou.showdown.questions import ask_policies, tell_finished
from pokespiel.protocols import Mixture

BATTLE_FORMAT = "gen1ou"
LOGIN_TIMEOUT = 30.0


def host(
    policy: Any,
    teams: Sequence[str],
    websocket_url: str,
    *,
    name: str,
    battles: int | None,
    rng: np.random.Generator,
    say: Callable[[str], None],
    ready: str,
) -> None:
    """Accept challenges until ``battles`` are over; for ever if that is None.

    Parameters
    ----------
    policy
        A `ShowdownPolicy`, or a `Mixture` of them, of which one is drawn for each battle.
    teams
        Packed teams; one is drawn for each battle.
    name
        Of the account.
    say
        Called with a line about each battle that begins or ends.
    ready
        Said first, once challenges can come.

    Raises
    ------
    ShowdownError
        If the server cannot be reached or does not let the account in, or goes away.
    PolicyError
        If the policy fails.
    """
    asyncio.run(_host(policy, teams, websocket_url, name, battles, rng, say, ready))


async def _host(
    policy: Any, teams: Sequence[str], url: str, name: str, battles: int | None,
    rng: np.random.Generator, say: Callable[[str], None], ready: str,
) -> None:  # fmt: skip
    account = _Account(policy, teams, url, name, rng, say)
    listening = asyncio.create_task(account.ps_client.listen())
    try:
        logged_in = asyncio.create_task(account.ps_client.logged_in.wait())
        await asyncio.wait({logged_in, listening}, timeout=LOGIN_TIMEOUT,
                           return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
        if not account.ps_client.logged_in.is_set():
            raise ShowdownError(f"the server at {url} did not let the account {name!r} in")
        say(ready)
        accepting = asyncio.create_task(account.accept(battles))
        done, _ = await asyncio.wait({accepting, listening}, return_when=asyncio.FIRST_COMPLETED)
        if accepting not in done:
            accepting.cancel()
            raise ShowdownError("the connection to the Showdown server was lost")
        accepting.result()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        account.logger.handlers.clear()


class _Withdrawn(Exception):
    """The challenge was gone when it was accepted."""


class _Account(Player):
    """One battle at a time; who challenges in between waits for its turn."""

    def __init__(
        self, policy: Any, teams: Sequence[str], url: str, name: str,
        rng: np.random.Generator, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(
            AccountConfiguration(name, None),
            battle_format=BATTLE_FORMAT,
            log_level=logging.CRITICAL + 1,
            server_configuration=ServerConfiguration(url, ""),
            start_listening=False,
            # A policy may think for longer than any ping timeout.
            ping_interval=None,
            loop=asyncio.get_running_loop(),
        )
        self._given, self._teams, self._rng, self._say = policy, teams, rng, say
        self._policy: Any = None
        self._challengers: asyncio.Queue[str] = asyncio.Queue()
        self._over: asyncio.Future[Battle] = asyncio.get_running_loop().create_future()
        self._over.cancel()  # nothing is awaited before the first challenge
        self._numbers = itertools.count()
        self._number = 0
        self._choice = -1
        self._rejected: set[int] = set()
        self._request = -1
        self._decisions = 0
        self._handle_message = self.ps_client._handle_message
        self.ps_client._handle_message = self._receive  # type: ignore[method-assign]

    async def accept(self, battles: int | None) -> None:
        """Play so many battles, one after the other."""
        played = 0
        while battles is None or played < battles:
            challenger = await self._challengers.get()
            self._policy = self._given
            if isinstance(self._given, Mixture):
                self._policy = self._given.sample(self._rng, 1)[0]
            self._number, self._decisions = next(self._numbers), 0
            self._over = asyncio.get_running_loop().create_future()
            team = self._teams[int(self._rng.integers(len(self._teams)))]
            self._say(f"{challenger} challenges: accepted")
            await self.ps_client.accept_challenge(challenger, team)
            try:
                battle = await self._over
            except _Withdrawn as reason:
                self._say(f"no battle: {reason}")
                continue
            played += 1
            won = {True: "the policy won", False: f"{challenger} won", None: "a tie"}[battle.won]
            self._say(f"{won} after {battle.turn} turns")
            self.battles.pop(battle.battle_tag, None)

    async def _receive(self, message: str) -> None:
        """Take any message of the server; poke-env only logs what a popup says."""
        if message.startswith("|popup|") and not self.battles and not self._over.done():
            text = message.removeprefix("|popup|").replace("||", " ")
            self._over.set_exception(_Withdrawn(text))
        await self._handle_message(message)

    async def _handle_challenge_request(self, split_message: list[str]) -> None:
        if len(split_message) > 5 and split_message[5] == BATTLE_FORMAT:
            challenger = split_message[2].strip()
            if challenger != self.username:
                await self._challengers.put(challenger)

    def choose_move(self, battle: AbstractBattle) -> BattleOrder:
        raise AssertionError("decisions are made in _handle_battle_request")

    async def _handle_battle_message(self, split_messages: list[list[str]]) -> None:
        tag = split_messages[0][0][1:]
        kind = split_messages[1][1] if len(split_messages[1]) > 1 else ""
        # Of a battle that is over and forgotten, poke-env would wait for ever.
        if tag not in self.battles and kind != "init":
            return
        battle = self.battles.get(tag)
        try:
            if isinstance(battle, Battle):
                for message in split_messages[1:]:
                    correct(battle, message)
            await super()._handle_battle_message(split_messages)
        except Exception as error:
            if not self._over.done():
                self._over.set_exception(error)

    async def _handle_battle_request(
        self, battle: AbstractBattle, maybe_default_order: bool = False
    ) -> None:
        """Choose; ``maybe_default_order`` says that the server refused the last choice."""
        assert isinstance(battle, Battle)
        request = battle.last_request
        if battle.finished or request.get("wait"):
            return
        if request["rqid"] != self._request:
            self._request = request["rqid"]
            self._rejected.clear()
        if maybe_default_order:
            self._rejected.add(self._choice)
        choices = legal_choices(battle)
        legal = np.zeros(NUM_ACTIONS, dtype=np.bool_)
        legal[[action for action in choices if action not in self._rejected]] = True
        choice = "default"
        if legal.any():
            side = 0 if battle.player_role == "p1" else 1
            asked = Decision(self._number, side, battle, legal)
            (self._choice,) = ask_policies([self._policy], [asked], self._rng)
            self._decisions += 1
            choice = choices[self._choice]
        await self.ps_client.send_message(f"/choose {choice}", battle.battle_tag)

    def _battle_finished_callback(self, battle: AbstractBattle) -> None:
        assert isinstance(battle, Battle)
        own = 0.5 if battle.won is None else float(battle.won)
        returns = (own, 1.0 - own) if battle.player_role == "p1" else (1.0 - own, own)
        result = BattleResult(battle.battle_tag, returns, battle.turn, self._decisions, ("", ""), 0)
        if self._decisions:
            tell_finished(self._policy, self._number, result)
        if not self._over.done():
            self._over.set_result(battle)
