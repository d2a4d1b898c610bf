"""The ten actions of a Gen 1 OU player and how Showdown's requests map to them.

=======  ==================================================================================
action   meaning
=======  ==================================================================================
0 to 3   move slots of the active Pokémon, in its own move order
4 to 9   switch to the team member of that place (less 4) in the original team order
=======  ==================================================================================

Sometimes Showdown offers one move alone: a multi-turn move that goes on, ``recharge``,
``struggle``, or the bare ``fight`` button of a sleeping, frozen or partially trapped Pokémon.
It stands in its own slot if it is one of the four, otherwise in slot 0.

Everything is read from the last request of the battle, which is the server's own statement of
what is legal; nothing is inferred from the battle log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# poke-env comes with the Showdown backend; the engine does without.
if TYPE_CHECKING:
    from poke_env.battle import Battle, Move
    from poke_env.player.battle_order import BattleOrder, SingleBattleOrder

NUM_MOVES = 4
TEAM_SIZE = 6
NUM_ACTIONS = NUM_MOVES + TEAM_SIZE

BoolArray: TypeAlias = NDArray[np.bool_]
Request: TypeAlias = Mapping[str, Any]


def move_slots(battle: Battle) -> list[Move]:
    """Moves of the active Pokémon in the order of the actions 0 to 3.

    After Transform or Mimic these are the moves it has now. Empty if there is no active Pokémon.
    """
    from poke_env.battle import Move

    active = battle.active_pokemon
    if active is None or not battle.last_request:
        return []
    return [
        active.moves.get(move) or Move(move, gen=battle.gen)
        for member in battle.last_request["side"]["pokemon"]
        if member["active"]
        for move in member["moves"][:NUM_MOVES]
    ]


def legal_choices(battle: Battle) -> dict[int, str]:
    """Legal actions with what Showdown calls them (``move 2``, ``switch 3``).

    Places are those of the last request, counted from one.
    """
    request = battle.last_request
    if not request or request.get("wait") or request.get("teamPreview"):
        return {}
    forced = any(request.get("forceSwitch", ()))
    choices: dict[int, str] = {}
    if not forced:
        choices = {action: f"move {place}" for _, action, place in _enabled_moves(request)}
    if forced or not any(active.get("trapped") for active in request.get("active", ())):
        # The request lists the active Pokémon first; `battle.team` keeps the original order.
        original = {ident: k for k, ident in enumerate(battle.team)}
        for place, member in enumerate(request["side"]["pokemon"], start=1):
            if not member["active"] and not member["condition"].endswith(" fnt"):
                choices[NUM_MOVES + original[member["ident"]]] = f"switch {place}"
    return choices


def legal_mask(battle: Battle) -> BoolArray:
    """Actions the player may choose now.

    Parameters
    ----------
    battle
        A battle that has received a request. Where the request is to wait, nothing is legal.

    Returns
    -------
    bool array ``(NUM_ACTIONS,)``
    """
    mask = np.zeros(NUM_ACTIONS, dtype=np.bool_)
    for action in legal_choices(battle):
        mask[action] = True
    return mask


def order_for(battle: Battle, action: int) -> SingleBattleOrder:
    """Showdown order of a legal action.

    Orders name moves and team members by their place in the request: a name could be ambiguous,
    a place cannot.

    Raises
    ------
    ValueError
        If the action is not legal in this battle.
    """
    from poke_env.player.battle_order import SingleBattleOrder

    choices = legal_choices(battle)
    if int(action) not in choices:
        raise ValueError(
            f"action {action} is not legal in {battle.battle_tag}, turn {battle.turn}: "
            f"legal are {sorted(choices)}"
        )
    return SingleBattleOrder(f"/choose {choices[int(action)]}")


def action_of(order: BattleOrder, battle: Battle) -> int:
    """Action of an order, the inverse of `order_for`.

    Also understands orders that poke-env's own players give, which hold a `Move` or a `Pokemon`.
    The default order is the first legal action.

    Raises
    ------
    ValueError
        If the order is none of the legal actions of this battle.
    """
    from poke_env.battle import Move, Pokemon
    from poke_env.player.battle_order import DefaultBattleOrder, SingleBattleOrder

    choices = legal_choices(battle)
    action: int | None = None
    if isinstance(order, DefaultBattleOrder):
        action = min(choices, default=None)
    elif isinstance(order, SingleBattleOrder) and isinstance(order.order, Pokemon):
        members = list(battle.team.values())
        action = next(
            (NUM_MOVES + k for k, member in enumerate(members) if member is order.order), None
        )
    elif isinstance(order, SingleBattleOrder) and isinstance(order.order, Move):
        moves = _enabled_moves(battle.last_request)
        action = next((slot for move, slot, _ in moves if move == order.order.id), None)
    else:
        by_choice = {f"/choose {choice}": action for action, choice in choices.items()}
        action = by_choice.get(order.message)
    if action is None or action not in choices:
        raise ValueError(
            f"order {order.message!r} is not legal in {battle.battle_tag}, turn {battle.turn}: "
            f"legal are {sorted(choices.values())}"
        )
    return action


def _enabled_moves(request: Request) -> list[tuple[str, int, int]]:
    """Enabled moves as ``(move id, action, place in the request, from one)``.

    Mimic may copy a move that the Pokémon already has; then two places offer the same one.
    """
    actives: Sequence[Request] = request.get("active", ())
    if not actives:
        return []
    moves = actives[0]["moves"]
    if len(moves) == 1:
        move = moves[0]["id"]
        slots = next((m["moves"] for m in request["side"]["pokemon"] if m["active"]), ())
        slot = slots.index(move) if move in slots[:NUM_MOVES] else 0
        return [] if moves[0].get("disabled") else [(move, slot, 1)]
    return [
        (move["id"], slot, slot + 1)
        for slot, move in enumerate(moves[:NUM_MOVES])
        if not move.get("disabled")
    ]
