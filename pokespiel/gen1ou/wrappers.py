"""`Gen1OUEnv` as Gymnasium and PettingZoo know environments.

Needs the extra ``environments`` (``pip install "pokespiel[environments]"``).
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from pokespiel.gen1ou import observation as layout
from pokespiel.gen1ou.arena import Decisions, EnginePolicy
from pokespiel.gen1ou.env import NUM_ACTIONS, Gen1OUEnv

MASK = "action_mask"
_LARGEST = {"ids": layout.NUM_MOVES, "move_ids": layout.NUM_MOVES, "last_moves": layout.NUM_MOVES}


@cache
def observation_space() -> spaces.Dict:
    """Of one player: the arrays of `pokespiel.gen1ou.observation`, and the legal actions."""
    arrays = {name: array[0] for name, array in layout.empty(1).items()}
    known: dict[str, gymnasium.Space[Any]] = {
        name: spaces.Box(0, _LARGEST[name], array.shape, np.int16)
        if name in _LARGEST
        else spaces.Box(-np.inf, np.inf, array.shape, np.float32)
        for name, array in arrays.items()
    }
    return spaces.Dict({**known, MASK: spaces.Box(0, 1, (NUM_ACTIONS,), np.int8)})


class Gen1OUVectorEnv(VectorEnv[Any, Any, Any]):
    """Player 1 of many battles, against a policy.

    Wherever only the opponent has something to decide it does so within the step, so that there
    is always a legal action. Battles are replaced as they end (`AutoresetMode.SAME_STEP`); what
    was seen at the end is in ``infos["final_obs"]``.

    Parameters
    ----------
    num_envs : int
    opponent : policy
        Plays player 2; see `pokespiel.gen1ou.arena.EnginePolicy`.
    **settings
        Of `Gen1OUEnv`.
    """

    def __init__(self, num_envs: int, opponent: EnginePolicy, **settings: Any) -> None:
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.num_envs = num_envs
        self.opponent = opponent
        self.battles = Gen1OUEnv(num_envs, **settings)
        self._rng = np.random.default_rng(settings.get("seed", 0))
        self.single_observation_space = observation_space()
        self.single_action_space = spaces.Discrete(NUM_ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Begin every battle anew.

        Raises
        ------
        ValueError
            For a seed per environment: they share one.
        """
        if isinstance(seed, list):
            raise ValueError("the battles share one seed, not one each")
        if seed is None:
            seed = int(self._rng.integers(2**31))
        self._rng = np.random.default_rng(seed)
        self.battles.reset(seed=seed)
        return self._seen(), {}

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[
        dict[str, NDArray[Any]],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Play; see `gymnasium.vector.VectorEnv.step`."""
        env = self.battles
        rewards, ended = np.zeros(self.num_envs), np.zeros(self.num_envs, np.bool_)
        final: dict[str, NDArray[Any]] = {}
        moving = np.ones(self.num_envs, np.bool_)
        while moving.any():
            gained, over = env.step(self._choices(actions, moving), where=moving)
            rewards += gained[:, 0]
            if over.any():
                last = env.final_observations()
                for name, array in {**last, MASK: _none_legal(int(over.sum()))}.items():
                    if name not in final:
                        final[name] = np.zeros((self.num_envs, *array.shape[2:]), array.dtype)
                    final[name][over] = array[:, 0]
            ended |= over
            moving = ~ended & ~env.waiting[:, 0]
        infos: dict[str, Any] = {}
        if ended.any():
            infos = {"final_obs": final, "_final_obs": ended.copy()}
        return self._seen(), rewards, ended, np.zeros(self.num_envs, np.bool_), infos

    def _choices(self, actions: NDArray[np.int64], moving: NDArray[np.bool_]) -> NDArray[np.int64]:
        env = self.battles
        chosen = np.zeros((self.num_envs, 2), np.int64)
        chosen[:, 0] = actions
        (where,) = np.nonzero(env.waiting[:, 1] & moving)
        if len(where):
            players = np.ones(len(where), np.int64)
            legal = env.legal[where, 1]
            asked = Decisions(env.rows, env.known, where, players, where, legal)
            chosen[where, 1] = self.opponent.act_on_engine(asked, self._rng)
        return chosen

    def _seen(self) -> dict[str, NDArray[Any]]:
        seen = {name: array[:, 0].copy() for name, array in self.battles.observations.items()}
        return {**seen, MASK: self.battles.legal[:, 0].astype(np.int8)}


def _none_legal(battles: int) -> NDArray[np.int8]:
    return np.zeros((battles, 2, NUM_ACTIONS), np.int8)


class Gen1OUParallelEnv(ParallelEnv[str, dict[str, NDArray[Any]], int]):  # type: ignore[misc]
    """One battle for PettingZoo: agents ``player_1`` and ``player_2`` choose at once.

    Where an agent has nothing to decide its ``action_mask`` is zero and its action is ignored.
    Parameters are those of `Gen1OUEnv`, without the number of battles.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "gen1ou_v0", "render_modes": []}

    def __init__(self, **settings: Any) -> None:
        self.battles = Gen1OUEnv(1, **settings)
        self._rng = np.random.default_rng(settings.get("seed", 0))
        self.possible_agents = ["player_1", "player_2"]
        self.agents = list(self.possible_agents)
        self.render_mode = None
        self._actions: dict[str, spaces.Discrete[np.int64]] = {
            agent: spaces.Discrete(NUM_ACTIONS) for agent in self.possible_agents
        }

    def observation_space(self, agent: str) -> spaces.Dict:
        """Of either agent."""
        return observation_space()

    def action_space(self, agent: str) -> spaces.Discrete[np.int64]:
        """Ten actions; see `pokespiel.gen1ou.actions`."""
        return self._actions[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, dict[str, NDArray[Any]]], dict[str, dict[str, Any]]]:
        """Begin a new battle."""
        self.battles.reset(seed=int(self._rng.integers(2**31)) if seed is None else seed)
        self.agents = list(self.possible_agents)
        seen = {name: array[0] for name, array in self.battles.observations.items()}
        return self._told(seen, self.battles.legal[0]), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[
        dict[str, dict[str, NDArray[Any]]],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Play; see `pettingzoo.ParallelEnv.step`."""
        chosen = np.array([[int(actions.get(agent, 0)) for agent in self.possible_agents]])
        rewards, ended = self.battles.step(chosen)
        over = bool(ended[0])
        seen = self.battles.final_observations() if over else self.battles.observations
        legal = np.zeros((2, NUM_ACTIONS), np.bool_) if over else self.battles.legal[0]
        told = self._told({name: array[0] for name, array in seen.items()}, legal)
        gained = {a: float(r) for a, r in zip(self.possible_agents, rewards[0], strict=True)}
        agents = self.possible_agents
        if over:
            self.agents = []
        return (
            told,
            gained,
            dict.fromkeys(agents, over),
            dict.fromkeys(agents, False),
            {agent: {} for agent in agents},
        )

    def _told(
        self, seen: dict[str, NDArray[Any]], legal: NDArray[np.bool_]
    ) -> dict[str, dict[str, NDArray[Any]]]:
        return {
            agent: {
                **{name: array[player].copy() for name, array in seen.items()},
                MASK: legal[player].astype(np.int8),
            }
            for player, agent in enumerate(self.possible_agents)
        }
