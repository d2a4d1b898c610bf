"""What poke-env 0.16 does not read from Gen 1 messages, or does not keep."""

from __future__ import annotations

from collections.abc import Sequence

from poke_env.battle import Battle

from pokespiel.gen1ou.showdown.memory import memory_of

_TRAPPING = frozenset({"Bind", "Wrap", "Clamp", "Fire Spin"})


def correct(battle: Battle, message: Sequence[str]) -> None:
    """Take what poke-env misses of a message, before poke-env parses it.

    A Pokémon need not recharge any more once it has (``|cant|POKEMON|recharge``), or once a
    partial trapping move is aimed at it, even if that misses; poke-env goes on saying it must.
    What it sees and forgets goes into the battle's `Memory`.
    """
    if len(message) > 2:
        memory_of(battle).take_in(message)
    if len(message) > 3 and message[1] == "cant" and message[3] == "recharge":
        battle.get_pokemon(message[2]).must_recharge = False
    elif len(message) > 4 and message[1] == "move" and message[3] in _TRAPPING and message[4]:
        battle.get_pokemon(message[4]).must_recharge = False
