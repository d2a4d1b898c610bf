"""Our own rules, one by one, and held equal to Showdown's validator on random teams."""

from dataclasses import replace

import numpy as np
import pytest

from pokespiel.gen1ou.showdown import ShowdownError
from pokespiel.gen1ou.showdown.install import find_node, showdown_directory
from pokespiel.gen1ou.showdown.validator import complaints
from pokespiel.gen1ou.teams import IllegalTeamError, Member, check_team, problems, write_packed
from pokespiel.gen1ou.teams.sets import learnsets, move_names
from tests.gen1ou.teams.random_teams import random_team

try:
    find_node()
    showdown_directory()
    MISSING = ""
except ShowdownError as error:
    MISSING = str(error)

TAUROS = Member("Tauros", ("Body Slam", "Earthquake", "Hyper Beam", "Blizzard"))
STARMIE = Member("Starmie", ("Surf", "Thunder Wave"))


class TestRules:
    def test_a_legal_team_has_no_problems(self):
        assert problems([TAUROS, STARMIE]) == []
        check_team([TAUROS, STARMIE])

    @pytest.mark.parametrize(
        ("team", "message"),
        [
            ([], "1 to 6 Pokémon, got 0"),
            ([TAUROS] * 7, "1 to 6 Pokémon, got 7"),
            ([TAUROS, TAUROS], "Species Clause: more than one Tauros"),
            ([Member("Mewtwo", ("Psychic",))], "Mewtwo is banned"),
            ([Member("Umbreon", ("Rest",))], "'Umbreon' is not one of the 151"),
            ([replace(TAUROS, moves=())], "Tauros: 1 to 4 moves, got 0"),
            ([replace(TAUROS, moves=(*TAUROS.moves, "Rest"))], "1 to 4 moves, got 5"),
            ([replace(TAUROS, moves=("Spore",))], "Tauros: cannot learn Spore"),
            ([replace(TAUROS, moves=("Curse",))], "'curse' is not a move of Gen 1"),
            ([replace(TAUROS, moves=("Rest", "Rest"))], "Rest more than once"),
            ([replace(TAUROS, moves=("Double Team",))], "Double Team is banned"),
            ([Member("Zapdos", ("Fly",))], "Fly is banned"),
            ([Member("Rhydon", ("Horn Drill",))], "Horn Drill is banned"),
            ([replace(TAUROS, level=101)], "level 101, above 100"),
            ([replace(TAUROS, level=20)], "Tauros has level 20, it exists from level 21 on"),
            ([Member("Dragonite", ("Surf",), level=54)], "it exists from level 55 on"),
            ([Member("Zapdos", ("Agility",), level=50)], "knows Agility from level 5"),
            (
                [Member("Exeggutor", ("Stomp", "Sleep Powder"))],
                "cannot know Sleep Powder and Stomp together",
            ),
            # Pay Day came with a Fearow in Japan only.
            ([Member("Fearow", ("Pay Day",))], "cannot learn Pay Day"),
            ([replace(TAUROS, ivs=(0, 31, 31, 31, 31, 31))], "make its HP DV 15, got 0"),
            ([replace(TAUROS, ivs=(40,) * 6)], "six numbers from 0 to 31"),
            ([replace(TAUROS, evs=(256, 0, 0, 0, 0, 0))], "six numbers from 0 to 255"),
            ([replace(TAUROS, evs=(0,) * 6)], "no EVs at all"),
            ([replace(TAUROS, evs=(252, 252, 4, 0, 0, 0))], "508 EVs"),
            ([replace(TAUROS, level=50)], "level 50 looks like a mistake"),
            ([replace(TAUROS, nickname="x" * 19)], "longer than 18 letters"),
            ([replace(TAUROS, nickname="Snorlax")], "Tauros must not be called Snorlax"),
            ([replace(TAUROS, nickname="Umbreon")], "Tauros must not be called Umbreon"),
            (
                [replace(TAUROS, nickname="Rex"), replace(STARMIE, nickname="Rex")],
                "Nickname Clause: more than one 'Rex'",
            ),
        ],
    )
    def test_what_is_illegal_is_named(self, team, message):
        with pytest.raises(IllegalTeamError, match=message):
            check_team(team)

    def test_pikachu_may_surf_for_it_came_with_it(self):
        assert problems([Member("Raichu", ("Surf",))]) == []

    def test_every_problem_is_named(self):
        found = problems([replace(TAUROS, moves=("Spore",), level=5), Member("Mew", ("Surf",))])
        assert len(found) == 3


@pytest.mark.showdown
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
class TestAgainstShowdown:
    def disagreements(self, teams):
        theirs = complaints([write_packed(team) for team in teams])
        return [
            f"{write_packed(team)}: {problems(team)} against {said}"
            for team, said in zip(teams, theirs, strict=True)
            if bool(problems(team)) != bool(said)
        ]

    def test_random_teams_are_judged_alike(self):
        rng = np.random.default_rng(0)
        teams = [random_team(rng) for _ in range(400)]
        legal = sum(not problems(team) for team in teams)
        assert 100 < legal < 300
        assert self.disagreements(teams) == []

    @pytest.mark.long
    def test_five_thousand_random_teams_are_judged_alike(self):
        rng = np.random.default_rng(20261123)
        assert self.disagreements([random_team(rng) for _ in range(5000)]) == []

    @pytest.mark.long
    def test_every_move_of_every_species_is_judged_alike_around_its_level(self):
        teams = []
        for entry in learnsets()["species"]:
            for move, name in move_names().items():
                level = max(entry["moves"].get(move, 100), entry["minimumLevel"])
                # Level 50 has a rule of its own.
                levels = {100, level, max(1, level - 1)} - {50}
                teams += [[Member(entry["name"], (name,), level=at)] for at in sorted(levels)]
        assert self.disagreements(teams) == []
