"""Best responses on the sequence form, by backward induction over one player's decisions.

Ties are broken towards the first action in the order of the game's legal actions: among actions
whose value is within ``1e-13`` of the best, times the game's largest return (the values at stake
are weighted by the probability that chance and the opponents get there). At information states
that the opponents never reach every action ties, so the first one is chosen there.
"""

from __future__ import annotations

import numpy as np

from pokespiel.openspiel.sequence_form import FloatArray, PlayerForm

_TIE = 1e-13


def _induct(form: PlayerForm, gradient: FloatArray) -> FloatArray:
    """Value ``(S,)`` of each sequence when every later decision is the best one."""
    values = np.array(gradient)
    for _, _, low, high, below, above, starts, parents in reversed(form.spans):
        best = np.maximum.reduceat(values[low:high], starts)
        values[below:above] += np.bincount(parents, weights=best, minlength=above - below)
    return values


def best_response_value(form: PlayerForm, gradient: FloatArray) -> float:
    """The most that the player can expect against what `SequenceForm.gradient` was made from."""
    return float(_induct(form, gradient)[0])


def best_response(
    form: PlayerForm, gradient: FloatArray, *, scale: float = 1.0
) -> tuple[FloatArray, float]:
    """A pure best response and its value.

    Parameters
    ----------
    form : PlayerForm
    gradient : float64 array ``(S,)``
        Payoff of each sequence against the others; see `SequenceForm.gradient`.
    scale : float
        The game's largest absolute return: what ties are measured against.

    Returns
    -------
    behaviour : float64 array ``(S,)``
        One at the chosen actions, zero elsewhere.
    value : float
    """
    values = _induct(form, gradient)
    behaviour = np.zeros(form.num_sequences)
    behaviour[0] = 1.0
    if form.num_infostates:
        starts = form.first_sequence[:-1]
        best = np.maximum.reduceat(values, starts)
        tied = values[1:] >= np.repeat(best, form.num_actions) - _TIE * scale
        numbers = np.where(tied, np.arange(1, form.num_sequences), form.num_sequences)
        behaviour[np.minimum.reduceat(numbers, starts - 1)] = 1.0
    return behaviour, float(values[0])
