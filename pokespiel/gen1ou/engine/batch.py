"""Entry points over arrays of battles, and `Battles`, which owns one."""

import functools
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import get_num_threads, prange, set_num_threads

from .choices import ACTIONS, is_legal, legal_actions, lone_move, lone_slot
from .compilation import compiles_now, entry_point, remove_old_caches
from .layout import (
    HP,
    MOVE_REQUEST,
    ORDER,
    POKEMON,
    POKEMON_LEFT,
    PRNG_HIGH,
    PRNG_LOW,
    REQUEST,
    RESULT,
    ROW,
    SIDE,
    SPECIES,
    Row,
)
from .transcript import NOTES
from .turn import begin, step

Seeds = npt.NDArray[np.uint64]
Legal = npt.NDArray[np.bool_]
ILLEGAL = -1
ROWS_PER_THREAD = 256

# For every set of actions, as bits: how many they are, and which is the n-th of them.
_COUNT = np.array([actions.bit_count() for actions in range(1 << ACTIONS)], np.int8)
_NTH_ACTION = np.full((1 << ACTIONS, ACTIONS), -1, np.int8)
for _actions in range(1 << ACTIONS):
    _members = [action for action in range(ACTIONS) if _actions >> action & 1]
    _NTH_ACTION[_actions, : len(_members)] = _members


@entry_point
def begin_all(rows: Row, teams: Row, seeds: Seeds) -> None:
    """Set up battles ``rows[i]`` from packed teams and seeds, up to the first request."""
    for i in prange(rows.shape[0]):
        b = rows[i]
        b[:] = 0
        for s in range(2):
            o = s * SIDE
            for slot in range(6):
                for k in range(POKEMON):
                    b[o + slot * POKEMON + k] = teams[i, s, slot, k]
                b[o + ORDER + slot] = slot
                if b[o + slot * POKEMON + HP] > 0:
                    b[o + POKEMON_LEFT] += 1
        b[PRNG_HIGH] = np.int32(np.uint32(seeds[i] >> np.uint64(32)))
        b[PRNG_LOW] = np.int32(np.uint32(seeds[i] & np.uint64(0xFFFFFFFF)))
        begin(b)


@entry_point
def legal_all(rows: Row, legal: Legal) -> None:
    for i in prange(rows.shape[0]):
        for s in range(2):
            actions = legal_actions(rows[i], s)
            for action in range(ACTIONS):
                legal[i, s, action] = actions >> action & 1


@entry_point
def lone_all(rows: Row, lone: Row) -> None:
    """Where a side has only one move: the slot it is offered in (else -1) and what it is."""
    for i in prange(rows.shape[0]):
        b = rows[i]
        for s in range(2):
            lone[i, s, 0] = -1
            if b[s * SIDE + REQUEST] == MOVE_REQUEST:
                lone[i, s, 0] = lone_slot(b, s)
                lone[i, s, 1] = lone_move(b, s)


@entry_point
def step_all(rows: Row, actions: Row, results: Row) -> None:
    """Step every battle that goes on; ``results`` is ``ILLEGAL`` where an action was."""
    for i in prange(rows.shape[0]):
        b = rows[i]
        results[i] = b[RESULT]
        if b[RESULT] != 0:
            continue
        if is_legal(b, 0, actions[i, 0]) and is_legal(b, 1, actions[i, 1]):
            if b.shape[0] > NOTES:
                b[NOTES] = 0
            step(b, actions[i, 0], actions[i, 1])
            results[i] = b[RESULT]
        else:
            results[i] = ILLEGAL


@entry_point
def choose_at_random(rows: Row, states: Seeds, actions: Row) -> None:
    """Uniform legal actions for both players, from one splitmix64 state a battle."""
    for i in prange(rows.shape[0]):
        b = rows[i]
        for s in range(2):
            actions[i, s] = -1
            legal = legal_actions(b, s)
            if legal == 0:
                continue
            z = states[i] + np.uint64(0x9E3779B97F4A7C15)
            states[i] = z
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            drawn = ((z >> np.uint64(32)) * np.uint64(_COUNT[legal])) >> np.uint64(32)
            actions[i, s] = _NTH_ACTION[legal, drawn]


