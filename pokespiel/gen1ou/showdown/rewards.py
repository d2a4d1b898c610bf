"""The state that `pokespiel.gen1ou.rewards` compares, from a battle on Showdown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from poke_env.battle import Battle

from pokespiel.gen1ou import rewards
from pokespiel.gen1ou.engine.tables import SPECIES_NUMBER


def reward_state(battle: Battle) -> NDArray[np.float64]:
    """State ``(STATE,)`` of the player whose view of the battle this is."""
    state = np.zeros(rewards.STATE)
    for slot, pokemon in enumerate(list(battle.team.values())[:6]):
        state[rewards.HP + slot] = pokemon.current_hp_fraction
        state[rewards.HAS_STATUS + slot] = pokemon.status is not None
        state[rewards.BENCH] += not pokemon.active and not pokemon.fainted
        if pokemon.active:
            state[rewards.ACTIVE] = slot
    foe = battle.opponent_active_pokemon
    if foe is not None:
        state[rewards.FOE] = SPECIES_NUMBER[foe.base_species]
        state[rewards.FOE_HP] = foe.current_hp_fraction
        state[rewards.FOE_STATUS] = foe.status is not None
    state[rewards.FOES_LEFT] = 6 - sum(p.fainted for p in battle.opponent_team.values())
    return state
