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
                edges = tree.chance_sums
                nodes[active[rows]] = np.searchsorted(
                    edges, edges[first - 1] + draws[rows], side="right"
                )
                continue
            player, edges = form.players[mover], sums[mover]
            infostate = tree.infostate[here]
            low, high = player.first_sequence[infostate], player.first_sequence[infostate + 1]
            # Scaling by the segment's own sum keeps a draw inside it whatever the rounding.
            target = edges[low - 1] + draws[rows] * (edges[high - 1] - edges[low - 1])
            sequence = np.searchsorted(edges, target, side="right")
            nodes[active[rows]] = first + np.minimum(sequence, high - 1) - low


def _running_sums(behaviour: FloatArray) -> FloatArray:
    sums = np.cumsum(behaviour)
    sums -= sums[0]
    return sums
