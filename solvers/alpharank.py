"""alpha-Rank: how often evolution visits each strategy, or each profile.

Omidshafiei et al. 2019, "alpha-Rank: Multi-Agent Evaluation by Evolution"; Rowland et al. 2019,
"Multiagent Evaluation under Incomplete Information", for the limit of infinite alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import (
    FloatArray,
    MetaStrategy,
    Payoffs,
    UnsupportedGameError,
    as_payoffs,
    joint_meta_strategy,
    meta_strategy,
)
from solvers.markov import stationary_distribution
from solvers.profile_chain import profile_stationary

_LOG_VANISHING = -50.0
"""Log-rate of a step that the infinite-alpha limit forbids: keeps the chain irreducible while
adding less than 1e-21 to any probability."""

_LOG_TIE = math.log(0.5)
"""Log-rate between two strategies that fare equally well, in the infinite-alpha limit."""

_SWEEP_STEP = 2.0
_SWEEP_TOLERANCE = 1e-4


@dataclass(frozen=True)
class AlphaRank:
    """Stationary distribution of a population's monomorphic states under rare mutation.

    A one-population game is a chain over strategies; any other game a chain over profiles, one
    population per player, and its stationary distribution is returned as ``joint``.

    Parameters
    ----------
    alpha
        Selection intensity, per unit of payoff. ``inf`` is the limit, which no payoff scale
        changes; ``"sweep"`` raises alpha until the distribution settles.
    population_size
        Individuals per population, at least 2.
    selection
        ``"local"``: fitness is the payoff against the rival met; ``"global"``: against the
        whole population's mix. One-population games only; the infinite limit is local.
    """

    alpha: float | Literal["sweep"] = field(default=math.inf, kw_only=True)
    population_size: int = field(default=50, kw_only=True)
    selection: Literal["local", "global"] = field(default="local", kw_only=True)

    name: ClassVar[str] = "alpharank"
    summary: ClassVar[str] = "long-run frequencies of the evolutionary response graph"
    games: ClassVar[str] = "any number of players, any payoffs"
    paper: ClassVar[str] = "Omidshafiei et al. 2019; Rowland et al. 2019"

    def __post_init__(self) -> None:
        if self.alpha != "sweep" and not float(self.alpha) >= 0.0:
            raise ValueError(f"alpha must be non-negative, inf or 'sweep', got {self.alpha!r}")
        if self.population_size < 2:
            raise ValueError(f"population_size must be at least 2, got {self.population_size}")
        if self.selection not in ("local", "global"):
            raise ValueError(f"selection must be 'local' or 'global', got {self.selection!r}")
        if self.selection == "global" and self.alpha == math.inf:
            raise ValueError("global selection needs a finite alpha (or 'sweep')")

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`.

        With one population per player, ``regrets`` are those of a fixed deviation from the joint
        (coarse correlated deviations). Diagnostics: ``alpha`` used; ``ranking``, the strategies
        (or profiles) by falling mass.
        """
        game = as_payoffs(payoffs)
        if self.selection == "global" and not _one_population(game):
            raise UnsupportedGameError("global selection needs a one-population (n, n) game")
        if self.alpha == "sweep":
            path = sweep(game, population_size=self.population_size, selection=self.selection)
            alpha, distribution = float(path.alphas[-1]), path.distributions[-1]
        else:
            alpha = float(self.alpha)
            distribution = stationary(
                game, alpha, population_size=self.population_size, selection=self.selection
            )
        order = np.argsort(-distribution, axis=None, kind="stable")
        if _one_population(game):
            diagnostics = {"alpha": alpha, "ranking": tuple(int(i) for i in order)}
            return meta_strategy(game, (distribution, distribution), diagnostics=diagnostics)
        profiles = zip(*np.unravel_index(order, distribution.shape), strict=True)
        ranking = tuple(tuple(int(i) for i in profile) for profile in profiles)
        return joint_meta_strategy(
            game, distribution, diagnostics={"alpha": alpha, "ranking": ranking}
        )


@dataclass(frozen=True)
class Sweep:
    """alpha-Rank along rising alpha.

    Attributes
    ----------
    alphas : float64 array ``(k,)``
    distributions : float64 array ``(k, n)`` or ``(k, n1, ..., nN)``
    settled : bool
        Whether the last doubling of alpha moved no probability by more than 1e-4.
    """

    alphas: FloatArray
    distributions: FloatArray
    settled: bool


