"""The report's figures: each takes a run's arrays and gives an SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pokespiel.report.svg import number, picture, tag, text, tipped
from pokespiel.stats import FloatArray
from solvers.response_graph import response_graph, sink_components

MOST_WRITTEN = 14
"""Matrices of more columns than this show colours alone."""

MOST_ALL_ARROWS = 8
"""Graphs of more strategies than this show only the arrow to what beats each one most."""


def heat_map(
    means: FloatArray,
    low: FloatArray,
    high: FloatArray,
    counts: FloatArray,
    rows: Sequence[str],
    columns: Sequence[str],
    bounds: tuple[float, float],
    *,
    corner: str = "",
) -> str:
    """Payoffs ``(n, m)`` of the row; the colours part at ``bounds``' middle.

    Each cell says its estimate, interval and number of games when pointed at.
    """
    written = len(columns) <= MOST_WRITTEN
    size = 46.0 if written else max(7.0, min(26.0, 620.0 / len(columns)))
    left, top = 54.0, 22.0 if written else 40.0
    middle, reach = sum(bounds) / 2, max((bounds[1] - bounds[0]) / 2, 1e-12)
    parts = [text(left - 6, top - 8, corner, class_="tick end")] if corner else []
    step = 1 if size >= 22 else math.ceil(24 / size)
    for j, name in enumerate(columns):
        if j % step == 0:
            x = left + (j + 0.5) * size
            turned = {} if written else {"transform": f"rotate(-45 {x:.0f} {top - 6:.0f})"}
            side = "tick middle" if written else "tick"
            parts.append(text(x, top - 7, name, class_=side, **turned))
    for i, name in enumerate(rows):
        y = top + i * size
        if i % math.ceil(11 / size) == 0:
            parts.append(text(left - 6, y + size / 2 + 4, name, class_="tick end"))
        for j, column in enumerate(columns):
            tip, drawing = _cell(
                float(means[i, j]), float(low[i, j]), float(high[i, j]), float(counts[i, j]),
                left + j * size, y, size, (middle, reach), written,
            )  # fmt: skip
            parts.append(tipped(drawing, f"{name} against {column}: {tip}"))
    width, height = left + len(columns) * size + 6, top + len(rows) * size + 6
    label = f"Payoffs of {len(rows)} row strategies against {len(columns)}"
    return picture(width, height, "".join(parts), label=label, fixed=True)


def _cell(
    mean: float, low: float, high: float, count: float, x: float, y: float, size: float,
    scale: tuple[float, float], written: bool,
) -> tuple[str, str]:  # fmt: skip
    """Tip and drawing of one cell."""
    middle, reach = scale
    box = {"x": x + 0.5, "y": y + 0.5, "width": size - 1.0, "height": size - 1.0}
    if math.isnan(mean):
        return "not played yet", tag("rect", **box, class_="unplayed")
    side = "above" if mean >= middle else "below"
    strength = min(abs(mean - middle) / reach, 1.0)
    drawing = tag("rect", **box, class_="cell") + tag(
        "rect", **box, class_=side, fill_opacity=0.06 + 0.74 * strength
    )
    if low == high:
        tip = f"{number(mean)} (exact)" if math.isinf(count) else f"{number(mean)} (by symmetry)"
    else:
        tip = f"{number(mean)} [{number(low)}, {number(high)}], {count:.0f} games"
    if written:
        exact = low == high
        value = f"{mean:.2f}" if abs(mean) < 100 else f"{mean:.3g}"
        height = y + size / 2 + (4 if exact else 0)
        drawing += text(x + size / 2, height, value, class_="value middle")
        if not exact:
            half = f"± {(high - low) / 2:.2f}"
            drawing += text(x + size / 2, height + 13, half, class_="small middle")
    return tip, drawing


def weights_over_time(
    weights: Sequence[FloatArray], names: Sequence[str], columns: Sequence[str]
) -> str:
    """Meta-strategies ``(n_t,)`` as columns of a heat map, a row per strategy."""
    wide, tall = max(6.0, min(30.0, 560.0 / len(columns))), max(6.0, min(22.0, 600 / len(names)))
    every = math.ceil(11 / tall)
    left, top = 54.0, 8.0
    parts = []
    for i, name in enumerate(names):
        if i % every == 0:
            parts.append(text(left - 6, top + i * tall + tall / 2 + 4, name, class_="tick end"))
        for t, mixture in enumerate(weights):
            if i >= len(mixture):
                continue
            box = {"x": left + t * wide + 0.5, "y": top + i * tall + 0.5,
                   "width": wide - 1, "height": tall - 1}  # fmt: skip
            weight = float(mixture[i])
            drawing = tag("rect", **box, class_="cell") + tag(
                "rect", **box, class_="above", fill_opacity=0.85 * math.sqrt(weight)
            )
            when = f"iteration {columns[t]}" if columns[t] != "now" else "now"
            parts.append(tipped(drawing, f"{name}, {when}: {weight:.3f}"))
    bottom = top + len(names) * tall
    step = math.ceil(28 / wide) if len(columns) > 1 else 1
    for t, column in enumerate(columns):
        if (t % step == 0 and (len(columns) - 1 - t >= step or column == "now")) or (
            t == len(columns) - 1
        ):
            parts.append(text(left + (t + 0.5) * wide, bottom + 14, column, class_="tick middle"))
    middle = left + len(columns) * wide / 2
    parts.append(text(max(middle, 80.0), bottom + 30, "iteration", class_="axis middle"))
    width = max(left + len(columns) * wide + 16, 130.0)
    return picture(width, bottom + 36, "".join(parts), label="Meta-strategies", fixed=True)


def strategy_graph(
    matrix: FloatArray,
    low: FloatArray,
    high: FloatArray,
    names: Sequence[str],
    weights: FloatArray | None,
    middle: float,
) -> str:
    """Who beats whom in a one-population game: arrows from each strategy to what beats it.

    Solid where the interval of the pairing excludes ``middle``, dashed where it does not. Nodes
    in a sink component are filled; area grows with weight.
    """
    n, centre, radius = len(names), 180.0, 118.0
    angles = [2 * math.pi * i / n - math.pi / 2 for i in range(n)]
    places = [(centre + radius * math.cos(a), 165 + radius * math.sin(a)) for a in angles]
    shares = np.full(n, 1.0 / n) if weights is None else weights
    sizes = [6.0 + 15.0 * math.sqrt(float(w)) for w in shares]
    graph = response_graph(matrix)
    sinks = {node for component in sink_components(graph) for node in component}
    parts = []
    for i, j in graph.edges:
        if n > MOST_ALL_ARROWS and j != int(np.argmax(matrix[:, i])):
            continue
        sure = low[j, i] > middle or high[j, i] < middle
        tip = f"{names[j]} beats {names[i]}: {number(float(matrix[j, i]))}"
        if low[j, i] != high[j, i]:
            tip += f" [{number(float(low[j, i]))}, {number(float(high[j, i]))}]"
        style = "edge" if sure else "edge unsure"
        parts.append(tipped(_arrow(places[i], places[j], sizes[j] + 3, style), tip))
    for i, (x, y) in enumerate(places):
        style = "node sink" if i in sinks else "node"
        weight = "" if weights is None else f", weight {float(shares[i]):.3f}"
        where = ", in a sink component" if i in sinks else ""
        circle = tag("circle", cx=x, cy=y, r=sizes[i], class_=style)
        parts.append(tipped(circle, f"{names[i]}{weight}{where}"))
        away = radius + sizes[i] + 14
        parts.append(
            text(centre + away * math.cos(angles[i]), 165 + away * math.sin(angles[i]) + 4,
                 names[i], class_="tick middle")
        )  # fmt: skip
    return picture(360, 330, "".join(parts), label="Response graph")


def best_reply_graph(
    payoffs: tuple[FloatArray, FloatArray],
    names: tuple[Sequence[str], Sequence[str]],
    weights: tuple[FloatArray, FloatArray] | None,
) -> str:
    """Best replies of two populations to each other's pure strategies, row payoffs ``(n, m)``."""
    step = max(12.0, min(30.0, 420.0 / max(len(names[0]), len(names[1]))))
    top, columns = 34.0, (100.0, 260.0)
    heads = zip(columns, ("player 0", "player 1"), strict=True)
    parts = [text(x, 14, head, class_="axis middle") for x, head in heads]

    def place(player: int, index: int) -> tuple[float, float]:
        return columns[player], top + index * step

    def radius(player: int, index: int) -> float:
        share = 0.0 if weights is None else float(weights[player][index])
        return min(3.5 + 9.0 * math.sqrt(share), step / 2 + 3)

    rows, cols = payoffs
    replies = [(0, i, int(np.argmax(cols[i]))) for i in range(len(names[0]))]
    replies += [(1, j, int(np.argmax(rows[:, j]))) for j in range(len(names[1]))]
    for player, source, reply in replies:
        other = 1 - player
        drawing = _arrow(
            place(player, source), place(other, reply), radius(other, reply) + 2,
            f"edge p{player}", 7.0,
        )  # fmt: skip
        tip = f"best reply of player {other} to {names[player][source]}: {names[other][reply]}"
        parts.append(tipped(drawing, tip))
    for player in (0, 1):
        for index, name in enumerate(names[player]):
            x, y = place(player, index)
            share = "" if weights is None else f", weight {float(weights[player][index]):.3f}"
            held = weights is not None and weights[player][index] > 1e-6
            circle = tag(
                "circle",
                cx=x,
                cy=y,
                r=radius(player, index),
                class_="node sink" if held else "node",
            )
            parts.append(tipped(circle, f"player {player}, {name}{share}"))
            gap = -18 if player == 0 else 18
            side = "tick end" if player == 0 else "tick"
            parts.append(text(x + gap, y + 4, name, class_=side))
    height = top + max(len(names[0]), len(names[1])) * step
    return picture(360, height, "".join(parts), label="Best replies")


