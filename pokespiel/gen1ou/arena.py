"""Battles on the engine: thousands under way at once, one call per policy and step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numba
import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.batch import begin_all, call, legal_all, step_all
from pokespiel.gen1ou.engine.teams import pack
from pokespiel.gen1ou.engine.transcript import RECORDED_ROW
from pokespiel.gen1ou.observation import Observation, nothing_seen, observe, reveal
from pokespiel.gen1ou.rewards import reward_states
from pokespiel.gen1ou.teams import legal_sets

Progress: TypeAlias = Callable[[int, int], None]

_RETURNS = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
"""Returns of both players by the engine's result."""


@dataclass(frozen=True)
class Decisions:
    """``n`` players of engine battles that wait for an action.

    Attributes
    ----------
    rows : int32 ``(battles, ROW)``, revealed : int16 ``(battles, 2, KNOWLEDGE)``
        The battles under way, and what was seen of them. The rows hold what players may not know;
        policies that play fair read `observations`.
    where, players : int64 ``(n,)``
        Row of each battle, and which of its players decides.
    battles : int64 ``(n,)``
        Number of each battle among those of this call of `EngineArena.play`.
    legal : bool ``(n, 10)``
        See `pokespiel.gen1ou.actions`; at least one is true.
    """

    rows: NDArray[np.int32]
    revealed: NDArray[np.int16]
    where: NDArray[np.int64]
    players: NDArray[np.int64]
    battles: NDArray[np.int64]
    legal: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.where)

    @cached_property
    def observations(self) -> Observation:
        """What the deciding players may know; see `pokespiel.gen1ou.observation`."""
        return observe(self.rows, self.revealed, self.where, self.players, self.legal)

    @cached_property
    def reward_states(self) -> NDArray[np.float64]:
        """States ``(n, STATE)``; see `pokespiel.gen1ou.rewards`."""
        return reward_states(self.rows, self.where, self.players)


