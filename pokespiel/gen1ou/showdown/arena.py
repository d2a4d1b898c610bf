"""Many battles at once on a Showdown server, every waiting decision in one policy call.

Battles are played over websockets by pairs of poke-env players, one pair per battle slot, in an
event loop of its own thread. The policies run in the thread that calls `Arena.play`: the loop
gathers the decisions that wait there, and while the policies think it goes on reading what the
server says to the other battles.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
from poke_env import AccountConfiguration, ServerConfiguration
from poke_env.battle import AbstractBattle, Battle
from poke_env.player import BattleOrder, Player

from pokespiel.gen1ou.actions import NUM_ACTIONS, BoolArray, legal_mask, order_for
from pokespiel.gen1ou.showdown.decision import BattleResult, Decision, ShowdownPolicy
from pokespiel.gen1ou.showdown.install import ShowdownError
from pokespiel.gen1ou.showdown.server import ShowdownServer

BATTLE_FORMAT = "gen1ou"
LOGIN_TIMEOUT = 30.0
# How long the second player may take to hear of the end that the first one has heard of.
FAREWELL_TIMEOUT = 5.0
RESTARTS_PER_PLAY = 1

_battle_ids = itertools.count()
_user_numbers = itertools.count()


class PolicyError(RuntimeError):
    """A policy raised, or answered something that is not a legal action for each decision."""


@dataclass(frozen=True)
class Match:
    """A battle to be played.

    Attributes
    ----------
    policies : (ShowdownPolicy, ShowdownPolicy)
        Players 0 and 1; may be the same object.
    teams : (str, str)
        Packed teams, see `pokespiel.gen1ou.teams`.
    """

    policies: tuple[ShowdownPolicy, ShowdownPolicy]
    teams: tuple[str, str]


class Arena:
    """Plays matches on a server.

    Parameters
    ----------
    server
        A running server. It may be restarted by the arena if it dies.
    concurrency
        Battles at once. Connections are kept from one `play` to the next.
    max_wait
        Seconds that a decision may wait for others to share its batch. There is no waiting where
        nothing else can come: once all battles wait for their policies, they are asked.
    stall_timeout
        Seconds without a word from the server after which a battle is given up and replayed.
    max_replays
        Replays of one battle before the arena gives up with a `ShowdownError`.

    Examples
    --------
    >>> with ShowdownServer() as server, Arena(server) as arena:  # doctest: +SKIP
    ...     results = arena.play([Match((a, b), teams)] * 100, rng=np.random.default_rng(0))
    """

    def __init__(
        self,
        server: ShowdownServer,
        concurrency: int = 40,
        *,
        max_wait: float = 0.005,
        stall_timeout: float = 60.0,
        max_replays: int = 3,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {concurrency}")
        self.server = server
        self.concurrency = concurrency
        self.max_wait = max_wait
        self.stall_timeout = stall_timeout
        self.max_replays = max_replays
        self.rejected_choices = 0
        self._idle: list[_Slot] = []
        self._playing = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="pokespiel-arena", daemon=True
        )
        self._thread.start()

    def play(
        self,
        matches: Sequence[Match],
        *,
        rng: np.random.Generator,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[BattleResult]:
        """Play all matches to their end.

        Parameters
        ----------
        matches
            Battles to play, in any number.
        rng
            Handed to the policies. (The server rolls its own dice.)
        progress
            Called after each battle with (battles finished, battles in all).

        Returns
        -------
        list of BattleResult
            One for each match, in their order.

        Raises
        ------
        PolicyError
            If a policy raises, or answers something else than one legal action per decision.
        ShowdownError
            If a team is refused, a battle cannot be finished after all replays, or the server
            dies again after it was restarted.
        """
        if not self._thread.is_alive():
            raise RuntimeError("this arena is closed")
        if not self._playing.acquire(blocking=False):
            raise RuntimeError("this arena is playing already")
        try:
            results: list[BattleResult | None] = [None] * len(matches)
            done = 0
            session = _Session(self, matches)
            running = self._submit(session.run())
            try:
                for event in session.events():
                    if isinstance(event, _Ended):
                        _tell_policies(event)
                        if event.result is not None:
                            results[event.index] = event.result
                            done += 1
                            if progress is not None:
                                progress(done, len(matches))
                    else:
                        session.answer(event, _ask_policies(event, rng))
            except BaseException:
                running.cancel()
                session.ended.wait(LOGIN_TIMEOUT)
                raise
            running.result()
        finally:
            self._playing.release()
        if any(result is None for result in results):
            raise AssertionError("a battle was lost without trace")
        return [result for result in results if result is not None]

    def close(self) -> None:
        """Close all connections."""
        if self._thread.is_alive():
            idle, self._idle = self._idle, []
            with contextlib.suppress(TimeoutError):
                self._submit(_close_all(idle)).result(LOGIN_TIMEOUT)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> Arena:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _submit(self, coroutine: Coroutine[Any, Any, None]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


# --- Policies, in the caller's thread -------------------------------------------------------


@dataclass(eq=False)
class _Waiting:
    """A decision that waits for its policy."""

    decision: Decision
    policy: ShowdownPolicy
    battle: _Battle
    action: asyncio.Future[int]


@dataclass(frozen=True)
class _Ended:
    """A battle has ended (or, without a result, was given up)."""

    index: int
    asked: tuple[tuple[int, ShowdownPolicy], ...]
    result: BattleResult | None


_Batch: TypeAlias = list[_Waiting]


def _ask_policies(batch: _Batch, rng: np.random.Generator) -> list[int]:
    """One call per policy; actions in the order of the batch."""
    groups: dict[int, list[int]] = {}
    for place, waiting in enumerate(batch):
        groups.setdefault(id(waiting.policy), []).append(place)
    actions = [0] * len(batch)
    for places in groups.values():
        policy = batch[places[0]].policy
        decisions = [batch[place].decision for place in places]
        for place, action in zip(places, _act(policy, decisions, rng), strict=True):
            actions[place] = int(action)
    return actions


def _act(policy: ShowdownPolicy, decisions: list[Decision], rng: np.random.Generator) -> Any:
    try:
        actions = np.asarray(policy.act(decisions, rng))
    except Exception as error:
        raise PolicyError(
            f"policy {_name(policy)} raised {type(error).__name__}: {error} "
            f"while choosing for {_describe(decisions)}"
        ) from error
    if actions.shape != (len(decisions),) or actions.dtype.kind not in "iu":
        raise PolicyError(
            f"policy {_name(policy)} must answer an integer array of shape ({len(decisions)},), "
            f"got {actions.dtype} of shape {actions.shape}, for {_describe(decisions)}"
        )
    for action, decision in zip(actions, decisions, strict=True):
        if not 0 <= action < NUM_ACTIONS or not decision.legal[action]:
            raise PolicyError(
                f"policy {_name(policy)} chose action {action} for {_describe([decision])}; "
                f"legal are {np.flatnonzero(decision.legal).tolist()}"
            )
    return actions


def _tell_policies(ended: _Ended) -> None:
    """Call the optional methods ``finished`` and ``abandoned``."""
    method, arguments = ("abandoned", ()) if ended.result is None else ("finished", (ended.result,))
    for battle_id, policy in ended.asked:
        call = getattr(policy, method, None)
        if call is None:
            continue
        try:
            call(battle_id, *arguments)
        except Exception as error:
            raise PolicyError(
                f"policy {_name(policy)} raised {type(error).__name__}: {error} in `{method}` "
                f"for {ended.result.battle_tag if ended.result else 'a battle given up'}"
            ) from error


def _name(policy: ShowdownPolicy) -> str:
    name = getattr(policy, "name", None)
    return f"{name} ({type(policy).__name__})" if name else type(policy).__name__


def _describe(decisions: Sequence[Decision]) -> str:
    first = decisions[0]
    text = f"player {first.player} of {first.battle.battle_tag}, turn {first.battle.turn}"
    return text if len(decisions) == 1 else f"{text}, and {len(decisions) - 1} other decisions"


# --- Battles, in the loop's thread ----------------------------------------------------------


class _Interrupted(Exception):
    """A battle could not be finished and must be replayed."""


class _Session:
    """One call of `Arena.play`."""

    def __init__(self, arena: Arena, matches: Sequence[Match]) -> None:
        self.arena = arena
        self.matches = matches
        self.ended = threading.Event()
        self.battles: set[_Battle] = set()
        self._todo = deque((index, 0) for index in range(len(matches)))
        self._inbox: queue.SimpleQueue[_Ended | _Batch | None] = queue.SimpleQueue()
        self._waiting: _Batch = []
        self._thinking = False
        self._alarm: asyncio.TimerHandle | None = None
        self._restarts = 0
        self._repair = asyncio.Lock()

    # Called in the caller's thread.

    def events(self) -> Iterator[_Ended | _Batch]:
        while (event := self._inbox.get()) is not None:
            yield event

    def answer(self, batch: _Batch, actions: list[int]) -> None:
        self.arena._loop.call_soon_threadsafe(self._deliver, batch, actions)

    # Called in the loop.

    async def run(self) -> None:
        workers = [
            asyncio.create_task(self._work())
            for _ in range(min(self.arena.concurrency, len(self.matches)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self.ended.set()
            self._inbox.put(None)

    async def _work(self) -> None:
        """Play one battle after another in one slot."""
        slot: _Slot | None = None
        try:
            while self._todo:
                index, replays = self._todo.popleft()
                try:
                    if slot is None or not slot.usable:
                        slot = await self._open_slot()
                    await self._play(slot, index, replays)
                except _Interrupted as interruption:
                    if replays >= self.arena.max_replays:
                        raise ShowdownError(
                            f"match {index} could not be finished in {replays + 1} attempts; "
                            f"the last one failed because {interruption}"
                        ) from None
                    self._todo.append((index, replays + 1))
                    await self._repair_server()
        finally:
            if slot is not None and slot.usable:
                self.arena._idle.append(slot)

    async def _open_slot(self) -> _Slot:
        while self.arena._idle:
            slot = self.arena._idle.pop()
            if slot.usable:
                return slot
        slot = _Slot(self.arena.server.websocket_url)
        try:
            await slot.log_in()
        except BaseException:
            await slot.close()
            raise
        return slot

    async def _play(self, slot: _Slot, index: int, replays: int) -> None:
        match = self.matches[index]
        battle = _Battle(self, match)
        self.battles.add(battle)
        result: BattleResult | None = None
        try:
            await slot.play(battle, self.arena.stall_timeout)
            result = BattleResult(
                battle.tag, battle.returns, battle.turns, battle.decisions, match.teams, replays
            )
        except BaseException:
            await slot.close()
            raise
        finally:
            self.battles.discard(battle)
            self._waiting = [w for w in self._waiting if w.battle is not battle]
            asked = tuple(
                (battle.ids[side], match.policies[side]) for side in (0, 1) if battle.asked[side]
            )
            self._inbox.put(_Ended(index, asked, result))
            self.consider()

    async def _repair_server(self) -> None:
        """Restart the server if it is dead or deaf."""
        async with self._repair:
            server = self.arena.server
            if await asyncio.to_thread(server.is_healthy):
                return
            if self._restarts >= RESTARTS_PER_PLAY:
                raise ShowdownError(
                    "the Showdown server died again after it was restarted; the end of its log:\n"
                    + server.log_tail()
                )
            self._restarts += 1
            await asyncio.to_thread(server.restart)

    # The tick rule.

    def wait_for_policy(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self.consider()

    def consider(self) -> None:
        """Ask the policies now, or later, or not."""
        if self._thinking or not self._waiting:
            return
        if all(battle.is_blocked for battle in self.battles):
            self._ask()
        elif self._alarm is None:
            self._alarm = self.arena._loop.call_later(self.arena.max_wait, self._ask)

    def _ask(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting and not self._thinking:
            self._thinking = True
            batch, self._waiting = self._waiting, []
            self._inbox.put(batch)

    def _deliver(self, batch: _Batch, actions: list[int]) -> None:
        self._thinking = False
        for waiting, action in zip(batch, actions, strict=True):
            if not waiting.action.done():
                waiting.action.set_result(action)
                waiting.battle.answered(waiting.decision.player)
        self.consider()


# What a player of a battle is doing.
_SERVER, _POLICY, _REST = "waits for the server", "waits for its policy", "has nothing to choose"


class _Battle:
    """One attempt to play a match."""

    def __init__(self, session: _Session, match: Match) -> None:
        self.session = session
        self.match = match
        self.ids = (next(_battle_ids), next(_battle_ids))
        self.asked = [False, False]
        self.states = [_SERVER, _SERVER]
        self.decisions = 0
        self.messages = 0
        self.tag = ""
        self.turns = 0
        self.returns = (0.5, 0.5)
        loop = asyncio.get_running_loop()
        # Both players' ends; the first one tells the result.
        self.ends: tuple[asyncio.Future[None], asyncio.Future[None]] = (
            loop.create_future(),
            loop.create_future(),
        )
        self.failure: asyncio.Future[BaseException] = loop.create_future()

    @property
    def is_blocked(self) -> bool:
        """Whether nothing happens in this battle until a policy answers."""
        return _POLICY in self.states and _SERVER not in self.states

    def fail(self, reason: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_result(reason)

    def rests(self, side: int) -> None:
        self.states[side] = _REST
        self.session.consider()

    def answered(self, side: int) -> None:
        # The other player has to hear from the server too, even if it had nothing to choose.
        self.states[side] = _SERVER
        if self.states[1 - side] == _REST:
            self.states[1 - side] = _SERVER

    async def decide(self, side: int, battle: Battle, legal: BoolArray) -> int:
        self.asked[side] = True
        self.states[side] = _POLICY
        waiting = _Waiting(
            Decision(self.ids[side], side, battle, legal),
            self.match.policies[side],
            self,
            asyncio.get_running_loop().create_future(),
        )
        self.session.wait_for_policy(waiting)
        action = await waiting.action
        self.decisions += 1
        return action

    def finished(self, side: int, battle: Battle) -> None:
        won = battle.won
        own = 0.5 if won is None else float(won)
        self.tag = battle.battle_tag
        self.turns = battle.turn
        self.returns = (own, 1.0 - own) if side == 0 else (1.0 - own, own)
        if not self.ends[side].done():
            self.ends[side].set_result(None)


class _Slot:
    """Two connected users who play one battle at a time against each other."""

    def __init__(self, websocket_url: str) -> None:
        number = f"{os.getpid()}n{next(_user_numbers)}"
        self.sides = (
            _Side(f"p{number}a", 0, websocket_url),
            _Side(f"p{number}b", 1, websocket_url),
        )
        self.usable = True

    async def log_in(self) -> None:
        await asyncio.gather(*(side.log_in() for side in self.sides))

    async def play(self, battle: _Battle, stall_timeout: float) -> None:
        first, second = self.sides
        challenged = second.expect(battle)
        first.expect(battle)
        steps = asyncio.create_task(self._start(battle, challenged))
        try:
            await self._watch(battle, stall_timeout)
            if not all(end.done() for end in battle.ends):
                await asyncio.wait(battle.ends, timeout=FAREWELL_TIMEOUT)
                if not all(end.done() for end in battle.ends):
                    await self.close()
        finally:
            steps.cancel()
            for side in self.sides:
                side.forget()

    async def _start(self, battle: _Battle, challenged: asyncio.Future[None]) -> None:
        first, second = (side.ps_client for side in self.sides)
        try:
            await second.set_team(battle.match.teams[1])
            await first.challenge(second.username, BATTLE_FORMAT, battle.match.teams[0])
            await challenged
            await second.send_message(f"/accept {first.username}")
        except Exception as error:
            battle.fail(_Interrupted(f"no battle could be started: {error!r}"))

    async def _watch(self, battle: _Battle, stall_timeout: float) -> None:
        """Wait until one player has heard of the end."""
        poll = min(1.0, stall_timeout / 4)
        loop = asyncio.get_running_loop()
        quiet, heard, last = 0.0, -1, loop.time()
        while True:
            await asyncio.wait(
                {*battle.ends, battle.failure}, timeout=poll, return_when=asyncio.FIRST_COMPLETED
            )
            if any(end.done() for end in battle.ends):
                return
            if battle.failure.done():
                raise battle.failure.result()
            now = loop.time()
            if battle.messages != heard or _POLICY in battle.states:
                quiet, heard = 0.0, battle.messages
            else:
                # Time in which this loop could not run (a policy that holds the interpreter)
                # does not count against the server.
                quiet += min(now - last, 2 * poll)
            last = now
            if quiet > stall_timeout:
                raise _Interrupted(
                    f"the server said nothing for {stall_timeout:g} s "
                    f"({battle.tag or 'before the first turn'})"
                )

    async def close(self) -> None:
        self.usable = False
        await asyncio.gather(*(side.close() for side in self.sides))


class _Side(Player):
    """One user: poke-env's player with the policy's decision in place of its own."""

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
        self._battle: _Battle | None = None
        self._challenged: asyncio.Future[None] | None = None
        self._rejected: set[int] = set()
        self._last_choice: tuple[int, int] | None = None
        self._handle_client_message = self.ps_client._handle_message
        self.ps_client._handle_message = self._receive  # type: ignore[method-assign]
        self._listener = asyncio.create_task(self.ps_client.listen())
        self._listener.add_done_callback(self._connection_lost)

    async def log_in(self) -> None:
        logged_in = asyncio.create_task(self.ps_client.logged_in.wait())
        await asyncio.wait(
            {logged_in, self._listener},
            timeout=LOGIN_TIMEOUT,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not logged_in.done():
            logged_in.cancel()
            raise _Interrupted(f"no login at {self.ps_client.websocket_url}")

    def expect(self, battle: _Battle) -> asyncio.Future[None]:
        self._battle = battle
        self._challenged = asyncio.get_running_loop().create_future()
        self._rejected, self._last_choice = set(), None
        if self._listener.done():
            self._connection_lost(self._listener)
        return self._challenged

    def forget(self) -> None:
        self._battle = None
        self._challenged = None

    async def close(self) -> None:
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        for task in list(self.ps_client._active_tasks):
            task.cancel()
        self.logger.handlers.clear()

    def _connection_lost(self, _: asyncio.Task[None]) -> None:
        if self._battle is not None:
            self._battle.fail(_Interrupted("a player lost its connection to the server"))

    async def _receive(self, message: str) -> None:
        """Every message of the server."""
        if self._battle is not None:
            self._battle.messages += 1
        if message.startswith("|popup|"):
            if self._battle is not None:
                text = message.removeprefix("|popup|").replace("||", "\n")
                self._battle.fail(
                    ShowdownError(f"the server refused player {self.side}'s battle: {text}")
                )
            return
        try:
            await self._handle_client_message(message)
        except Exception as error:
            if self._battle is not None:
                self._battle.fail(_Interrupted(f"a message was not understood: {error!r}"))

    async def _handle_challenge_request(self, split_message: list[str]) -> None:
        # Own challenges are echoed, and one that is over is announced without a format.
        is_challenge = len(split_message) > 5 and split_message[5] == BATTLE_FORMAT
        if is_challenge and split_message[2].strip() != self.username:
            challenged = self._challenged
            if challenged is not None and not challenged.done():
                challenged.set_result(None)

    async def _handle_battle_message(self, split_messages: list[list[str]]) -> None:
        tag = split_messages[0][0][1:]
        kind = split_messages[1][1] if len(split_messages[1]) > 1 else ""
        if kind == "deinit":
            # poke-env would wait for ever for a battle that is gone already.
            self.battles.pop(tag, None)
        elif tag in self.battles or kind == "init":
            await super()._handle_battle_message(split_messages)

    async def _handle_battle_request(
        self, battle: AbstractBattle, maybe_default_order: bool = False
    ) -> None:
        """Choose; ``maybe_default_order`` says that the server refused the last choice."""
        current = self._battle
        if current is None or battle.finished:
            return
        assert isinstance(battle, Battle)
        current.tag = battle.battle_tag
        request = battle.last_request
        if request.get("wait"):
            current.rests(self.side)
            return
        number = request.get("rqid", 0)
        if maybe_default_order and self._last_choice is not None:
            current.session.arena.rejected_choices += 1
            self._rejected.add(self._last_choice[1])
        if self._last_choice is not None and self._last_choice[0] != number:
            self._rejected.clear()
        legal = legal_mask(battle)
        legal[list(self._rejected)] = False
        if legal.any():
            action = await current.decide(self.side, battle, legal)
            self._last_choice = (number, action)
            message = order_for(battle, action).message
        else:
            message = self.choose_default_move().message
        await self.ps_client.send_message(message, battle.battle_tag)

    def _battle_finished_callback(self, battle: AbstractBattle) -> None:
        assert isinstance(battle, Battle)
        if self._battle is not None:
            self._battle.finished(self.side, battle)

    def choose_move(self, battle: AbstractBattle) -> BattleOrder:
        raise AssertionError("choices are made in _handle_battle_request")


async def _close_all(slots: Sequence[_Slot]) -> None:
    await asyncio.gather(*(slot.close() for slot in slots))
