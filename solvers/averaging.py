"""Nash averaging: evaluating agents by an equilibrium over agents, or over agents and tasks.

Balduzzi et al. 2018, "Re-evaluating Evaluation". Redundant copies of an agent or of a task change
no one's score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from solvers.base import (
    FloatArray,
    MetaStrategy,
    Payoffs,
    as_payoffs,
    deviation_payoffs,
    meta_strategy,
    zero_sum_matrix,
)
from solvers.nash import Nash


@dataclass(frozen=True)
class NashAverage:
    """Scores against the maximum-entropy equilibrium.

    Attributes
    ----------
    agent_weights : float64 array ``(agents,)``
        The equilibrium over agents.
    task_weights : float64 array ``(tasks,)``
        The equilibrium over what they are measured on: tasks, or the agents themselves.
    skills : float64 array ``(agents,)``
        Each agent's score against ``task_weights``.
    difficulties : float64 array ``(tasks,)``
        Each task's score, negated, against ``agent_weights``.
    """

    agent_weights: FloatArray
    task_weights: FloatArray
    skills: FloatArray
    difficulties: FloatArray


def agents_against_agents(payoffs: ArrayLike) -> NashAverage:
    """Nash-average an ``(n, n)`` table of agents: antisymmetric payoffs, or win rates."""
    matrix = np.asarray(payoffs, dtype=np.float64)
    result = Nash(selection="max_entropy").solve(matrix)
    weights = result.marginals[0]
    return NashAverage(weights, weights, matrix @ weights, -(matrix.T @ weights))


def agents_against_tasks(scores: ArrayLike) -> NashAverage:
    """Nash-average scores ``(agents, tasks)``, larger being better.

    The agents' side of the game picks agents to score high, the other picks tasks to score low, so
    only the tasks on which the best agents do worst count. Scores of tasks in different units
    should be normalised first.
    """
    matrix = np.asarray(scores, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"scores must be (agents, tasks), got shape {matrix.shape}")
    result = Nash(selection="max_entropy").solve(np.stack([matrix, -matrix]))
    agents, tasks = result.marginals
    return NashAverage(agents, tasks, matrix @ tasks, -(agents @ matrix))


@dataclass(frozen=True)
class NashAveraging:
    """The maximum-entropy Nash equilibrium, with every strategy's score against it."""

    name: ClassVar[str] = "nash_averaging"
    summary: ClassVar[str] = "maximum-entropy Nash, with each strategy's skill against it"
    games: ClassVar[str] = "two-player constant-sum"
    paper: ClassVar[str] = "Balduzzi et al. 2018"

    def solve(self, payoffs: ArrayLike | Payoffs) -> MetaStrategy:
        """Solve; see `solvers.base.MetaSolver.solve`.

        Diagnostics: ``skills``, per player the payoff of each strategy against the equilibrium.
        """
        game = as_payoffs(payoffs)
        zero_sum_matrix(game)  # Refuses other games, in its own words.
        result = Nash(selection="max_entropy").solve(game)
        skills = tuple(deviation_payoffs(game, result.marginals, player) for player in range(2))
        return meta_strategy(
            game, result.marginals, diagnostics={**result.diagnostics, "skills": skills}
        )
