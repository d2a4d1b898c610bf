"""Elo ratings, and their multidimensional form for cyclic games.

Elo 1978; Balduzzi et al. 2018, "Re-evaluating Evaluation", for mElo. Both are fitted to a whole
table of win rates by maximum likelihood, so no order of play and no step size enters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit

from solvers.base import FloatArray, UnsupportedGameError, as_payoffs, zero_sum_matrix

_PER_LOGIT = 400.0 / np.log(10.0)
"""Elo points per unit of log-odds: 400 points are odds of ten to one."""


@dataclass(frozen=True)
class EloFit:
    """Ratings fitted to a table of win rates.

    Attributes
    ----------
    ratings : float64 array ``(n,)``
        Elo points, zero mean.
    vectors : float64 array ``(n, 2 k)``
        Cyclic features, in pairs; empty for plain Elo.
    log_loss : float
        Mean negative log-likelihood of the table, in nats a game.
    """

    ratings: FloatArray
    vectors: FloatArray
    log_loss: float

    def predict(self) -> FloatArray:
        """Win rates ``(n, n)`` that the ratings predict."""
        predicted: FloatArray = expit(_log_odds(self.ratings / _PER_LOGIT, self.vectors))
        return predicted


def fit_elo(
    win_rates: ArrayLike,
    *,
    cyclic_pairs: int = 0,
    games: ArrayLike | None = None,
    regularisation: float = 1e-4,
    rng: np.random.Generator | None = None,
) -> EloFit:
    """Fit Elo ratings, or with ``cyclic_pairs`` above 0 mElo, to a table of win rates.

    Parameters
    ----------
    win_rates : ``(n, n)``
        Row's share of wins against column, draws as halves.
    cyclic_pairs
        Number ``k`` of pairs of cyclic features.
    games : ``(n, n)``, optional
        Games behind each entry, as weights; equal by default.
    regularisation
        Weight of the squared ratings (in log-odds) and features: keeps those of a strategy that
        never lost finite.
    rng
        Draws the features' starting point; a fixed seed by default.

    Raises
    ------
    ValueError
        If an entry is not a win rate, or ``cyclic_pairs`` is negative.
    """
    game = as_payoffs(win_rates)
    if not game.symmetric or game.tensor.min() < 0.0 or game.tensor.max() > 1.0:
        raise UnsupportedGameError("needs a one-population (n, n) table of win rates in [0, 1]")
    if cyclic_pairs < 0:
        raise ValueError(f"cyclic_pairs must not be negative, got {cyclic_pairs}")
    matrix, _, _ = zero_sum_matrix(game)
    rates = matrix + 0.5
    n = len(rates)
    weights = np.ones((n, n)) if games is None else np.asarray(games, dtype=np.float64).copy()
    if weights.shape != (n, n):
        raise ValueError(f"games must be ({n}, {n}) like the win rates, got {weights.shape}")
    np.fill_diagonal(weights, 0.0)
    weights = (weights + weights.T) / max(float((weights + weights.T).sum()), 1.0)
    features = 2 * cyclic_pairs
    rng = np.random.default_rng(0) if rng is None else rng

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        ratings, vectors = parameters[:n], parameters[n:].reshape(n, features)
        odds = _log_odds(ratings, vectors)
        likelihood = weights * (np.logaddexp(0.0, odds) - rates * odds)
        slope = weights * (expit(odds) - rates)
        slope = slope - slope.T
        rating_slope = slope.sum(axis=1)
        x, y = vectors[:, 0::2], vectors[:, 1::2]
        vector_slope = np.empty_like(vectors)
        vector_slope[:, 0::2], vector_slope[:, 1::2] = slope @ y, -(slope @ x)
        gradient = np.concatenate([rating_slope, vector_slope.ravel()])
        penalty = regularisation / n * float(parameters @ parameters)
        return (
            float(likelihood.sum()) + penalty,
            gradient + 2.0 * regularisation / n * parameters,
        )

    start = np.concatenate([np.zeros(n), 0.1 * rng.standard_normal(n * features)])
    fit = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10},
    )
    ratings, vectors = fit.x[:n], fit.x[n:].reshape(n, features)
    odds = _log_odds(ratings, vectors)
    log_loss = float((weights * (np.logaddexp(0.0, odds) - rates * odds)).sum())
    return EloFit(_PER_LOGIT * (ratings - ratings.mean()), vectors, log_loss)


def _log_odds(ratings: FloatArray, vectors: FloatArray) -> FloatArray:
    """``r_i - r_j + x_i y_j' - y_i x_j'``, antisymmetric ``(n, n)``."""
    x, y = vectors[:, 0::2], vectors[:, 1::2]
    cyclic = x @ y.T
    result: FloatArray = ratings[:, None] - ratings[None, :] + cyclic - cyclic.T
    return result
