"""The ten actions: what each request of the server makes legal, and what is sent for it."""

import logging

import numpy as np
import pytest
from poke_env.battle import Battle
from poke_env.player import Player
from poke_env.player.battle_order import DefaultBattleOrder, SingleBattleOrder

from pokespiel.gen1ou.actions import NUM_ACTIONS, action_of, legal_mask, move_slots, order_for

TEAM = {
    "Starmie": ["surf", "thunderbolt", "thunderwave", "recover"],
    "Exeggutor": ["psychic", "sleeppowder", "stunspore", "explosion"],
    "Alakazam": ["psychic", "seismictoss", "thunderwave", "recover"],
    "Chansey": ["icebeam", "thunderbolt", "thunderwave", "softboiled"],
    "Snorlax": ["bodyslam", "reflect", "rest", "selfdestruct"],
    "Tauros": ["bodyslam", "earthquake", "hyperbeam", "blizzard"],
}


def side(order=tuple(TEAM), fainted=(), moves=None):
    """The request's list of own Pokémon; the first one is active."""
    return {
        "name": "player",
        "id": "p1",
        "pokemon": [
            {
                "ident": f"p1: {name}",
                "details": name,
                "condition": "0 fnt" if name in fainted else "300/300",
                "active": place == 0,
                "stats": {"atk": 1, "def": 1, "spa": 1, "spd": 1, "spe": 1},
                "moves": TEAM[name] if moves is None or place else moves,
                "baseAbility": "noability",
                "item": "",
                "pokeball": "pokeball",
            }
            for place, name in enumerate(order)
        ],
    }


def battle_with(request):
    """A battle that began with Starmie and then received ``request``."""
    battle = Battle("battle-gen1ou-1", "player", logging.getLogger("test"), gen=1)
    battle.parse_request({"active": [{"moves": moves("Starmie")}], "side": side(), "rqid": 1})
    battle.parse_request({"rqid": 2, **request})
    return battle


def moves(name, disabled=()):
    return [{"id": move, "move": move, "disabled": move in disabled} for move in TEAM[name]]


def lone(move):
    return [{"id": move, "move": move}]


# name: (request, {action: order})
REQUESTS = {
    "all moves and switches": (
        {"active": [{"moves": moves("Starmie")}], "side": side()},
        {
            0: "move 1", 1: "move 2", 2: "move 3", 3: "move 4",
            5: "switch 2", 6: "switch 3", 7: "switch 4", 8: "switch 5", 9: "switch 6",
        },
    ),
    "a disabled move": (
        {"active": [{"moves": moves("Starmie", ["thunderbolt"])}], "side": side()},
        {
            0: "move 1", 2: "move 3", 3: "move 4",
            5: "switch 2", 6: "switch 3", 7: "switch 4", 8: "switch 5", 9: "switch 6",
        },
    ),
    "after switches, places in the request are not the original ones": (
        {
            "active": [{"moves": moves("Tauros")}],
            "side": side(
                ["Tauros", "Alakazam", "Starmie", "Chansey", "Snorlax", "Exeggutor"],
                fainted=["Snorlax"],
            ),
        },
        {
            0: "move 1", 1: "move 2", 2: "move 3", 3: "move 4",
            6: "switch 2", 4: "switch 3", 7: "switch 4", 5: "switch 6",
        },
    ),
    "forced switch after a knockout": (
        {"forceSwitch": [True], "side": side(fainted=["Starmie", "Tauros"])},
        {5: "switch 2", 6: "switch 3", 7: "switch 4", 8: "switch 5"},
    ),
    "recharge": (
        {"active": [{"moves": lone("recharge"), "trapped": True}], "side": side()},
        {0: "move 1"},
    ),
    "locked into a move of its own": (
        {"active": [{"moves": lone("thunderwave"), "trapped": True}], "side": side()},
        {2: "move 1"},
    ),
    "locked into a move that Metronome called": (
        {
            "active": [{"moves": lone("petaldance"), "trapped": True}],
            "side": side(moves=["surf", "metronome", "thunderwave", "recover"]),
        },
        {0: "move 1"},
    ),
    "asleep, frozen or partially trapped": (
        {"active": [{"moves": lone("fight")}], "side": side(fainted=["Tauros"])},
        {0: "move 1", 5: "switch 2", 6: "switch 3", 7: "switch 4", 8: "switch 5"},
    ),
    "struggle of the last Pokémon": (
        {
            "active": [{"moves": lone("struggle")}],
            "side": side(fainted=[name for name in TEAM if name != "Starmie"]),
        },
        {0: "move 1"},
    ),
    "perhaps locked": (
        {
            "active": [{"moves": moves("Starmie"), "maybeLocked": True}],
            "side": side(fainted=[name for name in TEAM if name not in ("Starmie", "Tauros")]),
        },
        {0: "move 1", 1: "move 2", 2: "move 3", 3: "move 4", 9: "switch 6"},
    ),
    "waiting for the opponent": ({"wait": True, "side": side()}, {}),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "expected"), REQUESTS.values(), ids=REQUESTS.keys())
