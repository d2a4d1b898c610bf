"""Self-play PSRO (McAleer et al. 2022, arXiv:2207.06541): add a mixed policy each time, too.

Beside its best response each player adds the time average of a policy that learned by regret
minimisation while the opponent best-responded to it and to the rest of the population. Such an
average mixes at every information state, which a mixture of pure best responses needs many
policies for; the population so reaches a given exploitability in fewer iterations.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pokespiel.openspiel.best_response import best_response
from pokespiel.openspiel.cfr import regret_matching, regrets
from pokespiel.openspiel.meta_game import OpenSpielGame
from pokespiel.openspiel.policy import TabularPolicy
from pokespiel.oracles.exact import ExactOracle
from pokespiel.protocols import MetaGame, Opponents, Response
from pokespiel.psro import PSRO
from pokespiel.targets import Target, meta_strategy_target
from pokespiel.variants.anytime import MinimumExploitability
from solvers.base import MetaStrategy, Payoffs


@dataclass(frozen=True)
class SelfPlayOracle:
    """Learn a mixed policy that makes the responder's population less exploitable.

    In each step the opponent answers the responder's restricted strategy exactly; regret matching
    then moves the weights of the population and of the new policy, and the new policy itself, one
    step against that answer. The response is the new policy's average over the steps.

    Attributes
    ----------
    steps : int
    """

    steps: int = 50

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")

    @property
    def name(self) -> str:
        """Identifies the oracle and its settings."""
        return f"self_play(steps={self.steps})"

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Learn; ``opponents[player]`` is the responder's population.

        Raises
        ------
        ValueError
            If the game is not a compiled two-player game with two populations, or the opponents
            are a joint mixture.
        """
        if not isinstance(game, OpenSpielGame) or game.num_players != 2 or game.is_symmetric:
            raise ValueError(f"{game.name}: self-play needs a compiled game with two populations")
        if not isinstance(opponents, Sequence):
            raise ValueError("self-play answers mixtures, not joint mixtures")
        started = time.perf_counter()
        form = game.form
        own, other = form.players[player], form.players[1 - player]
        population = np.array([game.plan(p, player) for p in opponents[player].policies])
        weight_regrets = np.zeros(len(population) + 1)
        policy_regrets = np.zeros(own.num_sequences)
        behaviour = own.uniform()
        total = np.zeros(own.num_sequences)
        scale = max(abs(bound) for bound in form.payoff_bounds)
        empty = np.zeros(0)
        for _ in range(self.steps):
            plan = own.realization_plan(behaviour)
            total += plan
            plans = np.concatenate([population, plan[None]])
            positive = np.maximum(weight_regrets, 0.0)
            weights = (
                positive / positive.sum()
                if positive.sum() > 0.0
                else np.full(len(plans), 1.0 / len(plans))
            )
            restricted = weights @ plans
            pair = [restricted, empty] if player == 0 else [empty, restricted]
            answer, _ = best_response(other, form.gradient(1 - player, pair), scale=scale)
            reply = other.realization_plan(answer)
            gradient = form.gradient(player, [reply, reply])
            values = plans @ gradient
            weight_regrets = np.maximum(weight_regrets + values - weights @ values, 0.0)
            policy_regrets = np.maximum(policy_regrets + regrets(own, gradient, behaviour), 0.0)
            behaviour = regret_matching(own, policy_regrets)
        learned = TabularPolicy({player: own.behaviour(total / self.steps)})
        cost = {"seconds": time.perf_counter() - started, "best_responses": self.steps}
        return Response(learned, cost=cost)


class InTurn:
    """Asks its oracles in turn; for targets that come in as many copies."""

    def __init__(self, *oracles: Any) -> None:
        self.oracles = oracles
        self.name = f"in_turn({', '.join(oracle.name for oracle in oracles)})"
        self._asked = 0

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Ask the next oracle; see `pokespiel.protocols.BestResponseOracle.best_response`."""
        oracle = self.oracles[self._asked % len(self.oracles)]
        self._asked += 1
        response: Response = oracle.best_response(game, player, opponents, rng=rng)
        return response


def twice(strategy: MetaStrategy, payoffs: Payoffs) -> list[Target]:
    """Every player answers the meta-strategy, and then once more."""
    return [
        target for target in meta_strategy_target(strategy, payoffs) for target in (target, target)
    ]


def self_play_psro(game: OpenSpielGame, *, steps: int = 50, **settings: Any) -> PSRO:
    """The loop with a best response and a self-play average per player and iteration.

    The meta-strategy is the least exploitable mixture, as in anytime PSRO, which the paper's
    regret minimisation approaches.

    Parameters
    ----------
    settings
        As of `pokespiel.PSRO`, but for meta-solver, oracle and targets.
    """
    solver = MinimumExploitability(game)
    oracle = InTurn(ExactOracle(), SelfPlayOracle(steps))
    loop = PSRO(game, oracle=oracle, meta_solver=solver, targets=twice, **settings)
    solver.populations = loop.populations
    return loop
