"""PPO's best responses where the best response is known: small OpenSpiel games, solved endgames.

    OMP_NUM_THREADS=1 python benchmarks/oracle_known_answers.py [--seeds 5] [--games kuhn_poker]

The opponent plays uniformly at random and stays as it is. What is reported is the share of the
best response's gain over playing at random oneself that the trained network earns, both values
exact: backward induction on the compiled OpenSpiel game, and value iteration over the chances of
every turn of the endgame. Every response starts from fresh weights. The interval is Student's,
over seeds. The last line is the same as JSON.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from numpy.typing import NDArray

from pokespiel.gen1ou import endgames
from pokespiel.gen1ou import observation as obs
from pokespiel.gen1ou.endgames.play import cells_of, follow
from pokespiel.gen1ou.endgames.regret import everything_seen
from pokespiel.gen1ou.endgames.solve import (
    RETURNS,
    Strategy,
    as_cells,
    build,
    guaranteed,
    initial_values,
    payoffs,
)
from pokespiel.gen1ou.endgames.turns import members
from pokespiel.gen1ou.engine import Battles
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.batch import call, legal_all
from pokespiel.gen1ou.neural import NeuralPolicy
from pokespiel.openspiel import OpenSpielGame
from pokespiel.oracles.ppo import PPOOracle
from pokespiel.protocols import Episode, Mixture, Opponents, Policy, Profile, sample_profiles
from pokespiel.stats import student

MAX_TURNS = 300
"""Longer battles of an endgame are ties."""


class EndgameGame:
    """A solved position as a meta-game: a policy is a network, or a strategy by situation.

    Networks observe what they would in a battle that has come to the position, and learn on the
    engine. What they are worth is computed from the exact chances.
    """

    num_players = 2
    is_symmetric = False
    is_zero_sum = True
    is_exact = True
    payoff_bounds = (0.0, 1.0)

    def __init__(self, position: str) -> None:
        self.name = f"endgame({position})"
        self.endgame = build(endgames.POSITIONS[position])
        rng = np.random.default_rng(0)
        self._rows = [endgames.rows_of(self.endgame, n, rng) for n in range(len(self._nodes))]
        self._seen = [self._observations(player) for player in range(2)]

    @property
    def _nodes(self) -> list[Any]:
        return self.endgame.nodes

    def _observations(self, player: int) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
        """Observations and legal actions of every state of every situation, one after the other."""
        rows = np.concatenate(self._rows)
        legal = np.zeros((len(rows), 2, 10), np.bool_)
        call(legal_all, rows, legal)
        everyone, players = np.arange(len(rows)), np.full(len(rows), player)
        mask = legal[:, player]
        return obs.observe(rows, everything_seen(rows), everyone, players, mask), mask

    def uniform(self, player: int) -> Strategy:
        """Every action as likely."""
        return [
            np.full((int(np.prod(n.shape)), len(n.actions[player])), 1 / len(n.actions[player]))
            for n in self._nodes
        ]

    def strategy(self, policy: Policy, player: int) -> Strategy:
        """What a policy plays, by situation."""
        if not isinstance(policy, NeuralPolicy):
            return list(policy)
        observations, legal = self._seen[player]
        with torch.inference_mode():
            logits, _ = policy.network(
                {name: torch.from_numpy(array) for name, array in observations.items()}
            )
            chances = torch.softmax(
                logits.double().masked_fill(~torch.from_numpy(legal), float("-inf")), dim=-1
            ).numpy()
        ends = np.cumsum([len(rows) for rows in self._rows])[:-1]
        return [
            np.ones((len(part), 1)) if node.actions[player] == [-1] or not node.branches
            else part[:, node.actions[player]]
            for node, part in zip(self._nodes, np.split(chances, ends), strict=True)
        ]  # fmt: skip

    # Meta-game -------------------------------------------------------------------------------

    def initial_policies(self) -> list[Policy]:
        """Random play."""
        return [self.uniform(player) for player in range(2)]

    def expected_returns(self, profiles: Sequence[Profile]) -> NDArray[np.float64]:
        """Chances to win ``(profiles, 2)``, from the exact chances of every turn."""
        won = [self._value([self.strategy(p, s) for s, p in enumerate(pair)]) for pair in profiles]
        return np.array([[value, 1.0 - value] for value in won])

    def _value(self, strategies: Sequence[Strategy]) -> float:
        values = initial_values(self.endgame, 0.5)
        for _ in range(MAX_TURNS):
            moved = 0.0
            for number, node in enumerate(self._nodes):
                if not node.branches:
                    continue
                games = as_cells(payoffs(self.endgame, number, values))
                first, second = (strategy[number] for strategy in strategies)
                new = np.einsum("gn,gnm,gm->g", first, games, second).reshape(node.shape)
                moved = max(moved, float(np.abs(new - values[number]).max()))
                values[number] = new
            if moved < 1e-10:
                break
        return float(values[0][self.endgame.start])

    def best_response_value(self, player: int) -> float:
        """What the best response to random play wins."""
        values = guaranteed(self.endgame, 1 - player, self.uniform(1 - player))
        won = float(values[0][self.endgame.start])
        return won if player == 0 else 1.0 - won

    def play(
        self, profiles: Sequence[Profile], episodes: int, *, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Battles on the engine."""
        pairs = [[self.strategy(p, s) for s, p in enumerate(pair)] for pair in profiles]
        won = np.array([endgames.play(self.endgame, (a, b), episodes, rng) for a, b in pairs])
        return np.stack([won, 1.0 - won], axis=-1)

    def save_policy(self, policy: Policy, directory: Path) -> None:
        """Store a network."""
        policy.save(directory)

    def load_policy(self, directory: Path) -> Policy:
        """Read a network back."""
        return NeuralPolicy.load(directory)

    # Training --------------------------------------------------------------------------------

    def new_policy(self, *, rng: np.random.Generator) -> NeuralPolicy:
        """A network with freshly drawn weights."""
        return NeuralPolicy.new(rng=rng)

    def is_trainable(self, policy: Policy) -> bool:
        """Whether the policy is a network."""
        return isinstance(policy, NeuralPolicy)

    def collect(
        self,
        learner: NeuralPolicy,
        player: int,
        opponents: Opponents,
        episodes: int,
        *,
        rng: np.random.Generator,
    ) -> list[Episode]:
        """Battles on the engine from the position; winning is worth 1, losing -1."""
        (rival,) = {id(p): p for (p,) in [(q[1 - player],) for q in
                    sample_profiles(opponents, episodes, rng=rng)]}.values()  # fmt: skip
        own, other = self.strategy(learner, player), self.strategy(rival, 1 - player)
        strategies = (own, other) if player == 0 else (other, own)
        offsets = np.cumsum([0, *(len(rows) for rows in self._rows)])
        start = int(np.ravel_multi_index(self.endgame.start, self._nodes[0].shape))
        arena = Battles(episodes)
        arena.rows[:] = self._rows[0][start]
        arena.rows[:, [at.PRNG_HIGH, at.PRNG_LOW]] = rng.integers(
            -(2**31), 2**31, size=(episodes, 2), dtype=np.int32
        )
        number = np.zeros(episodes, np.int64)
        going = np.ones(episodes, np.bool_)
        returns = np.full(episodes, 0.5)
        hp = [m + at.HP for m in members(self._nodes[0].situation.row)]
        pp = [m + at.PP for m in members(self._nodes[0].situation.row)]
        pp = [first + k for first in [*pp, at.ACTIVE_PP, at.SIDE + at.ACTIVE_PP] for k in range(4)]
        followed: dict[tuple[int, tuple[int, int], bytes], int] = {}
        steps: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
        for _ in range(MAX_TURNS):
            picks, actions = np.zeros((episodes, 2), np.int64), np.full((episodes, 2), -1, np.int32)
            for n in np.unique(number[going]):
                here = np.flatnonzero(going & (number == n))
                cells = cells_of(self.endgame, int(n), arena.rows[here])
                for s in range(2):
                    chances = np.cumsum(strategies[s][n][cells], axis=1)
                    draws = rng.random((len(here), 1)) * chances[:, -1:]
                    picks[here, s] = np.argmax(chances > draws, axis=1)
                    actions[here, s] = np.array(self._nodes[n].actions[s])[picks[here, s]]
                if self._nodes[n].actions[player] != [-1]:
                    steps.append((here, offsets[n] + cells, actions[here, player].astype(np.int64)))
            results = arena.step(actions)
            arena.rows[:, pp] = self._rows[0][start, pp]  # PP are ample
            over = going & (results != at.ONGOING)
            returns[over] = np.array(RETURNS)[results[over]]
            going &= ~over
            if not going.any():
                break
            alike = arena.rows.copy()
            alike[:, [at.PRNG_HIGH, at.PRNG_LOW, at.TURN, at.LAST_DAMAGE]] = 0
            alike[:, hp] = alike[:, hp] > 0
            for i in np.flatnonzero(going):
                pair = (int(picks[i, 0]), int(picks[i, 1]))
                key = (int(number[i]), pair, alike[i].tobytes())
                if key not in followed:
                    followed[key] = follow(self.endgame, key[0], pair, arena.rows[i])
                number[i] = followed[key]
        outcomes = returns if player == 0 else 1.0 - returns
        return self._episodes(steps, player, outcomes)

    def _episodes(
        self, steps: list[Any], player: int, outcomes: NDArray[np.float64]
    ) -> list[Episode]:
        battles, states, actions = (np.concatenate(part) for part in zip(*steps, strict=True))
        order = np.argsort(battles, kind="stable")
        observations, legal = self._seen[player]
        episodes = []
        for rows in np.split(order, np.searchsorted(battles[order], np.arange(1, len(outcomes)))):
            outcome = float(outcomes[battles[rows[0]]])
            rewards = np.zeros(len(rows))
            rewards[-1] = 2.0 * outcome - 1.0
            seen = {name: array[states[rows]] for name, array in observations.items()}
            episodes.append(Episode(seen, legal[states[rows]], actions[rows], rewards, outcome))
        return episodes


