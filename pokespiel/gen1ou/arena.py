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
from pokespiel.gen1ou.engine.teams import PokemonSet, pack
from pokespiel.gen1ou.observation import Observation, nothing_seen, observe, reveal
from pokespiel.gen1ou.rewards import reward_states
from pokespiel.gen1ou.teams import engine_sets, parse_packed

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
        # A step of a thousand battles takes less time than waking a second thread.
        numba.set_num_threads(1)
        for start in range(0, len(policies), self.concurrency):
            battles = np.arange(start, min(start + self.concurrency, len(policies)))
            self._play_together(policies, teams, battles, returns, rng)
            if progress is not None:
                progress(int(battles[-1]) + 1, len(policies))
        return returns

    def _play_together(
        self,
        policies: Sequence[tuple[EnginePolicy, EnginePolicy]],
        teams: Sequence[tuple[str, str]],
        battles: NDArray[np.int64],
        returns: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        distinct: list[EnginePolicy] = []
        seat_policy = np.array(
            [[_index(distinct, policy) for policy in policies[i]] for i in battles]
        )
        packed = np.stack([[self._pack(team) for team in teams[i]] for i in battles])
        rows = np.zeros((len(battles), at.ROW), np.int32)
        call(begin_all, rows, packed, rng.integers(2**64, size=len(battles), dtype=np.uint64))
        revealed = nothing_seen(len(battles))
        reveal(rows, revealed)
        results = np.zeros(len(battles), np.int32)
        while len(battles):
            legal = np.zeros((len(battles), 2, 10), np.bool_)
            call(legal_all, rows, legal)
            waiting = legal.any(axis=2)
            actions = np.full((len(battles), 2), -1, np.int32)
            for number, policy in enumerate(distinct):
                where, players = np.nonzero(waiting & (seat_policy == number))
                if len(where):
                    mask = legal[where, players]
                    asked = Decisions(rows, revealed, where, players, battles[where], mask)
                    actions[where, players] = _ask(policy, asked, rng)
            call(step_all, rows, actions, results)
            reveal(rows, revealed)
            over = results != at.ONGOING
            if over.any():
                returns[battles[over]] = _RETURNS[results[over]]
                _tell(distinct, seat_policy, rows, battles, over, returns)
                # Only battles that go on are kept, so that a long one costs no more than itself.
                rows, revealed, results, battles, seat_policy = (
                    array[~over] for array in (rows, revealed, results, battles, seat_policy)
                )

    def _pack(self, team: str) -> NDArray[np.int32]:
        if team not in self._teams:
            self._teams[team] = pack(unpack_showdown(team))
        return self._teams[team]


def unpack_showdown(team: str) -> list[PokemonSet]:
    """Sets of a team in Showdown's packed format.

    Raises
    ------
    ValueError
        If the text is not a packed team.
    """
    return engine_sets(parse_packed(team))


def _index(policies: list[EnginePolicy], policy: EnginePolicy) -> int:
    for number, known in enumerate(policies):
        if known is policy:
            return number
    if not isinstance(policy, EnginePolicy):
        name = getattr(policy, "name", type(policy).__name__)
        raise ValueError(f"policy {name} cannot play on the engine: it has no act_on_engine()")
    policies.append(policy)
    return len(policies) - 1


def _ask(
    policy: EnginePolicy, decisions: Decisions, rng: np.random.Generator
) -> NDArray[np.integer[Any]]:
    actions = np.asarray(policy.act_on_engine(decisions, rng))
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
    seat_policy: NDArray[np.int64],
    rows: NDArray[np.int32],
    battles: NDArray[np.int64],
    over: NDArray[np.bool_],
    returns: NDArray[np.float64],
) -> None:
    for number, policy in enumerate(policies):
        ended = getattr(policy, "ended", None)
        if ended is None:
            continue
        where, players = np.nonzero(over[:, None] & (seat_policy == number))
        if len(where):
            states = reward_states(rows, where, players)
            ended(battles[where], players, states, returns[battles[where], players])
