"""A published meta-game, read again with its uncertainty: five Gen 1 OU agents.

    python examples/phase0_metagame.py

Every pair of five agents played 50 battles. From the win rates it was published that "Nash =
100 % SyntheticRLV1_SelfPlay, exploitability 0.44". The example shows what the same records say:

- within the table nothing exploits that equilibrium: its restricted exploitability is 0. The 0.44
  is the strategy's own best win rate less one half; it says how well it does, not how badly.
- the equilibrium rests on 26 wins in 50 battles; with as many battles again it might have been
  another agent.
- a match of 19 wins in 50, taken as proof of progress elsewhere in the same work, is no evidence,
  and the number of battles that would have settled it is not large.

The records are in ``examples/data/phase0.csv``; any file with the columns ``row, column, wins,
losses, draws`` can be given instead.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import tyro

import solvers
from pokespiel.stats import head_to_head
from pokespiel.tables import NamedGame, read_csv
from pokespiel.uncertainty import MetaStrategyUncertainty, meta_strategy_uncertainty


@dataclass
class Arguments:
    """What the records of a meta-game show, and what they do not."""

    table: Path = Path(__file__).parent / "data" / "phase0.csv"
    """Records of matches, one pairing a line."""
    samples: int = 2000
    """Tables to resample."""
    seed: int = 0
    """Of the resampling."""
    picture: Path = Path("phase0_metagame.png")
    """Where the picture goes."""


def main(arguments: Arguments) -> None:
    """Print the four readings and draw the picture."""
    named = read_csv(arguments.table)
    rng = np.random.default_rng(arguments.seed)
    print(payoff_table(named))
    print("\n" + equilibrium(named))
    posterior, bootstrap = (
        meta_strategy_uncertainty(
            named.game, solvers.get("nash"), samples=arguments.samples, rng=rng, method=method
        )
        for method in ("bayesian", "bootstrap")
    )
    print("\nHow sure is the equilibrium? (prior of each pairing: uniform)")
    print(posterior.describe(named.names))
    print("\n" + shares("bootstrap", bootstrap, named))
    print("\n" + matches(named))
    draw(named, posterior, arguments.picture)
    print(f"\nPicture: {arguments.picture}")


def payoff_table(named: NamedGame) -> str:
    """Win rates with the interval of each pairing."""
    names, rates = named.names[0], np.asarray(named.game.payoffs())
    interval = named.game.intervals()
    labels = [f"{number} {name}" for number, name in enumerate(names, start=1)]
    wide = max(len(label) for label in labels)
    versus = (f"{f'v. {number}':^17}" for number in range(1, len(names) + 1))
    lines = [
        "Win rate of the row [95 % Wilson interval of each pairing]",
        f"{'':{wide}}  {'  '.join(versus)}".rstrip(),
    ]
    for i, label in enumerate(labels):
        cells = (
            f"{rates[i, j]:.2f} [{interval.low[0, i, j]:.2f}, {interval.high[0, i, j]:.2f}]"
            if i != j
            else f"{'0.5':^17}"
            for j in range(len(names))
        )
        lines.append(f"{label:{wide}}  {'  '.join(cells)}".rstrip())
    return "\n".join(lines)


def equilibrium(named: NamedGame) -> str:
    """The equilibrium of the table, its regret, and the figure once taken for its regret."""
    rates = np.asarray(named.game.payoffs())
    strategy = solvers.get("nash").solve(rates)
    weights = strategy.marginals[0]
    mixture = ", ".join(
        f"{weights[i]:.0%} {named.names[0][i]}" for i in np.argsort(-weights) if weights[i] > 5e-3
    )
    earns = weights @ rates
    victim = int(np.argmax(earns))
    return (
        f"Nash equilibrium of these rates: {mixture}\n"
        f"Restricted exploitability: {strategy.restricted_exploitability:.2f} "
        "(best deviation in the table less the equilibrium's value: 0 by construction)\n"
        f"Its own best payoff less one half: {earns.max():.2f} - 0.50 = {earns.max() - 0.5:.2f} "
        f"(what it wins off {named.names[0][victim]}; published as its exploitability)"
    )


def shares(label: str, uncertainty: MetaStrategyUncertainty, named: NamedGame) -> str:
    """How often each strategy is the whole equilibrium."""
    alone = uncertainty.alone[0]
    ranked = [i for i in np.argsort(-alone) if alone[i] > 0.005]
    text = ", ".join(f"{named.names[0][i]} {alone[i]:.0%}" for i in ranked)
    return f"The whole equilibrium in so many of {uncertainty.samples} tables ({label}): {text}"


def matches(named: NamedGame) -> str:
    """Pairings that 50 games cannot decide, and how many could."""
    outcomes = named.game.outcomes()
    assert outcomes is not None
    lines = ["Pairings within a 95 % interval of even, seen from the one that won less:"]
    for (i, j), (wins, draws, losses) in outcomes.items():
        row, column = (i, j) if wins <= losses else (j, i)
        match = head_to_head(min(wins, losses), wins + draws + losses, draws=draws)
        if match.interval.high >= 0.5:
            names = named.names[0]
            lines.append(f"  {names[row]} v. {names[column]}: {match}")
    return "\n".join(lines)


def draw(named: NamedGame, uncertainty: MetaStrategyUncertainty, path: Path) -> None:
    """Draw the table with its intervals, and the equilibrium with its uncertainty."""
    names, rates = named.names[0], np.asarray(named.game.payoffs())
    interval = named.game.intervals()
    places = np.arange(len(names))
    figure, (left, right) = plt.subplots(
        ncols=2, figsize=(12, 5), width_ratios=(1.25, 1), sharey=True, layout="constrained"
    )
    left.imshow(rates, vmin=0.0, vmax=1.0, cmap="RdBu")
    for (i, j), rate in np.ndenumerate(rates):
        low, high = interval.low[0, i, j], interval.high[0, i, j]
        text = f"{rate:.2f}\n{low:.2f} to {high:.2f}" if i != j else "0.5"
        color = "white" if abs(rate - 0.5) > 0.3 else "black"
        left.text(j, i, text, ha="center", va="center", color=color, fontsize=9)
    left.set_xticks(places, names, rotation=20, ha="right")
    left.set_yticks(places, names)
    left.set_title("win rate of the row, with 95 % intervals")
    right.barh(
        places - 0.2,
        uncertainty.estimate.marginals[0],
        0.34,
        color="0.75",
        label="these rates: weight",
    )
    right.barh(
        places + 0.2,
        uncertainty.inclusion[0],
        0.34,
        color="#9ec5e8",
        label="tables: in the support",
    )
    right.barh(
        places + 0.2,
        uncertainty.alone[0],
        0.34,
        color="#2166ac",
        label="tables: the whole equilibrium",
    )
    right.set(xlim=(0, 1.02), xlabel=f"weight; share of {uncertainty.samples} resampled equilibria")
    right.legend(loc="lower right", frameon=False)
    right.set_title("the equilibrium, and what resampling makes of it")
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except (OSError, ValueError) as error:
        sys.exit(f"phase0_metagame: {error}")
