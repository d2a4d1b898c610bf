"""What a Gen 1 OU policy is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from poke_env.battle import Battle


@dataclass(frozen=True, slots=True)
class Decision:
    """One player of one battle waits for an action.

    Attributes
    ----------
    battle_id : int
        Unique in this process for this battle and this side: the key of a policy's memory.
    player : {0, 1}
    battle : poke_env.battle.Battle
        The battle as this player sees it. It goes on changing once the policy has answered.
    legal : bool array ``(10,)``
        Legal actions, see `pokespiel.gen1ou.actions`. At least one is true.
    """

    battle_id: int
    player: int
    battle: Battle
    legal: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BattleResult:
    """A battle that the server has finished.

    Attributes
    ----------
    battle_tag : str
        Showdown's name of the battle.
    returns : (float, float)
        1 for the winner, 0 for the loser, 0.5 each for a tie.
    turns : int
    decisions : int
        Actions chosen by both players together.
    teams : (str, str)
        Packed teams of both players.
    replays : int
        How often the battle had to be started anew before it was played to its end.
    """

    battle_tag: str
    returns: tuple[float, float]
    turns: int
    decisions: int
    teams: tuple[str, str] = field(repr=False)
    replays: int


@runtime_checkable
class ShowdownPolicy(Protocol):
    """Plays Gen 1 OU, many battles at once.

    A policy may also have these methods, called once for each ``battle_id`` it was asked about:

    - ``finished(battle_id, result)``, with the `BattleResult`. The battle object of its decisions
      then shows the end of the battle.
    - ``abandoned(battle_id)``, if the battle was given up. Its replay has another ``battle_id``.
    """

    def act(
        self, decisions: Sequence[Decision], rng: np.random.Generator
    ) -> NDArray[np.integer[Any]] | ArrayLike:
        """Choose an action for each decision.

        Parameters
        ----------
        decisions
            Waiting decisions of all battles this policy plays, at least one; both sides of the
            same battle may be among them.
        rng
            The only source of randomness.

        Returns
        -------
        int array ``(len(decisions),)``
            Legal actions.
        """
        ...
