"""Connected users who play one battle at a time: poke-env's players, made to fail aloud.

poke-env waits for ever where something goes wrong (an exception in a callback, a refused team, a
lost socket). Here everything that goes wrong fails the battle, and silence does after a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import Callable

import numpy as np
from poke_env import AccountConfiguration, ServerConfiguration
from poke_env.battle import AbstractBattle, Battle
from poke_env.player import BattleOrder, Player
from websockets.exceptions import ConnectionClosed

from pokespiel.gen1ou.actions import NUM_ACTIONS, legal_choices
from pokespiel.gen1ou.showdown.corrections import correct
from pokespiel.gen1ou.showdown.decision import Decision
from pokespiel.gen1ou.showdown.install import ShowdownError

BATTLE_FORMAT = "gen1ou"
LOGIN_TIMEOUT = 30.0
# How long the second player may take to hear of the end that the first one has heard of.
FAREWELL_TIMEOUT = 5.0
CONNECTION_LOST = "a player lost its connection to the server"

_battle_ids = itertools.count()
_user_numbers = itertools.count()

# What a player of a battle is doing.
SERVER, POLICY, REST = "waits for the server", "waits for its policy", "has nothing to choose"


# poke-env does not know the Gen 1 volatiles Light Screen, Haze and the toxic counter, and says so
# each time, on the user's terminal.
logging.getLogger("poke-env").addFilter(
    lambda record: not record.getMessage().startswith("Unexpected effect")
)


class Interrupted(Exception):
    """A battle could not be finished; playing it again may help."""


class Attempt:
    """One attempt to play a battle.

    Parameters
    ----------
    teams
        Packed teams of player 0 and player 1.
    ask
        Called when a decision waits for its policy. It answers by `answer`.
    rests
        Called when a player has nothing to choose.
    """

    def __init__(
        self,
        teams: tuple[str, str],
        ask: Callable[[Attempt, Decision], None],
        rests: Callable[[Attempt], None],
    ) -> None:
        self.teams = teams
        self.ids = (next(_battle_ids), next(_battle_ids))
        self.asked = [False, False]
        self.states = [SERVER, SERVER]
        self.ended = [False, False]
        self.failure: BaseException | None = None
        self.messages = 0
        self.decisions = 0
        self.rejected = 0
        self.tag = ""
        self.turns = 0
        self.returns = (0.5, 0.5)
        # Set when a player has heard of the end, and at a failure.
        self.news = asyncio.Event()
        self._ask = ask
        self._rests = rests
        self._actions: list[asyncio.Future[int] | None] = [None, None]

    @property
    def is_blocked(self) -> bool:
        """Whether nothing happens until a policy answers."""
        return POLICY in self.states and SERVER not in self.states

    async def decide(self, decision: Decision) -> int:
        """Action of the policy."""
        side = decision.player
        action: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._actions[side] = action
        self.asked[side] = True
        self.states[side] = POLICY
        self._ask(self, decision)
        return await action

    def answer(self, side: int, action: int) -> None:
        """Hand a policy's action to `decide`."""
        future = self._actions[side]
        if future is None or future.done():
            return
        future.set_result(action)
        self.decisions += 1
        self.states[side] = SERVER
        # The other player hears from the server next, even if it had nothing to choose.
        if self.states[1 - side] == REST:
            self.states[1 - side] = SERVER

    def rest(self, side: int) -> None:
        """Note that a player has nothing to choose now."""
        self.states[side] = REST
        self._rests(self)

    def fail(self, reason: BaseException) -> None:
        """Give the battle up, unless it is over."""
        if self.failure is None:
            self.failure = reason
        self.news.set()

    def end(self, side: int, battle: Battle) -> None:
        """Note what a player has heard of the end."""
        own = 0.5 if battle.won is None else float(battle.won)
        self.tag = battle.battle_tag
        self.turns = battle.turn
        self.returns = (own, 1.0 - own) if side == 0 else (1.0 - own, own)
        self.ended[side] = True
        self.news.set()


