"""Self-play against earlier selves: the leagues that PSRO's meta-strategies compete with.

The newest policy goes on learning against a mixture of all policies so far, chosen without solving
anything: the last few of them alike, or, in prioritised fictitious self-play (PFSP, Vinyals et al.
2019, doi:10.1038/s41586-019-1724-z), the more the harder they are to beat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pokespiel.protocols import BestResponseOracle, Mixture, Policy, Response, TrainingGame

FloatArray: TypeAlias = NDArray[np.float64]

Matchmaking: TypeAlias = Callable[[FloatArray], FloatArray]
"""Takes the newest policy's win rates ``(n,)`` against all ``n`` policies, oldest first and itself
last, and returns their weights ``(n,)`` as opponents."""


def last(count: int) -> Matchmaking:
    """The last ``count`` policies alike, the newest among them.

    Raises
    ------
    ValueError
        If ``count`` is less than one.
    """
    if count < 1:
        raise ValueError(f"a league needs at least one opponent, got {count}")

    def weights(win_rates: FloatArray) -> FloatArray:
        chosen = np.zeros(len(win_rates))
        chosen[-count:] = 1.0 / min(count, len(win_rates))
        return chosen

    return weights


def prioritised(*, power: float = 2.0) -> Matchmaking:
    """PFSP: a weight of ``(1 - win rate) ** power``, that of the published "hard" curriculum.

    Raises
    ------
    ValueError
        If the power is negative.
    """
    if power < 0.0:
        raise ValueError(f"power must not be negative, got {power}")

    def weights(win_rates: FloatArray) -> FloatArray:
        # The newest draws level with itself, so that the sum is never zero.
        hardness = (1.0 - win_rates) ** power
        share: FloatArray = hardness / hardness.sum()
        return share

    return weights


@dataclass(frozen=True)
class LeagueRound:
    """One round.

    Attributes
    ----------
    policies : tuple of Policy, length ``n``
        The league after the round, oldest first.
    opponents : float64 array ``(n,)``
        Whom the next round's learner will meet, and how often.
    win_rates : float64 array ``(n,)``
        What that rests on: the newest policy's measured win rates, in [0, 1].
    response : Response, optional
        How the newest came to be, with its cost; None at the start.
    """

    policies: tuple[Policy, ...]
    opponents: FloatArray
    win_rates: FloatArray
    response: Response | None


def league_self_play(
    game: TrainingGame,
    oracle: BestResponseOracle,
    *,
    matchmaking: Matchmaking,
    games: int = 40,
    rng: np.random.Generator,
) -> Iterator[LeagueRound]:
    """Improve forever against the league.

    Parameters
    ----------
    game
        A symmetric one; the league starts with its initial policy.
    oracle
        What one round is: `PPOOracle(start="latest", episodes=...)`.
    matchmaking
        `last` or `prioritised`, or one of your own.
    games
        Games of the newest against each other policy, after each round, that its win rates rest
        on.

    Yields
    ------
    LeagueRound
        The first is the start, without a response.

    Raises
    ------
    ValueError
        If the game is not symmetric, or games is less than one.
    """
    if not game.is_symmetric:
        raise ValueError(f"{game.name} is not symmetric: a league needs one population")
    if games < 1:
        raise ValueError(f"games must be at least 1, got {games}")
    (newest,) = game.initial_policies()
    policies = [newest]
    response: Response | None = None
    while True:
        win_rates = np.full(len(policies), 0.5)
        if len(policies) > 1:
            pairs = [(policies[-1], other) for other in policies[:-1]]
            low, high = game.payoff_bounds
            payoffs = game.play(pairs, games, rng=rng)[:, :, 0].mean(axis=1)
            win_rates[:-1] = (payoffs - low) / (high - low)
        weights = matchmaking(win_rates)
        yield LeagueRound(tuple(policies), weights, win_rates, response)
        newest_alone = Mixture((policies[-1],), np.ones(1))
        others = [Mixture(tuple(policies), weights)] * (game.num_players - 1)
        response = oracle.best_response(game, 0, [newest_alone, *others], rng=rng)
        policies.append(response.policy)
