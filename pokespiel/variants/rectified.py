"""Rectified Nash PSRO (Balduzzi et al. 2019, arXiv:1901.08106): amplify strengths.

Every policy in the support of the Nash equilibrium trains against those that it beats or ties,
instead of all against the equilibrium. The population becomes more diverse, but the equilibrium
of the full game may never be found (McAleer et al. 2020 give counterexamples).
"""

from __future__ import annotations

import numpy as np

from pokespiel.targets import Target
from solvers.base import MetaStrategy, Payoffs


def rectified_target(strategy: MetaStrategy, payoffs: Payoffs) -> list[Target]:
    """One response per equilibrium policy, to those that it beats or ties.

    Use it with the meta-solver ``"rectified"``::

        PSRO(game, oracle=oracle, meta_solver="rectified", targets=rectified_target)

    Raises
    ------
    ValueError
        With another meta-solver, which does not say who beats whom; or with a population per
        player, where being ahead may only mean having the better seat.
    """
    if not payoffs.symmetric:
        raise ValueError(
            "rectified Nash compares policies of one population; make the game symmetric, as by "
            "OpenSpielGame(..., symmetric=True)"
        )
    opponents = strategy.diagnostics.get("opponents")
    if opponents is None:
        raise ValueError("rectified targets need the meta-solver 'rectified'")
    targets = []
    rows = np.asarray(opponents[0])
    for index in np.flatnonzero(rows.sum(axis=1) > 0.0):
        own = np.zeros(len(rows))
        own[index] = 1.0
        targets.append(Target(0, marginals=(own, rows[index])))
    return targets
