"""Magnetic mirror descent (Sokota et al. 2023, arXiv:2206.05825): regularised self-play, tabular.

Every player follows its action values by mirror descent with the entropy as mirror map, drawn at
the same time towards a magnet, the uniform policy. With regularisation that fades, the last
iterate approaches a Nash equilibrium in two-player zero-sum games; no average is needed. This is
the tabular form of PPO self-play with an entropy bonus and a trust region, the baseline that
Rudolph et al. (2025, arXiv:2502.08938) find hard to beat.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pokespiel.openspiel.cfr import counterfactual_values
from pokespiel.openspiel.sequence_form import FloatArray, PlayerForm, SequenceForm


def magnetic_mirror_descent(
    form: SequenceForm, *, step: float = 2.0, regularisation: float = 0.5
) -> Iterator[list[FloatArray]]:
    """Yield every player's realization plan ``(S,)`` after each iteration, without end.

    All players move at once. In iteration ``t`` both the step size and the weight of the magnet
    are divided by the square root of ``t``.

    Parameters
    ----------
    step
        Initial step size; payoffs count in units of the game's payoff range.
    regularisation
        Initial weight of the magnet.

    Raises
    ------
    ValueError
        If one of them is not positive.
    """
    if step <= 0.0 or regularisation <= 0.0:
        raise ValueError(f"step and regularisation must be positive: {step}, {regularisation}")
    low, high = form.payoff_bounds
    scale = max(high - low, np.finfo(float).tiny)
    logs = [np.log(own.uniform()) for own in form.players]
    behaviours = [own.uniform() for own in form.players]
    plans = [own.realization_plan(b) for own, b in zip(form.players, behaviours, strict=True)]
    iteration = 0
    while True:
        iteration += 1
        eta, alpha = step / np.sqrt(iteration), regularisation / np.sqrt(iteration)
        values = [
            _action_values(form, player, plans, behaviours[player]) / scale
            for player in range(form.num_players)
        ]
        for player, own in enumerate(form.players):
            # The magnet is uniform: its logarithm is the same for every action, and drops out.
            raised = (logs[player] + eta * values[player]) / (1.0 + eta * alpha)
            logs[player] = _log_normalised(own, raised)
            behaviours[player] = np.exp(logs[player])
            plans[player] = own.realization_plan(behaviours[player])
        yield list(plans)


def _action_values(
    form: SequenceForm, player: int, plans: list[FloatArray], behaviour: FloatArray
) -> FloatArray:
    """Expected return ``(S,)`` of each action given that its information state is reached."""
    own = form.players[player]
    values, _ = counterfactual_values(own, form.gradient(player, plans), behaviour)
    reach = form.reach(player, plans)[own.infostate_of_sequence]
    return np.divide(values, reach, out=np.zeros_like(values), where=reach > 0.0)


def _log_normalised(own: PlayerForm, logs: FloatArray) -> FloatArray:
    """Subtract each information state's log-sum-exp ``(S,)``."""
    starts = own.first_sequence[:-1]
    top = np.repeat(np.maximum.reduceat(logs, starts), own.num_actions)
    result = np.zeros_like(logs)
    result[1:] = logs[1:] - top
    totals = np.add.reduceat(np.exp(result), starts)
    result[1:] -= np.repeat(np.log(totals), own.num_actions)
    return result
