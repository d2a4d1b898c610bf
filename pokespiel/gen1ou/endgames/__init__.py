"""Gen 1 OU endgames, solved exactly.

A few Pokémon with small sets make a stochastic game that can be solved: every turn's chances are
enumerated by running the engine's own rules over rolls that stay open until they are looked at
(`turns`), and the matrix game of every state is solved given what its successors are worth, until
values stop moving (`solve`). `POSITIONS` has a dozen known from play; `solve` any other of its
kind; `regret` says what a policy loses in a position.

>>> from pokespiel.gen1ou import endgames
>>> solution = endgames.solve(endgames.POSITIONS["tauros-mirror"])
>>> solution.bounds, solution.mix(0)
"""

from pokespiel.gen1ou.endgames.play import play, rows_of
from pokespiel.gen1ou.endgames.position import Position, Standing
from pokespiel.gen1ou.endgames.positions import POSITIONS
from pokespiel.gen1ou.endgames.regret import Policy, Regret, engine_policy, regret
from pokespiel.gen1ou.endgames.solve import Solution, solve

__all__ = [
    "POSITIONS",
    "Policy",
    "Position",
    "Regret",
    "Solution",
    "Standing",
    "engine_policy",
    "play",
    "regret",
    "rows_of",
    "solve",
]
