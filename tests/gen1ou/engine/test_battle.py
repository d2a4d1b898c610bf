import numpy as np
import pytest

from pokespiel.gen1ou.engine import Battle, parse_seed

from .squads import ODD, STANDARD


def play(battle, rng):
    while battle.result == "ongoing":
        battle.choose(*[str(rng.choice(words)) if words else None for words in battle.legal()])
    return battle


def test_a_battle_opens_with_both_leads_and_every_choice():
    battle = Battle(STANDARD, ODD, "1,2,3,4")
    moves = ["move 1", "move 2", "move 3", "move 4"]
    switches = [f"switch {k}" for k in range(2, 7)]
    assert battle.legal() == (moves + switches, moves + switches)
    assert battle.turn == 1
    assert "|switch|p1a: Tauros|Tauros|353/353" in battle.log()
    assert "|switch|p1a: Tauros|Tauros|100/100" in battle.log(player=1)


def test_moves_and_species_may_be_named():
    by_number, by_name = Battle(STANDARD, ODD, 7), Battle(STANDARD, ODD, 7)
    by_number.choose("move 1", "switch 3")
    by_name.choose("move Body Slam", "switch Clefable")
    assert by_number.state() == by_name.state()


def test_switches_count_in_the_current_order():
    battle = Battle(STANDARD, STANDARD, 3)
    battle.choose("switch 3", "switch 2")
    sides = battle.state()["sides"]
    assert sides[0]["order"][:3] == [2, 1, 0]
    battle.choose("switch 3", "switch 2")
    assert battle.state()["sides"][0]["active"] == 0


def test_a_sleeping_pokemon_can_only_fight_or_switch():
    battle = Battle([("Exeggutor", ["Sleep Powder"])], STANDARD, 1)
    while battle.state()["sides"][1]["team"][0]["status"] != "slp":
        battle.choose("move 1", "move 1")
    assert battle.legal()[1] == ["move fight", *[f"switch {k}" for k in range(2, 7)]]
    battle.choose("move 1", "move fight")


def test_recharging_leaves_one_choice():
    battle = Battle([("Tauros", ["Hyper Beam"])], [("Chansey", ["Soft-Boiled"])], 2)
    while "must_recharge" not in battle.state()["sides"][0]["volatiles"]:
        battle.choose("move 1", "move 1")
    assert battle.legal()[0] == ["move recharge"]
    battle.choose("move recharge", "move 1")
    assert "|cant|p1a: Tauros|recharge" in battle.log()


def test_a_fainted_pokemon_is_replaced_while_the_other_player_waits():
    battle = Battle([("Electrode", ["Explosion"]), STANDARD[0]], [("Gastly", ["Lick"])], 5)
    battle.choose("move 1", "move 1")
    words = battle.legal()
    assert words == (["switch 2"], [])
    battle.choose("switch 2", None)
    assert battle.turn == 2


@pytest.mark.parametrize(
    ("choices", "complaint"),
    [
        (("move 5", "move 1"), r"player 1 cannot choose 'move 5': expected move 1, move 2"),
        (("move 1", "switch 1"), r"player 2 cannot choose 'switch 1'"),
        (("move surf", "move 1"), r"player 1 cannot choose 'move surf'"),
        ((None, "move 1"), r"player 1 cannot choose None"),
        (("", "move 1"), r"player 1 cannot choose ''"),
        ((1, "move 1"), r"player 1 cannot choose 1: expected move 1, move 2"),
    ],
)
def test_an_illegal_choice_is_named_and_changes_nothing(choices, complaint):
    battle = Battle(STANDARD, ODD, 1)
    before = battle.row.copy()
    with pytest.raises(ValueError, match=complaint):
        battle.choose(*choices)
    np.testing.assert_array_equal(battle.row, before)


def test_a_finished_battle_takes_no_more_choices():
    battle = play(Battle(STANDARD[:1], ODD[:1], 1), np.random.default_rng(1))
    with pytest.raises(ValueError, match="the battle is over: "):
        battle.choose("move 1", "move 1")
    assert battle.legal() == ([], [])
    assert battle.log()[-1].startswith(("|win|", "|tie"))


@pytest.mark.parametrize(
    "seed",
    [
        *("", "1,2,3", "a,b,c,d", "1,2,3,65536", "1,2,3,²", "1,2,3,4,"),
        *("gen5,12", "gen5,0x00010002000300", -1, 2**64, 1.5, None),
    ],
)
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match="expected 0 to 2"):
        parse_seed(seed)


def test_showdowns_two_spellings_of_a_seed_agree():
    assert parse_seed("1,2,3,65535") == parse_seed("gen5,000100020003ffff") == 0x000100020003FFFF


def test_the_same_seed_gives_the_same_battle():
    first = play(Battle(STANDARD, ODD, 11), np.random.default_rng(3))
    second = play(Battle(STANDARD, ODD, 11), np.random.default_rng(3))
    assert first.log() == second.log()
    assert first.state() == second.state()


def test_a_clone_and_its_original_go_separate_ways():
    battle = Battle(STANDARD, ODD, 4)
    battle.choose("move 1", "move 1")
    clone = battle.clone()
    before = battle.state(), battle.log()
    play(clone, np.random.default_rng(0))
    assert (battle.state(), battle.log()) == before
    assert len(clone.log()) > len(battle.log())
