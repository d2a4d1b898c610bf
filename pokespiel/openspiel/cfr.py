"""Counterfactual regret minimisation on the sequence form: whole-game passes in a few arrays.

CFR (Zinkevich et al. 2007), CFR+ (Tammelin 2014) and CFR-BR (Johanson et al. 2012): baselines to
hold PSRO against, and a second opinion on the compiled game.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pokespiel.openspiel.best_response import best_response
from pokespiel.openspiel.sequence_form import FloatArray, PlayerForm, SequenceForm


def counterfactual_values(
    own: PlayerForm, gradient: FloatArray, behaviour: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Values of sequences ``(S,)`` and of information states ``(I,)`` when play goes on as given.

    Both are counterfactual: weighted by the probability that chance and the others get there.
    """
    values = np.array(gradient)
    states = np.zeros(own.num_infostates)
    for start, stop, low, high, below, above, starts, parents in reversed(own.spans):
        states[start:stop] = np.add.reduceat(values[low:high] * behaviour[low:high], starts)
        values[below:above] += np.bincount(
            parents, weights=states[start:stop], minlength=above - below
        )
    return values, states


def regret_matching(own: PlayerForm, total_regrets: FloatArray) -> FloatArray:
    """Probabilities ``(S,)`` in proportion to positive regrets; uniform where there are none."""
    positive = np.maximum(total_regrets, 0.0)
    totals = np.repeat(np.add.reduceat(positive, own.first_sequence[:-1]), own.num_actions)
    behaviour = own.uniform()
    np.divide(positive[1:], totals, out=behaviour[1:], where=totals > 0.0)
    return behaviour


def regrets(own: PlayerForm, gradient: FloatArray, behaviour: FloatArray) -> FloatArray:
    """What each action ``(S,)`` would have brought more than the behaviour, counterfactually."""
    values, states = counterfactual_values(own, gradient, behaviour)
    values[1:] -= np.repeat(states, own.num_actions)
    return values


def cfr(form: SequenceForm, *, plus: bool = False) -> Iterator[list[FloatArray]]:
    """Yield every player's average realization plan ``(S,)`` after each iteration, without end.

    Players are updated in turn, each against the others' newest strategies.

    Parameters
    ----------
    plus
        CFR+: regrets never fall below zero, and later iterations weigh more (linearly).
    """
    total_regrets = [np.zeros(own.num_sequences) for own in form.players]
    behaviours = [own.uniform() for own in form.players]
    plans = [own.realization_plan(b) for own, b in zip(form.players, behaviours, strict=True)]
    sums = [np.zeros(own.num_sequences) for own in form.players]
    iteration = 0
    while True:
        iteration += 1
        for player, own in enumerate(form.players):
            sums[player] += plans[player] * (iteration if plus else 1.0)
            gradient = form.gradient(player, plans)
            total_regrets[player] += regrets(own, gradient, behaviours[player])
            if plus:
                np.maximum(total_regrets[player], 0.0, out=total_regrets[player])
            behaviours[player] = regret_matching(own, total_regrets[player])
            plans[player] = own.realization_plan(behaviours[player])
        yield [total / total[0] for total in sums]


def cfr_br(form: SequenceForm) -> Iterator[list[FloatArray]]:
    """CFR of each player against best responses; yields average plans as `cfr` does."""
    scale = max(abs(bound) for bound in form.payoff_bounds)
    total_regrets = [np.zeros(own.num_sequences) for own in form.players]
    behaviours = [own.uniform() for own in form.players]
    sums = [np.zeros(own.num_sequences) for own in form.players]
    while True:
        plans = [own.realization_plan(b) for own, b in zip(form.players, behaviours, strict=True)]
        responses = [
            own.realization_plan(
                best_response(own, form.gradient(player, plans), scale=scale, ties="first")[0]
            )
            for player, own in enumerate(form.players)
        ]
        for player, own in enumerate(form.players):
            sums[player] += plans[player]
            gradient = form.gradient(player, responses)
            total_regrets[player] += regrets(own, gradient, behaviours[player])
            behaviours[player] = regret_matching(own, total_regrets[player])
        yield [total / total[0] for total in sums]
