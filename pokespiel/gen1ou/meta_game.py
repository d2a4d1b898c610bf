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
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.arena import EngineArena
from pokespiel.gen1ou.baselines import BASELINES
from pokespiel.gen1ou.neural import KINDS, Config, NeuralPolicy, network_config
from pokespiel.gen1ou.recording import EngineRecorder, Learner, ShowdownRecorder
from pokespiel.gen1ou.teams import legal_sets, teams_or_all
from pokespiel.policies.storage import load_config
from pokespiel.protocols import Episode, Mixture, Opponents, Policy, Profile, sample_profiles

if TYPE_CHECKING:
    from pokespiel.gen1ou.showdown.arena import Arena
    from pokespiel.gen1ou.showdown.server import ShowdownServer

FloatArray: TypeAlias = NDArray[np.float64]

BattleProgress: TypeAlias = Callable[[int, int], None]
"""Called with (battles done, battles in all)."""


METHODS = {"engine": "act_on_engine", "showdown": "act"}
"""Backends, and what a policy must have to play on them."""

STARTER = Path(__file__).parent / "starter"
"""The policy that populations start from."""

_LOADERS: dict[str, Callable[[Path], Policy]] = dict.fromkeys(KINDS, NeuralPolicy.load)


def register_policy_kind(kind: str, load: Callable[[Path], Policy]) -> None:
    """Let `Gen1OU.load_policy` read policies of a further kind.

    Parameters
    ----------
    kind : str
        The ``"kind"`` in the ``config.json`` that the policy's ``save(directory)`` writes.
    load : callable
        Reads the policy back from its directory.

    Raises
    ------
    ValueError
        If the kind is taken by another loader.
    """
    if _LOADERS.setdefault(kind, load) is not load:
        raise ValueError(f"policies of kind {kind!r} have a loader already")


