"""poke-env's SimpleHeuristicsPlayer: matchups, estimated damage, and when to leave.

On Showdown the original itself plays. `simple_heuristics` takes the same decisions from arrays,
so that the player meets the engine's policies too; it follows poke-env 0.16.1 to the letter,
with what look like slips:

- A boost of 1 counts as much as one of 2.
- It never sets up: it compares the move's target with the word "self", which poke-env's own
  enumeration is not equal to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pokespiel.gen1ou.actions import NUM_MOVES, action_of
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.baselines import matchup
from pokespiel.gen1ou.baselines.uniform import RandomPolicy
from pokespiel.gen1ou.baselines.view import (
    FOE,
    OWN,
    BoolArray,
    FloatArray,
    IntArray,
    View,
    best_switch,
    engine_view,
    first_best,
)
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.observation import MOVE_TYPE

if TYPE_CHECKING:
    from pokespiel.gen1ou.showdown.decision import Decision

SPEED_TIER = 0.1
HP_SHARE = 0.4
LEAVE_BELOW = -2.0
_HITS = np.where(matchup.MEAN_HITS == 3.0, 19.0 / 6.0, matchup.MEAN_HITS)
"""poke-env counts two to five hits as later generations have them."""


def simple_heuristics(view: View) -> IntArray:
    """The action of poke-env's SimpleHeuristicsPlayer for each decision."""
    scores = matchup_scores(view)
    may_move = view.legal[:, :NUM_MOVES].any(axis=1)
    may_switch = view.legal[:, NUM_MOVES:].any(axis=1)
    switches = may_switch & (~may_move | should_leave(view, scores))
    return np.where(switches, best_switch(view, scores), first_best(_move_scores(view)))


def matchup_scores(view: View) -> FloatArray:
    """How each own Pokémon ``(n, 6)`` stands against the opponent's."""
    own, foe = matchup.team_types(view), view.types[:, None, FOE]
    given = np.stack([matchup.effectiveness(own[..., k], foe) for k in (0, 1)])
    taken = np.stack([matchup.effectiveness(foe[..., k], own) for k in (0, 1)])
    speed = matchup.BASE[matchup.team_shapes(view), 3]
    faster = np.sign(speed - matchup.BASE[view.shape[:, FOE], 3][:, None])
    health = view.hp - view.foe_hp[:, None]
    return np.asarray(
        given.max(axis=0) - taken.max(axis=0) + SPEED_TIER * faster + HP_SHARE * health
    )


def should_leave(view: View, scores: FloatArray) -> BoolArray:
    """Whether there is somebody better, and a reason."""
    one = np.arange(len(view))
    better = (view.legal[:, NUM_MOVES:] & (scores > 0)).any(axis=1)
    boosts = view.boosts[:, OWN]
    stats = view.stats[one, view.active]
    lowered = (boosts[:, at.DEFENSE] <= -3) | (boosts[:, at.SPECIAL] <= -3)
    physical = stats[:, at.ATTACK] >= stats[:, at.SPECIAL]
    lowered |= (boosts[:, at.ATTACK] <= -3) & physical
    return np.asarray(better & (lowered | (scores[one, view.active] < LEAVE_BELOW)))


def _move_scores(view: View) -> FloatArray:
    """Estimated worth ``(n, 10)`` of each move, -inf for what is no legal move."""
    moves = matchup.active_moves(view)
    kinds = MOVE_TYPE[moves]
    own = view.types[:, OWN]
    physical = _stat(view, OWN, at.ATTACK) / _stat(view, FOE, at.DEFENSE)
    special = _stat(view, OWN, at.SPECIAL) / _stat(view, FOE, at.SPECIAL)
    values = np.full(view.legal.shape, -np.inf)
    worth = (
        matchup.POWER[moves]
        * np.where((kinds == own[:, :1]) | (kinds == own[:, 1:]), 1.5, 1.0)
        * np.where(matchup.IS_PHYSICAL[moves], physical[:, None], special[:, None])
        * matchup.HIT_CHANCE[moves]
        * _HITS[moves]
        * matchup.effectiveness(kinds, view.types[:, None, FOE])
    )
    values[:, :NUM_MOVES] = np.where(view.legal[:, :NUM_MOVES], worth, -np.inf)
    return values


def _stat(view: View, side: int, stat: int) -> FloatArray:
    boost = view.boosts[:, side, stat]
    factor = np.where(boost > 1, (2.0 + boost) / 2.0, 2.0 / (2.0 - np.minimum(boost, 1)))
    return np.asarray((2.0 * matchup.BASE[view.shape[:, side], stat + 1] + 36.0) * factor)


class SimpleHeuristicsPolicy:
    """poke-env's ``SimpleHeuristicsPlayer``: matchups, boosts and estimated damage."""

    name = "simple_heuristics"

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        return simple_heuristics(engine_view(decisions))

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        fallback = RandomPolicy().act(decisions, rng)
        return np.array(
            [
                original_action(decision, int(action))
                for decision, action in zip(decisions, fallback, strict=True)
            ],
            dtype=np.int64,
        )


def original_action(decision: Decision, fallback: int) -> int:
    """What poke-env's own player does; ``fallback`` where it would draw, or cannot answer."""
    from poke_env.player import SimpleHeuristicsPlayer

    battle = decision.battle
    if decision.legal.sum() == 1:
        return int(np.argmax(decision.legal))
    if battle.active_pokemon is None or battle.opponent_active_pokemon is None:
        # Here poke-env draws from Python's global generator.
        return fallback
    order, _ = SimpleHeuristicsPlayer.choose_singles_move(battle)
    action = action_of(order, battle)
    return action if decision.legal[action] else fallback
