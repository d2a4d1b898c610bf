"""Who stands where, with which moves and how much hp."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pokespiel.gen1ou.endgames.turns import Belief, Row, Situation, members, situation_of
from pokespiel.gen1ou.endgames.unknowns import roll_weights
from pokespiel.gen1ou.engine import Battles, pack, tables
from pokespiel.gen1ou.engine import layout as at

HEALING = (tables.RECOVERS, tables.RESTS, tables.SEEDS)


@dataclass(frozen=True)
class Standing:
    """A Pokémon of an endgame.

    Parameters
    ----------
    species, moves
        Names or Showdown ids; the set has to be legal in [Gen 1] OU.
    hp
        What is left; None for all of it.
    status
        ``""``, ``"par"``, ``"brn"``, ``"psn"``, ``"frz"`` or ``"slp"``.
    slept
        If asleep: the turns it has slept. How long it will is hidden, and believed accordingly.
    """

    species: str
    moves: tuple[str, ...]
    hp: int | None = None
    status: str = ""
    slept: int = 0


@dataclass(frozen=True)
class Position:
    """An endgame: both sides' Pokémon, the first of each active.

    Everything is known to both players but how long sleep and confusion last: sets, exact hp.
    PP never run out. A battle that goes on forever is won by nobody: it counts as lost in the
    lower and as won in the upper bound of a `Solution`.

    Parameters
    ----------
    name
    first, second
        Player 1's and player 2's Pokémon.

    Raises
    ------
    ValueError
        If a set is not legal, hp or status make no sense, or a move leaves traces that endgames
        do not follow.
    """

    name: str
    first: tuple[Standing, ...]
    second: tuple[Standing, ...]
    _teams: Row = field(init=False, repr=False, compare=False)
    _beliefs: tuple[Belief, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        teams, beliefs = _set_up(self.first, self.second)
        object.__setattr__(self, "_teams", teams)
        object.__setattr__(self, "_beliefs", beliefs)

    @cached_property
    def row(self) -> Row:
        """The position as an engine row; whoever sleeps has one turn to go."""
        battles = Battles(1)
        battles.reset(self._teams[None], [0])
        row: Row = battles.rows[0].copy()
        for s in range(2):
            for k in range(6):
                # Coming in has poisoned and burned Pokémon hurt; here they have long been there.
                row[s * at.SIDE + k * at.POKEMON + at.HP] = self._teams[s, k, at.HP]
        return row

    @property
    def situation(self) -> Situation:
        """The position less its hp."""
        shown = list(situation_of(self.row).row)
        for place, _, _ in self._beliefs:
            shown[place] = 0
        return Situation(tuple(shown), self._beliefs)

    @property
    def hp(self) -> tuple[int, ...]:
        """Hp of all Pokémon, player 1's first."""
        return tuple(int(self.row[m + at.HP]) for m in members(self.row))

    @property
    def top(self) -> tuple[int, ...]:
        """The most hp each can have from here."""
        return tuple(
            int(self.row[m + (at.MAX_HP if _heals(self.row, m) else at.HP)])
            for m in members(self.row)
        )


def _heals(row: Row, member: int) -> bool:
    moves = row[member + at.MOVES : member + at.MOVES + 4]
    return any(tables.EFFECT[k] in HEALING or tables.DRAINS[k] for k in moves)


def _set_up(
    first: tuple[Standing, ...], second: tuple[Standing, ...]
) -> tuple[Row, tuple[Belief, ...]]:
    beliefs = []
    teams = np.stack([pack([(p.species, p.moves) for p in side]) for side in (first, second)])
    for s, side in enumerate((first, second)):
        for k, standing in enumerate(side):
            member = teams[s, k]
            full = int(member[at.MAX_HP])
            hp = full if standing.hp is None else standing.hp
            if not 1 <= hp <= full:
                raise ValueError(f"{standing.species} with {hp} hp: expected 1 to {full}")
            if standing.status not in ("", "par", "brn", "psn", "frz", "slp"):
                raise ValueError(
                    f"{standing.species} with status {standing.status!r}: expected '', 'par',"
                    " 'brn', 'psn', 'frz' or 'slp'"
                )
            member[at.HP] = hp
            member[at.STATUS] = tables.STATUS_IDS.index(standing.status)
            if standing.status == "slp":
                if not 0 <= standing.slept <= 6:
                    raise ValueError(f"{standing.species} slept {standing.slept}: expected 0 to 6")
                place = s * at.SIDE + k * at.POKEMON + at.SLEEP_TURNS
                beliefs.append(_sleep(place, standing.slept))
                member[at.SLEEP_TURNS] = 1
    return teams, tuple(b for b in beliefs if len(b[1]) > 1)


def _sleep(place: int, slept: int) -> Belief:
    weights = roll_weights(7)[slept:]
    shares = np.round(weights / weights.sum(), 12)
    return place, tuple(range(1, 8 - slept)), tuple(shares.tolist())