GOOFSPIEL = "goofspiel(num_cards=4,points_order=descending,imp_info=True)"


@dataclass(frozen=True)
class Task:
    """A game, who learns, and with what budget; ``learning_rate`` is the one at the start."""

    game: str
    player: int
    episodes: int
    batch: int
    learning_rate: float
    minibatch: int


TASKS = (
    Task("kuhn_poker", 0, 20_000, 500, 2e-3, 256),
    Task("kuhn_poker", 1, 20_000, 500, 2e-3, 256),
    Task("leduc_poker", 0, 100_000, 1000, 3e-3, 512),
    Task("leduc_poker", 1, 100_000, 1000, 3e-3, 512),
    Task(GOOFSPIEL, 0, 40_000, 1000, 3e-3, 512),
    Task("starmie-alakazam", 0, 4_000, 200, 2e-3, 256),
    Task("exeggutor-starmie", 0, 6_000, 300, 2e-3, 256),
    Task("alakazam-chansey", 0, 24_000, 400, 2e-3, 512),
    # Where a knockout depends on a few hp that players are shown in percent.
    Task("slam-or-ghost", 0, 24_000, 400, 3e-3, 512),
    Task("tauros-snorlax-late-boom", 0, 12_000, 500, 2e-3, 512),
)


def share_of_gain(task: Task, seed: int) -> dict[str, float]:
    """Train once; what the response earns between random play (0) and a best response (1)."""
    game = EndgameGame(task.game) if task.game in endgames.POSITIONS else OpenSpielGame(task.game)
    uniform = game.initial_policies()
    opponents = [Mixture((policy,), np.ones(1)) for policy in uniform]
    oracle = PPOOracle(
        episodes=task.episodes,
        episodes_per_batch=task.batch,
        start="scratch",
        learning_rate=(task.learning_rate, task.learning_rate / 10),
        minibatch=task.minibatch,
        discount=1.0,
        entropy=0.003,
        device="cpu",
    )
    started = time.process_time()
    response = oracle.best_response(
        game, task.player, opponents, rng=np.random.default_rng([seed, task.player])
    )
    spent = time.process_time() - started
    best = (
        game.best_response_value(task.player)
        if isinstance(game, EndgameGame)
        else game.best_response(task.player, opponents)[1]
    )
    profile = list(uniform)
    profile[task.player] = response.policy
    random, found = game.expected_returns([uniform, profile])[:, task.player]
    return {
        "random": float(random),
        "found": float(found),
        "best": best,
        "share": float((found - random) / (best - random)),
        "decisions": response.cost["decisions"],
        "cpu_seconds": spent,
    }


