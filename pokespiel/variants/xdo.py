"""Extensive-form double oracle (McAleer et al. 2021, arXiv:2103.06426): mix at every decision.

PSRO mixes whole policies at the root. XDO restricts the game itself: at each information state
only the actions that some policy of the population takes exist. Its equilibrium mixes anew at
every decision, so that the number of iterations grows with the number of information states at
most, where PSRO's may grow exponentially. Restricted games are solved exactly, by linear program.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pokespiel.openspiel.best_response import best_response
from pokespiel.openspiel.linear_program import solve_zero_sum
from pokespiel.openspiel.meta_game import OpenSpielGame
from pokespiel.openspiel.policy import TabularPolicy


@dataclass(frozen=True)
class XDOStep:
    """One iteration of XDO.

    Attributes
    ----------
    policies : (TabularPolicy, TabularPolicy)
        Equilibrium of the restricted game.
    nash_conv : float
        What best responses in the full game gain over it, summed over the players.
    sizes : (int, int)
        Sequences that exist in the restricted game, per player.
    seconds : float
        Wall time of the iteration.
    """

    policies: tuple[TabularPolicy, TabularPolicy]
    nash_conv: float
    sizes: tuple[int, int]
    seconds: float

    @property
    def exploitability(self) -> float:
        """``nash_conv / 2``."""
        return self.nash_conv / 2.0


def xdo(game: OpenSpielGame, *, tolerance: float = 1e-9) -> Iterator[XDOStep]:
    """Yield iterations until best responses gain no more than ``tolerance``.

    Starts from the restricted game in which everybody takes the first action everywhere.

    Raises
    ------
    ValueError
        If the game is not a compiled two-player zero-sum game with a population for each player.
    """
    if game.is_symmetric:
        raise ValueError(f"{game.name} has one population; XDO needs one per player")
    form = game.form
    scale = max(abs(bound) for bound in form.payoff_bounds)
    allowed = []
    for own in form.players:
        first = np.zeros(own.num_sequences, dtype=np.bool_)
        first[0] = True
        first[own.first_sequence[:-1]] = True
        allowed.append(first)
    while True:
        started = time.perf_counter()
        plans = solve_zero_sum(form, (allowed[0].copy(), allowed[1].copy())).plans
        sizes = (int(allowed[0].sum()), int(allowed[1].sum()))
        nash_conv = 0.0
        for player, own in enumerate(form.players):
            gradient = form.gradient(player, plans)
            response, value = best_response(own, gradient, scale=scale, ties="first")
            nash_conv += value - float(gradient @ plans[player])
            allowed[player] |= response > 0.0
        one, other = (
            TabularPolicy({p: own.behaviour(plans[p])}) for p, own in enumerate(form.players)
        )
        nash_conv = max(nash_conv, 0.0)
        yield XDOStep((one, other), nash_conv, sizes, time.perf_counter() - started)
        if nash_conv <= tolerance:
            return
