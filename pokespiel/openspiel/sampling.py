"""Sampled episodes of a compiled game: all episodes walk down the tree together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pokespiel.openspiel.sequence_form import FloatArray, IntArray, SequenceForm
from pokespiel.openspiel.states import CHANCE, TERMINAL


def sample_leaves(
    form: SequenceForm,
    behaviours: Sequence[FloatArray],
    episodes: int,
    *,
    rng: np.random.Generator,
) -> IntArray:
    """Play episodes and return the leaf in which each ends.

    Parameters
    ----------
    form : SequenceForm
    behaviours : one float64 array ``(S,)`` per player
    episodes : int

    Returns
    -------
    int64 array ``(episodes,)``
        Rows of ``form.tree.returns``.
    """
    tree = form.tree
    sums = [_running_sums(behaviour) for behaviour in behaviours]
    nodes = np.zeros(episodes, dtype=np.int64)
    active = np.arange(episodes)
    while True:
        movers = tree.player[nodes[active]]
        going = movers != TERMINAL
        active, movers = active[going], movers[going]
        if not len(active):
            return tree.infostate[nodes]
        draws = rng.random(len(active))
        for mover in np.unique(movers):
            rows = movers == mover
            here = nodes[active[rows]]
            first = tree.first_child[here]
            if mover == CHANCE:
                last = tree.last_child[here]
                nodes[active[rows]] = _search(tree.chance_sums, first, last, draws[rows])
                continue
            player, edges = form.players[mover], sums[mover]
            infostate = tree.infostate[here]
            low, high = player.first_sequence[infostate], player.first_sequence[infostate + 1]
            nodes[active[rows]] = first + _search(edges, low, high - 1, draws[rows]) - low


def _search(sums: FloatArray, first: IntArray, last: IntArray, draws: FloatArray) -> IntArray:
    """Where draws in [0, 1) fall in the segments from ``first`` to ``last`` of running sums.

    A draw is scaled by its segment's own sum, so that rounding cannot carry it outside.
    """
    before = sums[first - 1]
    found = np.searchsorted(sums, before + draws * (sums[last] - before), side="right")
    return np.minimum(found, last)


def _running_sums(behaviour: FloatArray) -> FloatArray:
    sums = np.cumsum(behaviour)
    sums -= sums[0]
    return sums
