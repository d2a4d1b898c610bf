"""How transitive is a game? Hodge and Schur decompositions of antisymmetric payoffs.

Jiang et al. 2011, "Statistical ranking and combinatorial Hodge theory"; Balduzzi et al. 2018,
"Re-evaluating Evaluation", and 2019, "Open-ended Learning in Symmetric Zero-sum Games".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import schur

from solvers.base import FloatArray, Payoffs, UnsupportedGameError, as_payoffs, zero_sum_matrix


@dataclass(frozen=True)
class Hodge:
    """Transitive and cyclic parts of an antisymmetric matrix, which add up to it.

    Attributes
    ----------
    ratings : float64 array ``(n,)``
        Mean margin of each strategy; zero mean.
    transitive : float64 array ``(n, n)``
        ``ratings[i] - ratings[j]``.
    cyclic : float64 array ``(n, n)``
        What no rating explains; each row sums to zero.
    transitivity : float
        Share of the squared norm that is transitive, in [0, 1]; 1 for an all-zero game.
    """

    ratings: FloatArray
    transitive: FloatArray
    cyclic: FloatArray
    transitivity: float


@dataclass(frozen=True)
class Disks:
    """Schur decomposition of an antisymmetric matrix into disk games.

    Attributes
    ----------
    strengths : float64 array ``(k,)``
        Positive, descending: how much each disk game counts.
    coordinates : float64 array ``(k, n, 2)``
        Where each strategy lies in each disk; orthonormal columns across disks. The matrix is the
        sum over disks of ``strength * (x y' - y x')``.
    """

    strengths: FloatArray
    coordinates: FloatArray

    def matrix(self, disks: int | None = None) -> FloatArray:
        """Rebuild ``(n, n)`` from the strongest ``disks`` (all by default)."""
        strengths, points = self.strengths[:disks], self.coordinates[:disks]
        x, y = points[..., 0], points[..., 1]
        half: FloatArray = np.einsum("k,ki,kj->ij", strengths, x, y)
        return half - half.T


def hodge(payoffs: ArrayLike | Payoffs) -> Hodge:
    """Split a one-population constant-sum game into a transitive and a cyclic part."""
    matrix = _antisymmetric(payoffs)
    ratings = matrix.mean(axis=1)
    transitive = ratings[:, None] - ratings[None, :]
    total = float(np.sum(matrix**2))
    return Hodge(
        ratings,
        transitive,
        matrix - transitive,
        float(np.sum(transitive**2)) / total if total > 0.0 else 1.0,
    )


def disks(payoffs: ArrayLike | Payoffs) -> Disks:
    """Split a one-population constant-sum game into disk games, strongest first."""
    matrix = _antisymmetric(payoffs)
    n = len(matrix)
    blocks, basis = schur(matrix, output="real")
    tolerance = 1e-12 * float(np.abs(matrix).max(initial=0.0))
    found: list[tuple[float, NDArray[np.float64]]] = []
    index = 0
    while index < n - 1:
        strength = float(blocks[index, index + 1])
        if abs(strength) <= tolerance:
            index += 1
            continue
        pair = basis[:, index : index + 2]
        found.append((abs(strength), pair if strength > 0.0 else pair[:, ::-1]))
        index += 2
    found.sort(key=lambda disk: -disk[0])
    return Disks(
        np.array([strength for strength, _ in found]),
        np.array([pair for _, pair in found]).reshape(len(found), n, 2),
    )


def _antisymmetric(payoffs: ArrayLike | Payoffs) -> FloatArray:
    game = as_payoffs(payoffs)
    if not game.symmetric:
        raise UnsupportedGameError("needs a one-population (n, n) constant-sum matrix")
    return zero_sum_matrix(game)[0]
