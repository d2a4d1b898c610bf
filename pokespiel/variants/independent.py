"""Self-play without a population: every player improves against the others' newest policies.

The baseline that PSRO has to beat. With a policy-gradient oracle that goes on from the newest
network and enough entropy it is a strong one in two-player zero-sum games (Rudolph et al. 2025,
arXiv:2502.08938); with little entropy it cycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pokespiel.protocols import BestResponseOracle, Mixture, Response, TrainingGame


@dataclass(frozen=True)
class SelfPlayRound:
    """One round.

    Attributes
    ----------
    mixtures : one `Mixture` of a single policy per player
        Where the players stand after the round.
    responses : one `Response` per population
        How they got there, with its cost.
    """

    mixtures: tuple[Mixture, ...]
    responses: tuple[Response, ...]


def independent_self_play(
    game: TrainingGame, oracle: BestResponseOracle, *, rng: np.random.Generator
) -> Iterator[SelfPlayRound]:
    """Improve forever, all players at once in each round.

    Parameters
    ----------
    game
        One network per population: players of a symmetric game share theirs.
    oracle
        What one round is: `PPOOracle(start="latest", episodes=...)` with few episodes, so that
        opponents are never far from their newest, and an entropy bonus.

    Yields
    ------
    SelfPlayRound
        The first is the start, without responses.
    """
    populations = 1 if game.is_symmetric else game.num_players
    policies = [game.new_policy(rng=rng) for _ in range(populations)]
    responses: tuple[Response, ...] = ()
    while True:
        seated = policies * (game.num_players // populations)
        mixtures = tuple(Mixture((policy,), np.ones(1)) for policy in seated)
        yield SelfPlayRound(mixtures, responses)
        responses = tuple(
            oracle.best_response(game, player, mixtures, rng=rng) for player in range(populations)
        )
        policies = [response.policy for response in responses]
