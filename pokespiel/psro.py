"""Policy-Space Response Oracles (Lanctot et al. 2017, arXiv:1711.00832).

One loop for every game, symmetric or not, with any number of players. Variants are components:
the meta-solver, the targets that best responses answer, the oracle, the rule of admission.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import solvers
from pokespiel.empirical_game import EmpiricalGame
from pokespiel.exploitability.result import Exploitability, units_of
from pokespiel.protocols import (
    BestResponseOracle,
    JointMixture,
    MetaGame,
    Mixture,
    Opponents,
    Policy,
    Response,
)
from pokespiel.runs.directory import RunDirectory, RunError
from pokespiel.runs.step import Step, step_from_json, step_to_json
from pokespiel.targets import Target, Targets, meta_strategy_target
from solvers.base import MetaSolver, MetaStrategy, expected_payoffs

Admission: TypeAlias = Callable[[Response, float | None], bool]
"""Takes a response and its gain over the target (None if unknown); says whether to admit it."""

Monitor: TypeAlias = Callable[[str, int, int], None]
"""Called with (what is being done, done, total); for progress bars."""

_EVALUATE, _RESPOND = 0, 1
"""First entry of every derived seed: which part of the loop draws."""

_EPISODES_PER_ROUND = 400
"""The table is stored after about this many episodes: the most that a kill can waste."""


def admit_always(response: Response, gain: float | None) -> bool:
    """Admit whatever the oracle finds."""
    return True


def admit_if_it_gains(response: Response, gain: float | None) -> bool:
    """Admit unless the oracle knows exactly that the response gains nothing (1e-9)."""
    return gain is None or gain > 1e-9


@dataclass(frozen=True)
class PSROResult:
    """Where the run stands: populations, table and meta-strategy belong together."""

    populations: tuple[tuple[Policy, ...], ...]
    table: EmpiricalGame
    meta_strategy: MetaStrategy
    steps: tuple[Step, ...] = field(repr=False)

    def mixtures(self) -> list[Mixture]:
        """Each player's meta-strategy as a mixture of policies, ready to be played."""
        return _mixtures(self.populations, self.meta_strategy.marginals)


