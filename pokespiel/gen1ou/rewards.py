"""Rewards of one decision: metamon's DefaultShapedReward (Grigsby et al. 2025).

::

    r = damage_done + hp_gain + 0.5 (gave_status - took_status) + (removed - lost)
        + 100 (won - lost_battle)

with hp in [0, 1]. Damage and gains are signed, so losing hp costs as much as dealing it earns; a
faint counts as a status. Terms about a Pokémon compare it with itself: damage and status count
only while the opponent's active Pokémon stays the same; one's own are read from the now active
Pokémon's previous state. ``removed`` and ``lost`` are 0 or 1 per decision. ``lost`` compares how
many Pokémon stand on the bench, whether or not a switch to them is allowed: being trapped or bound
to recharge costs nothing. So a faint counts when the replacement is in, and the last one does not.

What the reward compares is a vector of `STATE` numbers, so that a batch of decisions is one
array: own hp by team slot (6), own statuses (6), the slot of the active Pokémon, the species of
the opponent's, its hp and whether it has a status, how many Pokémon stand on the bench, and how
many the opponent has left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.compilation import entry_point
from pokespiel.gen1ou.observation import shown_percent

WIN = 100.0
"""Reward of winning; losing costs as much, a tie gives nothing."""

STATE = 18
HP, HAS_STATUS = 0, 6
ACTIVE, FOE, FOE_HP, FOE_STATUS, BENCH, FOES_LEFT = 12, 13, 14, 15, 16, 17


def shaped_rewards(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rewards between consecutive decisions, without the terminal term.

    Parameters
    ----------
    before, after : float64 ``(..., STATE)``

    Returns
    -------
    float64 ``(...,)``
    """

    def own(state: NDArray[np.float64], first: int) -> NDArray[np.float64]:
        """Of the Pokémon that is active afterwards."""
        slots = after[..., ACTIVE].astype(np.intp)[..., None] + first
        return np.take_along_axis(state, slots, axis=-1)[..., 0]

    hp_gain = own(after, HP) - own(before, HP)
    took_status = own(after, HAS_STATUS) > own(before, HAS_STATUS)
    same_foe = after[..., FOE] == before[..., FOE]
    damage = (before[..., FOE_HP] - after[..., FOE_HP]) * same_foe
    gave_status = (after[..., FOE_STATUS] > before[..., FOE_STATUS]) & same_foe
    removed = after[..., FOES_LEFT] < before[..., FOES_LEFT]
    lost = after[..., BENCH] < before[..., BENCH]
    rewards: NDArray[Any] = (
        hp_gain + damage + 0.5 * gave_status - 0.5 * took_status + 1.0 * removed - 1.0 * lost
    )
    return rewards


def reward_states(
    rows: NDArray[np.int32], battles: NDArray[np.int64], players: NDArray[np.int64]
) -> NDArray[np.float64]:
    """States ``(n, STATE)`` of the players of engine battles."""
    states = np.zeros((len(battles), STATE))
    # In one layout each, since Numba compiles the function anew for every other.
    _reward_states(rows, np.ascontiguousarray(battles), np.ascontiguousarray(players), states)
    return states


@entry_point
def _reward_states(
    rows: NDArray[np.int32],
    battles: NDArray[np.int64],
    players: NDArray[np.int64],
    states: NDArray[np.float64],
) -> None:
    for n in prange(battles.shape[0]):
        b = rows[battles[n]]
        o, f = players[n] * at.SIDE, (1 - players[n]) * at.SIDE
        foes_left = 6
        for slot in range(6):
            p = o + slot * at.POKEMON
            if b[p + at.SPECIES] != 0:
                states[n, HP + slot] = b[p + at.HP] / b[p + at.MAX_HP]
                states[n, HAS_STATUS + slot] = b[p + at.STATUS] != 0 or b[p + at.HP] == 0
                if slot != b[o + at.ORDER] and b[p + at.HP] > 0:
                    states[n, BENCH] += 1
            q = f + slot * at.POKEMON
            if b[q + at.SPECIES] != 0 and b[q + at.HP] == 0:
                foes_left -= 1
        states[n, ACTIVE] = b[o + at.ORDER]
        q = f + b[f + at.ORDER] * at.POKEMON
        states[n, FOE] = b[q + at.SPECIES]
        states[n, FOE_HP] = shown_percent(b[q + at.HP], b[q + at.MAX_HP]) / 100
        states[n, FOE_STATUS] = b[q + at.STATUS] != 0 or b[q + at.HP] == 0
        states[n, FOES_LEFT] = foes_left
