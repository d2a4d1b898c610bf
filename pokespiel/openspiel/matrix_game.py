"""Normal-form games as meta-games: small enough to see through, so good for tests and teaching."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pokespiel.protocols import JointMixture, Mixture, Opponents, Policy, Profile
from solvers.base import Payoffs, as_payoffs

FloatArray: TypeAlias = NDArray[np.float64]

_TIE = 1e-12
"""Relative to the payoff scale: strategies this close to the best tie."""


class MatrixGame:
    """A normal-form game whose policies are its strategies.

    A policy is the index of a pure strategy or a distribution ``(n,)`` over all of them.

    Parameters
    ----------
    payoffs
        ``(n, n)`` matrix of the row player (a symmetric game, one population), or
        ``(players, n1, ..., nN)`` tensor.
    symmetric : bool
        For a tensor: one population serves every player (checked).
    initial : sequence of policies, optional
        Where populations start, one per population; default: strategy 0.

    Raises
    ------
    ValueError
        For malformed payoffs or initial policies.
    """

    is_exact = True

    def __init__(
        self,
        payoffs: ArrayLike | Payoffs,
        *,
        symmetric: bool = False,
        initial: Sequence[Policy] | None = None,
    ) -> None:
        self.payoffs = as_payoffs(payoffs, symmetric=symmetric or None)
        self.num_players = self.payoffs.num_players
        self.is_symmetric = self.payoffs.symmetric
        self.is_zero_sum = self.payoffs.constant_sum is not None
        tensor = self.payoffs.tensor
        self.payoff_bounds = (float(tensor.min()), float(tensor.max()))
        shape = "x".join(str(n) for n in self.payoffs.num_strategies)
        digest = hashlib.sha256(np.ascontiguousarray(tensor).tobytes()).hexdigest()[:12]
        self.name = f"matrix_game({shape}, {digest})"
        populations = 1 if self.is_symmetric else self.num_players
        self._initial = [0] * populations if initial is None else list(initial)
        if len(self._initial) != populations:
            raise ValueError(f"need {populations} initial policies, got {len(self._initial)}")
        for player, policy in enumerate(self._initial):
            self._strategy(policy, player)

    def initial_policies(self) -> list[Policy]:
        """One policy per population."""
        return list(self._initial)

    def expected_returns(self, profiles: Sequence[Profile]) -> FloatArray:
        """Exact expected returns ``(len(profiles), num_players)``."""
        strategies = [[self._strategy(p, i) for i, p in enumerate(prof)] for prof in profiles]
        returns = [self._returns(strategy) for strategy in strategies]
        return np.array(returns).reshape(len(profiles), self.num_players)

    def play(
        self, profiles: Sequence[Profile], episodes: int, *, rng: np.random.Generator
    ) -> FloatArray:
        """Draw a pure strategy per player and episode; see `MetaGame.play`."""
        returns = np.empty((len(profiles), episodes, self.num_players))
        for row, profile in enumerate(profiles):
            picks = tuple(
                rng.choice(len(strategy), size=episodes, p=strategy)
                for strategy in (self._strategy(p, i) for i, p in enumerate(profile))
            )
            returns[row] = np.stack([own[picks] for own in self.payoffs.tensor], axis=1)
        return returns

    def best_response(
        self, player: int, opponents: Opponents, *, ties: str = "uniform"
    ) -> tuple[Policy, float]:
        """A best strategy and its value.

        Strategies within 1e-12 of the best (relative to the payoff scale) tie: they are mixed
        uniformly, or with ``ties="first"`` the first of them is played.
        """
        if ties not in ("uniform", "first"):
            raise ValueError(f"ties are broken 'uniform' or 'first', not {ties!r}")
        values = self._gradient(player, opponents)
        best = float(values.max())
        tied = values >= best - _TIE * max(1.0, self.payoffs.scale)
        if ties == "first" or tied.sum() == 1:
            return int(np.argmax(tied)), best
        return tied / tied.sum(), best

    def gains(self, strategies: Opponents) -> FloatArray:
        """What each player's best response gains ``(num_players,)``."""
        best = [self.best_response(p, strategies)[1] for p in range(self.num_players)]
        gains: FloatArray = np.array(best) - self.mixture_returns(strategies)
        return gains

    def mixture_returns(self, strategies: Opponents) -> FloatArray:
        """Expected return ``(num_players,)`` when all play the mixtures, or the joint mixture."""
        if isinstance(strategies, JointMixture):
            returns: FloatArray = strategies.weights @ self.expected_returns(strategies.profiles)
            return returns
        return self._returns([self._average(m, p) for p, m in enumerate(strategies)])

    def save_policy(self, policy: Policy, directory: Path) -> None:
        """Write ``strategy.json``."""
        plain = policy if isinstance(policy, int) else np.asarray(policy).tolist()
        (directory / "strategy.json").write_text(json.dumps(plain))

    def load_policy(self, directory: Path) -> Policy:
        """Read back what `save_policy` wrote.

        Raises
        ------
        ValueError
            If the directory holds no strategy.
        """
        path = directory / "strategy.json"
        try:
            stored = json.loads(path.read_text())
            return stored if isinstance(stored, int) else np.array(stored, dtype=np.float64)
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"{path} holds no strategy: {error}") from None

    def _strategy(self, policy: Policy, player: int) -> FloatArray:
        """A policy as a distribution ``(n,)``."""
        size = self.payoffs.num_strategies[player]
        if isinstance(policy, int | np.integer):
            if not 0 <= policy < size:
                raise ValueError(f"player {player} has strategies 0 to {size - 1}, not {policy}")
            strategy = np.zeros(size)
            strategy[policy] = 1.0
            return strategy
        strategy = np.asarray(policy, dtype=np.float64)
        if strategy.shape != (size,) or np.any(strategy < 0) or abs(strategy.sum() - 1) > 1e-6:
            raise ValueError(
                f"a policy of player {player} is an index below {size} or a distribution of "
                f"shape ({size},), got {policy!r}"
            )
        normal: FloatArray = strategy / strategy.sum()
        return normal

    def _average(self, mixture: Mixture, player: int) -> FloatArray:
        stacked = np.array([self._strategy(policy, player) for policy in mixture.policies])
        average: FloatArray = mixture.weights @ stacked
        return average

    def _deviations(self, player: int, strategies: list[FloatArray]) -> FloatArray:
        values: FloatArray = self.payoffs.tensor[player]
        for other in reversed(range(self.num_players)):
            if other != player:
                values = np.tensordot(values, strategies[other], axes=(other, 0))
        return values

    def _returns(self, strategies: list[FloatArray]) -> FloatArray:
        players = range(self.num_players)
        return np.array([self._deviations(p, strategies) @ strategies[p] for p in players])

    def _gradient(self, player: int, opponents: Opponents) -> FloatArray:
        """Payoff ``(n,)`` of each strategy of ``player`` against the opponents."""
        if not isinstance(opponents, JointMixture):
            return self._deviations(
                player, [self._average(mixture, p) for p, mixture in enumerate(opponents)]
            )
        total = np.zeros(self.payoffs.num_strategies[player])
        for profile, weight in zip(opponents.profiles, opponents.weights, strict=True):
            strategies = [self._strategy(policy, p) for p, policy in enumerate(profile)]
            total += weight * self._deviations(player, strategies)
        return total
