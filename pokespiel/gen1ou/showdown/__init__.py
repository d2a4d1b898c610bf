"""Gen 1 OU on the real Showdown server: installation, server, teams, batched live play."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pokespiel.gen1ou.showdown.arena import Arena, Match
    from pokespiel.gen1ou.showdown.decision import BattleResult, Decision, ShowdownPolicy
    from pokespiel.gen1ou.showdown.install import ShowdownError
    from pokespiel.gen1ou.showdown.questions import PolicyError
    from pokespiel.gen1ou.showdown.server import FinishedBattle, ShowdownServer
    from pokespiel.gen1ou.showdown.validator import IllegalTeamError, validate_team, validate_teams

# Loaded when first used: the installation must work without poke-env.
_PUBLIC = {
    "Arena": "arena",
    "BattleResult": "decision",
    "Decision": "decision",
    "FinishedBattle": "server",
    "IllegalTeamError": "validator",
    "Match": "arena",
    "PolicyError": "questions",
    "ShowdownError": "install",
    "ShowdownPolicy": "decision",
    "ShowdownServer": "server",
    "validate_team": "validator",
    "validate_teams": "validator",
}

__all__ = [
    "Arena",
    "BattleResult",
    "Decision",
    "FinishedBattle",
    "IllegalTeamError",
    "Match",
    "PolicyError",
    "ShowdownError",
    "ShowdownPolicy",
    "ShowdownServer",
    "validate_team",
    "validate_teams",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
