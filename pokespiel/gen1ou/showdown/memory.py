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
from pokespiel.gen1ou.observation import MOST_COPIED_PP, NUM_MOVES

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
    _paid: dict[str, str] = field(default_factory=dict)
    """By Pokémon, the move that last cost PP: its slot is the one in use."""
    _called: set[str] = field(default_factory=set)
    """Who prepares a move that another one called."""
    _mimicked: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By Pokémon, the copied move and the one whose slot it took."""
    _copies_used: dict[str, set[str]] = field(default_factory=dict)
    """By Pokémon, the moves that it used after Mimic copied them."""
    _copied_uses: dict[str, Counter[str]] = field(default_factory=dict)
    """By transformed Pokémon, uses of the moves it copied."""

    def moves_paid(self, pokemon: str) -> list[str]:
        """Its own moves that have cost PP."""
        return [move for (user, move), uses in self.uses.items() if user == pokemon and uses]

    def copies_used(self, pokemon: str) -> set[str]:
        """Moves that it used after Mimic copied them."""
        return self._copies_used.get(pokemon, set())

    def is_called(self, pokemon: str) -> bool:
        """Whether the move it prepares was called by another."""
        return pokemon in self._called

    def most_pp(self, pokemon: str, move: str) -> int:
        """PP that the slot of a move can have."""
        if pokemon in self._copied_uses:
            return MOST_COPIED_PP
        return int(MAX_PP[MOVE_NUMBER[move]])

    def pp_left(self, pokemon: str, move: str) -> float:
        """Share of a move's PP that is left, at most 1."""
        most = self.most_pp(pokemon, move)
        copied = self._copied_uses.get(pokemon)
        uses = self.uses[pokemon, move] if copied is None else copied[move]
        # A Pokémon forced to go on with a move that has none left gets 63.
        return min((most - uses) % 64 / most, 1.0)

    def take_in(self, message: Sequence[str]) -> None:
        """Read one message of the battle's log, split at its bars."""
        kind = message[1]
        if kind == "turn":
            for pokemon in self._active.values():
                self.sleep[pokemon] = self.sleep[pokemon] + 1 if pokemon in self._asleep else 0
        elif kind in ("switch", "drag"):
            pokemon = _pokemon(message[2])
            for gone in (self._active.get(message[2][:2], pokemon), pokemon):
                self._mimicked.pop(gone, None)
                self._copied_uses.pop(gone, None)
                self._called.discard(gone)
            self._active[message[2][:2]] = pokemon
            self.last_moves.clear()
            self._set_asleep(pokemon, message[4].endswith(" slp"))
            self.screened.discard(pokemon)
        elif kind == "move":
            self._used(message)
        elif kind == "faint":
            self.last_moves[message[2][:2]] = 0
            self._mimicked.pop(_pokemon(message[2]), None)
            self._copied_uses.pop(_pokemon(message[2]), None)
        elif kind == "-transform":
            self._copied_uses[_pokemon(message[2])] = Counter()
        elif kind == "-start" and message[3] == "Mimic":
            pokemon = _pokemon(message[2])
            self._mimicked[pokemon] = to_id_str(message[4]), self._paid[pokemon]
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
        pokemon = _pokemon(message[2])
        two_turns = move in _TWO_TURNS
        goes_on = any(part.startswith("[from]") for part in message[4:])
        if two_turns and "[still]" in message:
            if goes_on:
                self._called.add(pokemon)
                self._pay(pokemon, self._paid[pokemon], -1)
            return
        self.last_moves[message[2][:2]] = MOVE_NUMBER.get(move, 0)
        if two_turns and pokemon in self._called:
            self._called.discard(pokemon)
            self._pay(pokemon, self._paid[pokemon])
        elif two_turns or not goes_on:
            copied, slot = self._mimicked.get(pokemon, ("", ""))
            if move == copied:
                self._copies_used.setdefault(pokemon, set()).add(move)
            self._pay(pokemon, slot if move == copied else move)

    def _pay(self, pokemon: str, move: str, uses: int = 1) -> None:
        if move == "struggle":
            return
        self._paid[pokemon] = move
        if pokemon in self._copied_uses:
            self._copied_uses[pokemon][move] += uses
        else:
            self.uses[pokemon, move] += uses


_memories: WeakKeyDictionary[Battle, Memory] = WeakKeyDictionary()


def memory_of(battle: Battle) -> Memory:
    """What was seen of a battle so far."""
    return _memories.setdefault(battle, Memory())


def _pokemon(position: str) -> str:
    """``p1: Tauros`` of ``p1a: Tauros``."""
    return f"{position[:2]}:{position.split(':', 1)[1]}"
