"""The Gen 1 rules, compiled, bit-exact with the Showdown simulator.

`Battle` plays one battle in Showdown's words, `Battles` many at once as arrays. ``docs/engine.md``
describes the row a battle is, the draws of its generator and what is left out of the log.
"""

from .batch import Battles
from .battle import Battle, parse_seed
from .teams import PokemonSet, check_gen1ou, from_showdown, pack, unpack

__all__ = [
    "Battle",
    "Battles",
    "PokemonSet",
    "check_gen1ou",
    "from_showdown",
    "pack",
    "parse_seed",
    "unpack",
]
