"""Game theory over learned policies: PSRO, meta-solvers, honest exploitability, Gen 1 OU.

Public names load when they are first used, so that importing the package stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pokespiel.empirical_game import EmpiricalGame
    from pokespiel.protocols import BestResponseOracle, MetaGame, Mixture, Response
    from pokespiel.psro import PSRO, PSROResult
    from pokespiel.runs.step import Step

__version__ = "0.1.0"

_PUBLIC = {
    "PSRO": "pokespiel.psro",
    "PSROResult": "pokespiel.psro",
    "Step": "pokespiel.runs.step",
    "EmpiricalGame": "pokespiel.empirical_game",
    "BestResponseOracle": "pokespiel.protocols",
    "MetaGame": "pokespiel.protocols",
    "Mixture": "pokespiel.protocols",
    "Response": "pokespiel.protocols",
}

__all__ = [
    "PSRO",
    "BestResponseOracle",
    "EmpiricalGame",
    "MetaGame",
    "Mixture",
    "PSROResult",
    "Response",
    "Step",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
