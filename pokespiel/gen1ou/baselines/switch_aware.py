"""Max damage that also knows when a duel is lost."""

from __future__ import annotations

import numpy as np

from pokespiel.gen1ou.actions import NUM_MOVES
from pokespiel.gen1ou.baselines import matchup
from pokespiel.gen1ou.baselines.playing import ViewPolicy
from pokespiel.gen1ou.baselines.view import FOE, FloatArray, IntArray, View, best_switch
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables

ASSUMED_POWER = 85.0
"""Power of the attacks of its own types that the opponent's Pokémon is taken to have."""
_IS_SPECIAL_TYPE = np.array(
    [
        name in ("Fire", "Water", "Grass", "Electric", "Psychic", "Ice", "Dragon")
        for name in tables.TYPE_NAMES
    ]
)


class SwitchAwarePolicy(ViewPolicy):
    """The most damaging move, unless the duel on the field is lost and another one is not.

    A duel is a race: how many turns the own best move needs, against how many the opponent's
    Pokémon needs with attacks of its own types. Who comes in takes one hit first. When it has to
    send somebody in, it sends whoever stands best in that race.
    """

    name = "switch_aware"

    def choose(self, view: View, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(view),)``."""
        one = np.arange(len(view))
        damage = matchup.expected_damage(view)
        values = np.full(view.legal.shape, -np.inf)
        now = damage[one, view.active]
        values[:, :NUM_MOVES] = np.where(view.legal[:, :NUM_MOVES], now, -np.inf)
        best = values == values.max(axis=1, keepdims=True)
        attack = np.argmax(rng.random(values.shape) * (best & view.legal), axis=1)
        leads = race(view, damage.max(axis=2), free_hit=False)
        after = race(view, damage.max(axis=2), free_hit=True)
        switch = best_switch(view, np.where(view.forced[:, None], leads, after))
        chosen = after[one, switch - NUM_MOVES]
        saved = view.legal[:, NUM_MOVES:].any(axis=1) & (leads[one, view.active] < 0) & (chosen > 0)
        leaves = ~view.legal[:, :NUM_MOVES].any(axis=1) | saved
        return np.where(leaves, switch, attack)


def race(view: View, damage: FloatArray, *, free_hit: bool) -> FloatArray:
    """Turns ``(n, 6)`` by which each own Pokémon outlasts the opponent's; half a turn for speed.

    Parameters
    ----------
    damage : float ``(n, 6)``
        Hit points that the best move of each takes in a turn.
    free_hit : bool
        The opponent's Pokémon hits once before the race begins.
    """
    faced = np.maximum(_threat(view), 1.0)
    hit_points = view.hp * (2.0 * matchup.BASE[view.species, 0] + 203.0)
    lasts = np.ceil(np.maximum(hit_points - faced * free_hit, 0.0) / faced)
    needs = np.ceil(matchup.foe_hit_points(view)[:, None] / np.maximum(damage, 1.0))
    faster = matchup.own_stat(view, at.SPEED) > matchup.foe_stat(view, at.SPEED)[:, None]
    return np.asarray(lasts - needs + np.where(faster, 0.5, -0.5))


def _threat(view: View) -> FloatArray:
    """Hit points ``(n, 6)`` that the opponent's better attack takes of each own Pokémon."""
    own = matchup.team_types(view)
    physical, special = matchup.foe_stat(view, at.ATTACK), matchup.foe_stat(view, at.SPECIAL)
    hits = []
    for k in (0, 1):
        kind = np.minimum(view.types[:, FOE, k], len(_IS_SPECIAL_TYPE) - 1)
        is_special = _IS_SPECIAL_TYPE[kind]
        strength = np.where(is_special, special, physical)[:, None]
        resistance = np.where(
            is_special[:, None],
            matchup.own_stat(view, at.SPECIAL),
            matchup.own_stat(view, at.DEFENSE),
        )
        plain = 42.0 * ASSUMED_POWER * strength / np.maximum(resistance, 1.0) / 50.0 + 2.0
        hits.append(plain * 1.5 * matchup.effectiveness(kind[:, None], own) * 0.925)
    return np.asarray(np.maximum(*hits))
