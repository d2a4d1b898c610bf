"""Rewards of one decision: metamon's DefaultShapedReward (Grigsby et al. 2025).

::

    r = damage_done + hp_gain + 0.5 (gave_status - took_status) + (removed - lost)
        + 100 (won - lost_battle)

with hp in [0, 1]. Damage and gains are signed, so losing hp costs as much as dealing it earns; a
faint counts as a status. Terms about a Pokémon compare it with itself: damage and status count
only while the opponent's active Pokémon stays the same; one's own are read from the now active
Pokémon's previous state. ``removed`` and ``lost`` are 0 or 1 per decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from poke_env.battle import Battle

WIN = 100.0
"""Reward of winning; losing costs as much, a tie gives nothing."""


@dataclass(frozen=True)
class RewardState:
    """What the reward compares between two decisions of one player.

    Attributes
    ----------
    team : mapping of species to (hp in [0, 1], has a status)
        One's own Pokémon that have not fainted, and the active one.
    active, opponent : str
        Species of the active Pokémon; "" if there is none.
    opponent_hp : float
    opponent_status : bool
    available_switches : int
    opponents_remaining : int
    """

    team: dict[str, tuple[float, bool]]
    active: str
    opponent: str
    opponent_hp: float
    opponent_status: bool
    available_switches: int
    opponents_remaining: int


def reward_state(battle: Battle) -> RewardState:
    """Read the state from a poke-env battle as its player sees it."""
    active, opponent = battle.active_pokemon, battle.opponent_active_pokemon
    living = [p for p in battle.team.values() if not p.fainted or p.active]
    return RewardState(
        team={p.base_species: (p.current_hp_fraction, p.status is not None) for p in living},
        active=active.base_species if active else "",
        opponent=opponent.base_species if opponent else "",
        opponent_hp=opponent.current_hp_fraction if opponent else 0.0,
        opponent_status=opponent is not None and opponent.status is not None,
        available_switches=sum(not p.active and not p.fainted for p in battle.team.values()),
        opponents_remaining=6 - sum(p.fainted for p in battle.opponent_team.values()),
    )


def shaped_reward(before: RewardState, after: RewardState) -> float:
    """Reward between two consecutive decisions, without the terminal term."""
    reward = 0.0
    if after.active in before.team and after.active in after.team:
        (old_hp, old_status), (hp, status) = before.team[after.active], after.team[after.active]
        reward += hp - old_hp
        reward -= 0.5 * (status and not old_status)
    if after.opponent == before.opponent:
        reward += before.opponent_hp - after.opponent_hp
        reward += 0.5 * (after.opponent_status and not before.opponent_status)
    reward += after.opponents_remaining < before.opponents_remaining
    reward -= after.available_switches < before.available_switches
    return float(reward)
