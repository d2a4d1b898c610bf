"""A matplotlib style for figures that can be read on light pages and on dark ones.

Examples
--------
>>> import matplotlib.pyplot as plt
>>> from pokespiel.report.both_themes import STYLE
>>> plt.style.use(STYLE)
"""

from __future__ import annotations

_INK = "#828a93"
"""Contrast above 3.4 to white and above 4.5 to the usual dark greys."""

_SERIES = ("#4a90d9", "#e07b39", "#3aa76d", "#a874d6", "#c9a227", "#d95f8d")

STYLE: dict[str, object] = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.framealpha": 0.0,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.3,
    "patch.edgecolor": _INK,
    "axes.prop_cycle": f"cycler('color', {list(_SERIES)})",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.8,
    "image.cmap": "RdBu",
    "figure.figsize": (6.4, 3.8),
    "figure.dpi": 110,
    "font.size": 10,
}
"""Transparent, with grey text and colours of middling brightness; for ``plt.style.use``."""
