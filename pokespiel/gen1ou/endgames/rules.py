"""The engine's own rules as plain Python, with draws that stay open until they are looked at.

The engine's source files are loaded a second time under a name of their own, uncompiled, with
another generator. Nothing of the rules is written twice, and the compiled engine is left alone.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from pokespiel.gen1ou.endgames.unknowns import Unknown, World
from pokespiel.gen1ou.engine.compilation import ENGINE

_NAME = "pokespiel.gen1ou.endgames._engine"


class OpenRow(list[Any]):
    """A battle's row whose numbers may be unknown, and the world they are unknown in."""

    world: World


def _draw(b: OpenRow, n: int) -> Unknown:
    return b.world.roll(n)


def _shuffle_ties(b: OpenRow, n: int) -> None:
    """Nothing depends on these draws."""


def _as_it_is(function: Any) -> Any:
    return function


def _module(name: str, **contents: Any) -> ModuleType:
    module = ModuleType(f"{_NAME}.{name}" if name else _NAME)
    vars(module).update(contents)
    sys.modules[module.__name__] = module
    return module


@cache
def _rules(name: str) -> Any:
    if _NAME not in sys.modules:
        _module("", __path__=[str(ENGINE)])
        _module(
            "compilation",
            ENGINE=ENGINE,
            compiled=_as_it_is,
            inlined=_as_it_is,
            entry_point=_as_it_is,
        )
        _module("prng", draw=_draw, shuffle_ties=_shuffle_ties)
        tables = importlib.import_module(f"{_NAME}.tables")
        for key, value in vars(tables).items():
            if isinstance(value, np.ndarray) and value.ndim == 1:
                setattr(tables, key, _Numbers(value.tolist()))
        transcript: Any = importlib.import_module(f"{_NAME}.transcript")
        transcript.note = lambda *_: None
    return importlib.import_module(f"{_NAME}.{name}")


class _Numbers(tuple[int, ...]):
    """A table of plain integers, which plain Python reads faster than an array."""

    @property
    def size(self) -> int:
        return len(self)


def step(row: OpenRow, action_1: int, action_2: int) -> None:
    """The engine's step."""
    _rules("turn").step(row, action_1, action_2)


def legal_actions(row: OpenRow, side: int) -> list[int]:
    """The engine's legal actions; ``[-1]`` for a player with nothing to decide."""
    bits = int(_rules("choices").legal_actions(row, side))
    return [action for action in range(10) if bits >> action & 1] or [-1]
