"""Pipeline PSRO (McAleer et al. 2020, arXiv:2006.08555): best responses trained in parallel.

A hierarchy of policies trains at the same time. Level ``k`` answers the equilibrium of the
finished policies and of the levels below it, as they are at the moment. When the lowest level
stops improving it is finished, every level moves down, and a new one starts on top: by the time
its turn to be the lowest comes, it has been trained for long already. The finished policies are
PSRO's, so its guarantees hold, which those of training all levels against the mixture (as in
rectified PSRO) do not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import product

import numpy as np

import solvers
from pokespiel.protocols import BestResponseOracle, MetaGame, Mixture, Policy, Response
from solvers.base import FloatArray, MetaSolver, Payoffs


@dataclass(frozen=True)
class PipelineStep:
    """One round, in which every level trained once.

    Attributes
    ----------
    round : int
        Counts from 0.
    mixtures : tuple of Mixture
        Meta-strategy over finished policies and levels after the round.
    finished : int
        Finished policies of each player.
    gains : tuple of float
        Per player, what the lowest level gained in this round over itself.
    seconds : float
        Wall time of the round.
    """

    round: int
    mixtures: tuple[Mixture, ...]
    finished: int
    gains: tuple[float, ...]
    seconds: float


@dataclass
class _Table:
    """Payoffs of profiles, each evaluated once."""

    game: MetaGame
    episodes: int
    rng: np.random.Generator
    known: dict[tuple[int, ...], tuple[tuple[Policy, ...], FloatArray]] = field(
        default_factory=dict
    )

    def payoffs(self, populations: Sequence[Sequence[Policy]]) -> Payoffs:
        """The payoff tensor of populations, one per player."""
        profiles = [tuple(profile) for profile in product(*populations)]
        keys = [tuple(id(policy) for policy in profile) for profile in profiles]
        # Kept profiles keep their policies alive, so that no id is ever reused.
        new = {k: p for k, p in zip(keys, profiles, strict=True) if k not in self.known}
        if new:
            wanted = list(new.values())
            if self.game.is_exact:
                values = self.game.expected_returns(wanted)
            else:
                values = self.game.play(wanted, self.episodes, rng=self.rng).mean(axis=1)
            for key, profile, value in zip(new, wanted, values, strict=True):
                self.known[key] = (profile, value)
        shape = tuple(len(population) for population in populations)
        rows = np.array([self.known[key][1] for key in keys])
        return Payoffs(rows.T.reshape(len(populations), *shape), symmetric=False)


def pipeline_psro(
    game: MetaGame,
    *,
    oracle: BestResponseOracle,
    levels: int = 3,
    meta_solver: str | MetaSolver = "nash",
    plateau: float = 0.01,
    episodes_per_cell: int = 1000,
    executor: Executor | None = None,
    seed: int = 0,
) -> Iterator[PipelineStep]:
    """Yield rounds, without end.

    Parameters
    ----------
    game : MetaGame
        With a population per player.
    oracle : BestResponseOracle
        Should train only briefly, and go on from the responder's newest policy (PPO with
        ``start="latest"``); each level then improves from round to round.
    levels : int
        Policies that train at the same time, per player.
    plateau : float
        The lowest level is finished when in a round no player's gains more than this share of
        the payoff range.
    executor : concurrent.futures.Executor, optional
        Where the levels of all players train; default: here, one after the other. The result is
        the same. For processes game, oracle and policies must be picklable.
    seed : int

    Raises
    ------
    ValueError
        For a game with one population, or fewer than one level.
    """
    if game.is_symmetric:
        raise ValueError(f"{game.name} has one population; pipeline PSRO needs one per player")
    if levels < 1:
        raise ValueError(f"levels must be at least 1, got {levels}")
    solver = solvers.get(meta_solver) if isinstance(meta_solver, str) else meta_solver
    low, high = game.payoff_bounds
    players = range(game.num_players)
    finished = [[policy] for policy in game.initial_policies()]
    active = [[policy] * levels for policy in game.initial_policies()]
    table = _Table(game, episodes_per_cell, np.random.default_rng([seed, 0]))
    number = 0
    while True:
        started = time.perf_counter()
        targets = [
            _mixtures(table, solver, [finished[p] + active[p][:level] for p in players])
            for level in range(levels)
        ]
        responses = _respond_all(game, oracle, targets, active, executor, [seed, 1, number])
        gains = tuple(
            _gain(table, targets[0], p, active[p][0], responses[0][p].policy) for p in players
        )
        for level in range(levels):
            for p in players:
                active[p][level] = responses[level][p].policy
        if max(gains) <= plateau * (high - low):
            for p in players:
                finished[p].append(active[p].pop(0))
                active[p].append(active[p][-1] if active[p] else finished[p][-1])
        mixtures = _mixtures(table, solver, [finished[p] + active[p] for p in players])
        seconds = time.perf_counter() - started
        yield PipelineStep(number, mixtures, len(finished[0]), gains, seconds)
        number += 1


def _mixtures(
    table: _Table, solver: MetaSolver, populations: list[list[Policy]]
) -> tuple[Mixture, ...]:
    marginals = solver.solve(table.payoffs(populations)).marginals
    return tuple(
        Mixture(tuple(population), weights)
        for population, weights in zip(populations, marginals, strict=True)
    )


def _respond_all(
    game: MetaGame,
    oracle: BestResponseOracle,
    targets: list[tuple[Mixture, ...]],
    active: list[list[Policy]],
    executor: Executor | None,
    key: list[int],
) -> list[list[Response]]:
    """Responses ``[level][player]``; each starts from the level's own policy."""
    tasks = []
    for level, mixtures in enumerate(targets):
        for player in range(game.num_players):
            opponents = list(mixtures)
            opponents[player] = Mixture((active[player][level],), np.ones(1))
            rng = np.random.default_rng([*key, level, player])
            tasks.append((player, opponents, rng))
    if executor is None:
        done = [oracle.best_response(game, p, others, rng=rng) for p, others, rng in tasks]
    else:
        futures = [
            executor.submit(oracle.best_response, game, p, others, rng=rng)
            for p, others, rng in tasks
        ]
        done = [future.result() for future in futures]
    n = game.num_players
    return [done[level * n : (level + 1) * n] for level in range(len(targets))]


def _gain(
    table: _Table, target: tuple[Mixture, ...], player: int, before: Policy, after: Policy
) -> float:
    """What a policy gained over the one it was trained from, against the target."""
    populations = [list(mixture.policies) for mixture in target]
    populations[player] = [before, after]
    values = table.payoffs(populations).tensor[player]
    for other in reversed(range(len(target))):
        if other != player:
            values = np.tensordot(values, target[other].weights, axes=(other, 0))
    return float(values[1] - values[0])
