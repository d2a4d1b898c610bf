"""Whom each new best response answers: the meta-strategy, or a distribution made from it.

A PSRO variant that trains against something else than its meta-strategy is a function here, passed
to `pokespiel.PSRO` as ``targets``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from solvers.base import MetaStrategy, Payoffs

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """One best response to be found.

    Attributes
    ----------
    player : int
        Who responds; the population that grows.
    marginals : tuple of float64 arrays ``(n_p,)``, optional
        What each player plays (the responder's own entry is its current strategy).
    joint : float64 array ``(n1, ..., nN)``, optional
        A joint distribution instead.
    """

    player: int
    marginals: tuple[FloatArray, ...] | None = None
    joint: FloatArray | None = None


Targets: TypeAlias = Callable[[MetaStrategy, Payoffs], list[Target]]


def meta_strategy_target(strategy: MetaStrategy, payoffs: Payoffs) -> list[Target]:
    """Every population answers the meta-strategy itself (Lanctot et al. 2017).

    A joint meta-strategy is answered as a joint: one response per player to what the others do
    under it (JPSRO's CCE best response, Marris et al. 2021).
    """
    players = range(1 if payoffs.symmetric else payoffs.num_players)
    if strategy.joint is not None:
        return [Target(player, joint=strategy.joint) for player in players]
    return [Target(player, marginals=strategy.marginals) for player in players]


def newest_target(strategy: MetaStrategy, payoffs: Payoffs) -> list[Target]:
    """Self-play: every population answers everyone's newest strategy, whatever the table says.

    The instance of PSRO that is plain iterated best response (Lanctot et al. 2017, section 3).
    """
    newest = tuple(np.eye(size)[-1] for size in payoffs.tensor.shape[1:])
    players = range(1 if payoffs.symmetric else payoffs.num_players)
    return [Target(player, marginals=newest) for player in players]