class Battles:
    """Many battles in one array, stepped together on all of Numba's threads.

    Parameters
    ----------
    n
        How many.

    Attributes
    ----------
    rows : ndarray of int32, shape ``(n, ROW)``
        The battles themselves, laid out as `layout` says. Copying a row clones a battle.
    """

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError(f"{n} battles: expected at least 1")
        self.rows: Row = np.zeros((n, ROW), np.int32)
        self._legal: Legal = np.zeros((n, 2, ACTIONS), np.bool_)
        self._results: Row = np.zeros(n, np.int32)

    def __len__(self) -> int:
        return len(self.rows)

    def reset(self, teams: Row, seeds: npt.ArrayLike) -> None:
        """Begin every battle anew.

        Parameters
        ----------
        teams
            int32, shape ``(n, 2, 6, POKEMON)``: for each battle both players' teams from `pack`.
        seeds
            uint64, shape ``(n,)``.

        Raises
        ------
        ValueError
            If a shape does not fit or a team is empty; no battle is changed.
        """
        self.reset_some(np.arange(len(self)), teams, seeds)

    def reset_some(self, which: npt.ArrayLike, teams: Row, seeds: npt.ArrayLike) -> None:
        """`reset` for the battles numbered in ``which`` only."""
        chosen = np.asarray(which, np.intp)
        teams = np.ascontiguousarray(teams, np.int32)
        seed_words = np.ascontiguousarray(seeds, np.uint64)
        if teams.shape != (len(chosen), 2, 6, POKEMON):
            raise ValueError(
                f"teams of shape {teams.shape}: expected {(len(chosen), 2, 6, POKEMON)}"
            )
        if seed_words.shape != (len(chosen),):
            raise ValueError(f"seeds of shape {seed_words.shape}: expected ({len(chosen)},)")
        if not (teams[:, :, 0, SPECIES] > 0).all():
            raise ValueError("an empty team: expected teams made by pack()")
        fresh = np.zeros((len(chosen), ROW), np.int32)
        call(begin_all, fresh, teams, seed_words)
        self.rows[chosen] = fresh

    def legal(self) -> Legal:
        """Legal actions, shape ``(n, 2, 10)``; the same array every call.

        0-3 are the active Pokémon's move slots, 4-9 switches by team order. A row without any is
        a player who passes with -1.
        """
        call(legal_all, self.rows, self._legal)
        return self._legal

    def step(self, choices: npt.ArrayLike) -> Row:
        """Play both players' actions in every battle that goes on, up to the next decision.

        Parameters
        ----------
        choices
            Shape ``(n, 2)``: an action of `legal`, or -1 for a player with nothing to decide.
            Ignored for battles that are over.

        Returns
        -------
        ndarray of int32, shape ``(n,)``
            0 while the battle goes on, 1 or 2 for the winner, 3 for a tie; the same array every
            call.

        Raises
        ------
        ValueError
            Naming the battles with an illegal choice. Those are unchanged; the others have been
            stepped.
        """
        given = np.asarray(choices)
        if given.shape != (len(self), 2) or given.dtype.kind not in "iu":
            raise ValueError(
                f"choices of shape {given.shape} and dtype {given.dtype}: expected integers of "
                f"shape {(len(self), 2)}"
            )
        actions = np.ascontiguousarray(given, np.int32)
        call(step_all, self.rows, actions, self._results)
        if self._results.min() == ILLEGAL:
            bad = np.flatnonzero(self._results == ILLEGAL)
            raise ValueError(
                f"illegal choices in battles {bad[:10].tolist()}, the first"
                f" {actions[bad[0]].tolist()}: expected actions that legal() marks, or -1 for a"
                " player with nothing to decide"
            )
        return self._results

    def random_choices(self, rng: np.random.Generator) -> Row:
        """A uniformly random legal action for every player, shape ``(n, 2)``, ready for `step`."""
        states = rng.integers(0, 2**64, len(self), np.uint64)
        actions = np.empty((len(self), 2), np.int32)
        call(choose_at_random, self.rows, states, actions)
        return actions

    def clone(self) -> "Battles":
        """An independent copy of every battle."""
        other = Battles(len(self))
        other.rows[:] = self.rows
        return other


def call(function: Any, rows: Row, *arguments: Any) -> None:
    """Call an entry point on battles, saying so where that takes long.

    Few battles are not worth waking other cores for: one thread for every ``ROWS_PER_THREAD``.
    """
    if compiles_now(function):
        _announce()
    threads = get_num_threads()
    worth = max(1, min(threads, len(rows) // ROWS_PER_THREAD))
    set_num_threads(worth)
    try:
        function(rows, *arguments)
    finally:
        set_num_threads(threads)


@functools.cache
def _announce() -> None:
    """Once per process, whatever is compiled: say that it takes a while, and tidy up."""
    print(
        "Compiling the Gen 1 engine, once for this version: about a minute ...",
        file=sys.stderr,
        flush=True,
    )
    remove_old_caches()
