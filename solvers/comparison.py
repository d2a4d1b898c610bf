"""Several meta-solvers on one game, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import FloatArray, MetaStrategy, Payoffs, UnsupportedGameError, as_payoffs
from solvers.registry import available, get


@dataclass(frozen=True)
class ComparisonRow:
    """What one solver made of the game.

    Attributes
    ----------
    name : str
    result : MetaStrategy or None
        ``None`` where the solver refused the game.
    seconds : float
        Wall-clock time of the call, loading included.
    refusal : str
        Why the solver refused, else empty.
    """

    name: str
    result: MetaStrategy | None
    seconds: float
    refusal: str = ""

    @property
    def support_sizes(self) -> tuple[int, ...]:
        """Number of strategies of each player with probability above 1e-6."""
        return () if self.result is None else tuple(len(s) for s in self.result.support())

    @property
    def entropies(self) -> tuple[float, ...]:
        """Entropy of each player's marginal, in nats."""
        return () if self.result is None else tuple(map(entropy, self.result.marginals))


@dataclass(frozen=True)
class Comparison(Sequence[ComparisonRow]):
    """Rows of `compare`; ``print`` shows them as a table."""

    rows: tuple[ComparisonRow, ...]

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[ComparisonRow]:
        return iter(self.rows)

    def __str__(self) -> str:
        lines = [_HEADER]
        for row in self.rows:
            if row.result is None:
                lines.append(f"{row.name:<22}{row.refusal}")
                continue
            lines.append(
                f"{row.name:<22}{row.result.restricted_exploitability:>12.3g}"
                f"{per_player(row.support_sizes, 'd'):>12}{per_player(row.entropies, '.2f'):>18}"
                f"{1e3 * row.seconds:>10.2f}  {describe(row.result.marginals[0])}"
            )
        return "\n".join(lines)


_HEADER = (
    f"{'solver':<22}{'regret':>12}{'support':>12}{'entropy':>18}{'ms':>10}  first player's strategy"
)


def compare(payoffs: ArrayLike | Payoffs, names: Sequence[str] | None = None) -> Comparison:
    """Solve one game by several solvers, at their default hyperparameters.

    Parameters
    ----------
    names
        Registered names; all of them by default.

    Returns
    -------
    Comparison
        One row per name, in the order given. Regrets are restricted to the table; a CE or CCE's
        are of its own deviations.
    """
    game = as_payoffs(payoffs)
    names = [info.name for info in available()] if names is None else names
    chosen = [get(name) for name in names]
    rows = []
    for name, solver in zip(names, chosen, strict=True):
        start = perf_counter()
        try:
            result = solver.solve(game)
        except UnsupportedGameError as error:
            rows.append(ComparisonRow(name, None, perf_counter() - start, str(error)))
        else:
            rows.append(ComparisonRow(name, result, perf_counter() - start))
    return Comparison(tuple(rows))


def entropy(distribution: FloatArray) -> float:
    """Shannon entropy in nats."""
    positive = distribution[distribution > 0.0]
    return max(0.0, -float(positive @ np.log(positive)))


def describe(distribution: FloatArray, *, most: int = 5) -> str:
    """The largest probabilities as ``index:share``, largest first."""
    order = np.argsort(-distribution, kind="stable")[:most]
    shown = [f"{int(i)}:{distribution[i]:.3f}" for i in order if distribution[i] > 1e-6]
    left = int(np.sum(distribution > 1e-6)) - len(shown)
    return " ".join(shown) + (f" +{left}" if left > 0 else "")


def per_player(values: Sequence[float], form: str) -> str:
    """``a/b`` for players of different values, ``a`` where all agree; ``form`` formats each."""
    texts = [format(value, form) for value in values]
    return texts[0] if len(set(texts)) == 1 else "/".join(texts)
