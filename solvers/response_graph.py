"""Who beats whom: response graphs, and the components where play ends up.

Omidshafiei et al. 2019: the sink components of the better-response graph are the Markov-Conley
chains that alpha-Rank's limit of strong selection lives on.
"""

from __future__ import annotations

from typing import Any, Literal

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from solvers.base import Payoffs, as_payoffs

_TIE = 1e-12
"""Relative to the payoff range: smaller advantages are ties, and make no edge."""


def response_graph(
    payoffs: ArrayLike | Payoffs, *, responses: Literal["better", "best"] = "better"
) -> nx.DiGraph[Any]:
    """Directed graph of profitable unilateral moves.

    A one-population game has one node per strategy ``i``, and an edge from ``i`` to ``j`` where
    ``j`` does better against ``i`` than ``i`` against ``j`` (``"best"``: where ``j`` is a best
    reply to ``i``, itself included). Any other game has one node per profile, and an edge for each
    single player's move that raises its payoff (``"best"``: the most).

    Returns
    -------
    networkx.DiGraph
        Edges carry ``gain``, in payoff units, and (with several populations) ``player``.
    """
    if responses not in ("better", "best"):
        raise ValueError(f"responses must be 'better' or 'best', got {responses!r}")
    game = as_payoffs(payoffs)
    if game.symmetric and game.num_players == 2:
        return _strategy_graph(game, responses)
    return _profile_graph(game, responses)


def _strategy_graph(game: Payoffs, responses: str) -> nx.DiGraph[Any]:
    matrix = game.matrix
    tie = _TIE * game.scale
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_nodes_from(range(len(matrix)))
    if responses == "better":
        advantage = matrix.T - matrix
        moves = np.argwhere(advantage > tie)
    else:
        advantage = matrix.T - np.diag(matrix)[:, None]
        moves = np.argwhere(matrix.T.max(axis=1, keepdims=True) - tie <= matrix.T)
    for source, target in moves:
        graph.add_edge(int(source), int(target), gain=float(advantage[source, target]))
    return graph


def _profile_graph(game: Payoffs, responses: str) -> nx.DiGraph[Any]:
    tie = _TIE * game.scale
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_nodes_from(tuple(map(int, profile)) for profile in np.ndindex(game.num_strategies))
    for player, own in enumerate(game.tensor):
        best = own.max(axis=player)
        for profile in np.ndindex(game.num_strategies):
            others = profile[:player] + profile[player + 1 :]
            threshold = best[others] - tie if responses == "best" else own[profile] + tie
            for strategy in range(game.num_strategies[player]):
                moved = (*profile[:player], strategy, *profile[player + 1 :])
                gain = float(own[moved] - own[profile])
                if gain > tie and own[moved] >= threshold:
                    graph.add_edge(profile, moved, gain=gain, player=player)
    return graph


def sink_components(graph: nx.DiGraph[Any]) -> list[list[Any]]:
    """Strongly connected components with no way out (Markov-Conley chains), largest first."""
    condensed = nx.condensation(graph)
    sinks = [
        sorted(condensed.nodes[c]["members"]) for c in condensed if not condensed.out_degree(c)
    ]
    return sorted(sinks, key=lambda members: (-len(members), members))