def sweep(
    payoffs: ArrayLike | Payoffs,
    *,
    population_size: int = 50,
    selection: Literal["local", "global"] = "local",
    max_doublings: int = 40,
) -> Sweep:
    """Double alpha, from weak selection on, until the stationary distribution settles.

    Starts where alpha times the payoff range is 0.1 / population_size, where selection hardly
    acts, so the sweep is the same for any payoff unit.
    """
    game = as_payoffs(payoffs)
    alpha = 0.1 / population_size / (game.scale or 1.0)
    alphas: list[float] = []
    distributions: list[FloatArray] = []
    settled = False
    while len(alphas) <= max_doublings and not settled:
        alphas.append(alpha)
        distributions.append(
            stationary(game, alpha, population_size=population_size, selection=selection)
        )
        if game.scale == 0.0:
            settled = True
        elif alpha * game.scale >= 1.0:
            settled = bool(np.abs(distributions[-1] - distributions[-2]).max() <= _SWEEP_TOLERANCE)
        alpha *= _SWEEP_STEP
    return Sweep(np.array(alphas), np.stack(distributions), settled)


def stationary(
    payoffs: ArrayLike | Payoffs,
    alpha: float,
    *,
    population_size: int = 50,
    selection: Literal["local", "global"] = "local",
) -> FloatArray:
    """Stationary distribution ``(n,)`` for one population, else over profiles ``(n1, ..., nN)``."""
    game = as_payoffs(payoffs)
    if _one_population(game):
        return stationary_distribution(
            one_population_log_rates(
                game, alpha, population_size=population_size, selection=selection
            )
        )
    return profile_stationary(profile_log_rates(game, alpha, population_size=population_size))


def _one_population(game: Payoffs) -> bool:
    return game.symmetric and game.num_players == 2


def one_population_log_rates(
    game: Payoffs, alpha: float, *, population_size: int, selection: Literal["local", "global"]
) -> FloatArray:
    """Log-rates ``(n, n)`` from a resident strategy (row) to the mutant that takes over."""
    matrix = game.matrix
    if selection == "local":
        return fixation_log_rates(matrix.T - matrix, alpha, population_size)
    if game.constant_sum is not None:
        factor = population_size / (population_size - 1)
        advantage = factor * (matrix.T - game.constant_sum / 2.0)
        return fixation_log_rates(advantage, alpha, population_size)
    return _global_fixation_log_rates(matrix, alpha, population_size)


def fixation_log_rates(advantage: FloatArray, alpha: float, population_size: int) -> FloatArray:
    """Log-probability that one mutant takes over a population of residents.

    ``rho = (1 - exp(-u)) / (1 - exp(-m u))`` with ``u = alpha * advantage``, in logarithms so that
    no alpha overflows; in the limit of infinite alpha, 1, 1/2 or (nearly) 0 by the sign.

    Parameters
    ----------
    advantage : float64 array of any shape
        The mutant's fitness less the resident's.
    """
    if math.isinf(alpha):
        scale = float(np.abs(advantage).max(initial=0.0))
        tie = np.abs(advantage) <= 1e-14 * scale
        return np.where(tie, _LOG_TIE, np.where(advantage > 0.0, 0.0, _LOG_VANISHING))
    intensity = np.abs(alpha * advantage)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(-np.expm1(-intensity)) - np.log(-np.expm1(-population_size * intensity))
    neutral = intensity < np.finfo(float).tiny * population_size
    log_ratio = np.where(neutral, -math.log(population_size), log_ratio)
    penalty = np.where(advantage < 0.0, (population_size - 1) * intensity, 0.0)
    result: FloatArray = log_ratio - penalty
    return result


def _global_fixation_log_rates(matrix: FloatArray, alpha: float, m: int) -> FloatArray:
    """Fixation of mutant ``r`` (column) among residents ``s`` (row) under global selection.

    ``1 / rho = 1 + sum_{l=1}^{m-1} prod_{k=1}^{l} exp(-alpha (f_r(k) - f_s(k)))``, where ``k``
    mutants are present.
    """
    own = np.diag(matrix)
    mutant_mutant, resident_resident = own[None, :], own[:, None]
    mutant_resident, resident_mutant = matrix.T, matrix
    exponent = np.zeros_like(matrix)
    log_sum = np.zeros_like(matrix)
    for mutants in range(1, m):
        mutant_fitness = (mutants - 1) * mutant_mutant + (m - mutants) * mutant_resident
        resident_fitness = (m - mutants - 1) * resident_resident + mutants * resident_mutant
        exponent = exponent - alpha * (mutant_fitness - resident_fitness) / (m - 1)
        log_sum = np.logaddexp(log_sum, exponent)
    return -log_sum


def profile_log_rates(game: Payoffs, alpha: float, *, population_size: int) -> list[FloatArray]:
    """Log-rates ``(*others, n_p, n_p)`` of each player's changes of strategy.

    For each profile of the other players, from the player's resident strategy (row) to the mutant
    that takes over (column).
    """
    lines = []
    for player, own in enumerate(game.tensor):
        payoff = np.moveaxis(own, player, -1)
        advantage = payoff[..., None, :] - payoff[..., :, None]
        lines.append(fixation_log_rates(advantage, alpha, population_size))
    return lines
