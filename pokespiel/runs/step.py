"""What one iteration of the loop did, in memory and as a line of the history."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from solvers.base import MetaStrategy


@dataclass(frozen=True)
class Step:
    """What one iteration did.

    Attributes
    ----------
    iteration : int
        Counts from 0.
    meta_strategy : MetaStrategy
        Solved on the populations as they stood at the start of the iteration.
    responses : tuple of mappings
        Per target: ``player``, ``index`` in its population (None if not admitted), exact
        ``value`` and ``gain`` over the meta-strategy where the oracle knows them, ``cost``.
    nash_conv : float or None
        Sum over the players of the gains of *exact* best responses to ``meta_strategy``. None
        unless the oracle gave the exact value of a response for every player. Of a joint
        meta-strategy (JPSRO, multi-population alpha-Rank) it is the coarse-correlated gap: what
        players gain who deviate before they know what they are told to play.
    sizes : tuple of int
        Strategies per player after the iteration.
    episodes : int
        Episodes in the table so far.
    seconds : float
        Wall time of the iteration.
    exploitabilities : tuple of mappings
        What is known of ``meta_strategy``'s exploitability by this iteration's own computation, as
        JSON (see `pokespiel.exploitability.result.Exploitability`). Bounds from fresh games stand
        with the responses; `pokespiel.variants.evidence.measured` gives all of them.
    """

    iteration: int
    meta_strategy: MetaStrategy
    responses: tuple[dict[str, Any], ...]
    nash_conv: float | None
    sizes: tuple[int, ...]
    episodes: int
    seconds: float
    exploitabilities: tuple[dict[str, Any], ...] = ()

    @property
    def exploitability(self) -> float | None:
        """``nash_conv / num_players``: exact, or None where it is not known."""
        if self.nash_conv is None:
            return None
        return self.nash_conv / len(self.meta_strategy.marginals)


def step_to_json(step: Step) -> dict[str, Any]:
    """A step as plain JSON values; NumPy arrays become lists."""
    strategy = step.meta_strategy
    entry = asdict(step)
    entry["meta_strategy"] = {
        "marginals": [marginal.tolist() for marginal in strategy.marginals],
        "values": strategy.values.tolist(),
        "regrets": strategy.regrets.tolist(),
        "joint": None if strategy.joint is None else strategy.joint.tolist(),
        "diagnostics": strategy.diagnostics,
    }
    document: dict[str, Any] = json.loads(json.dumps(entry, default=_plain))
    return document


def _plain(value: Any) -> Any:
    """NumPy values as JSON; anything else a solver or oracle reports as its repr."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else repr(value)


def step_from_json(entry: dict[str, Any]) -> Step:
    """Read back what `step_to_json` made."""
    stored = entry["meta_strategy"]
    strategy = MetaStrategy(
        marginals=tuple(np.array(marginal) for marginal in stored["marginals"]),
        values=np.array(stored["values"]),
        regrets=np.array(stored["regrets"]),
        joint=None if stored["joint"] is None else np.array(stored["joint"]),
        diagnostics=stored["diagnostics"],
    )
    lists = ("sizes", "responses", "exploitabilities")
    tuples = {name: tuple(entry[name]) for name in lists if name in entry}
    return Step(**{**entry, "meta_strategy": strategy, **tuples})
