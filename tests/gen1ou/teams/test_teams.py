"""The teams that come with PokéSpiel are legal, varied, and packed as Showdown packs them."""

import re
from collections import Counter

import numpy as np
import pytest

from pokespiel.gen1ou.showdown import IllegalTeamError, ShowdownError, validate_team, validate_teams
from pokespiel.gen1ou.showdown.install import find_node, showdown_directory
from pokespiel.gen1ou.teams import (
    check_team,
    engine_sets,
    generate_team,
    library,
    load_exports,
    load_teams,
    pack,
    problems,
    write_packed,
)
from pokespiel.gen1ou.teams.generator import usages

try:
    find_node()
    showdown_directory()
    MISSING = ""
except ShowdownError as error:
    MISSING = str(error)

needs_showdown = [pytest.mark.showdown, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

TAUROS = "Tauros\n- Body Slam\n- Earthquake\n- Hyper Beam\n- Blizzard\n"


class TestLibrary:
    def test_there_are_at_least_64_and_none_twice(self):
        assert len(load_teams()) >= 64
        assert len(set(load_teams())) == len(load_teams())
        assert len(load_exports()) == len(load_teams())

    def test_they_are_legal(self):
        for team in library().values():
            check_team(team.members)
            assert len(team.members) == 6

    def test_they_are_varied(self):
        teams = [[member.species for member in team.members] for team in library().values()]
        assert len({frozenset(team) for team in teams}) > 0.8 * len(teams)
        assert len(set().union(*teams)) >= 55
        assert len({team[0] for team in teams}) >= 15

    def test_each_has_an_archetype_and_a_plan(self):
        counts = Counter(team.archetype for team in library().values())
        assert len(counts) >= 8
        assert min(counts.values()) >= 4
        assert all(team.plan.endswith(".") for team in library().values())

    def test_they_can_be_chosen_by_archetype_and_name(self):
        stall = load_teams(archetype="stall")
        assert 0 < len(stall) < len(load_teams())
        assert set(stall) < set(load_teams())
        assert load_teams(names=["jynx-lead", "alakazam-lead"]) == [
            write_packed(library()[name].members) for name in ("jynx-lead", "alakazam-lead")
        ]

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ({"archetype": "rain"}, "no archetype is called 'rain'; there are explosion, "),
            (
                {"names": ["rain-lead"]},
                "no team is called 'rain-lead'; there are aerodactyl-pressure, ",
            ),
        ],
    )
    def test_what_there_is_not_is_refused(self, asked, message):
        with pytest.raises(ValueError, match=message):
            load_teams(**asked)

    @pytest.mark.parametrize("name", load_exports())
    def test_they_are_plain_export_text(self, name):
        blocks = load_exports()[name].strip().split("\n\n")
        for block in blocks:
            assert re.fullmatch(r"[A-Z][A-Za-z. ]+(\n- [A-Z][A-Za-z -]+){4}", block)


class TestGenerator:
    def test_a_seed_gives_the_same_teams(self):
        one, two = (
            [generate_team(rng) for _ in range(20)]
            for rng in (np.random.default_rng(3), np.random.default_rng(3))
        )
        assert one == two
        assert len({write_packed(team) for team in one}) == 20

    def test_teams_are_legal_and_of_the_size_asked_for(self):
        rng = np.random.default_rng(0)
        for number in range(600):
            size = 1 + number % 6
            team = generate_team(rng, size=size)
            assert len(team) == size
            assert not problems(team)

    def test_common_pokemon_are_common(self):
        """More common in the table, more common in teams, for all that are met often enough."""
        rng = np.random.default_rng(1)
        met = Counter(m.species for _ in range(2000) for m in generate_team(rng)[1:])
        often = [usage.species for usage in usages() if usage.weight >= 3]
        common = sorted(often, key=lambda name: -met[name])
        weights = {usage.species: usage.weight for usage in usages()}
        assert common[:5] == sorted(often, key=lambda name: -weights[name])[:5]
        assert met["Tauros"] > 1500
        assert 0 < met["Butterfree"] < 100

    @pytest.mark.parametrize("size", [0, 7])
    def test_other_sizes_are_refused(self, size):
        with pytest.raises(ValueError, match=f"1 to 6 Pokémon, got size {size}"):
            generate_team(np.random.default_rng(0), size=size)

    def test_the_engine_takes_them(self):
        from pokespiel.gen1ou.engine.teams import pack as engine_pack
        from pokespiel.gen1ou.engine.teams import unpack

        team = generate_team(np.random.default_rng(5))
        packed = engine_pack(engine_sets(team))
        assert [len(moves) for _, moves in unpack(packed)] == [len(m.moves) for m in team]


class TestPack:
    def test_stats_and_ability_are_said(self):
        assert pack(TAUROS) == (
            "Tauros|||NoAbility|BodySlam,Earthquake,HyperBeam,Blizzard|Serious|"
            "252,252,252,252,252,252|N||||"
        )

    def test_nicknames_comments_and_other_lines(self):
        text = "# for tests\n\nBull (Tauros)\nAbility: No Ability\nEVs: 252 HP\n- Body Slam\n"
        assert pack(text) == ("Bull|Tauros||NoAbility|BodySlam|Serious|252,,,,,|N||||")

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