class Gen1OU:
    """Gen 1 OU battles on the engine, or on a real Showdown server.

    Both play the same game by the same rules, and the same policies play on both. With the
    Showdown backend use it as a context manager, or call `close`: it owns the server it starts.

    Parameters
    ----------
    teams : sequence of str, optional
        Packed teams to draw from; default: the teams that come with PokéSpiel.
    backend : {"engine", "showdown"}
        Who plays the battles: PokéSpiel's compiled rules (`pokespiel.gen1ou.engine`), or the npm
        package's simulator behind its own server.
    concurrency : int, optional
        Battles under way at once; default: 1024 on the engine, 40 on Showdown.
    log_directory : path, optional
        Where the server's logs go.
    initial : {"starter", "network"}, a name of `baselines.BASELINES`, or a policy
        What the population starts with: the network that comes with PokéSpiel, trained by
        ``examples/train_starter.py``; one with freshly drawn weights; or another policy. A policy
        needs a ``name``; to be stored in a run it needs ``save(directory)`` and a kind that is
        registered (`register_policy_kind`).
    network : str or configuration
        What new networks are like: a name of `pokespiel.gen1ou.neural.NETWORKS`.
    seed : int
        Of the initial network's weights.

    Raises
    ------
    ValueError
        For an unknown backend, network or initial policy, fewer than one team, or one that
        [Gen 1] OU forbids.
    """

    num_players = 2
    is_symmetric = True
    is_zero_sum = True
    is_exact = False
    payoff_bounds = (0.0, 1.0)
    plays_mixtures = True

    def __init__(
        self,
        teams: Sequence[str] | None = None,
        *,
        backend: str = "engine",
        concurrency: int | None = None,
        log_directory: str | Path | None = None,
        initial: str | Policy = "starter",
        network: str | Config = "compact",
        seed: int = 0,
    ) -> None:
        if backend not in METHODS:
            raise ValueError(f"unknown backend {backend!r}; available: {', '.join(METHODS)}")
        if concurrency is not None and concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {concurrency}")
        self.teams = teams_or_all(teams)
        for number, team in enumerate(self.teams if teams is not None else ()):
            legal_sets(team, source=f"teams[{number}]")
        digest = hashlib.sha256("\n".join(self.teams).encode()).hexdigest()[:12]
        start = initial if isinstance(initial, str) else getattr(initial, "name", repr(initial))
        nets = "" if network == "compact" else f"network={network}, "
        self.name = f"gen1ou(backend={backend}, initial={start}, {nets}seed={seed}, teams={digest})"
        self.backend = backend
        self.concurrency = concurrency or (1024 if backend == "engine" else 40)
        self.log_directory = log_directory
        self.progress: BattleProgress | None = None
        self._check_initial(initial)
        self.initial = initial
        self._network = network_config(network)
        self._seed = seed
        self._server: ShowdownServer | None = None
        self._arena: Arena | None = None
        self._engine = EngineArena(self.concurrency)

    def _check_initial(self, initial: str | Policy) -> None:
        if isinstance(initial, str):
            accepted = self.initial_names(self.backend)
            if initial not in accepted:
                raise ValueError(
                    f"unknown initial policy {initial!r}; available on {self.backend}: "
                    f"{', '.join(accepted)}"
                )
        elif not hasattr(initial, self._method):
            raise ValueError(
                f"initial policy of type {type(initial).__name__} cannot play on {self.backend}: "
                f"it has no {self._method}()"
            )

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
        """Where battles are played on Showdown; the server starts with the first use."""
        if self._arena is None:
            from pokespiel.gen1ou.showdown.arena import Arena
            from pokespiel.gen1ou.showdown.server import ShowdownServer

            self._server = ShowdownServer(log_directory=self.log_directory)
            self._server.start()
            self._arena = Arena(self._server, concurrency=self.concurrency)
        return self._arena

    # Meta-game -------------------------------------------------------------------------------

    @staticmethod
    def initial_names(backend: str) -> list[str]:
        """What ``initial`` may be called on a backend."""
        return ["starter", "network", *_baselines(backend)]

    @property
    def baselines(self) -> dict[str, Callable[[], Any]]:
        """Those of `BASELINES` that play on this backend."""
        return _baselines(self.backend)

    @property
    def _method(self) -> str:
        """What a policy must have to play on this backend."""
        return METHODS[self.backend]

    def initial_policies(self) -> list[Policy]:
        """One policy for the one population."""
        if not isinstance(self.initial, str):
            return [self.initial]
        if self.initial == "starter":
            return [NeuralPolicy.load(STARTER)]
        if self.initial == "network":
            return [self.new_policy(rng=np.random.default_rng(self._seed))]
        return [BASELINES[self.initial]()]

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
        pairings = self._pairings(episodes, rng) * len(profiles)
        seats = [policies for profile in profiles for policies in _draws(profile, episodes, rng)]
        return self._battles(seats, pairings, rng).reshape(len(profiles), episodes, 2)

    def _battles(
        self,
        policies: Sequence[tuple[Policy, ...]],
        teams: Sequence[tuple[str, str]],
        rng: np.random.Generator,
    ) -> FloatArray:
        """Returns ``(battles, 2)`` of one battle per entry, the first policy's first.

        Every other battle seats the first policy as the simulator's second player.
        """
        turned = np.arange(len(policies)) % 2 == 1
        seats = [p[::-1] if turn else p for p, turn in zip(policies, turned, strict=True)]
        pairs = [t[::-1] if turn else t for t, turn in zip(teams, turned, strict=True)]
        returns = (
            self._engine.play(seats, pairs, rng=rng, progress=self.progress)
            if self.backend == "engine"
            else self._play_on_showdown(seats, pairs, rng)
        )
        returns[turned] = returns[turned, ::-1]
        return returns

    def _play_on_showdown(
        self,
        policies: Sequence[tuple[Policy, ...]],
        teams: Sequence[tuple[str, ...]],
        rng: np.random.Generator,
    ) -> FloatArray:
        from pokespiel.gen1ou.showdown.arena import Match

        matches = [Match(p, t) for p, t in zip(policies, teams, strict=True)]  # type: ignore[arg-type]
        results = self.arena.play(matches, rng=rng, progress=self.progress)
        return np.array([result.returns for result in results], dtype=np.float64)

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
        """Store a policy that can save itself, or a baseline.

        Raises
        ------
        ValueError
            If the policy is neither.
        """
        if hasattr(policy, "save"):
            policy.save(directory)
            return
        names = [name for name, kind in BASELINES.items() if type(policy) is kind]
        if not names:
            raise ValueError(
                f"cannot store a policy of type {type(policy).__name__}: it has no "
                "save(directory) and is no baseline"
            )
        document = {"kind": f"gen1ou/{names[0]}", "config": {}}
        (directory / "config.json").write_text(json.dumps(document))

    def load_policy(self, directory: Path) -> Policy:
        """Read back what `save_policy` wrote.

        Raises
        ------
        ValueError
            If the directory holds no policy, or one of a kind that is not registered.
        """
        kind, _ = load_config(directory)
        if kind.startswith("metamon/"):
            # Rests on this package, and says so itself what kinds it reads.
            import_module("pokespiel.metamon")
        if kind in _LOADERS:
            return _LOADERS[kind](directory)
        name = kind.removeprefix("gen1ou/")
        if name not in BASELINES:
            known = ", ".join([*_LOADERS, *(f"gen1ou/{baseline}" for baseline in BASELINES)])
            raise ValueError(f"{directory} holds a policy of unknown kind {kind!r}; known: {known}")
        return BASELINES[name]()

    # Training --------------------------------------------------------------------------------

    def new_policy(self, *, rng: np.random.Generator) -> NeuralPolicy:
        """A network with freshly drawn weights."""
        return NeuralPolicy.new(self._network, rng=rng)

    def is_trainable(self, policy: Policy) -> bool:
        """Whether the policy is a network that can be trained on this backend."""
        return isinstance(policy, Learner if self.backend == "engine" else NeuralPolicy)

    def collect(
        self,
        learner: Any,
        player: int,
        opponents: Opponents,
        episodes: int,
        *,
        rng: np.random.Generator,
    ) -> list[Episode]:
        """Battles of ``learner`` against opponents drawn per battle.

        Rewards are metamon's DefaultShapedReward divided by 100, so that winning is worth 1.

        Raises
        ------
        ValueError
            If the learner cannot be trained on this backend.
        """
        if not self.is_trainable(learner):
            name = getattr(learner, "name", type(learner).__name__)
            raise ValueError(f"policy {name} cannot be trained on the {self.backend} backend")
        recorder: EngineRecorder | ShowdownRecorder = (
            EngineRecorder(learner) if self.backend == "engine" else ShowdownRecorder(learner)
        )
        profiles = sample_profiles(opponents, episodes, rng=rng)
        seats = [(recorder, profile[1 - player]) for profile in profiles]
        self._battles(seats, self._pairings(episodes, rng), rng)
        return recorder.episodes


def _baselines(backend: str) -> dict[str, Callable[[], Any]]:
    return {name: kind for name, kind in BASELINES.items() if hasattr(kind, METHODS[backend])}


def _draws(profile: Profile, episodes: int, rng: np.random.Generator) -> list[tuple[Policy, ...]]:
    """The policies that meet in each episode."""
    seats = [
        policy.sample(rng, episodes) if isinstance(policy, Mixture) else [policy] * episodes
        for policy in profile
    ]
    return list(zip(*seats, strict=True))