class TestEveryRequest:
    def test_legal_actions(self, request_, expected):
        mask = legal_mask(battle_with(request_))
        assert mask.shape == (NUM_ACTIONS,)
        assert mask.dtype == np.bool_
        assert np.flatnonzero(mask).tolist() == sorted(expected)

    def test_orders(self, request_, expected):
        battle = battle_with(request_)
        for action, choice in expected.items():
            assert order_for(battle, action).message == f"/choose {choice}"
        for action in set(range(-1, NUM_ACTIONS + 1)) - set(expected):
            with pytest.raises(ValueError, match="not legal in battle-gen1ou-1"):
                order_for(battle, action)

    def test_action_of_is_the_inverse(self, request_, expected):
        battle = battle_with(request_)
        for action in expected:
            assert action_of(order_for(battle, action), battle) == action

    def test_poke_envs_own_orders_are_understood(self, request_, expected):
        battle = battle_with(request_)
        actions = {
            action_of(order, battle)
            for order in battle.valid_orders
            if not isinstance(order, DefaultBattleOrder)
        }
        assert actions == set(expected)


def test_the_default_order_is_the_first_legal_action():
    battle = battle_with(REQUESTS["a disabled move"][0])
    assert action_of(Player.choose_default_move(), battle) == 0


def test_an_order_that_is_not_legal_is_an_error():
    battle = battle_with(REQUESTS["recharge"][0])
    with pytest.raises(ValueError, match="'/choose switch 2' is not legal"):
        action_of(SingleBattleOrder("/choose switch 2"), battle)


def test_move_slots_are_the_moves_the_pokemon_has_now():
    mimicked = ["surf", "thunderbolt", "bodyslam", "recover"]
    locked = {"active": [{"moves": lone("surf")}], "side": side(moves=mimicked)}
    assert [move.id for move in move_slots(battle_with(locked))] == mimicked


def test_both_slots_are_open_where_mimic_copied_a_move_already_known():
    mimicked = ["surf", "thunderbolt", "surf", "recover"]
    offered = [*moves("Starmie")[:2], *lone("surf"), moves("Starmie")[3]]
    others = [name for name in TEAM if name != "Starmie"]
    battle = battle_with(
        {"active": [{"moves": offered}], "side": side(fainted=others, moves=mimicked)}
    )
    assert np.flatnonzero(legal_mask(battle)).tolist() == [0, 1, 2, 3]
    for action in range(4):
        order = order_for(battle, action)
        assert order.message == f"/choose move {action + 1}"
        assert action_of(order, battle) == action
    # A name stands for the first of them.
    assert action_of(Player.create_order(move_slots(battle)[2]), battle) == 0


def test_there_are_no_move_slots_before_the_first_request():
    battle = Battle("battle-gen1ou-1", "player", logging.getLogger("test"), gen=1)
    assert move_slots(battle) == []
    assert not legal_mask(battle).any()
