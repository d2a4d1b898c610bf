"""Small SVG drawings as text: colours come from the page's style sheet, so both themes work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

SERIES = 6
"""Colours of series in the style sheet: classes ``s0`` to ``s5``."""


def tag(name: str, content: str = "", /, **attributes: object) -> str:
    """An element; ``class_`` and ``stroke_width`` become ``class`` and ``stroke-width``."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{given}>{content}</{name}>" if content else f"<{name}{given}/>"


def _text(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value))


def text(x: float, y: float, words: str, **attributes: object) -> str:
    """A text element."""
    return tag("text", escape(words), x=x, y=y, **attributes)


def tipped(drawing: str, tip: str) -> str:
    """A drawing that says something when it is pointed at, tapped or focused."""
    return tag("g", drawing, class_="tip", aria_label=tip, role="img", tabindex=0)


def picture(width: float, height: float, content: str, *, label: str, fixed: bool = False) -> str:
    """The outer element; ``fixed`` ones scroll sideways on a narrow screen instead of shrinking."""
    style = f"width:{width:.0f}px" if fixed else f"max-width:{1.25 * width:.0f}px"
    return tag(
        "svg",
        content,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        class_="fixed" if fixed else "fluid",
        style=style,
        role="img",
        aria_label=label,
    )


@dataclass(frozen=True)
class Series:
    """Points joined by a line, with optional ends of intervals and a tip each."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    colour: int = 0
    line: bool = True

    def tip(self, i: int) -> str:
        """What point ``i`` says."""
        interval = ""
        if self.low is not None and self.high is not None and self.low[i] != self.high[i]:
            interval = f" [{number(self.low[i])}, {number(self.high[i])}]"
        return f"{self.name}, {number(self.x[i])}: {number(self.y[i])}{interval}"


def number(value: float) -> str:
    """A number as people write it, three or four digits."""
    if not math.isfinite(value):
        return "not played" if math.isnan(value) else "unbounded"
    if value != 0 and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3f}"


def chart(
    series: Sequence[Series],
    *,
    label: str,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    reference: float | None = None,
    logarithmic: bool = False,
    width: float = 360.0,
    height: float = 230.0,
) -> str:
    """A line chart.

    Parameters
    ----------
    y_range
        By default what the points and intervals need, with zero.
    reference
        Height of a dashed line.
    logarithmic
        Values of less than a millionth of the largest stand at the bottom.
    """
    left, right, top, bottom = 46.0, 10.0, 12.0, 38.0
    xs = [x for s in series for x in s.x]
    ends = [v for s in series for part in (s.y, s.low, s.high) if part is not None for v in part]
    finite = [v for v in ends if math.isfinite(v)]
    low, high = y_range or (min([0.0, *finite]), max([1e-12, *finite]))
    floor = max([v for v in finite if v > 0], default=1.0) * 1e-6 if logarithmic else 0.0
    if logarithmic:
        low = math.log10(max(min([v for v in finite if v > floor], default=floor) * 0.7, floor))
        high = math.log10(max(high, floor * 10) * 1.2)
        if any(v <= floor for v in finite):
            low = math.log10(floor)
    first, last = min(xs), max(xs)
    span = (last - first) or 1.0

    def px(x: float) -> float:
        return (
            left + (x - first) / span * (width - left - right)
            if last > first
            else (left + (width - left - right) / 2)
        )

    def py(y: float) -> float:
        value = math.log10(max(y, floor)) if logarithmic else min(max(y, low), high)
        return height - bottom - (value - low) / (high - low) * (height - top - bottom)

    parts = []
    ticks = _log_ticks(low, high) if logarithmic else nice_ticks(low, high)
    for tick in ticks:
        y = py(tick)
        parts.append(tag("line", x1=left, x2=width - right, y1=y, y2=y, class_="grid"))
        parts.append(text(left - 5, y + 3.5, f"{tick:g}", class_="tick end"))
    for tick in [t for t in nice_ticks(first, last) if t == int(t)] if last > first else [first]:
        parts.append(text(px(tick), height - bottom + 15, f"{tick:g}", class_="tick middle"))
    middle = left + (width - left - right) / 2
    parts.append(text(middle, height - 6, x_label, class_="axis middle"))
    parts.append(
        text(0, 0, y_label, class_="axis middle",
             transform=f"translate(11 {(height - bottom + top) / 2:.0f}) rotate(-90)")
    )  # fmt: skip
    if reference is not None:
        y = py(reference)
        parts.append(tag("line", x1=left, x2=width - right, y1=y, y2=y, class_="reference"))
    for s in series:
        colour = f"s{s.colour % SERIES}"
        places = [(px(x), py(y)) for x, y in zip(s.x, s.y, strict=True)]
        if s.line and len(places) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(tag("polyline", points=path, class_=f"line {colour}"))
        for i, (x, y) in enumerate(places):
            drawing = ""
            if s.low is not None and s.high is not None:
                drawing = tag(
                    "line", x1=x, x2=x, y1=py(s.low[i]), y2=py(s.high[i]), class_=f"error {colour}"
                )
            drawing += tag("circle", cx=x, cy=y, r=3.0, class_=f"dot {colour}")
            parts.append(tipped(drawing, s.tip(i)))
    return picture(width, height, "".join(parts), label=label)


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two ends, at most ``most`` of them."""
    if not high > low:
        return [low]
    raw = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    start = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(start, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    powers = [10.0**p for p in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)]
    if len(powers) >= 2:
        return powers
    return [
        factor * 10.0**p
        for p in range(math.floor(low), math.ceil(high) + 1)
        for factor in (1, 2, 5)
        if low - 1e-9 <= math.log10(factor * 10.0**p) <= high + 1e-9
    ]


def legend(names: Sequence[tuple[str, int]]) -> str:
    """Names with the colour of their series."""
    items = "".join(
        tag("span", tag("i", " ", class_=f"swatch b{colour % SERIES}") + escape(name))
        for name, colour in names
    )
    return tag("p", items, class_="legend")
