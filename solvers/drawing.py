"""Pictures of meta-games: phase portraits, response graphs, alpha-Rank sweeps, comparisons.

Every function draws on the matplotlib axes it is given and returns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from solvers.alpharank import Sweep
from solvers.base import FloatArray, Payoffs, UnsupportedGameError, as_payoffs
from solvers.comparison import Comparison
from solvers.dynamics import Trajectory, Velocity, population_sizes, scaled_values
from solvers.response_graph import sink_components

_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3.0) / 2.0]])
"""Where the three strategies lie in the plane."""

_MOST_LABELLED_NODES = 60


def phase_portrait(
    payoffs: ArrayLike | Payoffs,
    velocity: Velocity,
    axes: Any,
    *,
    labels: Sequence[str] | None = None,
    points_per_side: int = 21,
) -> Any:
    """Arrows of a dynamic: on the 3-simplex for three strategies, on the square for 2 x 2.

    Arrows show direction; their colour, speed. A symmetric 2 x 2 game is drawn as two populations;
    one population moves along the diagonal.

    Raises
    ------
    UnsupportedGameError
        Unless the game is one population of three strategies, or 2 x 2.
    """
    game = as_payoffs(payoffs)
    if game.num_strategies == (2, 2):
        game = Payoffs(game.tensor, symmetric=False)
    sizes = population_sizes(game)
    if sizes == (3,):
        return _simplex_portrait(game, velocity, axes, labels, points_per_side)
    if sizes == (2, 2) and game.num_players == 2:
        return _square_portrait(game, velocity, axes, labels, points_per_side)
    raise UnsupportedGameError(
        "a phase portrait needs one population of 3 strategies, or a 2 x 2 game; this one has "
        f"populations of {sizes}"
    )


def _simplex_portrait(
    game: Payoffs, velocity: Velocity, axes: Any, labels: Sequence[str] | None, side: int
) -> Any:
    mixes = [
        np.array([i, j, side - 1 - i - j]) / (side - 1)
        for i in range(side)
        for j in range(side - i)
    ]
    points, arrows = [], []
    for mix in mixes:
        (values,) = scaled_values(game, [mix])
        points.append(mix @ _CORNERS)
        arrows.append(velocity(mix, values) @ _CORNERS)
    _quiver(axes, np.array(points), np.array(arrows))
    # The frame's colour suits whatever background the style in use has.
    frame = axes.spines["bottom"].get_edgecolor()
    axes.plot(*np.vstack([_CORNERS, _CORNERS[:1]]).T, color=frame, linewidth=1.0)
    names = labels or ("0", "1", "2")
    offsets = ((-10, -12), (10, -12), (0, 8))
    for name, corner, offset in zip(names, _CORNERS, offsets, strict=True):
        axes.annotate(name, corner, offset, textcoords="offset points", ha="center")
    axes.set_aspect("equal")
    axes.set_axis_off()
    return axes


def _square_portrait(
    game: Payoffs, velocity: Velocity, axes: Any, labels: Sequence[str] | None, side: int
) -> Any:
    grid = np.linspace(0.0, 1.0, side)
    points, arrows = [], []
    for p in grid:
        for q in grid:
            mixes = [np.array([p, 1.0 - p]), np.array([q, 1.0 - q])]
            moves = [
                velocity(mix, value)
                for mix, value in zip(mixes, scaled_values(game, mixes), strict=True)
            ]
            points.append((p, q))
            arrows.append((moves[0][0], moves[1][0]))
    _quiver(axes, np.array(points), np.array(arrows))
    names = labels or ("player 0: probability of strategy 0", "player 1: probability of strategy 0")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=names[0], ylabel=names[1])
    axes.set_aspect("equal")
    return axes


def _quiver(axes: Any, points: FloatArray, arrows: FloatArray) -> None:
    speed = np.linalg.norm(arrows, axis=1)
    directions = np.divide(
        arrows, speed[:, None], out=np.zeros_like(arrows), where=speed[:, None] > 1e-12
    )
    axes.quiver(*points.T, *directions.T, speed, cmap="viridis", pivot="mid", scale=35.0)


def trajectory_on_portrait(path: Trajectory, axes: Any, **style: Any) -> Any:
    """Add a trajectory to the phase portrait of its game."""
    sizes = tuple(mix.shape[1] for mix in path.mixes)
    if sizes == (3,):
        line = path.mixes[0] @ _CORNERS
    elif sizes in ((2,), (2, 2)):
        line = np.column_stack([path.mixes[0][:, 0], path.mixes[-1][:, 0]])
    else:
        raise UnsupportedGameError(
            "a phase portrait needs one population of 3 strategies, or a 2 x 2 game; this "
            f"trajectory has populations of {sizes}"
        )
    axes.plot(*line.T, **{"color": "crimson", "linewidth": 1.5, **style})
    axes.plot(*line[-1], marker="o", color="crimson", markersize=4)
    return axes


def trajectories_over_time(
    path: Trajectory, axes: Any, *, labels: Sequence[str] | None = None
) -> Any:
    """Probabilities of the first population's strategies along a trajectory."""
    mixes = path.mixes[0]
    names = labels or [str(i) for i in range(mixes.shape[1])]
    for name, weights in zip(names, mixes.T, strict=True):
        axes.plot(path.times, weights, label=name)
    axes.set(xlabel="time", ylabel="probability", ylim=(-0.02, 1.02))
    axes.legend(fontsize="small")
    return axes


