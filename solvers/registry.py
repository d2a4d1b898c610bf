"""Solvers by name. Modules load when their solver is first asked for."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from solvers.base import MetaSolver

_SOLVERS: dict[str, tuple[str, str]] = {
    "alpharank": ("solvers.alpharank", "AlphaRank"),
    "bnn": ("solvers.revision", "BNN"),
    "discrete_replicator": ("solvers.replicator", "DiscreteReplicator"),
    "fictitious_play": ("solvers.fictitious_play", "FictitiousPlay"),
    "hedge": ("solvers.hedge", "Hedge"),
    "last_k": ("solvers.recency", "LastK"),
    "logit": ("solvers.revision", "LogitDynamics"),
    "mecce": ("solvers.correlated", "MaxEntropyCCE"),
    "mece": ("solvers.correlated", "MaxEntropyCE"),
    "mgcce": ("solvers.correlated", "MaxGiniCCE"),
    "mgce": ("solvers.correlated", "MaxGiniCE"),
    "min_epsilon_mgcce": ("solvers.correlated", "MinEpsilonCCE"),
    "min_epsilon_mgce": ("solvers.correlated", "MinEpsilonCE"),
    "mwcce": ("solvers.correlated", "MaxWelfareCCE"),
    "mwce": ("solvers.correlated", "MaxWelfareCE"),
    "nash": ("solvers.nash", "Nash"),
    "nash_averaging": ("solvers.averaging", "NashAveraging"),
    "optimistic_hedge": ("solvers.hedge", "OptimisticHedge"),
    "pfsp": ("solvers.pfsp", "PFSP"),
    "prd": ("solvers.prd", "PRD"),
    "quantal": ("solvers.quantal", "QuantalResponse"),
    "rectified": ("solvers.rectified", "RectifiedNash"),
    "regret_matching": ("solvers.regret_matching", "RegretMatching"),
    "regret_matching_plus": ("solvers.regret_matching", "RegretMatchingPlus"),
    "replicator": ("solvers.replicator", "Replicator"),
    "self_play": ("solvers.recency", "SelfPlay"),
    "smith": ("solvers.revision", "Smith"),
    "uniform": ("solvers.uniform", "Uniform"),
}
"""Name -> (module, class)."""


@dataclass(frozen=True)
class SolverInfo:
    """One line of `available`."""

    name: str
    summary: str
    games: str
    paper: str

    def __str__(self) -> str:
        return f"{self.name}: {self.summary} [{self.games}; {self.paper}]"


def _load(name: str) -> type[Any]:
    if name not in _SOLVERS:
        raise ValueError(f"unknown meta-solver {name!r}; available: {', '.join(sorted(_SOLVERS))}")
    module, attribute = _SOLVERS[name]
    solver: type[Any] = getattr(import_module(module), attribute)
    return solver


def get(name: str, **hyperparameters: Any) -> MetaSolver:
    """Build a meta-solver by name.

    Raises
    ------
    ValueError
        If the name is unknown (the message lists the known ones).
    TypeError
        If the solver has no such hyperparameter (the message lists what it has).
    """
    solver_class = _load(name)
    try:
        solver: MetaSolver = solver_class(**hyperparameters)
    except TypeError:
        accepted = sorted(inspect.signature(solver_class).parameters)
        unknown = sorted(set(hyperparameters) - set(accepted))
        if not unknown:
            raise
        raise TypeError(
            f"meta-solver {name!r} has no hyperparameter {', '.join(map(repr, unknown))}; "
            f"it takes {', '.join(accepted) or 'none'}"
        ) from None
    return solver


def available() -> list[SolverInfo]:
    """List every meta-solver: what it is, which games it takes, its paper."""
    infos = []
    for name in sorted(_SOLVERS):
        solver = _load(name)
        infos.append(SolverInfo(name, solver.summary, solver.games, solver.paper))
    return infos
