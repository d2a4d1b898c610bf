"""The payoff table over the current populations: what was played, never only its mean.

A cell is one profile of strategies. It holds how many episodes were played, the sum of each
player's returns and the sum of their squares, so that intervals and resampling are always
possible. An exact entry has infinite count; its sums then hold the expected returns themselves.

Symmetric games hold one cell per multiset of strategies (for two players: a triangle with its
diagonal); the other entries follow by swapping the players.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement, permutations, product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pokespiel import resampling, stats
from pokespiel.files import write_atomically
from pokespiel.stats import Interval
from solvers.base import Payoffs

FloatArray: TypeAlias = NDArray[np.float64]
Cell: TypeAlias = tuple[int, ...]
"""One strategy index per player; in a symmetric game, in ascending order."""

_FORMAT = 1

_LEAST_EPISODES = {"bayesian": 0, "bootstrap": 1, "normal": 2}
"""Resampling methods, and the episodes that each needs in a cell."""


class EmpiricalGame:
    """Payoff estimates over growing populations.

    Parameters
    ----------
    num_players : int
    symmetric : bool
        One population serves all players.
    zero_sum : bool
        Returns of every episode add up to the same constant. In a symmetric game this makes a
        strategy against itself worth exactly half of the constant: the diagonal needs no games.
    payoff_bounds : (float, float)
        Smallest and largest return of one player in one episode.
    sizes : sequence of int, optional
        Strategies per player at the start (default: none).
    """

    def __init__(
        self,
        num_players: int,
        *,
        symmetric: bool,
        zero_sum: bool,
        payoff_bounds: tuple[float, float],
        sizes: Sequence[int] | None = None,
    ) -> None:
        if num_players < 1:
            raise ValueError(f"num_players must be at least 1, got {num_players}")
        low, high = (float(bound) for bound in payoff_bounds)
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise ValueError(f"payoff_bounds must be finite with low <= high, got {payoff_bounds}")
        self.num_players = num_players
        self.symmetric = symmetric
        self.zero_sum = zero_sum
        self.payoff_bounds = (low, high)
        self._sizes = [0] * num_players
        self._rows: dict[Cell, int] = {}
        self._counts: FloatArray = np.zeros(0)
        self._sums: FloatArray = np.zeros((0, num_players))
        self._squares: FloatArray = np.zeros((0, num_players))
        wanted = list(sizes or [0] * num_players)
        if len(wanted) != num_players or (symmetric and len(set(wanted)) != 1):
            raise ValueError(
                f"sizes must give one population size per player (equal if symmetric), got {sizes}"
            )
        for player in range(1 if symmetric else num_players):
            for _ in range(wanted[player]):
                self.add_strategy(player)

    # Populations -----------------------------------------------------------------------------

    @property
    def num_populations(self) -> int:
        """One for a symmetric game, else one per player."""
        return 1 if self.symmetric else self.num_players

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of strategies of each player."""
        return tuple(self._sizes)

    @property
    def cells(self) -> list[Cell]:
        """Every stored profile, in the order in which it came to be."""
        return list(self._rows)

    def add_strategy(self, player: int = 0) -> int:
        """Add a strategy to a population (of every player if symmetric) and return its index."""
        players = range(self.num_players) if self.symmetric else [player]
        index = self._sizes[player]
        for p in players:
            self._sizes[p] += 1
        if self.symmetric:
            others = combinations_with_replacement(range(index + 1), self.num_players - 1)
            new: Iterable[Cell] = ((*rest, index) for rest in others)
        else:
            axes = [
                [index] if p == player else range(self._sizes[p]) for p in range(self.num_players)
            ]
            new = product(*axes)
        added = list(new)
        for cell in added:
            self._rows[cell] = len(self._rows)
        self._counts = np.concatenate([self._counts, np.zeros(len(added))])
        grown = np.zeros((len(added), self.num_players))
        self._sums = np.concatenate([self._sums, grown])
        self._squares = np.concatenate([self._squares, grown])
        return index

    # Recording -------------------------------------------------------------------------------

    def record(self, cell: Sequence[int], returns: ArrayLike) -> None:
        """Add episodes to a cell.

        Parameters
        ----------
        cell
            One strategy index per player; any order in a symmetric game.
        returns : ``(episodes, num_players)`` or ``(num_players,)``
            Returns of the players in the order in which ``cell`` names their strategies.

        Raises
        ------
        ValueError
            If the cell does not exist or is exact already, or the returns have the wrong shape,
            are not finite, or lie outside of ``payoff_bounds``.
        """
        row, order = self._locate(cell)
        array = np.atleast_2d(np.asarray(returns, dtype=np.float64))
        if array.ndim != 2 or array.shape[1] != self.num_players:
            raise ValueError(
                f"returns must have shape (episodes, {self.num_players}), got {array.shape}"
            )
        self._check_returns(cell, array)
        if np.isinf(self._counts[row]):
            raise ValueError(f"cell {tuple(cell)} is exact; it takes no sampled episodes")
        array = array[:, order]
        self._counts[row] += len(array)
        self._sums[row] += array.sum(axis=0)
        self._squares[row] += np.square(array).sum(axis=0)

    def record_exact(self, cell: Sequence[int], expected_returns: ArrayLike) -> None:
        """Set a cell's expected returns ``(num_players,)`` as exact."""
        row, order = self._locate(cell)
        array = np.asarray(expected_returns, dtype=np.float64)
        if array.shape != (self.num_players,):
            raise ValueError(
                f"expected returns must have shape ({self.num_players},), got {array.shape}"
            )
        self._check_returns(cell, array[None])
        self._counts[row] = np.inf
        self._sums[row] = array[order]
        self._squares[row] = np.square(array[order])

    def _check_returns(self, cell: Sequence[int], returns: FloatArray) -> None:
        low, high = self.payoff_bounds
        slack = 1e-9 * max(1.0, abs(low), abs(high))
        if not np.all(np.isfinite(returns)):
            raise ValueError(f"returns of cell {tuple(cell)} are not finite")
        if returns.size and (returns.min() < low - slack or returns.max() > high + slack):
            raise ValueError(
                f"returns of cell {tuple(cell)} lie in [{returns.min()}, {returns.max()}], "
                f"outside of the payoff bounds [{low}, {high}]"
            )

    def _locate(self, cell: Sequence[int]) -> tuple[int, NDArray[np.intp]]:
        """Row of a cell, and the order that brings its players to the stored order."""
        given = np.asarray(cell, dtype=np.intp)
        order = np.argsort(given, kind="stable") if self.symmetric else np.arange(self.num_players)
        key = tuple(int(i) for i in given[order]) if given.shape == (self.num_players,) else ()
        if key not in self._rows:
            raise ValueError(f"no cell {tuple(cell)}; there are {self.sizes} strategies per player")
        return self._rows[key], order

    # Reading ---------------------------------------------------------------------------------

    def count(self, cell: Sequence[int]) -> float:
        """Episodes played in a cell; infinite if it is exact."""
        return float(self._counts[self._locate(cell)[0]])

    def mean(self, cell: Sequence[int]) -> FloatArray:
        """Mean return ``(num_players,)``, players in the cell's given order; NaN if unplayed."""
        row, order = self._locate(cell)
        stored = self._means()[row]
        result: FloatArray = np.empty_like(stored)
        result[order] = stored
        return result

    def variance(self, cell: Sequence[int]) -> FloatArray:
        """Sample variance ``(num_players,)`` of one episode's return (ddof 1); 0 if exact."""
        row, order = self._locate(cell)
        count = self._counts[row]
        result = np.zeros(self.num_players)
        if np.isfinite(count):
            with np.errstate(divide="ignore", invalid="ignore"):
                spread = self._squares[row] - np.square(self._sums[row]) / count
                stored = np.maximum(spread, 0.0) / (count - 1.0)
            result[order] = stored if count > 1 else np.nan
        return result

    def total_episodes(self) -> int:
        """Episodes recorded over all sampled cells."""
        return int(self._counts[np.isfinite(self._counts)].sum())

    def missing(self, episodes: int) -> list[tuple[Cell, int]]:
        """Cells that have fewer than ``episodes`` episodes, and how many each lacks.

        A strategy against itself in a symmetric zero-sum game is known without playing.
        """
        lacking = []
        for cell, row in self._rows.items():
            short = episodes - self._counts[row]
            if short > 0 and not self._known_by_symmetry(cell):
                lacking.append((cell, int(short)))
        return lacking

    def _known_by_symmetry(self, cell: Cell) -> bool:
        return self.symmetric and self.zero_sum and len(set(cell)) == 1

    def _constant_sum(self) -> float:
        """Sum of the players' returns in a zero-sum game, read from the cells played."""
        played = self._counts > 0
        if not played.any():
            return float(sum(self.payoff_bounds)) / 2.0 * self.num_players
        return float(self._means()[played][0].sum())

    def _means(self) -> FloatArray:
        """Mean returns per row ``(cells, num_players)``; NaN where nothing was played."""
        divisor = np.where(np.isinf(self._counts), 1.0, self._counts)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            means: FloatArray = np.where(divisor > 0, self._sums / divisor, np.nan)
        return means

    def _tensor(self, rows: FloatArray) -> FloatArray:
        """Spread per-row values ``(cells, num_players)`` over the full tensor."""
        tensor = np.full((self.num_players, *self._sizes), np.nan)
        if not self._rows:
            return tensor
        cells = np.array(list(self._rows))
        orders = [tuple(range(self.num_players))]
        if self.symmetric:
            # Players of one strategy in one cell are interchangeable: each gets their average.
            alike = (cells[:, :, None] == cells[:, None, :]).astype(np.float64)
            rows = np.einsum("cpq,cq->cp", alike, rows) / alike.sum(axis=2)
            orders = list(permutations(range(self.num_players)))
        for order in orders:
            for player, seat in enumerate(order):
                tensor[(player, *cells[:, order].T)] = rows[:, seat]
        return tensor

    def payoffs(self) -> Payoffs:
        """Mean payoffs as the solvers take them.

        Raises
        ------
        ValueError
            If a cell was never played (and cannot be known by symmetry).
        """
        return self._as_payoffs(self._means())

    def _as_payoffs(self, rows: FloatArray) -> Payoffs:
        """Payoffs from per-row means, with what symmetry knows filled in."""
        means = rows.copy()
        for cell, row in self._rows.items():
            if self._known_by_symmetry(cell) and self._counts[row] == 0:
                means[row] = self._constant_sum() / self.num_players
        unplayed = [cell for cell, row in self._rows.items() if np.isnan(means[row]).any()]
        if unplayed:
            raise ValueError(
                f"{len(unplayed)} cells were never played, the first is {unplayed[0]}; "
                "play missing() first"
            )
        if not self._rows:
            raise ValueError("the empirical game has no strategies yet")
        return Payoffs(self._tensor(means), symmetric=self.symmetric)

    def resample(
        self, rng: np.random.Generator, *, method: str = "auto", prior: float = 1.0
    ) -> Payoffs:
        """Draw a table that might as well have been the true one.

        Parameters
        ----------
        method
            ``"bayesian"``: from the posterior of each cell's win rate; for two-player
            constant-sum tables of wins, draws and losses (returns at the payoff bounds and
            halfway between). ``"bootstrap"``: the mean of as many games, drawn from those played
            with replacement; for the same tables. ``"normal"``: the mean with a Student error of
            its standard error; for any returns, at least two episodes a cell. ``"auto"``:
            Bayesian where possible, else normal.
        prior
            Of the Bayesian method: Beta(prior, prior) over win and loss, or, if the table holds
            any draw, Dirichlet(prior, prior, prior) over win, draw and loss. 1 is uniform.

        Raises
        ------
        ValueError
            If the method is unknown or cannot take this table, or if cells have too few episodes
            (the Bayesian method takes cells that were never played).

        Notes
        -----
        Exact cells, and those known by symmetry, stay as they are. The bootstrap gives a cell
        of one outcome only (50 wins of 50) no error at all; the posterior does.
        """
        if not prior > 0.0:
            raise ValueError(f"prior must be positive, got {prior}")
        if method == "auto":
            method = self.resampling_method()
        if method not in _LEAST_EPISODES:
            raise ValueError(
                f"unknown resampling method {method!r}; available: auto, "
                + ", ".join(_LEAST_EPISODES)
            )
        sampled = self._sampled()
        counts, least = self._counts[sampled], _LEAST_EPISODES[method]
        if np.any(counts < least):
            raise ValueError(
                f"{method} resampling needs at least {least} episodes in every cell, "
                f"{int(np.sum(counts < least))} have fewer; play missing({least}) first"
            )
        rows = self._means()
        if method == "normal":
            rows[sampled] = resampling.normal_means(
                counts,
                self._sums[sampled],
                self._squares[sampled],
                self.payoff_bounds,
                zero_sum=self.zero_sum,
                rng=rng,
            )
            return self._as_payoffs(rows)
        outcomes = self._outcomes()
        if outcomes is None:
            raise ValueError(
                f"{method} resampling needs a two-player constant-sum table of wins, draws and "
                "losses; use method='normal'"
            )
        rates = (
            resampling.posterior_rates(outcomes, prior=prior, rng=rng)
            if method == "bayesian"
            else resampling.bootstrap_rates(outcomes, rng=rng)
        )
        low, high = self.payoff_bounds
        rows[sampled, 0] = low + (high - low) * rates
        rows[sampled, 1] = self._constant_sum() - rows[sampled, 0]
        return self._as_payoffs(rows)

    def resampling_method(self) -> str:
        """What ``method="auto"`` of `resample` stands for: ``"bayesian"`` or ``"normal"``."""
        return "normal" if self._outcomes() is None else "bayesian"

    def outcomes(self) -> dict[Cell, tuple[int, int, int]] | None:
        """Player 0's wins, draws and losses in every cell played.

        None unless the game is for two players, constant-sum, and all returns were at the payoff
        bounds (a loss, a win) or halfway between (a draw).
        """
        if self.num_players != 2 or not self.zero_sum or np.isinf(self._counts).any():
            return None
        found = resampling.outcome_counts(
            self._counts, self._sums[:, 0], self._squares[:, 0], self.payoff_bounds
        )
        if found is None:
            return None
        return {
            cell: (int(found[row, 0]), int(found[row, 1]), int(found[row, 2]))
            for cell, row in self._rows.items()
            if self._counts[row] > 0
        }

    def _sampled(self) -> NDArray[np.bool_]:
        """Which rows hold what had to be sampled: neither exact nor known by symmetry."""
        known = np.array([self._known_by_symmetry(cell) for cell in self._rows], dtype=bool)
        result: NDArray[np.bool_] = np.isfinite(self._counts) & ~known
        return result

    def _outcomes(self) -> FloatArray | None:
        """Wins, draws and losses of player 0 ``(sampled rows, 3)``, if that is what they are."""
        if self.num_players != 2 or not self.zero_sum:
            return None
        rows = self._sampled()
        return resampling.outcome_counts(
            self._counts[rows], self._sums[rows, 0], self._squares[rows, 0], self.payoff_bounds
        )

    def intervals(self, confidence: float = 0.95, *, method: str = "auto") -> Interval:
        """Confidence interval of every expected payoff, each on its own.

        Parameters
        ----------
        method
            ``"wilson"`` treats returns as win rates between the payoff bounds (ties as half a
            win), ``"student"`` is approximate for any returns, ``"empirical_bernstein"`` and
            ``"hoeffding"`` hold for any returns within the bounds. ``"auto"``: Wilson where the
            bounds are (0, 1), else Student.

        Returns
        -------
        Interval
            Ends of shape ``(num_players, n1, ..., nN)``. Exact entries and those known by
            symmetry have no width; unplayed ones span the payoff bounds.
        """
        low, high = self.payoff_bounds
        if method == "auto":
            method = "wilson" if self.payoff_bounds == (0.0, 1.0) else "student"
        means, counts = self._means(), self._counts[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = self._squares - np.square(self._sums) / counts
            variances = np.maximum(spread, 0.0) / (counts - 1.0)
        if method == "wilson":
            sampled = np.where(np.isfinite(counts) & (counts > 0), counts, 0.0)
            wins = np.where(sampled > 0, (means - low) / (high - low) * sampled, 0.0)
            found = stats.wilson(np.clip(wins, 0.0, sampled), sampled, confidence=confidence)
            ends = low + (high - low) * found.low, low + (high - low) * found.high
        elif method == "hoeffding":
            found = stats.hoeffding(means, counts, bounds=self.payoff_bounds, confidence=confidence)
            ends = found.low, found.high
        elif method in ("student", "empirical_bernstein"):
            found = getattr(stats, method)(
                means, variances, counts, bounds=self.payoff_bounds, confidence=confidence
            )
            ends = found.low, found.high
        else:
            raise ValueError(
                f"unknown interval method {method!r}; available: auto, wilson, student, "
                "empirical_bernstein, hoeffding"
            )
        exact, unplayed = np.isinf(counts), counts == 0
        for cell, row in self._rows.items():
            if self._known_by_symmetry(cell):
                exact[row], unplayed[row] = True, False
                means[row] = self._constant_sum() / self.num_players
        lows, highs = (
            np.where(exact, means, np.where(unplayed, bound, end))
            for end, bound in zip(ends, self.payoff_bounds, strict=True)
        )
        return Interval(self._tensor(lows), self._tensor(highs), confidence, found.method)

    def counts(self) -> FloatArray:
        """Episodes per profile ``(n1, ..., nN)``; infinite where exact."""
        rows = np.repeat(self._counts[:, None], self.num_players, axis=1)
        counts: FloatArray = self._tensor(rows)[0]
        return counts

    # Storage ---------------------------------------------------------------------------------

    def _metadata(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "num_players": self.num_players,
            "symmetric": self.symmetric,
            "zero_sum": self.zero_sum,
            "payoff_bounds": list(self.payoff_bounds),
            "sizes": list(self._sizes),
        }

    def save(self, path: str | Path) -> None:
        """Write to ``.npz`` or ``.json``, atomically.

        Raises
        ------
        ValueError
            If the suffix is neither.
        """
        path = Path(path)
        cells = np.array(self.cells, dtype=np.int64).reshape(-1, self.num_players)
        if path.suffix == ".npz":
            with write_atomically(path) as file:
                np.savez(
                    file,
                    metadata=np.array(json.dumps(self._metadata())),
                    cells=cells,
                    counts=self._counts,
                    sums=self._sums,
                    squares=self._squares,
                )
        elif path.suffix == ".json":
            document = self._metadata() | {
                "cells": cells.tolist(),
                # JSON has no infinity: an exact cell's count is null.
                "counts": [None if np.isinf(c) else c for c in self._counts.tolist()],
                "sums": self._sums.tolist(),
                "squares": self._squares.tolist(),
            }
            with write_atomically(path) as file:
                file.write(json.dumps(document).encode())
        else:
            raise ValueError(f"an empirical game is saved as .npz or .json, not {path.name!r}")

    @classmethod
    def load(cls, path: str | Path) -> EmpiricalGame:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file is not an empirical game, is damaged, or is of another format version.
        """
        path = Path(path)
        try:
            if path.suffix == ".json":
                document = json.loads(path.read_text())
                document["counts"] = [np.inf if c is None else c for c in document["counts"]]
            else:
                with np.load(path, allow_pickle=False) as arrays:
                    document = json.loads(str(arrays["metadata"]))
                    for key in ("cells", "counts", "sums", "squares"):
                        document[key] = arrays[key]
            if document["format"] != _FORMAT:
                raise ValueError(f"format {document['format']}, this version reads {_FORMAT}")
            game = cls(
                int(document["num_players"]),
                symmetric=bool(document["symmetric"]),
                zero_sum=bool(document["zero_sum"]),
                payoff_bounds=tuple(document["payoff_bounds"]),
                sizes=document["sizes"],
            )
            cells = [tuple(int(i) for i in cell) for cell in document["cells"]]
            if sorted(cells) != sorted(game.cells):
                raise ValueError("its cells are not those of its population sizes")
            game._rows = {cell: row for row, cell in enumerate(cells)}
            for name, shape in (
                ("counts", (len(cells),)),
                ("sums", (len(cells), game.num_players)),
                ("squares", (len(cells), game.num_players)),
            ):
                array = np.asarray(document[name], dtype=np.float64).reshape(shape)
                if np.isnan(array).any() or (name != "sums" and array.min(initial=0.0) < 0.0):
                    raise ValueError(f"its {name} are not valid")
                setattr(game, f"_{name}", array)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"{path} is not a readable empirical game: {error}") from error
        return game

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, EmpiricalGame)
            and self._metadata() == other._metadata()
            and self._rows == other._rows
            and np.array_equal(self._counts, other._counts)
            and np.array_equal(self._sums, other._sums)
            and np.array_equal(self._squares, other._squares)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        kind = "symmetric " if self.symmetric else ""
        return (
            f"EmpiricalGame({kind}{self.num_players} players, sizes {self.sizes}, "
            f"{self.total_episodes()} episodes)"
        )