@dataclass
class Arguments:
    """What to measure."""

    games: tuple[str, ...] = ()
    """Games by name; all of them if none is given."""
    seeds: int = 5


def main(arguments: Arguments) -> None:
    """Print a table."""
    torch.set_num_threads(1)
    print(
        f"Python {platform.python_version()}, torch {version('torch')}, {platform.machine()}, "
        f"one thread, {arguments.seeds} seeds\n\n"
        "| game | learner | episodes | random | best response | share of the gain [95 %] | least "
        "| CPU seconds |\n| --- | --- | --- | --- | --- | --- | --- | --- |",
        flush=True,
    )
    document = []
    for task in TASKS:
        if arguments.games and task.game not in arguments.games:
            continue
        found = [share_of_gain(task, seed) for seed in range(arguments.seeds)]
        shares = np.array([one["share"] for one in found])
        spread = shares.var(ddof=1) if len(shares) > 1 else np.inf
        interval = student(shares.mean(), spread, len(shares))
        seconds = np.mean([one["cpu_seconds"] for one in found])
        print(
            f"| {task.game} | {task.player + 1} | {task.episodes:,} | {found[0]['random']:.3f} | "
            f"{found[0]['best']:.3f} | {shares.mean():.3f} [{interval.low:.3f}, "
            f"{interval.high:.3f}] | {shares.min():.3f} | {seconds:.0f} |",
            flush=True,
        )
        document.append({**asdict(task), "seeds": found})
    print(f"\n{json.dumps(document)}")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
