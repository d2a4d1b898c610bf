"""What metamon's agents know of a battle and poke-env does not keep: last moves and effects.

Both are read from the battle's own log, as the poke-env of metamon's authors (0.8.3.2) did when
their agents were trained and evaluated:

- A Pokémon's previous move is the last one it was seen to use in this battle, however it came to
  use it; it survives switching. Struggle and recharging leave none.
- Of the effects on a Pokémon one is observed: the one with the lowest counter, among equals the
  oldest. Only Bide's and Disable's counters rise, once each turn. Effects end when the log says
  so, and all at once when the Pokémon leaves or faints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from poke_env.battle import Battle
from poke_env.data import to_id_str

NO_EFFECT = "noeffect"
NO_MOVE = "nomove"

_COUNTED = frozenset({"bide", "disable"})
_NOT_STORED = frozenset({"struggle", "recharge"})
_PREFIXES = ("move: ", "item: ", "ability: ")


class History:
    """The log of one battle, as far as it has been read."""

    def __init__(self) -> None:
        self._read = 0
        self._effects: dict[str, dict[str, int]] = {}
        self._previous: dict[str, str] = {}
        self._active: dict[str, str] = {}

    def update(self, battle: Battle) -> None:
        """Read what has been added to the log since the last call."""
        log: Sequence[Sequence[str]] = battle._replay_data
        self.read(log[self._read :])
        self._read = len(log)

    def read(self, messages: Iterable[Sequence[str]]) -> None:
        """Read messages, split at their bars (``["", "move", "p1a: Jynx", "Blizzard", ...]``)."""
        for message in messages:
            if len(message) > 2:
                self._read_one(message[1], message[2:])

    def effect(self, ident: str) -> str:
        """The effect that is observed on a Pokémon, named as in the log (``p1: Jynx``)."""
        effects = self._effects.get(ident)
        return min(effects, key=effects.__getitem__) if effects else NO_EFFECT

    def previous_move(self, ident: str) -> str:
        """Identifier of the last move of a Pokémon, or ``"nomove"``."""
        return self._previous.get(ident, NO_MOVE)

    def _read_one(self, kind: str, rest: Sequence[str]) -> None:
        if kind == "turn":
            for ident in self._active.values():
                for name in self._effects.get(ident, {}):
                    self._effects[ident][name] += name in _COUNTED
            return
        ident = _ident(rest[0])
        if kind in ("switch", "drag"):
            side = ident[:2]
            self._effects.pop(self._active.get(side, ""), None)
            self._active[side] = ident
        elif kind == "faint" or (len(rest) > 1 and kind == "-damage" and rest[1] == "0 fnt"):
            self._effects.pop(ident, None)
        elif kind == "move":
            move = to_id_str(rest[1])
            self._previous[ident] = NO_MOVE if move in _NOT_STORED else move
            if move == "minimize":
                self._start(ident, move)
        elif kind in ("-start", "-activate", "-singleturn", "-singlemove"):
            self._start(ident, _effect(rest[1]))
        elif kind == "-end":
            self._effects.get(ident, {}).pop(_effect(rest[1]), None)

    def _start(self, ident: str, effect: str) -> None:
        self._effects.setdefault(ident, {}).setdefault(effect, 0)


def _ident(place: str) -> str:
    """``p1: Jynx`` for ``p1a: Jynx``."""
    side, _, name = place.partition(": ")
    return f"{side[:2]}: {name}"


def _effect(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return "".join(letter for letter in name.lower() if letter.isalpha())
