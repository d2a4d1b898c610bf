"""The exact best response, for games small enough to compute it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from pokespiel.protocols import FloatArray, MetaGame, Opponents, Policy, Response


@runtime_checkable
class ExactGame(MetaGame, Protocol):
    """A meta-game that knows its best responses."""

    def best_response(
        self, player: int, opponents: Opponents, *, ties: str = "uniform"
    ) -> tuple[Policy, float]:
        """A best response and its expected return; ties are broken deterministically."""
        ...

    def gains(self, strategies: Opponents) -> FloatArray:
        """What each player's best response gains over the mixtures or the joint ``(players,)``."""
        ...


def require_exact(game: MetaGame, what: str) -> ExactGame:
    """The game, if it is exact.

    Raises
    ------
    ValueError
        If it is not; the message says what works instead.
    """
    if not (game.is_exact and isinstance(game, ExactGame)):
        raise ValueError(
            f"{game.name} has no exact expected returns, which {what} needs; use a game small "
            "enough to be computed (MatrixGame, OpenSpielGame(..., exact=True)), or a learning "
            "oracle (tabular Q, PPO) here"
        )
    return game


@dataclass(frozen=True)
class ExactOracle:
    """Answer with a best response found by backward induction.

    The same opponents always get the same answer.

    Attributes
    ----------
    ties : {"uniform", "first"}
        Among equally good actions, also where the opponents never go: draw uniformly, or take
        the first in the game's own order (then the response is pure). Uniform ties converge
        faster; see `pokespiel.openspiel.best_response`.
    """

    ties: str = "uniform"

    def __post_init__(self) -> None:
        if self.ties not in ("uniform", "first"):
            raise ValueError(f"ties are broken 'uniform' or 'first', not {self.ties!r}")

    @property
    def name(self) -> str:
        """Identifies the oracle and its tie-breaking."""
        return f"exact(ties={self.ties})"

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Compute it; see `pokespiel.protocols.BestResponseOracle.best_response`.

        Raises
        ------
        ValueError
            If the game is not exact.
        """
        exact = require_exact(game, "the exact oracle")
        started = time.perf_counter()
        policy, value = exact.best_response(player, opponents, ties=self.ties)
        return Response(policy, value=value, cost={"seconds": time.perf_counter() - started})
