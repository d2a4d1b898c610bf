"""Policies for Gen 1 OU that learn nothing: those that the field is measured against.

They draw only from the generator they are given, and see only what their player may know. All of
them play on the engine and on Showdown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pokespiel.gen1ou.baselines.max_damage import MaxDamagePolicy
from pokespiel.gen1ou.baselines.simple_heuristics import SimpleHeuristicsPolicy
from pokespiel.gen1ou.baselines.switch_aware import SwitchAwarePolicy
from pokespiel.gen1ou.baselines.trainers import Gen1BossAI, Grunt, GymLeader
from pokespiel.gen1ou.baselines.uniform import RandomPolicy

__all__ = [
    "BASELINES",
    "Gen1BossAI",
    "Grunt",
    "GymLeader",
    "MaxDamagePolicy",
    "RandomPolicy",
    "SimpleHeuristicsPolicy",
    "SwitchAwarePolicy",
]

BASELINES: dict[str, Callable[[], Any]] = {
    "random": RandomPolicy,
    "max_damage": MaxDamagePolicy,
    "switch_aware": SwitchAwarePolicy,
    "simple_heuristics": SimpleHeuristicsPolicy,
    "gen1_boss": Gen1BossAI,
    "grunt": Grunt,
    "gym_leader": GymLeader,
}
"""Policies that learn nothing, by name."""
