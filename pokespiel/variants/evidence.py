"""Best responses judged on fresh games before they are admitted.

A training curve says how the last batches went, against opponents the learner has just adapted to.
What counts is played afterwards: the response against the mixture that it answers, against named
rivals (heuristics, the policy that the population started from), each with its interval::

    oracle = JudgedOracle(PPOOracle(...), games=400, rivals={"max_damage": MaxDamagePolicy()})
    PSRO(game, oracle=oracle, admit=admit_if_significant)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pokespiel.exploitability.approximate import lower_bound
from pokespiel.exploitability.result import Exploitability
from pokespiel.exploitability.sampling import mean_interval
from pokespiel.protocols import (
    BestResponseOracle,
    JointMixture,
    MetaGame,
    Mixture,
    Opponents,
    Policy,
    Response,
)
from pokespiel.runs.step import Step

EVIDENCE = "evidence"
"""Key of a response's cost, and so of a run's history, under which the judgement stands."""

_BUDGET = ("episodes", "decisions", "seconds")
"""What of a response's cost is the budget behind its bound."""


@dataclass(frozen=True)
class JudgedOracle:
    """Another oracle's responses, with the evidence for them.

    Attributes
    ----------
    oracle : BestResponseOracle
    games : int
        Fresh episodes against the mixture, and against each rival.
    rivals : mapping of names to policies
        Whom the response is measured against besides. In a game with several populations they
        take every other seat, so they must be able to play it.
    confidence : float

    Raises
    ------
    ValueError
        For fewer than two games.
    """

    oracle: BestResponseOracle
    games: int = 400
    rivals: Mapping[str, Policy] = field(default_factory=dict)
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.games < 2:
            raise ValueError(f"games must be at least 2, got {self.games}")

    @property
    def name(self) -> str:
        """Identifies the oracle, the games and the rivals."""
        rivals = ", ".join(self.rivals)
        return f"judged({self.oracle.name}, games={self.games}, rivals=[{rivals}])"

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Find a response, then play it; see `pokespiel.protocols.BestResponseOracle`.

        The response's cost gains ``"evidence"``: under ``"mixture"`` the lower bound that the
        response puts on the mixture's exploitability, as JSON (see
        `pokespiel.exploitability.result.Exploitability`), under ``"rivals"`` the mean return
        against each with its interval. Responses to a joint distribution go unjudged.
        """
        response = self.oracle.best_response(game, player, opponents, rng=rng)
        if isinstance(opponents, JointMixture):
            return response
        return Response(
            response.policy,
            value=response.value,
            cost={**response.cost, EVIDENCE: self._judge(game, player, response, opponents, rng)},
        )

    def _judge(
        self,
        game: MetaGame,
        player: int,
        response: Response,
        mixtures: Sequence[Mixture],
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        bound = lower_bound(
            game,
            player,
            response.policy,
            mixtures,
            self.games,
            rng=rng,
            confidence=self.confidence,
            budget={key: value for key, value in response.cost.items() if key in _BUDGET}
            | {"oracle": self.oracle.name},
        )
        versus = {}
        for name, rival in self.rivals.items():
            profile = [rival] * game.num_players
            profile[player] = response.policy
            returns = game.play([profile], self.games, rng=rng)[0, :, player]
            found = mean_interval(returns, game.payoff_bounds, confidence=self.confidence)
            versus[name] = {
                "mean": float(returns.mean()),
                "low": float(found.low),
                "high": float(found.high),
            }
        return {"mixture": bound.to_json(), "rivals": versus}


def measured(step: Step) -> list[Exploitability]:
    """What an iteration's history says of its meta-strategy's exploitability.

    The exact value, where it is known, and the lower bounds of judged responses: one each, so that
    of several populations each bound tells of one player's deviation.
    """
    judged = [response["cost"].get(EVIDENCE, {}).get("mixture") for response in step.responses]
    known = [*step.exploitabilities, *filter(None, judged)]
    return [Exploitability.from_json(entry) for entry in known]


def admit_if_significant(response: Response, gain: float | None) -> bool:
    """Admit a response whose gain over the mixture is above zero by its whole interval.

    For `JudgedOracle`. The first response that is not admitted ends the run.

    Raises
    ------
    ValueError
        If the response comes without evidence.
    """
    try:
        interval = response.cost[EVIDENCE]["mixture"]["interval"]
    except KeyError:
        raise ValueError(
            "admission on evidence needs responses with evidence; wrap the oracle in JudgedOracle, "
            "which judges responses to mixtures (not to joint distributions)"
        ) from None
    return bool(interval["low"] > 0.0)
