"""A round robin that plays on where it matters, and what its table says about skill and cycles.

Every pairing gets an equal share first; the rest of the budget goes where games can still move the
equilibrium (`pokespiel.next_cells`). Ratings assume that strength is one number: the cyclic share
says how wrong that is, Nash averaging does without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri

from pokespiel.empirical_game import Cell, EmpiricalGame
from pokespiel.files import write_atomically
from pokespiel.guard import guarded
from pokespiel.next_cells import next_cells
from pokespiel.protocols import MetaGame, Policy
from pokespiel.stats import FloatArray, Interval, sequential
from pokespiel.uncertainty import MetaStrategyUncertainty, meta_strategy_uncertainty
from solvers.averaging import NashAveraging
from solvers.decomposition import hodge
from solvers.nash import Nash

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (games done, games in all)."""

_FORMAT = 1
_SETTINGS, _TABLE = "tournament.json", "table.npz"
_PRIOR_SD = 5.0
"""Of log strengths: odds of 150 to 1. Keeps those of a policy that never lost finite."""
_ELO_PER_LOGIT = 400.0 / np.log(10.0)
"""Elo points per unit of log odds: 400 points are odds of ten to one."""


@dataclass(frozen=True)
class Ratings:
    """One number per policy, with intervals.

    Attributes
    ----------
    values : float64 array ``(n,)``
    interval : Interval, ends ``(n,)``
    """

    values: FloatArray
    interval: Interval


@dataclass(frozen=True)
class CyclicShare:
    """How much of the table no rating explains, as a share of its squared norm.

    Attributes
    ----------
    share : float
        Of the table as it is (Hodge decomposition). Noise counts as cycles.
    corrected : float
        Less what the noise alone is expected to bring; never negative.
    interval : Interval
        Of `corrected`: normal, with the spread of the shares of resampled tables.
    """

    share: float
    corrected: float
    interval: Interval


@dataclass(frozen=True)
class Tournament:
    """What a tournament found.

    Attributes
    ----------
    names : tuple of str, length ``n``
    table : EmpiricalGame
        Every cell's games.
    win_rates : float64 array ``(n, n)``
        The row's, draws as half a win.
    interval : Interval, ends ``(n, n)``
        Valid although games were allotted by looking at the table.
    elo : Ratings
        In Elo points, zero mean; a draw is half a win. Its intervals give draws no credit for
        varying less than wins and losses.
    bradley_terry : Ratings
        Log strengths, zero mean, with draws modelled for what they are (Davidson 1970). Without
        draws this is Elo in other units.
    draw_parameter : float
        Davidson's: between equals, a draw is this many times as likely as a given side's win.
    nash : MetaStrategyUncertainty
        Nash averaging (Balduzzi et al. 2018), with each policy's inclusion probability.
    nash_skills : float64 array ``(n,)``
        Win rate against the equilibrium.
    cyclic : CyclicShare
    """

    names: tuple[str, ...]
    table: EmpiricalGame
    win_rates: FloatArray
    interval: Interval
    elo: Ratings
    bradley_terry: Ratings
    draw_parameter: float
    nash: MetaStrategyUncertainty
    nash_skills: FloatArray
    cyclic: CyclicShare

    @property
    def games(self) -> int:
        """Games played."""
        return self.table.total_episodes()

    @property
    def draws(self) -> int:
        """Games drawn."""
        outcomes = self.table.outcomes() or {}
        return sum(drawn for _, drawn, _ in outcomes.values())

    def __str__(self) -> str:
        left = max(len(name) for name in self.names)
        percent = f"{self.elo.interval.confidence:.0%}"
        lines = [
            f"{self.games} games, {self.draws} drawn; intervals are {percent}",
            f"{'':{left}}  {'Elo':>24}  {'Bradley-Terry':>22}  {'Nash':>5}  {'included':>8}"
            f"  {'vs Nash':>7}",
        ]
        order = np.argsort(-self.elo.values, kind="stable")
        for i in order:
            lines.append(
                f"{self.names[i]:{left}}  {_with_ends(self.elo, i, 24, '.0f')}"
                f"  {_with_ends(self.bradley_terry, i, 22, '.2f')}"
                f"  {self.nash.estimate.marginals[0][i]:5.3f}  {self.nash.inclusion[0][i]:8.3f}"
                f"  {self.nash_skills[i]:7.3f}"
            )
        ends = self.cyclic.interval
        lines.append(
            f"cyclic share {self.cyclic.corrected:.3f} [{float(ends.low):.3f}, "
            f"{float(ends.high):.3f}]; with its noise {self.cyclic.share:.3f}"
        )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "policies": list(self.names),
            "games": self.games,
            "draws": self.draws,
            "counts": np.where(np.eye(len(self.names)) > 0, 0.0, self.table.counts()).tolist(),
            "win_rates": self.win_rates.tolist(),
            "interval": _interval_json(self.interval),
            "elo": _ratings_json(self.elo),
            "bradley_terry": _ratings_json(self.bradley_terry)
            | {"draw_parameter": self.draw_parameter},
            "nash_averaging": {
                "weights": self.nash.estimate.marginals[0].tolist(),
                "inclusion": self.nash.inclusion[0].tolist(),
                "interval": _interval_json(self.nash.weights[0]),
                "skills": self.nash_skills.tolist(),
            },
            "cyclic": {
                "share": self.cyclic.share,
                "corrected": self.cyclic.corrected,
                "interval": _interval_json(self.cyclic.interval),
            },
        }


