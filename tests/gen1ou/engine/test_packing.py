import pytest

from pokespiel.gen1ou.engine import PokemonSet, from_showdown, pack, unpack
from pokespiel.gen1ou.engine import layout as at

from .squads import STANDARD


def test_packing_keeps_species_and_moves():
    assert unpack(pack(STANDARD))[5] == (
        "rhydon",
        ["earthquake", "rockslide", "substitute", "bodyslam"],
    )


def test_full_stats_at_level_100():
    tauros = pack(STANDARD)[0]
    assert tauros[at.MAX_HP] == 353
    assert tauros[at.STATS : at.STATS + 4].tolist() == [298, 288, 318, 238]


def test_lower_values_lower_the_stats():
    weak = PokemonSet(
        "Tauros", ("Body Slam",), 50, ivs=(30, 0, 30, 30, 30), evs=(252, 0, 252, 252, 252)
    )
    assert pack([weak])[0][at.STATS] < pack([PokemonSet("Tauros", ("Body Slam",), 50)])[0][at.STATS]


def test_showdowns_sets_are_understood():
    entry = {"name": "Chansey", "moves": ["Sing"], "ivs": {"atk": 2}, "evs": {"atk": 0}}
    assert from_showdown([entry]) == [
        PokemonSet("Chansey", ("Sing",), 100, (30, 2, 30, 30, 30), (252, 0, 252, 252, 252))
    ]


@pytest.mark.parametrize(
    ("team", "complaint"),
    [
        (None, "a team is a list of Pokémon, got None"),
        ("Tauros", "a team is a list of Pokémon, got 'Tauros'"),
        ([("Tauros", "Rest")], r"has entry \('Tauros', 'Rest'\): expected a PokemonSet or"),
        ([("Tauros", ["Rest"], 100)], r"expected a PokemonSet or \(species, moves\)"),
        ([5], "has entry 5: expected a PokemonSet or"),
        ([], "a team of 0 Pokémon: expected 1 to 6"),
        ([*STANDARD, STANDARD[0]], "a team of 7 Pokémon: expected 1 to 6"),
        ([("Missingno.", ["Pound"])], "unknown species 'Missingno.'"),
        ([("Tauros", ["Zap Cannon"])], "unknown move 'Zap Cannon' of Tauros"),
        ([("Tauros", [])], r"expected 1 to 4 different"),
        ([("Tauros", ["Rest", "Rest"])], r"expected 1 to 4 different"),
        ([("Tauros", ["Surf"])], "illegal moveset: Tauros cannot learn surf"),
        ([("Nidoking", ["Fury Attack", "Thrash"])], "cannot have furyattack and thrash together"),
        ([("Mewtwo", ["Psychic"])], r"Mewtwo is banned from \[Gen 1\] OU"),
        ([("Rhydon", ["Horn Drill"])], "horndrill of Rhydon is banned"),
        ([("Charizard", ["Dig"])], "dig of Charizard is banned"),
        ([STANDARD[0], STANDARD[0]], "Species Clause: more than one Tauros"),
        ([PokemonSet("Tauros", ("Rest",), 101)], "level 101: expected 1 to 100"),
        ([PokemonSet("Tauros", ("Rest",), ivs=(32,) * 5)], "expected five from 0 to 31"),
        ([PokemonSet("Tauros", ("Rest",), evs=(256,) * 5)], "expected five from 0 to 255"),
    ],
)
def test_a_bad_team_is_named(team, complaint):
    with pytest.raises(ValueError, match=complaint):
        pack(team)


def test_without_rules_any_moveset_goes():
    assert unpack(pack([("Mewtwo", ["Dig", "Fissure"])], rules=None)) == [
        ("mewtwo", ["dig", "fissure"])
    ]


def test_unknown_rules_are_refused():
    with pytest.raises(ValueError, match="unknown rules 'gen2ou'"):
        pack(STANDARD, rules="gen2ou")
