"""A run in the terminal and as a picture: the payoff table, and how best responses did.

For scripts that end with a summary; `pokespiel.report.write_report` draws the whole run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from pokespiel.exploitability.exact import Exploitability
from pokespiel.psro import PSROResult
from pokespiel.report.run import CONFIDENCE, strategy_name
from pokespiel.runs.step import Step
from pokespiel.variants.evidence import EVIDENCE


def payoff_table(result: PSROResult) -> Table:
    """Mean payoff and interval of every cell of a symmetric game, and the meta-strategy."""
    weights = result.meta_strategy.marginals[0]
    means, interval = np.asarray(result.table.payoffs()), result.table.intervals(CONFIDENCE)
    low, high = interval.low[0], interval.high[0]
    table = Table(title="Win rate of the row [95 % interval]")
    for column in ("", *(strategy_name(i) for i in range(len(weights))), "weight"):
        table.add_column(column, justify="right")
    for i, weight in enumerate(weights):
        cells = [
            "0.5" if i == j else f"{means[i, j]:.2f} [{low[i, j]:.2f}, {high[i, j]:.2f}]"
            for j in range(len(weights))
        ]
        table.add_row(strategy_name(i), *cells, f"{weight:.3f}")
    return table


def evidence_table(steps: Sequence[Step], answered: str = "the mixture") -> Table:
    """How each best response of a symmetric game did on fresh games.

    ``answered`` says whom: the first column bounds how exploitable that was.
    """
    table = Table(title="Fresh battles [95 % interval]")
    table.add_column("", no_wrap=True)
    table.add_column(f"exploits {answered}\nbefore it by at least", justify="right", no_wrap=True)
    table.add_column("win rate against", justify="right", no_wrap=True)
    for number, step in enumerate(steps):
        evidence = step.responses[0]["cost"][EVIDENCE]
        bound = Exploitability.from_json(evidence["mixture"])
        rates = [f"{name}: {shown(**rate)}" for name, rate in evidence["rivals"].items()]
        joins = "" if step.responses[0]["index"] is not None else ", not admitted"
        name = f"{strategy_name(number + 1)}{joins}"
        table.add_row(name, interval_of(bound), "\n".join(rates))
    return table


def interval_of(found: Exploitability) -> str:
    """Estimate and interval."""
    if found.interval is None:
        return f"{found.estimate:.3f}"
    return shown(found.estimate, float(found.interval.low), float(found.interval.high))


def shown(mean: float, low: float, high: float) -> str:
    """As tables show it."""
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def draw_payoffs(result: PSROResult, path: Path) -> None:
    """Draw a symmetric game's payoffs, their half-widths and the meta-strategy into a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    weights = result.meta_strategy.marginals[0]
    means, interval = np.asarray(result.table.payoffs()), result.table.intervals(CONFIDENCE)
    names = [strategy_name(i) for i in range(len(weights))]
    figure, (left, right) = plt.subplots(
        ncols=2, figsize=(9, 4.6), width_ratios=[3, 1], sharey=True, layout="constrained"
    )
    image = left.imshow(means, vmin=0.0, vmax=1.0, cmap="RdBu")
    figure.colorbar(image, ax=left, label="win rate of the row")
    for (i, j), mean in np.ndenumerate(means):
        half = (interval.high[0, i, j] - interval.low[0, i, j]) / 2
        text = f"{mean:.2f}\n± {half:.2f}" if i != j else "0.5"
        color = "white" if abs(mean - 0.5) > 0.3 else "black"
        left.text(j, i, text, ha="center", va="center", color=color)
    left.set_xticks(range(len(names)), names)
    left.set_yticks(range(len(names)), names)
    left.set_title("Payoffs (± half the 95 % interval)")
    right.barh(range(len(names)), weights, color="0.4")
    right.set(xlim=(0, 1), title="Meta-strategy", xlabel="weight")
    figure.savefig(path, dpi=150)
    plt.close(figure)
