"""How a heuristic over views plays on both backends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.baselines.view import IntArray, View, engine_view, showdown_view

if TYPE_CHECKING:
    from pokespiel.gen1ou.showdown.decision import Decision


class ViewPolicy:
    """A policy that needs no more than a `View`, and no memory."""

    name: str

    def choose(self, view: View, rng: np.random.Generator) -> IntArray:
        """One legal action per decision."""
        raise NotImplementedError

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        return self.choose(engine_view(decisions), rng)

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        return self.choose(showdown_view(decisions), rng)
