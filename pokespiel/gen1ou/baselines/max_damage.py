"""The move that is expected to take most, from the real damage formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.actions import NUM_ACTIONS, NUM_MOVES
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.estimates import expected_damage as expected_damage_of_actions
from pokespiel.gen1ou.showdown.decision import Decision

IntArray: TypeAlias = NDArray[np.int64]


class MaxDamagePolicy:
    """The move that is expected to take most from the opponent's active Pokémon.

    It never switches of its own will. When it has to, it brings the Pokémon whose best move is
    expected to take most. Equal choices are drawn at random.
    """

    name = "max_damage"

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        # poke-env comes with the Showdown backend; the engine does without.
        from pokespiel.gen1ou.baselines.on_showdown import action_values

        chances = rng.random((len(decisions), NUM_ACTIONS))
        actions = np.empty(len(decisions), dtype=np.int64)
        for row, decision in enumerate(decisions):
            values = action_values(decision.battle, decision.legal)
            best = values == values.max()
            actions[row] = np.argmax(chances[row] * best)
        return actions

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        values = expected_damage_of_actions(
            decisions.rows, decisions.where, decisions.players, decisions.legal
        )
        may_move = decisions.legal[:, :NUM_MOVES].any(axis=1)
        values[may_move, NUM_MOVES:] = -np.inf
        best = values == values.max(axis=1, keepdims=True)
        chosen: IntArray = np.argmax(rng.random(values.shape) * best, axis=1)
        return chosen