def _arrow(
    start: tuple[float, float], end: tuple[float, float], gap: float, style: str, bow: float = 0.0
) -> str:
    """A line with a head that stops ``gap`` short of its end; ``bow`` bends it."""
    (x1, y1), (x2, y2) = start, end
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    bx, by = (x1 + x2) / 2 - uy * bow * 2, (y1 + y2) / 2 + ux * bow * 2
    reach = math.hypot(x2 - bx, y2 - by) or 1.0
    vx, vy = (x2 - bx) / reach, (y2 - by) / reach
    tx, ty = x2 - vx * gap, y2 - vy * gap
    head = (
        f"M{tx:.1f} {ty:.1f}L{tx - 7 * vx + 3 * vy:.1f} {ty - 7 * vy - 3 * vx:.1f}"
        f"L{tx - 7 * vx - 3 * vy:.1f} {ty - 7 * vy + 3 * vx:.1f}Z"
    )
    line = f"M{x1:.1f} {y1:.1f}Q{bx:.1f} {by:.1f} {tx:.1f} {ty:.1f}"
    return tag("path", d=line, class_=style) + tag("path", d=head, class_=f"head {style}")


def disk(coordinates: FloatArray, names: Sequence[str]) -> str:
    """Where strategies ``(n, 2)`` lie in the strongest disk game; around the centre is cyclic."""
    size, centre = 300.0, 150.0
    furthest = float(np.abs(coordinates).max()) or 1.0
    parts = [
        tag("line", x1=centre, x2=centre, y1=10, y2=size - 10, class_="grid"),
        tag("line", y1=centre, y2=centre, x1=10, x2=size - 10, class_="grid"),
    ]
    for (x, y), name in zip(coordinates / furthest * 112, names, strict=True):
        at = centre + float(x), centre - float(y)
        dot = tag("circle", cx=at[0], cy=at[1], r=4.5, class_="dot s0")
        parts.append(tipped(dot, f"{name}"))
        parts.append(text(at[0], at[1] - 9, name, class_="tick middle"))
    return picture(size, size, "".join(parts), label="Disk game")


def bars(values: Sequence[float], names: Sequence[str]) -> str:
    """Signed horizontal bars around zero."""
    step, left, width = 20.0, 54.0, 330.0
    reach = max([abs(v) for v in values], default=0.0) or 1.0
    middle, half = left + (width - left) / 2, (width - left) / 2 - 42
    parts = [tag("line", x1=middle, x2=middle, y1=2, y2=len(values) * step + 2, class_="grid")]
    for i, (value, name) in enumerate(zip(values, names, strict=True)):
        length, y = abs(value) / reach * half, 4 + i * step
        side = "above" if value >= 0 else "below"
        start = middle if value >= 0 else middle - length
        bar = tag("rect", x=start, y=y, width=max(length, 0.5), height=step - 5, class_=side)
        parts.append(tipped(bar, f"{name}: {number(value)}"))
        parts.append(text(left - 6, y + 12, name, class_="tick end"))
        at, anchor = (start + length + 5, "tick") if value >= 0 else (start - 5, "tick end")
        parts.append(text(at, y + 12, f"{value:+.2f}", class_=anchor))
    return picture(width, len(values) * step + 6, "".join(parts), label="Ratings")