def draw_response_graph(
    graph: nx.DiGraph[Any],
    axes: Any,
    *,
    weights: ArrayLike | None = None,
    labels: Sequence[str] | None = None,
) -> Any:
    """Draw a response graph; nodes of sink components are filled dark.

    Parameters
    ----------
    weights
        Size the nodes by these, in the graph's node order: an alpha-Rank distribution, say.
    """
    nodes = list(graph)
    sinks = {node for component in sink_components(graph) for node in component}
    size = np.full(len(nodes), 1.0 / len(nodes)) if weights is None else np.ravel(weights)
    names = [str(node) for node in nodes] if labels is None else list(labels)
    layout = nx.circular_layout(graph)
    nx.draw_networkx(
        graph,
        layout,
        ax=axes,
        node_color=["#1f4e79" if node in sinks else "#d9d9d9" for node in nodes],
        node_size=250.0 + 2500.0 * size,
        edge_color="#9a9a9a",
        with_labels=False,
        arrowsize=12,
    )
    if len(nodes) <= _MOST_LABELLED_NODES:
        for place, name in zip(layout.values(), names, strict=True):
            axes.annotate(
                name, place, (0, -20), textcoords="offset points", ha="center", va="top", fontsize=8
            )
    axes.margins(0.25)
    axes.set_axis_off()
    return axes


def draw_sweep(
    path: Sweep, axes: Any, *, labels: Sequence[str] | None = None, most: int = 10
) -> Any:
    """Stationary probabilities against alpha, the ``most`` frequent at the end named."""
    flat = path.distributions.reshape(len(path.alphas), -1)
    shape = path.distributions.shape[1:]
    order = np.argsort(-flat[-1], kind="stable")
    for rank, state in enumerate(order):
        profile = tuple(int(i) for i in np.unravel_index(state, shape))
        text = labels[state] if labels else str(profile[0] if len(shape) == 1 else profile)
        style = {"label": text} if rank < most else {"color": "#d0d0d0", "linewidth": 0.6}
        axes.plot(path.alphas, flat[:, state], **style)
    axes.set(xscale="log", xlabel="alpha", ylabel="stationary probability")
    axes.legend(fontsize="small")
    return axes


def draw_comparison(
    comparison: Comparison, axes: Any, *, labels: Sequence[str] | None = None
) -> Any:
    """First player's strategy by each solver that took the game, as a heat map with regrets."""
    rows = [row for row in comparison if row.result is not None]
    if not rows:
        raise ValueError("no solver took the game: there is nothing to draw")
    weights = np.stack([row.result.marginals[0] for row in rows if row.result is not None])
    image = axes.imshow(weights, aspect="auto", cmap="Blues", vmin=0.0, vmax=1.0)
    regrets = [row.result.restricted_exploitability for row in rows if row.result is not None]
    axes.set_yticks(
        range(len(rows)),
        [f"{row.name}  ({regret:.2g})" for row, regret in zip(rows, regrets, strict=True)],
        fontsize=8,
    )
    n = weights.shape[1]
    names = labels or [str(i) for i in range(n)]
    step = max(1, n // 20)
    axes.set_xticks(range(0, n, step), names[::step], fontsize=8, rotation=30 if labels else 0)
    if n <= 12:
        for (row_index, column), weight in np.ndenumerate(weights):
            if weight >= 0.005:
                colour = "white" if weight > 0.6 else "black"
                axes.text(
                    column,
                    row_index,
                    f"{weight:.2f}",
                    ha="center",
                    va="center",
                    fontsize=7,
                    color=colour,
                )
    axes.set_title("first player's strategy (restricted exploitability)", fontsize=10)
    axes.figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
    return axes
