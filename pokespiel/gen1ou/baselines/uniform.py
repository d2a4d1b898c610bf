"""Every legal action with the same probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.baselines.view import IntArray

if TYPE_CHECKING:
    from pokespiel.gen1ou.showdown.decision import Decision


class RandomPolicy:
    """Every legal action with the same probability."""

    name = "random"

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        legal = np.stack([decision.legal for decision in decisions])
        return np.asarray(np.argmax(rng.random(legal.shape) * legal, axis=1), dtype=np.int64)

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        chosen: IntArray = np.argmax(rng.random(decisions.legal.shape) * decisions.legal, axis=1)
        return chosen
