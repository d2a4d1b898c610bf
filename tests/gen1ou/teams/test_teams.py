"""The teams that come with PokéSpiel are legal, and packed as Showdown packs them."""

import re

import pytest

from pokespiel.gen1ou.showdown import IllegalTeamError, ShowdownError, validate_team, validate_teams
from pokespiel.gen1ou.showdown.install import find_node, showdown_directory
from pokespiel.gen1ou.teams import load_exports, load_teams, pack

try:
    find_node()
    showdown_directory()
    MISSING = ""
except ShowdownError as error:
    MISSING = str(error)

needs_showdown = [pytest.mark.showdown, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

TAUROS = "Tauros\n- Body Slam\n- Earthquake\n- Hyper Beam\n- Blizzard\n"


class TestTeams:
    def test_there_are_at_least_sixteen_and_none_twice(self):
        assert len(load_teams()) >= 16
        assert len(set(load_teams())) == len(load_teams())
        assert len(load_exports()) == len(load_teams())

    def test_they_are_varied(self):
        teams = [{member.split("|")[0] for member in team.split("]")} for team in load_teams()]
        assert all(len(team) == 6 for team in teams)
        assert len({frozenset(team) for team in teams}) > len(teams) // 2
        assert len(set.union(*teams)) >= 25
        leads = {team.split("|")[0] for team in load_teams()}
        assert len(leads) >= 8

    @pytest.mark.parametrize("name", load_exports())
    def test_they_are_plain_export_text(self, name):
        blocks = load_exports()[name].strip().split("\n\n")
        for block in blocks:
            assert re.fullmatch(r"[A-Z][a-z]+(\n- [A-Z][A-Za-z -]+){4}", block)


class TestPack:
    def test_stats_and_ability_are_said(self):
        assert pack(TAUROS) == (
            "Tauros|||NoAbility|BodySlam,Earthquake,HyperBeam,Blizzard|Serious|"
            "252,252,252,252,252,252|N||||"
        )

    def test_nicknames_comments_and_other_lines(self):
        text = "# for tests\n\nBull (Tauros)\nAbility: No Ability\nEVs: 252 HP\n- Body Slam\n"
        assert pack(text) == (
            "Bull|Tauros||NoAbility|BodySlam|Serious|252,252,252,252,252,252|N||||"
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "1 to 6 Pokémon, got 0"),
            ("\n\n".join([TAUROS] * 7), "1 to 6 Pokémon, got 7"),
            ("Tauros\n", "Tauros has 1 to 4 moves, got 0"),
            (TAUROS + "- Surf\n", "Tauros has 1 to 4 moves, got 5"),
        ],
    )
    def test_text_that_is_no_team(self, text, message):
        with pytest.raises(ValueError, match=message):
            pack(text)


class TestValidator:
    pytestmark = needs_showdown

    def test_showdown_accepts_all_teams_and_packs_them_alike(self):
        assert validate_teams(load_teams()) == load_teams()
        assert validate_teams(list(load_exports().values())) == load_teams()

    def test_a_nickname_is_packed_alike(self):
        named = TAUROS.replace("Tauros", "Bull (Tauros)")
        assert validate_team(named) == pack(named)

    @pytest.mark.parametrize(
        ("team", "message"),
        [
            ("Mewtwo\n- Amnesia\n", "team 0 is illegal: Mewtwo is tagged Uber, which is banned"),
            ("Tauros\n- Spore\n", "Tauros can't learn Spore"),
            ("Zapdos\n- Fly\n", "Fly is banned"),
            (TAUROS + "\n" + TAUROS, "limited to one of each Pokémon"),
            ("Missingo\n- Surf\n", 'The Pokemon "missingo" does not exist'),
            ("", "No team could be read"),
        ],
    )
    def test_an_illegal_team_is_refused_in_showdowns_words(self, team, message):
        with pytest.raises(IllegalTeamError, match=message):
            validate_team(team)

    def test_all_illegal_teams_are_named(self):
        with pytest.raises(IllegalTeamError) as error:
            validate_teams(["Mewtwo\n- Amnesia\n", TAUROS, "Mew\n- Surf\n"])
        assert "team 0 is illegal: Mewtwo" in str(error.value)
        assert "team 2 is illegal: Mew " in str(error.value)
        assert "team 1" not in str(error.value)
