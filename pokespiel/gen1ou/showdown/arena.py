"""Many battles at once on a Showdown server, every waiting decision in one policy call.

Battles are played over websockets, in an event loop of its own thread. The policies run in the
thread that calls `Arena.play`: the loop gathers the decisions that wait and hands them over, and
while the policies think it goes on reading what the server says to the other battles.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np

from pokespiel.gen1ou.showdown.decision import BattleResult, Decision, ShowdownPolicy
from pokespiel.gen1ou.showdown.install import ShowdownError
from pokespiel.gen1ou.showdown.players import Attempt, Interrupted, Slot
from pokespiel.gen1ou.showdown.questions import PolicyError, ask_policies, tell_finished
from pokespiel.gen1ou.showdown.server import ShowdownServer

__all__ = ["Arena", "Match", "PolicyError"]

CLOSE_TIMEOUT = 30.0
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


@dataclass(frozen=True, slots=True)
class _Ended:
    """A battle has ended, or was given up if there is no result."""

    match: int
    ids: dict[int, ShowdownPolicy]
    result: BattleResult | None


_Batch: TypeAlias = list[tuple[Attempt, Decision, ShowdownPolicy]]


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
        self._idle: list[Slot] = []
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
        if not self._thread.is_alive():
            raise RuntimeError("this arena is closed")
        if not self._playing.acquire(blocking=False):
            raise RuntimeError("this arena is playing already")
        try:
            recorded = len(self.server.finished_battles())
            session = _Session(self, matches)
            running = self._submit(session.run())
            results: dict[int, BattleResult] = {}
            try:
                for event in session.events():
                    if isinstance(event, list):
                        attempts, decisions, policies = zip(*event, strict=True)
                        session.answer(attempts, decisions, ask_policies(policies, decisions, rng))
                        continue
                    for battle_id, policy in event.ids.items():
                        tell_finished(policy, battle_id, event.result)
                    if event.result is not None:
                        results[event.match] = event.result
                        if progress is not None:
                            progress(len(results), len(matches))
            except BaseException:
                running.cancel()
                session.over.wait(CLOSE_TIMEOUT)
                raise
            running.result()
            self._check_record(list(results.values()), recorded)
            return [results[match] for match in range(len(matches))]
        finally:
            self._playing.release()

    def close(self) -> None:
        """Close all connections."""
        if not self._thread.is_alive():
            return
        with contextlib.suppress(TimeoutError):
            self._submit(self._close_idle()).result(CLOSE_TIMEOUT)
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

    def _submit(self, coroutine: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def _close_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()


class _Session:
    """One call of `Arena.play`. Everything but `events` and `answer` runs in the loop."""

    def __init__(self, arena: Arena, matches: Sequence[Match]) -> None:
        self.over = threading.Event()
        self._arena = arena
        self._matches = matches
        # Matches to play with the number of replays so far.
        self._todo = deque((match, 0) for match in range(len(matches)))
        self._attempts: dict[Attempt, Match] = {}
        self._waiting: _Batch = []
        self._asked = False
        self._alarm: asyncio.TimerHandle | None = None
        self._inbox: queue.SimpleQueue[_Ended | _Batch | None] = queue.SimpleQueue()
        self._repairing = asyncio.Lock()
        self._restarts = 0

    def events(self) -> Iterator[_Ended | _Batch]:
        """What the caller's thread has to do, until the session is over."""
        while (event := self._inbox.get()) is not None:
            yield event

    def answer(
        self, attempts: Sequence[Attempt], decisions: Sequence[Decision], actions: Sequence[int]
    ) -> None:
        """Return the policies' actions."""
        self._arena._loop.call_soon_threadsafe(self._deliver, attempts, decisions, actions)

    async def run(self) -> None:
        """Play all matches."""
        workers = [
            asyncio.create_task(self._work())
            for _ in range(min(self._arena.concurrency, len(self._matches)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self.over.set()
            self._inbox.put(None)

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
        result: BattleResult | None = None
        try:
            await slot.play(attempt, self._arena.stall_timeout)
            result = BattleResult(
                battle_tag=attempt.tag,
                returns=attempt.returns,
                turns=attempt.turns,
                decisions=attempt.decisions,
                teams=match.teams,
                replays=replays,
            )
        except BaseException:
            await slot.close()
            raise
        finally:
            self._arena.rejected_choices += attempt.rejected
            del self._attempts[attempt]
            self._waiting = [waiting for waiting in self._waiting if waiting[0] is not attempt]
            ids = {
                attempt.ids[side]: match.policies[side] for side in (0, 1) if attempt.asked[side]
            }
            self._inbox.put(_Ended(number, ids, result))
            self._consider()

    async def _repair_server(self) -> None:
        """Restart the server if it is dead or deaf."""
        server = self._arena.server
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
        self._consider()

    def _consider(self) -> None:
        """Ask the policies now if nothing else can come to share the batch, else soon."""
        if self._asked or not self._waiting:
            return
        if all(attempt.is_blocked for attempt in self._attempts):
            self._ask()
        elif self._alarm is None:
            self._alarm = self._arena._loop.call_later(self._arena.max_wait, self._ask)

    def _ask(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting and not self._asked:
            self._asked = True
            batch, self._waiting = self._waiting, []
            self._inbox.put(batch)

    def _deliver(
        self, attempts: Sequence[Attempt], decisions: Sequence[Decision], actions: Sequence[int]
    ) -> None:
        self._asked = False
        for attempt, decision, action in zip(attempts, decisions, actions, strict=True):
            if attempt in self._attempts:
                attempt.answer(decision.player, action)
        self._consider()