@runtime_checkable
class EnginePolicy(Protocol):
    """Plays Gen 1 OU on the engine.

    A policy may also have a method ``ended(battles, players, states, returns)``, called when
    battles that it plays are over, with the numbers of the battles, its seats, its reward states
    ``(n, STATE)`` at the end and its returns ``(n,)``.

    And one ``watch(rows, where, battles, new)``, called when battles have begun (``new``) and after
    each step, with rows that end in a transcript of the step
    (`pokespiel.gen1ou.engine.transcript`), the rows of the battles that it plays, and their
    numbers. The transcript is public, hp aside.

    And one ``forget()``, called before the first battle: what it still remembers then is of
    battles that were broken off.

    Policies that can be asked in one pass have an equal attribute ``shares`` and a method
    ``join(policies)``: what it gives is asked in their place, by
    ``act_on_engine(asked, rng)`` with one entry per policy, its `Decisions` or None, and answers
    for those that have some, in order.
    """

    def act_on_engine(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> NDArray[np.integer[Any]]:
        """Choose a legal action ``(n,)`` for each decision."""
        ...


class IllegalActionError(RuntimeError):
    """A policy answered something that is not a legal action for each decision."""


class EngineArena:
    """Plays matches on the engine.

    Parameters
    ----------
    concurrency
        Battles under way at once.
    """

    def __init__(self, concurrency: int = 1024) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {concurrency}")
        self.concurrency = concurrency
        self._teams: dict[str, NDArray[np.int32]] = {}

    def play(
        self,
        policies: Sequence[tuple[EnginePolicy, EnginePolicy]],
        teams: Sequence[tuple[str, str]],
        *,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """Play one battle per entry to its end.

        Parameters
        ----------
        policies, teams
            Both players' policies, and their packed teams.
        rng
            Draws the battles' seeds and is handed to the policies: same state, same battles.
        progress
            Called with (battles finished, battles in all).

        Returns
        -------
        float64 ``(battles, 2)``
            1 for the winner, 0 for the loser, 0.5 each for a tie.

        Raises
        ------
        ValueError
            If a team is not legal, or a policy cannot play on the engine.
        IllegalActionError
            If a policy's answer is not one legal action per decision.
        """
        returns = np.zeros((len(policies), 2))
        if not len(policies):
            return returns
        distinct, seats = _seats(policies)
        for policy in distinct:
            if hasattr(policy, "forget"):
                policy.forget()
        packed, sides = self._packed(teams)
        seeds = rng.integers(2**64, size=len(policies), dtype=np.uint64)
        # A step of a thousand battles takes less time than waking a second thread.
        numba.set_num_threads(1)

        tables = _tables(distinct)
        watchers = _watchers(distinct)
        width = RECORDED_ROW if watchers else at.ROW

        def watch(rows: NDArray[np.int32], battles: NDArray[np.int64], new: bool) -> None:
            for method, numbers in watchers:
                where = np.flatnonzero(np.isin(seats[battles], numbers).any(axis=1))
                if len(where):
                    method(rows, where, battles[where], new)

        def begin(battles: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
            rows = np.zeros((len(battles), width), np.int32)
            call(begin_all, rows, packed[sides[battles]], seeds[battles])
            watch(rows, battles, new=True)
            revealed = nothing_seen(len(battles))
            reveal(rows, revealed)
            return rows, revealed

        upcoming = min(self.concurrency, len(policies))
        battles = np.arange(upcoming)
        rows, revealed = begin(battles)
        results = np.zeros(len(battles), np.int32)
        finished = 0
        while len(battles):
            legal = np.zeros((len(battles), 2, 10), np.bool_)
            call(legal_all, rows, legal)
            waiting = legal.any(axis=2)
            actions = np.full((len(battles), 2), -1, np.int32)
            silent = np.ascontiguousarray(rows[:, : at.ROW])
            for members, joined in tables:
                asked: list[Decisions | None] = []
                for number in members:
                    where, players = np.nonzero(waiting & (seats[battles] == number))
                    mask = legal[where, players]
                    asked.append(
                        Decisions(silent, revealed, where, players, battles[where], mask)
                        if len(where)
                        else None
                    )
                for one, answer in _ask([distinct[n] for n in members], joined, asked, rng):
                    actions[one.where, one.players] = answer
            call(step_all, rows, actions, results)
            watch(rows, battles, new=False)
            reveal(rows, revealed)
            over = np.flatnonzero(results != at.ONGOING)
            if not len(over):
                continue
            returns[battles[over]] = _RETURNS[results[over]]
            _tell(distinct, seats, rows, battles, over, returns)
            finished += len(over)
            if progress is not None:
                progress(finished, len(policies))
            # The places of battles that are over go to those that have not begun, so that the
            # policies are asked about many at once until the last have begun.
            following = np.arange(upcoming, min(upcoming + len(over), len(policies)))
            upcoming += len(following)
            filled, left = np.split(over, [len(following)])
            if len(filled):
                rows[filled], revealed[filled] = begin(following)
                battles[filled] = following
            if len(left):
                kept = np.delete(np.arange(len(battles)), left)
                rows, revealed, battles = rows[kept], revealed[kept], battles[kept]
                results = results[kept]
        return returns

    def _packed(
        self, teams: Sequence[tuple[str, str]]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The distinct teams as the engine reads them, and which of them each side plays."""
        numbers: dict[str, int] = {}
        sides = np.array([[numbers.setdefault(team, len(numbers)) for team in t] for t in teams])
        return np.stack([self._pack(team) for team in numbers]), sides.astype(np.int64)

    def _pack(self, team: str) -> NDArray[np.int32]:
        if team not in self._teams:
            self._teams[team] = pack(legal_sets(team))
        return self._teams[team]


def _seats(
    policies: Sequence[tuple[EnginePolicy, EnginePolicy]],
) -> tuple[list[EnginePolicy], NDArray[np.int64]]:
    """The distinct policies, and which of them plays each side ``(battles, 2)``."""
    distinct: dict[int, EnginePolicy] = {id(p): p for pair in policies for p in pair}
    for policy in distinct.values():
        if not isinstance(policy, EnginePolicy):
            name = getattr(policy, "name", type(policy).__name__)
            raise ValueError(f"policy {name} cannot play on the engine: it has no act_on_engine()")
    numbers = {key: number for number, key in enumerate(distinct)}
    seats = np.array([[numbers[id(p)] for p in pair] for pair in policies], dtype=np.int64)
    return list(distinct.values()), seats


def _watchers(policies: list[EnginePolicy]) -> list[tuple[Callable[..., None], list[int]]]:
    """Who is told of each step, and for which policies.

    A policy and another that wraps it share one memory, which must hear of a step once.
    """
    found: dict[int, tuple[Callable[..., None], list[int]]] = {}
    for number, policy in enumerate(policies):
        method = getattr(policy, "watch", None)
        if method is not None:
            memory = id(getattr(method, "__self__", method))
            found.setdefault(memory, (method, []))[1].append(number)
    return list(found.values())


def _tables(policies: list[EnginePolicy]) -> list[tuple[list[int], Any]]:
    """Numbers of policies that are asked in one pass, and who is asked for them if not each."""
    tables: dict[Any, list[int]] = {}
    for number, policy in enumerate(policies):
        shares = getattr(policy, "shares", None)
        key = ("alone", number) if shares is None else ("together", shares)
        tables.setdefault(key, []).append(number)
    return [
        (members, _joined([policies[n] for n in members]) if len(members) > 1 else None)
        for members in tables.values()
    ]


def _joined(policies: Sequence[Any]) -> Any:
    return policies[0].join(policies)


def _ask(
    policies: Sequence[EnginePolicy],
    joined: Any,
    asked: Sequence[Decisions | None],
    rng: np.random.Generator,
) -> list[tuple[Decisions, NDArray[np.integer[Any]]]]:
    """Decisions and their actions, of the policies that have some."""
    wait = [(p, d) for p, d in zip(policies, asked, strict=True) if d is not None]
    if joined is None or not wait:
        answers = [policy.act_on_engine(decisions, rng) for policy, decisions in wait]
    else:
        answers = joined.act_on_engine(asked, rng)
    return [(d, _checked(p, d, a)) for (p, d), a in zip(wait, answers, strict=True)]


def _checked(policy: EnginePolicy, decisions: Decisions, answer: Any) -> NDArray[np.integer[Any]]:
    actions = np.asarray(answer)
    name = getattr(policy, "name", type(policy).__name__)
    if actions.shape != (len(decisions),) or actions.dtype.kind not in "iu":
        raise IllegalActionError(
            f"policy {name} answered {actions.dtype} of shape {actions.shape}; expected "
            f"{len(decisions)} integers"
        )
    inside = (actions >= 0) & (actions < decisions.legal.shape[1])
    legal = inside & decisions.legal[np.arange(len(actions)), np.where(inside, actions, 0)]
    if not legal.all():
        first = int(np.argmin(legal))
        turn = int(decisions.rows[decisions.where[first], at.TURN])
        raise IllegalActionError(
            f"policy {name} chose action {actions[first]} in battle {decisions.battles[first]}, "
            f"turn {turn}; legal are {np.flatnonzero(decisions.legal[first]).tolist()}"
        )
    return actions


def _tell(
    policies: list[EnginePolicy],
    seats: NDArray[np.int64],
    rows: NDArray[np.int32],
    battles: NDArray[np.int64],
    over: NDArray[np.int64],
    returns: NDArray[np.float64],
) -> None:
    for number, policy in enumerate(policies):
        ended = getattr(policy, "ended", None)
        if ended is None:
            continue
        places, players = np.nonzero(seats[battles[over]] == number)
        where = over[places]
        if len(where):
            states = reward_states(rows, where, players)
            ended(battles[where], players, states, returns[battles[where], players])
