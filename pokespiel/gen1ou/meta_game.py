"""Gen 1 OU as a meta-game: strategies are policies, payoffs are win rates.

A win is worth 1, a tie 0.5, a loss 0, so the game is symmetric and sums to 1. Battles come in
antithetic pairs: each pairing of two teams is played from both sides, so that neither policy is
lucky with its teams. All profiles of one call meet the same team pairings (common random teams),
so that differences between cells are not differences between teams.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.baselines import MaxDamagePolicy, RandomPolicy, SimpleHeuristicsPolicy
from pokespiel.gen1ou.neural import KIND as NEURAL
from pokespiel.gen1ou.neural import NeuralPolicy, stack
from pokespiel.gen1ou.observation import Observation, observe
from pokespiel.gen1ou.rewards import WIN, RewardState, reward_state, shaped_reward
from pokespiel.gen1ou.showdown.arena import Arena, Match
from pokespiel.gen1ou.showdown.decision import BattleResult, Decision
from pokespiel.gen1ou.showdown.server import ShowdownServer
from pokespiel.gen1ou.teams import load_teams
from pokespiel.policies.storage import load_config
from pokespiel.protocols import Episode, JointMixture, Mixture, Opponents, Policy, Profile

FloatArray: TypeAlias = NDArray[np.float64]

BASELINES: dict[str, Callable[[], Any]] = {
    "random": RandomPolicy,
    "max_damage": MaxDamagePolicy,
    "simple_heuristics": SimpleHeuristicsPolicy,
}
"""Policies that learn nothing, by name."""

BattleProgress: TypeAlias = Callable[[int, int], None]
"""Called with (battles done, battles in all)."""


class Gen1OU:
    """Gen 1 OU battles on a real Showdown server.

    Use it as a context manager, or call `close`: it owns the server that it starts.

    Parameters
    ----------
    teams : sequence of str, optional
        Packed teams to draw from; default: the teams that come with PokéSpiel.
    backend : {"showdown"}
        Who plays the battles: the npm package's simulator behind its own server.
    concurrency : int
        Battles under way at once.
    log_directory : path, optional
        Where the server's logs go.
    initial : {"network"} or a name of `BASELINES`
        What the population starts with.
    seed : int
        Of the initial network's weights.

    Raises
    ------
    ValueError
        For an unknown backend or initial policy, or fewer than one team.
    """

    num_players = 2
    is_symmetric = True
    is_zero_sum = True
    is_exact = False
    payoff_bounds = (0.0, 1.0)

    def __init__(
        self,
        teams: Sequence[str] | None = None,
        *,
        backend: str = "showdown",
        concurrency: int = 40,
        log_directory: str | Path | None = None,
        initial: str = "network",
        seed: int = 0,
    ) -> None:
        if backend != "showdown":
            raise ValueError(f"unknown backend {backend!r}; available: showdown")
        if initial != "network" and initial not in BASELINES:
            accepted = ", ".join(["network", *BASELINES])
            raise ValueError(f"unknown initial policy {initial!r}; available: {accepted}")
        self.teams = list(load_teams() if teams is None else teams)
        if not self.teams:
            raise ValueError("Gen 1 OU needs at least one team")
        digest = hashlib.sha256("\n".join(self.teams).encode()).hexdigest()[:12]
        self.name = f"gen1ou(backend={backend}, initial={initial}, seed={seed}, teams={digest})"
        self.concurrency = concurrency
        self.log_directory = log_directory
        self.progress: BattleProgress | None = None
        self._initial = initial
        self._seed = seed
        self._server: ShowdownServer | None = None
        self._arena: Arena | None = None

    # Life of the server ----------------------------------------------------------------------

    def __enter__(self) -> Gen1OU:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server, if one was started."""
        if self._arena is not None:
            self._arena.close()
            self._arena = None
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def arena(self) -> Arena:
        """Where battles are played; the server starts with the first use."""
        if self._arena is None:
            self._server = ShowdownServer(log_directory=self.log_directory)
            self._server.start()
            self._arena = Arena(self._server, concurrency=self.concurrency)
        return self._arena

    # Meta-game -------------------------------------------------------------------------------

    def initial_policies(self) -> list[Policy]:
        """One policy for the one population."""
        if self._initial == "network":
            return [NeuralPolicy.new(rng=np.random.default_rng(self._seed))]
        return [BASELINES[self._initial]()]

    def play(
        self, profiles: Sequence[Profile], episodes: int, *, rng: np.random.Generator
    ) -> FloatArray:
        """Play; see `pokespiel.protocols.MetaGame.play`.

        A `Mixture` in a profile is a policy like any other: one of its policies is drawn for
        each battle.

        Returns
        -------
        float64 array ``(len(profiles), episodes, 2)``
            1 for a win, 0.5 for a tie, 0 for a loss.
        """
        pairings = self._pairings(episodes, rng)
        matches = [
            _match(policies, pairing, mirrored=number % 2 == 1)
            for profile in profiles
            for number, (policies, pairing) in enumerate(
                zip(_draws(profile, episodes, rng), pairings, strict=True)
            )
        ]
        results = self.arena.play(matches, rng=rng, progress=self.progress)
        returns = np.array(
            [
                result.returns[::-1] if index % episodes % 2 else result.returns
                for index, result in enumerate(results)
            ],
            dtype=np.float64,
        )
        return returns.reshape(len(profiles), episodes, 2)

    def expected_returns(self, profiles: Sequence[Profile]) -> FloatArray:
        """Battles cannot be solved; always raises ValueError."""
        raise ValueError("Gen 1 OU has no exact expected returns; play() estimates them")

    def _pairings(self, episodes: int, rng: np.random.Generator) -> list[tuple[str, str]]:
        """Teams of (first, second) policy per episode; odd episodes swap the pair before them."""
        drawn = rng.integers(len(self.teams), size=((episodes + 1) // 2, 2))
        pairs = [(self.teams[int(a)], self.teams[int(b)]) for a, b in drawn]
        return [pairs[e // 2] if e % 2 == 0 else pairs[e // 2][::-1] for e in range(episodes)]

    # Storage ---------------------------------------------------------------------------------

    def save_policy(self, policy: Policy, directory: Path) -> None:
        """Store a network or a baseline."""
        if isinstance(policy, NeuralPolicy):
            policy.save(directory)
            return
        names = [name for name, kind in BASELINES.items() if type(policy) is kind]
        if not names:
            raise ValueError(f"cannot store a policy of type {type(policy).__name__}")
        document = {"kind": f"gen1ou/{names[0]}", "config": {}}
        (directory / "config.json").write_text(json.dumps(document))

    def load_policy(self, directory: Path) -> Policy:
        """Read back what `save_policy` wrote."""
        kind, _ = load_config(directory)
        if kind == NEURAL:
            return NeuralPolicy.load(directory)
        name = kind.removeprefix("gen1ou/")
        if name not in BASELINES:
            raise ValueError(f"{directory} holds a policy of unknown kind {kind!r}")
        return BASELINES[name]()

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
        """Battles of ``learner`` against opponents drawn per battle.

        Rewards are metamon's DefaultShapedReward divided by 100, so that winning is worth 1.
        """
        recorder = _Recorder(learner)
        rivals = _draw(opponents, 1 - player, episodes, rng)
        matches = [
            _match((recorder, rival), pairing, mirrored=number % 2 == 1)
            for number, (rival, pairing) in enumerate(
                zip(rivals, self._pairings(episodes, rng), strict=True)
            )
        ]
        self.arena.play(matches, rng=rng, progress=self.progress)
        return recorder.episodes


def _match(profile: Profile, teams: tuple[str, str], *, mirrored: bool) -> Match:
    """One battle; mirrored ones seat the first policy as Showdown's second player."""
    first, second = profile
    if mirrored:
        return Match(policies=(second, first), teams=(teams[1], teams[0]))
    return Match(policies=(first, second), teams=teams)


def _draws(profile: Profile, episodes: int, rng: np.random.Generator) -> list[tuple[Policy, ...]]:
    """The policies that meet in each episode."""
    seats = [
        policy.sample(rng, episodes) if isinstance(policy, Mixture) else [policy] * episodes
        for policy in profile
    ]
    return list(zip(*seats, strict=True))


def _draw(opponents: Opponents, player: int, size: int, rng: np.random.Generator) -> list[Policy]:
    if isinstance(opponents, JointMixture):
        picks = rng.choice(len(opponents.profiles), size=size, p=opponents.weights)
        return [opponents.profiles[int(pick)][player] for pick in picks]
    return opponents[player].sample(rng, size)


@dataclass
class _Record:
    """One battle as the learner has lived it so far."""

    player: int
    battle: Any
    observations: list[Observation] = field(default_factory=list)
    legal: list[NDArray[np.bool_]] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    states: list[RewardState] = field(default_factory=list)


class _Recorder:
    """Plays the learner and keeps what it saw and did.

    A battle that the arena abandons is played anew under another number; its record is dropped.
    """

    def __init__(self, learner: NeuralPolicy) -> None:
        self.learner = learner
        self.name = learner.name
        self.episodes: list[Episode] = []
        self._records: dict[int, _Record] = {}

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> NDArray[np.int64]:
        observations = [observe(d.battle, d.legal) for d in decisions]
        legal = np.stack([d.legal for d in decisions])
        actions = self.learner.choose(stack(observations), legal, rng)
        for decision, observation, action in zip(decisions, observations, actions, strict=True):
            record = self._records.setdefault(
                decision.battle_id, _Record(decision.player, decision.battle)
            )
            record.observations.append(observation)
            record.legal.append(decision.legal)
            record.actions.append(int(action))
            record.states.append(reward_state(decision.battle))
        return actions

    def finished(self, battle_id: int, result: BattleResult | None) -> None:
        record = self._records.pop(battle_id)
        if result is None:
            return
        outcome = result.returns[record.player]
        states = [*record.states, reward_state(record.battle)]
        rewards = np.array([shaped_reward(a, b) for a, b in pairwise(states)])
        rewards[-1] += WIN * (2.0 * outcome - 1.0)
        self.episodes.append(
            Episode(
                observations=stack(record.observations),
                legal=np.stack(record.legal),
                actions=np.array(record.actions, dtype=np.int64),
                rewards=rewards / WIN,
                outcome=outcome,
            )
        )
