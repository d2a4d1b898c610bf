"""OpenSpiel games as meta-games.

`MatrixGame` needs no OpenSpiel; the other names load it when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pokespiel.openspiel.matrix_game import MatrixGame

if TYPE_CHECKING:
    from pokespiel.openspiel.compile import GameTooLargeError, compile_game
    from pokespiel.openspiel.meta_game import OpenSpielGame
    from pokespiel.openspiel.sequence_form import SequenceForm

_LAZY = {
    "GameTooLargeError": "pokespiel.openspiel.compile",
    "OpenSpielGame": "pokespiel.openspiel.meta_game",
    "SequenceForm": "pokespiel.openspiel.sequence_form",
    "compile_game": "pokespiel.openspiel.compile",
}

__all__ = ["GameTooLargeError", "MatrixGame", "OpenSpielGame", "SequenceForm", "compile_game"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