class Slot:
    """Two connected users who play one battle at a time against each other."""

    def __init__(self, websocket_url: str) -> None:
        name = f"p{os.getpid()}n{next(_user_numbers)}"
        self.users = (_User(f"{name}a", 0, websocket_url), _User(f"{name}b", 1, websocket_url))
        self._closed = False

    @property
    def is_usable(self) -> bool:
        """Whether both users are connected."""
        return not self._closed and all(user.is_connected for user in self.users)

    async def log_in(self) -> None:
        """Wait until the server knows both users.

        Raises
        ------
        Interrupted
            If it does not.
        """
        await asyncio.gather(*(user.log_in() for user in self.users))

    async def play(self, attempt: Attempt, stall_timeout: float) -> None:
        """Play a battle to its end; its outcome is in the attempt.

        Raises
        ------
        Interrupted
            If a connection is lost, a message makes no sense, or nothing happens.
        ShowdownError
            If the server refuses the battle.
        """
        for user in self.users:
            user.attempt = attempt
            if not user.is_connected:
                raise Interrupted(CONNECTION_LOST)
        start = asyncio.create_task(self._start(attempt))
        try:
            await _watch(attempt, stall_timeout)
        finally:
            start.cancel()
            for user in self.users:
                user.attempt = None
                user.battles.pop(attempt.tag, None)
        if not all(attempt.ended):
            await self.close()

    async def close(self) -> None:
        """Disconnect both users."""
        self._closed = True
        await asyncio.gather(*(user.close() for user in self.users))

    async def _start(self, attempt: Attempt) -> None:
        first, second = (user.ps_client for user in self.users)
        challenged = self.users[1].challenged
        challenged.clear()
        try:
            await second.set_team(attempt.teams[1])
            await first.challenge(second.username, BATTLE_FORMAT, attempt.teams[0])
            await challenged.wait()
            await second.send_message(f"/accept {first.username}")
        except ConnectionClosed:
            attempt.fail(Interrupted(CONNECTION_LOST))
        except Exception as error:
            attempt.fail(Interrupted(f"no battle could be started: {error!r}"))


async def _watch(attempt: Attempt, stall_timeout: float) -> None:
    """Wait until both players, or at least one and a moment, have heard of the end."""
    poll = min(1.0, stall_timeout / 4)
    loop = asyncio.get_running_loop()
    quiet, heard, last = 0.0, -1, loop.time()
    while not all(attempt.ended):
        if any(attempt.ended):
            # The server has finished the battle, whatever happens to the second player.
            if quiet > FAREWELL_TIMEOUT or attempt.failure is not None:
                return
        elif attempt.failure is not None:
            raise attempt.failure
        elif quiet > stall_timeout:
            raise Interrupted(
                f"the server said nothing for {stall_timeout:g} s "
                f"in {attempt.tag or 'a battle that had not begun'}"
            )
        attempt.news.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(attempt.news.wait(), poll)
        now = loop.time()
        if attempt.messages != heard or POLICY in attempt.states:
            quiet, heard = 0.0, attempt.messages
        else:
            # Time in which this loop could not run (a policy that holds the interpreter) does
            # not count against the server.
            quiet += min(now - last, 2 * poll)
        last = now


