"""What poke-env 0.16 does not read from Gen 1 messages, or does not keep."""

from __future__ import annotations

from collections.abc import Sequence

from poke_env.battle import Battle, Pokemon

from pokespiel.gen1ou.showdown.memory import memory_of

_TRAPPING = frozenset({"Bind", "Wrap", "Clamp", "Fire Spin"})


def correct(battle: Battle, message: Sequence[str]) -> None:
    """Take what poke-env misses of a message, before poke-env parses it.

    - A Pokémon need not recharge any more once it has (``|cant|POKEMON|recharge``), once it
      flinches or falls asleep, or once a partial trapping move is aimed at it, even if that misses.
    - Full paralysis and hitting itself in confusion end Bide and what it prepares in two turns;
      Disable ends the latter.

    poke-env goes on saying otherwise. What it sees and forgets goes into the battle's `Memory`.
    """
    if len(message) > 2:
        memory_of(battle).take_in(message)
    if len(message) < 4:
        return
    kind, reason = message[1], message[3]
    if kind == "cant":
        pokemon = battle.get_pokemon(message[2])
        if reason in ("recharge", "flinch"):
            pokemon.must_recharge = False
        elif reason == "par":
            _interrupt(pokemon)
        elif reason == "Disable":
            _forget_charge(pokemon)
    elif kind == "-status" and reason == "slp":
        battle.get_pokemon(message[2]).must_recharge = False
    elif kind == "-damage" and "[from] confusion" in message[4:]:
        _interrupt(battle.get_pokemon(message[2]))
    elif kind == "move" and reason in _TRAPPING and len(message) > 4 and message[4]:
        battle.get_pokemon(message[4]).must_recharge = False


def _interrupt(pokemon: Pokemon) -> None:
    pokemon.end_effect("Bide")
    _forget_charge(pokemon)


def _forget_charge(pokemon: Pokemon) -> None:
    pokemon._preparing_move = None
    pokemon._preparing_target = None
