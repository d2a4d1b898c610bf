"""JPSRO with correlated equilibria (Marris et al. 2021, arXiv:2106.09435): one response for each
recommendation.

With a CCE meta-solver (``"mgcce"``, ...) the loop's own targets are JPSRO's: a player deviates
before it knows its recommendation. In a CE it may deviate from every recommendation differently,
so every recommended policy asks for a response to what the others do when it is recommended.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pokespiel.openspiel.policy import TabularPolicy
from pokespiel.protocols import Response
from pokespiel.psro import admit_if_it_gains
from pokespiel.targets import Target
from solvers.base import MetaStrategy, Payoffs


def recommendation_targets(strategy: MetaStrategy, payoffs: Payoffs) -> list[Target]:
    """One response per player and recommended policy.

    Use it with a CE meta-solver::

        PSRO(
            game,
            oracle=oracle,
            meta_solver="mgce",
            targets=recommendation_targets,
            admit=AdmitNovel(),
        )

    Raises
    ------
    ValueError
        With a meta-solver that gives no joint distribution.
    """
    joint = strategy.joint
    if joint is None:
        raise ValueError("recommendations need a meta-solver with a joint distribution, as 'mgce'")
    targets = []
    for player in range(1 if payoffs.symmetric else payoffs.num_players):
        others = tuple(axis for axis in range(joint.ndim) if axis != player)
        for index in np.flatnonzero(joint.sum(axis=others) > 1e-9):
            told = np.zeros_like(joint)
            where = (slice(None),) * player + (index,)
            told[where] = joint[where]
            targets.append(Target(player, joint=told / told.sum()))
    return targets


class AdmitNovel:
    """Admit responses that gain, each only once.

    Two recommendations may ask for the same response. One that is already in the population gains
    nothing, because the meta-strategy is an equilibrium; so only repetitions among the responses
    of one iteration are left to be found, and nothing has to be remembered between runs.
    """

    __name__ = "AdmitNovel"

    def __init__(self) -> None:
        self._seen: set[Any] = set()

    def __call__(self, response: Response, gain: float | None) -> bool:
        """Whether to admit the response."""
        if not admit_if_it_gains(response, gain):
            return False
        if not isinstance(response.policy, TabularPolicy):
            return True
        key = tuple((p, own.tobytes()) for p, own in response.policy.behaviours.items())
        novel = key not in self._seen
        self._seen.add(key)
        return novel