class _User(Player):
    """poke-env's player with a policy's decision in place of its own."""

    def __init__(self, name: str, side: int, websocket_url: str) -> None:
        super().__init__(
            AccountConfiguration(name, None),
            battle_format=BATTLE_FORMAT,
            # Nothing is logged: what goes wrong fails the battle.
            log_level=logging.CRITICAL + 1,
            server_configuration=ServerConfiguration(websocket_url, ""),
            start_listening=False,
            # A policy may think for longer than any ping timeout.
            ping_interval=None,
            loop=asyncio.get_running_loop(),
        )
        self.side = side
        self.attempt: Attempt | None = None
        self.challenged = asyncio.Event()
        self._request = -1
        self._choice = -1
        self._rejected: set[int] = set()
        self._handle_message = self.ps_client._handle_message
        self.ps_client._handle_message = self._receive  # type: ignore[method-assign]
        self._listener = asyncio.create_task(self.ps_client.listen())
        self._listener.add_done_callback(self._disconnected)

    @property
    def is_connected(self) -> bool:
        return not self._listener.done()

    async def log_in(self) -> None:
        logged_in = asyncio.create_task(self.ps_client.logged_in.wait())
        await asyncio.wait(
            {logged_in, self._listener},
            timeout=LOGIN_TIMEOUT,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not logged_in.done() or self._listener.done():
            logged_in.cancel()
            raise Interrupted(f"no login at {self.ps_client.websocket_url}")

    async def close(self) -> None:
        self.attempt = None
        websocket = getattr(self.ps_client, "websocket", None)
        if websocket is not None:
            # A polite farewell would wait for the answer of a server that may not be there.
            websocket.transport.abort()
        tasks = [self._listener, *self.ps_client._active_tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # poke-env gives each user a logger with a handler; loggers live as long as the process.
        self.logger.handlers.clear()

    def choose_move(self, battle: AbstractBattle) -> BattleOrder:
        raise AssertionError("decisions are made in _handle_battle_request")

    def _disconnected(self, _: asyncio.Task[None]) -> None:
        if self.attempt is not None:
            self.attempt.fail(Interrupted(CONNECTION_LOST))

    async def _receive(self, message: str) -> None:
        """Take any message of the server."""
        attempt = self.attempt
        if attempt is not None:
            attempt.messages += 1
        try:
            if message.startswith("|popup|"):
                text = message.removeprefix("|popup|").replace("||", "\n")
                raise ShowdownError(f"the server refused a battle to player {self.side}: {text}")
            await self._handle_message(message)
        except ShowdownError as error:
            if attempt is not None:
                attempt.fail(error)
        except ConnectionClosed:
            if attempt is not None:
                attempt.fail(Interrupted(CONNECTION_LOST))
        except Exception as error:
            if attempt is not None:
                attempt.fail(Interrupted(f"{error!r} while reading {message[:200]!r}"))

    async def _handle_challenge_request(self, split_message: list[str]) -> None:
        # Own challenges are echoed, and one that is over is announced without a format.
        is_challenge = len(split_message) > 5 and split_message[5] == BATTLE_FORMAT
        if is_challenge and split_message[2].strip() != self.username:
            self.challenged.set()

    async def _handle_battle_message(self, split_messages: list[list[str]]) -> None:
        tag = split_messages[0][0][1:]
        kind = split_messages[1][1] if len(split_messages[1]) > 1 else ""
        # Of a battle that is over and forgotten, poke-env would wait for ever.
        if tag in self.battles or kind == "init":
            battle = self.battles.get(tag)
            if isinstance(battle, Battle):
                for message in split_messages[1:]:
                    correct(battle, message)
            await super()._handle_battle_message(split_messages)

    async def _handle_battle_request(
        self, battle: AbstractBattle, maybe_default_order: bool = False
    ) -> None:
        """Choose; ``maybe_default_order`` says that the server refused the last choice."""
        attempt = self.attempt
        if attempt is None or battle.finished:
            return
        assert isinstance(battle, Battle)
        attempt.tag = battle.battle_tag
        request = battle.last_request
        if request.get("wait"):
            attempt.rest(self.side)
            return
        if request["rqid"] != self._request:
            self._request = request["rqid"]
            self._rejected.clear()
        if maybe_default_order:
            attempt.rejected += 1
            self._rejected.add(self._choice)
        choices = legal_choices(battle)
        legal = np.zeros(NUM_ACTIONS, dtype=np.bool_)
        legal[[action for action in choices if action not in self._rejected]] = True
        choice = "default"
        if legal.any():
            decision = Decision(attempt.ids[self.side], self.side, battle, legal)
            self._choice = await attempt.decide(decision)
            choice = choices[self._choice]
        await self.ps_client.send_message(f"/choose {choice}", battle.battle_tag)

    def _battle_finished_callback(self, battle: AbstractBattle) -> None:
        assert isinstance(battle, Battle)
        if self.attempt is not None:
            self.attempt.end(self.side, battle)
