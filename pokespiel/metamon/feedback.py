"""The reward that metamon's agents are told after each decision: DefaultShapedReward.

::

    r = (damage done + hp gained) + 0.5 (status given - status taken) + (removed - lost)

Terms about a Pokémon compare it with itself: damage and given status count only while the
opponent's active Pokémon stays the same; gains are those of the now active Pokémon, wherever it
was before. Winning and losing (100 and -100) come after the last decision, so no agent hears of
them.
"""

from __future__ import annotations

from pokespiel.metamon.observation import PokemonView, View


def shaped_reward(before: View, after: View) -> float:
    """Reward between two consecutive decisions of one player."""
    mine = next((p for p in (before.active, *before.bench) if p.name == after.active.name), None)
    reward = 0.0
    if mine is not None:
        reward += after.active.hp - mine.hp - 0.5 * _fell_ill(mine, after.active)
    if after.opponent.name == before.opponent.name:
        reward += before.opponent.hp - after.opponent.hp
        reward += 0.5 * _fell_ill(before.opponent, after.opponent)
    removed = after.opponents_left < before.opponents_left
    lost = len(after.bench) < len(before.bench)
    return float(reward + removed - lost)


def _fell_ill(before: PokemonView, after: PokemonView) -> bool:
    return before.status == "nostatus" != after.status
