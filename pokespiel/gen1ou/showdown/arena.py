"""Many battles at once on a Showdown server, every waiting decision in one policy call.

Battles are played over websockets in an event loop that runs while `Arena.play` does, in the
thread that calls it; the policies are asked there too. (A thread of their own for the sockets was
measured and is slower: both threads are busy, and hand the interpreter to and fro.)
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from pokespiel.gen1ou.showdown.decision import BattleResult, Decision, ShowdownPolicy
from pokespiel.gen1ou.showdown.install import ShowdownError
from pokespiel.gen1ou.showdown.players import Attempt, Interrupted, Slot
from pokespiel.gen1ou.showdown.questions import ask_policies, tell_finished
from pokespiel.gen1ou.showdown.server import ShowdownServer

RECORD_TIMEOUT = 5.0
RESTARTS_PER_PLAY = 1


@dataclass(frozen=True, slots=True)
class Match:
    """A battle to be played.

    Attributes
    ----------
    policies : (ShowdownPolicy, ShowdownPolicy)
        Players 0 and 1; may be the same object.
    teams : (str, str)
        Their packed teams, see `pokespiel.gen1ou.teams`.
    """

    policies: tuple[ShowdownPolicy, ShowdownPolicy]
    teams: tuple[str, str]


class Arena:
    """Plays matches on a server.

    Parameters
    ----------
    server
        A running server. The arena restarts it if it dies.
    concurrency
        Battles at once. Connections are kept from one `play` to the next.
    max_wait
        Seconds that a decision may wait for others to share its batch. There is no waiting where
        nothing else can come: once all battles wait for their policies, these are asked.
    stall_timeout
        Seconds without a word from the server after which a battle is given up and replayed.
    max_replays
        Replays of one battle before the arena gives up.

    Attributes
    ----------
    rejected_choices : int
        Choices that the server has refused so far. Each was chosen again.

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
        max_wait: float = 0.01,
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
        self._idle: list[Slot] = []
        self._runner = asyncio.Runner()
        self._playing = threading.Lock()
        self._closed = False

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
            Battles to play, any number.
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
            If a team is refused, a battle cannot be finished in all its replays, the server dies
            again after it was restarted, or its own record of finished battles is another.
        """
        if self._closed:
            raise RuntimeError("this arena is closed")
        if not self._playing.acquire(blocking=False):
            raise RuntimeError("this arena is playing already")
        try:
            recorded = len(self.server.finished_battles())
            session = _Session(self, matches, rng, progress)
            try:
                self._run(session.run())
            except BaseException:
                self._run(session.abort())
                raise
            results = [session.results[match] for match in range(len(matches))]
            self._check_record(results, recorded)
            return results
        finally:
            self._playing.release()

    def close(self) -> None:
        """Close all connections."""
        if not self._closed:
            self._closed = True
            self._run(self._close_idle())
            self._runner.close()

    def __enter__(self) -> Arena:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_record(self, results: Sequence[BattleResult], start: int) -> None:
        """Hold the results against the server's own record, from its line ``start`` on."""
        deadline = time.monotonic() + RECORD_TIMEOUT
        while True:
            finished = self.server.finished_battles()[start:]
            record = {battle.battle_tag: battle.returns for battle in finished}
            wrong = [r for r in results if record.get(r.battle_tag) != r.returns]
            if not wrong:
                return
            if time.monotonic() > deadline:
                raise ShowdownError(
                    f"{len(wrong)} results are not in the server's own record, the first is "
                    f"{wrong[0]}; the record says {record.get(wrong[0].battle_tag)}"
                )
            time.sleep(0.01)

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._runner.run(coroutine)
            return
        # This thread is busy with a loop of its own, as in a notebook.
        with ThreadPoolExecutor(max_workers=1) as thread:
            running = thread.submit(self._runner.run, coroutine)
            try:
                running.result()
            except KeyboardInterrupt:
                loop = self._runner.get_loop()
                loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks()])
                raise

    async def _close_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()