class TournamentError(RuntimeError):
    """A policy failed while it played.

    Attributes
    ----------
    partial : Tournament or None
        What the games before say; None while a pairing has none.
    """

    def __init__(self, message: str, partial: Tournament | None) -> None:
        played = (
            "some pairings have no games yet"
            if partial is None
            else f"{partial.games} games are kept"
        )
        super().__init__(f"{message}; {played}")
        self.partial = partial


def tournament(
    policies: Mapping[str, Policy],
    budget: int,
    *,
    game: MetaGame | None = None,
    seed: int = 0,
    equal_share: float = 0.5,
    rounds: int = 10,
    samples: int = 200,
    confidence: float = 0.95,
    directory: str | Path | None = None,
    progress: Progress | None = None,
) -> Tournament:
    """Play a round robin of ``budget`` games and rate everyone.

    Parameters
    ----------
    policies : mapping of name to Policy
    budget : int
        Games in all.
    game : MetaGame, optional
        A symmetric two-player game of wins, draws and losses; default: Gen 1 OU.
    seed : int
        Every game derives from it and from the number of games before.
    equal_share : float
        Share of the budget that is spread evenly over the pairings before any is preferred.
    rounds : int
        In about how many parts the budget is played. Between them games are stored, and after the
        equal share the next part is allotted by the table as it then stands.
    samples : int
        Tables to resample, at least 2: for Nash averaging and the cyclic share.
    directory : path, optional
        Keep the games there, and go on with those that are there already.
    progress : callable, optional

    Raises
    ------
    ValueError
        For fewer than two policies, a budget below two games a pairing, another kind of game, or
        a directory of another tournament.
    TournamentError
        If a policy fails; its ``partial`` holds what was found before.
    """
    if game is None:
        from pokespiel.gen1ou.meta_game import Gen1OU

        game = Gen1OU()
    names = tuple(policies)
    pairings = len(names) * (len(names) - 1) // 2
    if len(names) < 2:
        raise ValueError(f"a tournament needs at least two policies, got {len(names)}")
    if budget < 2 * pairings:
        raise ValueError(
            f"{len(names)} policies make {pairings} pairings, which need a budget of at least "
            f"{2 * pairings} games, got {budget}"
        )
    if not (game.is_symmetric and game.is_zero_sum and game.num_players == 2):
        raise ValueError(f"{game.name} is not a symmetric constant-sum game of two players")
    if not 0.0 < equal_share <= 1.0:
        raise ValueError(f"equal_share must be above 0 and at most 1, got {equal_share}")
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    _check_samples(samples)
    settings = {
        "format": _FORMAT,
        "policies": list(names),
        "game": game.name,
        "seed": seed,
        "equal_share": equal_share,
        "rounds": rounds,
        "budget": budget,
    }
    table = _opened(None if directory is None else Path(directory), settings, game)
    players = guarded([policies[name] for name in names], names)
    while (played := table.total_episodes()) < budget:
        if progress is not None:
            progress(played, budget)
        rng = np.random.default_rng([seed, played])
        plan = _plan(table, budget, equal_share=equal_share, rounds=rounds, rng=rng)
        try:
            _play(game, table, players, plan, rng)
        except (RuntimeError, FloatingPointError) as error:
            unplayed = any(table.count(cell) < 2 for cell in table.cells if cell[0] != cell[1])
            partial = (
                None
                if unplayed
                else judge(table, names, samples=samples, confidence=confidence, seed=seed)
            )
            raise TournamentError(str(error), partial) from error
        if directory is not None:
            table.save(Path(directory) / _TABLE)
    if progress is not None:
        progress(budget, budget)
    return judge(table, names, samples=samples, confidence=confidence, seed=seed)


