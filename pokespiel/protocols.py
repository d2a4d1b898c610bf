"""What the parts ask of each other.

A *meta-game* plays policies, an *oracle* makes them, the loop never looks inside one. Nothing here
knows a concrete game.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]

Policy: TypeAlias = Any
"""Opaque to the loop: the meta-game plays it, the oracle makes it, the meta-game stores it."""

Profile: TypeAlias = Sequence[Policy]
"""One policy per player."""


@runtime_checkable
class MetaGame(Protocol):
    """A game whose strategies are policies.

    Attributes
    ----------
    name : str
        Identifies the game and its settings; a run refuses to resume on a game of another name.
    num_players : int
    is_symmetric : bool
        Whether the players are interchangeable: one population serves all of them.
    is_zero_sum : bool
        Whether the payoffs of every profile add up to the same constant (win rates count).
    is_exact : bool
        Whether `expected_returns` gives expected returns without sampling.
    payoff_bounds : (float, float)
        Smallest and largest return of one player in one episode.
    """

    name: str
    num_players: int
    is_symmetric: bool
    is_zero_sum: bool
    is_exact: bool
    payoff_bounds: tuple[float, float]

    def initial_policies(self) -> list[Policy]:
        """Policies to start from, one per player (a single one for a symmetric game)."""
        ...

    def play(
        self, profiles: Sequence[Profile], episodes: int, *, rng: np.random.Generator
    ) -> FloatArray:
        """Play every profile ``episodes`` times.

        Returns
        -------
        float64 array ``(len(profiles), episodes, num_players)``
            Return of each player in each episode.
        """
        ...

    def expected_returns(self, profiles: Sequence[Profile]) -> FloatArray:
        """Exact expected returns ``(len(profiles), num_players)``.

        Raises
        ------
        ValueError
            If the game is not exact (see ``is_exact``).
        """
        ...

    def save_policy(self, policy: Policy, directory: Path) -> None:
        """Store a policy in an existing empty directory."""
        ...

    def load_policy(self, directory: Path) -> Policy:
        """Read a policy back. Never runs code found in the directory."""
        ...


@dataclass(frozen=True)
class Mixture:
    """A player's meta-strategy over policies: one policy is drawn at the start of each episode.

    Attributes
    ----------
    policies : tuple of Policy, length ``n``
    weights : float64 array ``(n,)``, non-negative, sums to one
    """

    policies: tuple[Policy, ...]
    weights: FloatArray

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.shape != (len(self.policies),):
            raise ValueError(
                f"a mixture needs one weight per policy: {len(self.policies)} policies, "
                f"weights of shape {weights.shape}"
            )
        if not np.all(weights >= 0.0) or abs(float(weights.sum()) - 1.0) > 1e-6:
            raise ValueError(f"mixture weights must be non-negative and sum to one, got {weights}")
        object.__setattr__(self, "weights", weights / weights.sum())

    def sample(self, rng: np.random.Generator, size: int) -> list[Policy]:
        """Draw ``size`` policies independently."""
        picks = rng.choice(len(self.policies), size=size, p=self.weights)
        return [self.policies[int(pick)] for pick in picks]


@dataclass(frozen=True)
class JointMixture:
    """A joint meta-strategy (CE, CCE): one whole profile is drawn at the start of each episode.

    Attributes
    ----------
    profiles : tuple of profiles, length ``n``
    weights : float64 array ``(n,)``
    """

    profiles: tuple[tuple[Policy, ...], ...]
    weights: FloatArray

    def sample(self, rng: np.random.Generator, size: int) -> list[tuple[Policy, ...]]:
        """Draw ``size`` profiles independently."""
        picks = rng.choice(len(self.profiles), size=size, p=self.weights)
        return [self.profiles[int(pick)] for pick in picks]


Opponents: TypeAlias = Sequence[Mixture] | JointMixture
"""What an oracle answers: one mixture per player (the responder's own is ignored), or a joint."""


def sample_profiles(
    opponents: Opponents, size: int, *, rng: np.random.Generator
) -> list[tuple[Policy, ...]]:
    """Draw one profile for each of ``size`` episodes."""
    if isinstance(opponents, JointMixture):
        return opponents.sample(rng, size)
    return list(zip(*(mixture.sample(rng, size) for mixture in opponents), strict=True))


@dataclass(frozen=True)
class Response:
    """A best response and what it cost to find.

    Attributes
    ----------
    policy : Policy
    value : float or None
        The responder's expected payoff against the opponents, if the oracle knows it exactly.
    cost : mapping
        What was spent: ``episodes``, ``steps``, ``seconds``, ... and what the oracle measured
        on the way (its training curve). Goes into the run's history as it is.
    """

    policy: Policy
    value: float | None = None
    cost: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class BestResponseOracle(Protocol):
    """Finds a policy that does well for one player against fixed opponents."""

    @property
    def name(self) -> str:
        """Identifies the oracle and its settings; a run refuses to resume with another."""
        ...

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Answer the opponents.

        Parameters
        ----------
        opponents
            One `Mixture` per player, the responder's own included (oracles may start from it);
            or a `JointMixture`.

        Raises
        ------
        ValueError
            If the oracle cannot train on this game; the message says what it can.
        """
        ...


@dataclass(frozen=True)
class Episode:
    """One episode as the learner lived it, ``T`` decisions long.

    Attributes
    ----------
    observations : mapping of arrays ``(T, ...)``
        What the learner's network takes.
    legal : bool array ``(T, A)``
    actions : int array ``(T,)``
    rewards : float array ``(T,)``
        Reward received after each decision, the last one including the end of the episode; in
        the game's training units (see the game), of order one.
    outcome : float
        The learner's return in the meta-game's units.
    """

    observations: Mapping[str, NDArray[Any]]
    legal: NDArray[np.bool_]
    actions: NDArray[np.int64]
    rewards: FloatArray
    outcome: float


@runtime_checkable
class TrainingGame(MetaGame, Protocol):
    """A meta-game in which network policies can be trained.

    A network policy has a ``network`` (a torch module that maps a batch of observations to
    ``(logits (B, A), values (B,))``) and a ``copy()``.
    """

    def new_policy(self, *, rng: np.random.Generator) -> Policy:
        """A network policy with freshly drawn weights."""
        ...

    def is_trainable(self, policy: Policy) -> bool:
        """Whether the policy is a network policy that training can start from."""
        ...

    def collect(
        self,
        learner: Policy,
        player: int,
        opponents: Opponents,
        episodes: int,
        *,
        rng: np.random.Generator,
    ) -> list[Episode]:
        """Play ``learner`` as ``player``; each episode draws its opponents from the mixtures."""
        ...
