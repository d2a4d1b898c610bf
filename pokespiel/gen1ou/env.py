"""Gen 1 OU battles as a two-player vectorised environment, on the engine.

::

    env = Gen1OUEnv(1024, seed=0)
    while training:
        actions = policy(env.observations, env.legal)        # (1024, 2)
        rewards, ended = env.step(actions)                   # (1024, 2), (1024,)

Both players choose at once. A player who has nothing to decide, because only the other one's
Pokémon fainted, has no legal action, and what is given for it is ignored. Everything else that
Showdown asks for is one of the ten actions of `pokespiel.gen1ou.actions`: Struggle, recharging, a
multi-turn move that goes on and the bare ``fight`` button stand in a move slot.

A battle that ends is replaced at once: ``observations`` and ``legal`` are then those of a new one
with new teams, while ``rewards`` and ``ended`` tell of the old one. Nobody has to bootstrap from
the last state: a battle ends by its own rules, the turn limit (a tie) included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pokespiel.gen1ou import observation as layout
from pokespiel.gen1ou import rewards as shaping
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.batch import begin_all, call, legal_all, step_all
from pokespiel.gen1ou.engine.teams import pack
from pokespiel.gen1ou.observation import Observation
from pokespiel.gen1ou.teams import legal_sets, teams_or_all

if TYPE_CHECKING:
    import torch

REWARDS = ("win", "shaped")
NUM_ACTIONS = 10


@dataclass
class Statistics:
    """Of the battles that have ended since the environment was made or last `reset`.

    Attributes
    ----------
    battles, turns : int
    wins : int array ``(2,)``
    ties : int
    """

    battles: int = 0
    turns: int = 0
    wins: tuple[int, int] = (0, 0)
    ties: int = 0

    def __str__(self) -> str:
        turns = self.turns / max(self.battles, 1)
        return (
            f"{self.battles} battles of {turns:.1f} turns: {self.wins[0]} won by player 1, "
            f"{self.wins[1]} by player 2, {self.ties} tied"
        )


class Gen1OUEnv:
    """Many battles stepped together, two players each, replaced as they end.

    Parameters
    ----------
    num_battles : int
    teams : sequence of str, optional
        Packed teams; both players' are drawn from them, independently, for each battle. Default:
        the teams that come with PokéSpiel.
    seed : int
        Of teams and battles: same seed and actions, same battles.
    reward : {"shaped", "win"}
        metamon's DefaultShapedReward in its own units (winning is worth 100; see
        `pokespiel.gen1ou.rewards`), which a player gets when it decides next or the battle ends;
        or 1 for winning, -1 for losing, 0 for a tie and before the end.
    device : str
        Where `tensors` are. On ``"cpu"`` they share their memory with the arrays.
    threads : int
        Cores that step and observe.

    Attributes
    ----------
    observations : dict of arrays ``(num_battles, 2, ...)``
        See `pokespiel.gen1ou.observation`. The same arrays all the time: copy what you keep.
    legal : bool array ``(num_battles, 2, 10)``
    statistics : Statistics

    Raises
    ------
    ValueError
        For a number below 1, an unknown reward, or a team that is not legal.
    """

    def __init__(
        self,
        num_battles: int,
        teams: Sequence[str] | None = None,
        *,
        seed: int = 0,
        reward: str = "shaped",
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        for name, value in (("num_battles", num_battles), ("threads", threads)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if reward not in REWARDS:
            raise ValueError(f"unknown reward {reward!r}; available: {', '.join(REWARDS)}")
        packed = [
            pack(legal_sets(team, source=f"teams[{number}]"))
            for number, team in enumerate(teams_or_all(teams))
        ]
        self.num_battles = num_battles
        self.reward = reward
        self.device = device
        self.threads = threads
        self._teams = np.stack(packed)
        size = 2 * num_battles
        self._flat = layout.empty(size)
        self.observations: Observation = {
            name: array.reshape(num_battles, 2, *array.shape[1:])
            for name, array in self._flat.items()
        }
        self.legal = np.zeros((num_battles, 2, NUM_ACTIONS), np.bool_)
        self.rows = np.zeros((num_battles, at.ROW), np.int32)
        self.known = layout.nothing_seen(num_battles)
        self._results = np.zeros(num_battles, np.int32)
        self._states = np.zeros((size, shaping.STATE))
        self._players = np.tile(np.arange(2), num_battles)
        self._battles = np.repeat(np.arange(num_battles), 2)
        self.reset(seed=seed)

    def reset(self, *, seed: int) -> None:
        """Begin every battle anew, and the statistics."""
        if seed < 0:
            raise ValueError(f"seed must be a non-negative integer, got {seed}")
        self._rng = np.random.default_rng(seed)
        self.statistics = Statistics()
        numba.set_num_threads(self.threads)
        self._begin(np.arange(self.num_battles))
        self._look()
        self._states[:] = self._reward_states(self._battles, self._players)

    def step(
        self, actions: ArrayLike, *, where: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Play both players' actions.

        Parameters
        ----------
        actions : int array ``(num_battles, 2)``
            Ignored for players who have nothing to decide.
        where : bool array ``(num_battles,)``, optional
            Which battles to play; the others stay as they are. Default: all.

        Returns
        -------
        rewards : float32 array ``(num_battles, 2)``
        ended : bool array ``(num_battles,)``
            Battles that ended, and have been replaced. `final_observations` tells how they ended.

        Raises
        ------
        ValueError
            For an action that is not legal, naming battle and player; nothing has been played.
        """
        chosen = self._check(actions, where)
        numba.set_num_threads(self.threads)
        moving = np.arange(self.num_battles) if where is None else np.flatnonzero(where)
        if len(moving) == self.num_battles:
            call(step_all, self.rows, chosen, self._results)
            layout.reveal(self.rows, self.known)
        elif len(moving):
            rows, known = self.rows[moving], self.known[moving]
            results = np.zeros(len(moving), np.int32)
            call(step_all, rows, chosen[moving], results)
            layout.reveal(rows, known)
            self.rows[moving], self.known[moving] = rows, known
            self._results[moving] = results
        ended = np.zeros(self.num_battles, np.bool_)
        ended[moving] = self._results[moving] != at.ONGOING
        over = np.flatnonzero(ended)
        self._final = (self.rows[over], self.known[over])
        call(legal_all, self.rows, self.legal)
        rewards = self._rewards(moving, ended)
        if len(over):
            self._count(over)
            self._begin(over)
            again = np.repeat(over, 2), np.tile(np.arange(2), len(over))
            self._states[2 * again[0] + again[1]] = self._reward_states(*again)
        self._look()
        return rewards, ended

    @property
    def waiting(self) -> NDArray[np.bool_]:
        """Players ``(num_battles, 2)`` who have something to decide."""
        return np.asarray(self.legal.any(axis=2))

    def final_observations(self) -> Observation:
        """What both players saw at the end of the battles that the last step ended.

        Arrays ``(k, 2, ...)`` in the order of the battles' numbers; nothing is legal any more.
        """
        rows, known = self._final
        size = len(rows)
        seats = np.repeat(np.arange(size), 2), np.tile(np.arange(2), size)
        legal = np.zeros((2 * size, NUM_ACTIONS), np.bool_)
        seen = layout.observe(rows, known, *seats, legal)
        return {name: array.reshape(size, 2, *array.shape[1:]) for name, array in seen.items()}

    def tensors(self) -> dict[str, torch.Tensor]:
        """The observations and ``"legal"`` as torch tensors on the environment's device."""
        import torch

        arrays: dict[str, NDArray[Any]] = {**self.observations, "legal": self.legal}
        return {name: torch.from_numpy(array).to(self.device) for name, array in arrays.items()}

    # Parts of a step -------------------------------------------------------------------------

    def _check(self, actions: ArrayLike, where: NDArray[np.bool_] | None) -> NDArray[np.int32]:
        given = np.asarray(actions)
        if given.shape != (self.num_battles, 2) or given.dtype.kind not in "iu":
            raise ValueError(
                f"actions of shape {given.shape} and dtype {given.dtype}: expected integers "
                f"of shape {(self.num_battles, 2)}"
            )
        waiting = self.waiting
        if where is not None:
            if where.shape != (self.num_battles,) or where.dtype != np.bool_:
                raise ValueError(f"where: expected bools of shape ({self.num_battles},)")
            asked = waiting & where[:, None]
        else:
            asked = waiting
        chosen = np.where(waiting, given, -1).astype(np.int32)
        inside = np.clip(chosen, 0, NUM_ACTIONS - 1)
        fits = np.take_along_axis(self.legal, inside[..., None].astype(np.intp), axis=2)[..., 0]
        wrong = asked & ~(fits & (inside == chosen))
        if wrong.any():
            battle, player = map(int, np.argwhere(wrong)[0])
            accepted = np.flatnonzero(self.legal[battle, player]).tolist()
            raise ValueError(
                f"action {chosen[battle, player]} of player {player + 1} in battle {battle} is "
                f"not legal; legal are {accepted}"
            )
        return chosen

    def _rewards(self, moving: NDArray[np.int64], ended: NDArray[np.bool_]) -> NDArray[np.float32]:
        rewards = np.zeros((self.num_battles, 2), np.float32)
        outcomes = np.zeros((self.num_battles, 2))
        outcomes[ended, 0] = _OUTCOMES[self._results[ended]]
        outcomes[ended, 1] = -outcomes[ended, 0]
        if self.reward == "win":
            rewards[:] = outcomes
            return rewards
        due = np.zeros((self.num_battles, 2), np.bool_)
        due[moving] = self.waiting[moving] | ended[moving, None]
        battles, players = np.nonzero(due)
        states = self._reward_states(battles, players)
        places = 2 * battles + players
        rewards[due] = shaping.shaped_rewards(self._states[places], states)
        self._states[places] = states
        rewards += (shaping.WIN * outcomes).astype(np.float32)
        return rewards

    def _reward_states(
        self, battles: NDArray[np.int64], players: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        return shaping.reward_states(self.rows, battles, players)

    def _count(self, over: NDArray[np.int64]) -> None:
        results = self._results[over]
        s = self.statistics
        self.statistics = Statistics(
            battles=s.battles + len(over),
            turns=s.turns + int(self.rows[over, at.TURN].sum()),
            wins=(
                s.wins[0] + int(np.sum(results == at.PLAYER_1_WINS)),
                s.wins[1] + int(np.sum(results == at.PLAYER_2_WINS)),
            ),
            ties=s.ties + int(np.sum(results == at.TIE)),
        )

    def _begin(self, which: NDArray[np.int64]) -> None:
        pairs = self._teams[self._rng.integers(len(self._teams), size=(len(which), 2))]
        seeds = self._rng.integers(2**64, size=len(which), dtype=np.uint64)
        fresh = np.zeros((len(which), at.ROW), np.int32)
        call(begin_all, fresh, pairs, seeds)
        known = layout.nothing_seen(len(which))
        layout.reveal(fresh, known)
        self.rows[which], self.known[which] = fresh, known
        self._results[which] = at.ONGOING

    def _look(self) -> None:
        """Bring legal actions and observations up to date."""
        call(legal_all, self.rows, self.legal)
        flat = self.legal.reshape(-1, NUM_ACTIONS)
        layout.observe_into(self._flat, self.rows, self.known, self._battles, self._players, flat)


_OUTCOMES = np.array([0.0, 1.0, -1.0, 0.0])
"""Of player 1, by the engine's result."""