def judge(
    table: EmpiricalGame,
    names: tuple[str, ...],
    *,
    samples: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
) -> Tournament:
    """Rate the policies of a symmetric table of wins, draws and losses.

    Parameters
    ----------
    samples : int
        Tables to resample, at least 2: for Nash averaging and the cyclic share.

    Raises
    ------
    ValueError
        If the table is another, or has unplayed cells.
    """
    _check_samples(samples)
    outcomes = table.outcomes()
    if outcomes is None:
        raise ValueError("a tournament needs wins, draws and losses; this table has other returns")
    rng = np.random.default_rng([seed, 2**32 - 1])
    low, high = table.payoff_bounds
    rates = _rates(np.asarray(table.payoffs()), low, high)
    wins, draws = _counts(outcomes, len(names))
    interval = sequential(wins + draws / 2, wins + draws + wins.T, confidence=confidence)
    drawn = [_rates(np.asarray(table.resample(rng)), low, high) for _ in range(samples)]
    strengths, spread, draw_parameter = bradley_terry(wins, draws)
    # Draws as halves and no parameter for them: Elo's likelihood.
    points, error, _ = bradley_terry(wins + draws / 2, np.zeros_like(draws))
    nash = meta_strategy_uncertainty(
        table, NashAveraging(), samples=samples, rng=rng, confidence=confidence
    )
    return Tournament(
        names=names,
        table=table,
        win_rates=rates,
        interval=interval,
        elo=_ratings(_ELO_PER_LOGIT * points, _ELO_PER_LOGIT * error, confidence),
        bradley_terry=_ratings(strengths, spread, confidence),
        draw_parameter=draw_parameter,
        nash=nash,
        nash_skills=rates @ nash.estimate.marginals[0],
        cyclic=_cyclic(rates, drawn, confidence),
    )