class _Session:
    """One call of `Arena.play`."""

    def __init__(
        self,
        arena: Arena,
        matches: Sequence[Match],
        rng: np.random.Generator,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.results: dict[int, BattleResult] = {}
        self._arena = arena
        self._matches = matches
        self._rng = rng
        self._progress = progress
        # Matches to play with the number of replays so far.
        self._todo = deque((match, 0) for match in range(len(matches)))
        self._workers: list[asyncio.Task[None]] = []
        self._attempts: dict[Attempt, Match] = {}
        # Attempts in which something can happen before a policy answers.
        self._moving: set[Attempt] = set()
        self._waiting: list[tuple[Attempt, Decision, ShowdownPolicy]] = []
        self._alarm: asyncio.Handle | None = None
        self._alarm_is_now = False
        self._failure: asyncio.Future[None] | None = None
        self._restarts = 0
        self._repairing: asyncio.Lock | None = None

    async def run(self) -> None:
        """Play all matches."""
        if not self._matches:
            return
        self._failure = asyncio.get_running_loop().create_future()
        self._repairing = asyncio.Lock()
        # Connections that were lost since the last play are noticed now.
        await asyncio.sleep(0.01)
        self._workers = [
            asyncio.create_task(self._work())
            for _ in range(min(self._arena.concurrency, len(self._matches)))
        ]
        running = {*self._workers, self._failure}
        while len(running) > 1:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def abort(self) -> None:
        """Give up all battles and their connections."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._alarm is not None:
            self._alarm.cancel()

    async def _work(self) -> None:
        """Play one match after the other in one slot."""
        slot: Slot | None = None
        try:
            while self._todo:
                match, replays = self._todo.popleft()
                try:
                    if slot is None or not slot.is_usable:
                        slot = await self._open_slot()
                    await self._play(slot, match, replays)
                except Interrupted as interruption:
                    if replays >= self._arena.max_replays:
                        raise ShowdownError(
                            f"match {match} could not be finished in {replays + 1} attempts; "
                            f"the last one failed because {interruption}"
                        ) from None
                    self._todo.append((match, replays + 1))
                    await self._repair_server()
        finally:
            if slot is not None and slot.is_usable:
                self._arena._idle.append(slot)

    async def _open_slot(self) -> Slot:
        idle = self._arena._idle
        while idle:
            slot = idle.pop()
            if slot.is_usable:
                return slot
            await slot.close()
        slot = Slot(self._arena.server.websocket_url)
        try:
            await slot.log_in()
        except BaseException:
            await slot.close()
            raise
        return slot

    async def _play(self, slot: Slot, number: int, replays: int) -> None:
        match = self._matches[number]
        attempt = Attempt(match.teams, self._wait_for_policy, self._consider)
        self._attempts[attempt] = match
        self._moving.add(attempt)
        try:
            await slot.play(attempt, self._arena.stall_timeout)
        except BaseException as error:
            self._forget(attempt)
            await slot.close()
            if isinstance(error, Interrupted):
                self._tell(attempt, match, None)
            raise
        self._forget(attempt)
        result = BattleResult(
            battle_tag=attempt.tag,
            returns=attempt.returns,
            turns=attempt.turns,
            decisions=attempt.decisions,
            teams=match.teams,
            replays=replays,
        )
        self.results[number] = result
        self._tell(attempt, match, result)
        if self._progress is not None:
            self._progress(len(self.results), len(self._matches))

    def _forget(self, attempt: Attempt) -> None:
        self._arena.rejected_choices += attempt.rejected
        del self._attempts[attempt]
        self._moving.discard(attempt)
        self._waiting = [waiting for waiting in self._waiting if waiting[0] is not attempt]
        self._schedule()

    def _tell(self, attempt: Attempt, match: Match, result: BattleResult | None) -> None:
        for side in (0, 1):
            if attempt.asked[side]:
                tell_finished(match.policies[side], attempt.ids[side], result)

    async def _repair_server(self) -> None:
        """Restart the server if it is dead or deaf."""
        server = self._arena.server
        assert self._repairing is not None
        async with self._repairing:
            # The connections of a killed process are lost before its end is known.
            await asyncio.sleep(0.1)
            if await asyncio.to_thread(server.is_healthy):
                return
            if self._restarts >= RESTARTS_PER_PLAY:
                raise ShowdownError(
                    "the Showdown server died again after it was restarted (exit status "
                    f"{server.exit_status}); the end of its log:\n{server.log_tail()}"
                )
            self._restarts += 1
            await asyncio.to_thread(server.restart)

    def _wait_for_policy(self, attempt: Attempt, decision: Decision) -> None:
        policy = self._attempts[attempt].policies[decision.player]
        self._waiting.append((attempt, decision, policy))
        self._consider(attempt)

    def _consider(self, attempt: Attempt) -> None:
        """Note what an attempt waits for."""
        if attempt.is_blocked:
            self._moving.discard(attempt)
        else:
            self._moving.add(attempt)
        self._schedule()

    def _schedule(self) -> None:
        """Ask the policies now if nothing else can come to share the batch, else soon."""
        if not self._waiting or self._alarm_is_now:
            return
        loop = asyncio.get_running_loop()
        if not self._moving:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_is_now = True
            self._alarm = loop.call_soon(self._ask)
        elif self._alarm is None:
            self._alarm = loop.call_later(self._arena.max_wait, self._ask)

    def _ask(self) -> None:
        self._alarm = None
        self._alarm_is_now = False
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        attempts, decisions, policies = zip(*batch, strict=True)
        try:
            actions = ask_policies(policies, decisions, self._rng)
        except Exception as error:
            if self._failure is not None and not self._failure.done():
                self._failure.set_exception(error)
            return
        for attempt, decision, action in zip(attempts, decisions, actions, strict=True):
            attempt.answer(decision.player, action)
            self._moving.add(attempt)
