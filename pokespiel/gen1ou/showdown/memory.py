"""What a player has seen that poke-env does not keep: the record that the engine has beside it.

`pokespiel.gen1ou.observation.reveal` writes the same down from engine rows. Everything is read
from the messages alone, so that they may be taken in before or after poke-env parses them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from poke_env.battle import Battle
from poke_env.data import to_id_str

from pokespiel.gen1ou.engine.tables import (
    EFFECT,
    MAX_PP,
    MOVE_NUMBER,
    TWO_TURNS,
    TWO_TURNS_UNREACHABLE,
)
from pokespiel.gen1ou.observation import NUM_MOVES

_TWO_TURNS = frozenset(
    move
    for move, number in MOVE_NUMBER.items()
    if number < NUM_MOVES and EFFECT[number] in (TWO_TURNS, TWO_TURNS_UNREACHABLE)
)


@dataclass
class Memory:
    """Of one battle. Pokémon are known as in poke-env's teams, ``p1: Tauros``."""

    last_moves: dict[str, int] = field(default_factory=dict)
    """By player, ``p1`` or ``p2``."""
    sleep: Counter[str] = field(default_factory=Counter)
    """Ends of turn at which each Pokémon was seen asleep, in its present sleep."""
    uses: Counter[tuple[str, str]] = field(default_factory=Counter)
    screened: set[str] = field(default_factory=set)
    """Behind Light Screen, which poke-env does not know."""
    _active: dict[str, str] = field(default_factory=dict)
    _asleep: set[str] = field(default_factory=set)

    def pp_left(self, pokemon: str, move: str) -> float:
        """Share of a move's PP that is left."""
        most = float(MAX_PP[MOVE_NUMBER[move]])
        return (most - self.uses[pokemon, move]) / most

    def take_in(self, message: Sequence[str]) -> None:
        """Read one message of the battle's log, split at its bars."""
        kind = message[1]
        if kind == "turn":
            for pokemon in self._active.values():
                self.sleep[pokemon] = self.sleep[pokemon] + 1 if pokemon in self._asleep else 0
        elif kind in ("switch", "drag"):
            pokemon = _pokemon(message[2])
            self._active[message[2][:2]] = pokemon
            self.last_moves.clear()
            self._set_asleep(pokemon, message[4].endswith(" slp"))
            self.screened.discard(pokemon)
        elif kind == "move":
            self._used(message)
        elif kind == "faint":
            self.last_moves[message[2][:2]] = 0
        elif kind == "-status":
            self._set_asleep(_pokemon(message[2]), message[3] == "slp")
        elif kind in ("-start", "-end") and message[3] == "Light Screen":
            (self.screened.add if kind == "-start" else self.screened.discard)(_pokemon(message[2]))
        elif kind == "-curestatus":
            self._set_asleep(_pokemon(message[2]), False)

    def _set_asleep(self, pokemon: str, asleep: bool) -> None:
        (self._asleep.add if asleep else self._asleep.discard)(pokemon)

    def _used(self, message: Sequence[str]) -> None:
        """A move in two turns is used, and paid for, when it strikes."""
        move = to_id_str(message[3])
        two_turns = move in _TWO_TURNS
        if two_turns and "[still]" in message:
            return
        self.last_moves[message[2][:2]] = MOVE_NUMBER.get(move, 0)
        goes_on = any(part.startswith("[from]") for part in message[4:])
        if two_turns or not goes_on:
            self.uses[_pokemon(message[2]), move] += 1


_memories: WeakKeyDictionary[Battle, Memory] = WeakKeyDictionary()


def memory_of(battle: Battle) -> Memory:
    """What was seen of a battle so far."""
    return _memories.setdefault(battle, Memory())


def _pokemon(position: str) -> str:
    """``p1: Tauros`` of ``p1a: Tauros``."""
    return f"{position[:2]}:{position.split(':', 1)[1]}"