def bradley_terry(wins: FloatArray, draws: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Fit strengths to wins and draws by maximum likelihood (Bradley & Terry 1952, Davidson 1970).

    A win, a draw and a loss of ``i`` against ``j`` have odds ``s_i : nu sqrt(s_i s_j) : s_j``. A
    normal prior of standard deviation 5 keeps the logarithms of strengths and ``nu`` finite.

    Parameters
    ----------
    wins : ``(n, n)``
        The row's wins over the column.
    draws : ``(n, n)``, symmetric

    Returns
    -------
    strengths, spread : float64 arrays ``(n,)``
        Log strengths, zero mean, and their standard errors from the observed information.
    nu : float
        0 where nothing was drawn.
    """
    n, any_draw = len(wins), bool(draws.sum() > 0)
    upper = np.triu_indices(n, 1)
    won, lost, drawn = wins[upper], wins.T[upper], draws[upper]
    sign = np.zeros((len(won), n))
    sign[np.arange(len(won)), upper[0]] = 1.0
    sign[np.arange(len(won)), upper[1]] = -1.0

    def probabilities(parameters: FloatArray) -> FloatArray:
        half = sign @ parameters[:n] / 2.0
        tie = np.full_like(half, parameters[n] if any_draw else -np.inf)
        odds = np.stack([half, tie, -half])
        odds = np.exp(odds - odds.max(axis=0))
        result: FloatArray = odds / odds.sum(axis=0)
        return result

    total = won + lost + drawn

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        p = probabilities(parameters)
        logs = np.log(np.maximum(p, 1e-300))
        value = -float(won @ logs[0] + lost @ logs[2] + drawn @ logs[1])
        slope = (won - lost - total * (p[0] - p[2])) / 2.0
        gradient = parameters / _PRIOR_SD**2
        gradient[:n] -= slope @ sign
        gradient[n] -= float(np.sum(drawn - total * p[1])) if any_draw else 0.0
        return value + float(parameters @ parameters) / (2 * _PRIOR_SD**2), gradient

    start = np.zeros(n + 1)
    if any_draw:
        start[n] = np.log(2.0 * drawn.sum() / max(float((won + lost).sum()), 0.5))
    fit = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9},
    )
    p = probabilities(fit.x)
    # The information of (half difference, log nu) of each pairing, summed up.
    own = total * (p[0] + p[2] - np.square(p[0] - p[2]))
    cross, tie = -total * p[1] * (p[0] - p[2]), total * p[1] * (1.0 - p[1])
    information = np.eye(n + 1) / _PRIOR_SD**2
    information[:n, :n] += sign.T @ (own[:, None] * sign) / 4.0
    information[:n, n] = information[n, :n] = sign.T @ cross / 2.0
    information[n, n] += tie.sum()
    centre = np.eye(n) - 1.0 / n
    covariance = centre @ np.linalg.inv(information)[:n, :n] @ centre
    strengths = fit.x[:n] - fit.x[:n].mean()
    return strengths, np.sqrt(np.diag(covariance)), float(np.exp(fit.x[n])) if any_draw else 0.0


def _check_samples(samples: int) -> None:
    if samples < 2:
        raise ValueError(f"samples must be at least 2, got {samples}")


def _plan(
    table: EmpiricalGame,
    budget: int,
    *,
    equal_share: float,
    rounds: int,
    rng: np.random.Generator,
) -> list[tuple[Cell, int]]:
    """The games to play before looking again: even numbers, so that both sides are played."""
    cells = [cell for cell in table.cells if cell[0] != cell[1]]
    left = budget - table.total_episodes()
    even = max(2, 2 * int(equal_share * budget / len(cells) / 2))
    step = 2 * max(1, round(budget / (rounds * len(cells) * 2)))
    short = [(cell, int(even - table.count(cell))) for cell in cells if table.count(cell) < even]
    if short:
        plan = [(cell, min(count, step)) for cell, count in short]
    else:
        share = max(2 * len(cells), int((1.0 - equal_share) * budget / rounds))
        wanted = next_cells(table, Nash(), min(share, left), rng=rng)
        plan = [(cell, 2 * round(count / 2)) for cell, count in wanted if count >= 2]
    cut: list[tuple[Cell, int]] = []
    for cell, count in plan or [(cells[0], left)]:
        count = min(count, left)
        if count > 0:
            cut.append((cell, count))
            left -= count
    return cut


def _play(
    game: MetaGame,
    table: EmpiricalGame,
    players: list[Policy],
    plan: list[tuple[Cell, int]],
    rng: np.random.Generator,
) -> None:
    """Play the plan; cells that get equally many games are played together."""
    counts = {cell: count for cell, count in plan}
    done = 0
    for level in sorted(set(counts.values())):
        cells = [cell for cell, count in counts.items() if count >= level]
        returns = game.play([(players[i], players[j]) for i, j in cells], level - done, rng=rng)
        for cell, played in zip(cells, returns, strict=True):
            table.record(cell, played)
        done = level


def _opened(directory: Path | None, settings: dict[str, Any], game: MetaGame) -> EmpiricalGame:
    """The games so far."""
    size = len(settings["policies"])
    fresh = EmpiricalGame(
        2, symmetric=True, zero_sum=True, payoff_bounds=game.payoff_bounds, sizes=[size, size]
    )
    if directory is None:
        return fresh
    path = directory / _SETTINGS
    if path.exists():
        try:
            stored = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}") from None
        # A larger budget goes on with the games that are there.
        changed = [k for k in settings if k != "budget" and stored.get(k) != settings[k]]
        if changed:
            words = ", ".join(f"{k} was {stored.get(k)}, now {settings[k]}" for k in changed)
            raise ValueError(f"{directory} holds another tournament: {words}")
    directory.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as file:
        file.write(json.dumps(settings, indent=2).encode())
    table = directory / _TABLE
    return EmpiricalGame.load(table) if table.exists() else fresh


def _rates(payoffs: FloatArray, low: float, high: float) -> FloatArray:
    """Win rates ``(n, n)`` of a symmetric tensor or matrix of payoffs."""
    matrix = payoffs[0] if payoffs.ndim == 3 else payoffs
    rates: FloatArray = (matrix - low) / (high - low)
    return rates


def _counts(
    outcomes: Mapping[Cell, tuple[int, int, int]], size: int
) -> tuple[FloatArray, FloatArray]:
    """Wins of the row ``(n, n)`` and draws ``(n, n)``."""
    wins, draws = np.zeros((size, size)), np.zeros((size, size))
    for (i, j), (won, drawn, lost) in outcomes.items():
        if i != j:
            wins[i, j], wins[j, i] = won, lost
            draws[i, j] = draws[j, i] = drawn
    return wins, draws


def _cyclic(rates: FloatArray, drawn: list[FloatArray], confidence: float) -> CyclicShare:
    share = 1.0 - hodge(rates).transitivity
    shares = np.array([1.0 - hodge(table).transitivity for table in drawn])
    # Resampled tables err from the table as it errs from the truth.
    noise = np.mean([np.sum(np.square(hodge(table - rates + 0.5).cyclic)) for table in drawn])
    total = float(np.sum(np.square(rates - 0.5)))
    corrected = max(share - float(noise) / total, 0.0) if total > 0.0 else 0.0
    width = _quantile(confidence) * float(shares.std(ddof=1))
    ends = np.clip([corrected - width, corrected + width], 0.0, 1.0)
    interval = Interval(np.array(ends[0]), np.array(ends[1]), confidence, "normal")
    return CyclicShare(share, corrected, interval)


def _ratings(values: FloatArray, spread: FloatArray, confidence: float) -> Ratings:
    width = _quantile(confidence) * spread
    return Ratings(values, Interval(values - width, values + width, confidence, "information"))


def _quantile(confidence: float) -> float:
    return float(ndtri(0.5 + confidence / 2))


def _with_ends(ratings: Ratings, index: int, width: int, form: str) -> str:
    ends = ratings.interval
    return (
        f"{ratings.values[index]:{form}} [{ends.low[index]:{form}}, {ends.high[index]:{form}}]"
    ).rjust(width)


def _interval_json(interval: Interval) -> dict[str, Any]:
    return {
        "low": np.asarray(interval.low).tolist(),
        "high": np.asarray(interval.high).tolist(),
        "confidence": interval.confidence,
        "method": interval.method,
    }


def _ratings_json(ratings: Ratings) -> dict[str, Any]:
    return {"values": ratings.values.tolist(), "interval": _interval_json(ratings.interval)}