class PSRO:
    """Grow populations of policies by best responses to the meta-strategy.

    Each iteration evaluates the missing cells, solves the empirical game, finds a best response
    per population, admits it and records what happened.

    Parameters
    ----------
    game : MetaGame
    oracle : BestResponseOracle
    meta_solver : str or MetaSolver
        A name that `solvers.get` knows, or a solver.
    targets : callable
        What the best responses answer; default: the meta-strategy.
    admit : callable
        Which responses join the population; default: all that are not known to gain nothing.
    episodes_per_cell : int
        Episodes per cell where the game is not exact.
    seed : int
        Everything random derives from it, from the iteration and from the state of the table;
        nothing depends on how often the run was interrupted.
    directory : path, optional
        Store the run there after every change; see `pokespiel.runs.directory`.
    resume : bool
        Continue the run in ``directory`` if there is one.
    monitor : callable, optional
        Called with (what, done, total) as the loop goes on.

    Raises
    ------
    ValueError
        For an unknown meta-solver, bad settings, or a directory that cannot be used.

    Examples
    --------
    >>> from pokespiel import PSRO
    >>> from pokespiel.openspiel import MatrixGame
    >>> from pokespiel.oracles.exact import ExactOracle
    >>> game = MatrixGame([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    >>> PSRO(game, oracle=ExactOracle()).run(10).meta_strategy.marginals[0].round(3)
    array([0.333, 0.333, 0.333])
    """

    def __init__(
        self,
        game: MetaGame,
        *,
        oracle: BestResponseOracle,
        meta_solver: str | MetaSolver = "nash",
        targets: Targets = meta_strategy_target,
        admit: Admission = admit_if_it_gains,
        episodes_per_cell: int = 1000,
        seed: int = 0,
        directory: str | Path | None = None,
        resume: bool = False,
        monitor: Monitor | None = None,
    ) -> None:
        if episodes_per_cell < 1:
            raise ValueError(f"episodes_per_cell must be at least 1, got {episodes_per_cell}")
        if seed < 0:
            raise ValueError(f"seed must be a non-negative integer, got {seed}")
        self.game = game
        self.oracle = oracle
        self.solver = solvers.get(meta_solver) if isinstance(meta_solver, str) else meta_solver
        self.targets = targets
        self.admit = admit
        self.episodes_per_cell = episodes_per_cell
        self.seed = seed
        self._monitor: Monitor = monitor or (lambda what, done, total: None)
        self._steps: list[Step] = []
        self._run: RunDirectory | None = None
        if directory is not None:
            self._run = RunDirectory(directory, config=self._config(), resume=resume)
        self._restore()

    # The loop --------------------------------------------------------------------------------

    def step(self) -> Step:
        """Do one iteration."""
        started = time.perf_counter()
        strategy = self._settle()
        targets = self.targets(strategy, self.table.payoffs())
        responses = [self._respond(number, target) for number, target in enumerate(targets)]
        gains = [self._gain(target, r) for target, r in zip(targets, responses, strict=True)]
        indices = self._store(targets, responses, gains)
        nash_conv = self._nash_conv(targets, gains)
        step = Step(
            iteration=len(self._steps),
            meta_strategy=strategy,
            responses=tuple(
                {"player": t.player, "index": i, "value": r.value, "gain": g, "cost": dict(r.cost)}
                for t, r, g, i in zip(targets, responses, gains, indices, strict=True)
            ),
            nash_conv=nash_conv,
            sizes=self._sizes_after(indices, targets),
            episodes=self.table.total_episodes(),
            seconds=time.perf_counter() - started,
            exploitabilities=self._exact(nash_conv, targets, responses, gains),
        )
        self._commit(step, targets, responses, indices)
        return step

    def __iter__(self) -> Iterator[Step]:
        """Do iterations until no response is admitted any more."""
        while not self.converged:
            yield self.step()

    def run(self, iterations: int) -> PSROResult:
        """Go on until ``iterations`` iterations are done in all, or none is admitted any more."""
        if iterations < 0:
            raise ValueError(f"iterations must not be negative, got {iterations}")
        for done in range(len(self._steps), iterations):
            if self.converged:
                break
            self._monitor("iteration", done, iterations)
            self.step()
        return self.result()

    def result(self) -> PSROResult:
        """Evaluate what is missing, solve, and return where the run stands."""
        strategy = self._settle()
        populations = tuple(tuple(population) for population in self.populations)
        return PSROResult(populations, self.table, strategy, tuple(self._steps))

    def close(self) -> None:
        """Release the run's directory to other processes; the end of the process does so too."""
        if self._run is not None:
            self._run.close()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every iteration so far."""
        return tuple(self._steps)

    @property
    def converged(self) -> bool:
        """Whether the last iteration admitted nothing: more iterations would change nothing."""
        return bool(self._steps) and all(r["index"] is None for r in self._steps[-1].responses)

    # Evaluate and solve ----------------------------------------------------------------------

    def _settle(self) -> MetaStrategy:
        self._evaluate()
        return self.solver.solve(self.table.payoffs())

    def _evaluate(self) -> None:
        """Fill every cell, in rounds whose seeds depend only on the state of the table."""
        todo = self.table.missing(1 if self.game.is_exact else self.episodes_per_cell)
        total = sum(short for _, short in todo)
        while todo:
            self._monitor("evaluate", total - sum(short for _, short in todo), total)
            profiles = [self._profile(cell) for cell, _ in todo]
            if self.game.is_exact:
                returns = self.game.expected_returns(profiles)
                for (cell, _), values in zip(todo, returns, strict=True):
                    self.table.record_exact(cell, values)
            else:
                share = max(1, _EPISODES_PER_ROUND // len(todo))
                episodes = min(share, min(short for _, short in todo))
                rng = self._rng(_EVALUATE, self.table.total_episodes())
                played = self.game.play(profiles, episodes, rng=rng)
                for (cell, _), returns_of_cell in zip(todo, played, strict=True):
                    self.table.record(cell, returns_of_cell)
            if self._run is not None:
                self._run.save_table(self.table)
            todo = self.table.missing(1 if self.game.is_exact else self.episodes_per_cell)

    def _profile(self, cell: tuple[int, ...]) -> tuple[Policy, ...]:
        return tuple(self._population(player)[index] for player, index in enumerate(cell))

    def _population(self, player: int) -> list[Policy]:
        return self.populations[0 if self.game.is_symmetric else player]

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, len(self._steps), *key])

    # Best responses --------------------------------------------------------------------------

    def _opponents(self, target: Target) -> Opponents:
        if target.joint is None:
            assert target.marginals is not None
            return _mixtures(self.populations, target.marginals)
        cells = np.argwhere(target.joint > 0.0)
        return JointMixture(
            profiles=tuple(self._profile(tuple(int(i) for i in cell)) for cell in cells),
            weights=target.joint[tuple(cells.T)],
        )

    def _respond(self, number: int, target: Target) -> Response:
        self._monitor("respond", number, 0)
        return self.oracle.best_response(
            self.game,
            target.player,
            self._opponents(target),
            rng=self._rng(_RESPOND, number),
        )

    def _gain(self, target: Target, response: Response) -> float | None:
        """What the response gains over the responder's value at its target, if known exactly."""
        if response.value is None or not self.game.is_exact:
            return None
        payoffs = self.table.payoffs()
        if target.joint is not None:
            value = float(np.sum(payoffs.tensor[target.player] * target.joint))
        else:
            assert target.marginals is not None
            value = float(expected_payoffs(payoffs, target.marginals)[target.player])
        return response.value - value

    def _nash_conv(self, targets: list[Target], gains: list[float | None]) -> float | None:
        """Sum of gains over the meta-strategy; None unless every player has one known gain."""
        if self.targets is not meta_strategy_target or any(gain is None for gain in gains):
            return None
        known = [gain for gain in gains if gain is not None]
        factor = self.game.num_players if self.game.is_symmetric else 1
        return max(factor * sum(known), 0.0)

    def _exact(
        self,
        nash_conv: float | None,
        targets: list[Target],
        responses: list[Response],
        gains: list[float | None],
    ) -> tuple[dict[str, Any], ...]:
        """The exact exploitability of the meta-strategy as JSON, where it is known."""
        if nash_conv is None:
            return ()
        players = self.game.num_players
        each = np.zeros(players)
        for target, gain in zip(targets, gains, strict=True):
            each[slice(None) if self.game.is_symmetric else target.player] = gain
        seconds = [float(response.cost.get("seconds", 0.0)) for response in responses]
        found = Exploitability(
            estimate=nash_conv / players,
            kind="exact",
            nash_conv=nash_conv,
            gains=tuple(np.maximum(each, 0.0).tolist()),
            method="exact best responses to the meta-strategy",
            budget={"oracle": self.oracle.name, "seconds": sum(seconds)},
            units=units_of(self.game),
        )
        return (found.to_json(),)

    # Record ----------------------------------------------------------------------------------

    def _store(
        self, targets: list[Target], responses: list[Response], gains: list[float | None]
    ) -> list[int | None]:
        """Decide which responses are admitted, store them, and return their indices."""
        sizes = [len(population) for population in self.populations]
        indices: list[int | None] = []
        for target, response, gain in zip(targets, responses, gains, strict=True):
            if not self.admit(response, gain):
                indices.append(None)
                continue
            index = sizes[target.player]
            sizes[target.player] += 1
            self._save_policy(target.player, index, response.policy)
            indices.append(index)
        return indices

    def _save_policy(self, player: int, index: int, policy: Policy) -> None:
        if self._run is not None:
            self._run.save_policy(player, index, lambda path: self.game.save_policy(policy, path))

    def _sizes_after(self, indices: list[int | None], targets: list[Target]) -> tuple[int, ...]:
        grown = [len(population) for population in self.populations]
        for index, target in zip(indices, targets, strict=True):
            grown[target.player] += index is not None
        return tuple(grown) * (self.game.num_players if self.game.is_symmetric else 1)

    def _commit(
        self,
        step: Step,
        targets: list[Target],
        responses: list[Response],
        indices: list[int | None],
    ) -> None:
        """Write the history first (the commit point), then let the table follow."""
        if self._run is not None:
            self._run.commit(step_to_json(step))
        self._steps.append(step)
        for target, response, index in zip(targets, responses, indices, strict=True):
            if index is not None:
                self.populations[target.player].append(response.policy)
        self._grow_table()

    def _grow_table(self) -> None:
        for player, population in enumerate(self.populations):
            for _ in range(self.table.sizes[player], len(population)):
                self.table.add_strategy(player)
        if self._run is not None:
            self._run.save_table(self.table)

    def _config(self) -> dict[str, Any]:
        return {
            "format": 1,
            "game": self.game.name,
            "oracle": self.oracle.name,
            "meta_solver": repr(self.solver),
            "targets": getattr(self.targets, "__name__", repr(self.targets)),
            "admit": getattr(self.admit, "__name__", repr(self.admit)),
            "episodes_per_cell": None if self.game.is_exact else self.episodes_per_cell,
            "seed": self.seed,
        }

    def _restore(self) -> None:
        """Start from the initial policies, then follow the stored history, if any."""
        game = self.game
        table = self._run.load_table() if self._run is not None else None
        initial = game.initial_policies()
        expected = 1 if game.is_symmetric else game.num_players
        if len(initial) != expected:
            raise ValueError(f"{game.name} gives {len(initial)} initial policies, not {expected}")
        self.populations: list[list[Policy]] = [[policy] for policy in initial]
        self.table = table or EmpiricalGame(
            game.num_players,
            symmetric=game.is_symmetric,
            zero_sum=game.is_zero_sum,
            payoff_bounds=game.payoff_bounds,
            sizes=[0] * game.num_players,
        )
        if self._run is not None:
            self._restore_policies(self._run, started=table is not None)
        if any(size > len(self._population(p)) for p, size in enumerate(self.table.sizes)):
            raise RunError(f"the table has {self.table.sizes} strategies, more than the history")
        self._grow_table()

    def _restore_policies(self, run: RunDirectory, *, started: bool) -> None:
        for player, population in enumerate(self.populations):
            if started:
                population[0] = run.load_policy(player, 0, self.game.load_policy)
            else:
                self._save_policy(player, 0, population[0])
        self._steps = [step_from_json(entry) for entry in run.history]
        for step in self._steps:
            for response in step.responses:
                player, index = response["player"], response["index"]
                if index is not None:
                    policy = run.load_policy(player, index, self.game.load_policy)
                    self.populations[player].append(policy)


def _mixtures(
    populations: list[list[Policy]] | tuple[tuple[Policy, ...], ...],
    marginals: tuple[np.ndarray[Any, np.dtype[np.float64]], ...],
) -> list[Mixture]:
    """One mixture per player; a single population serves them all."""
    shared = len(populations) == 1
    return [
        Mixture(tuple(populations[0 if shared else player]), marginal)
        for player, marginal in enumerate(marginals)
    ]
