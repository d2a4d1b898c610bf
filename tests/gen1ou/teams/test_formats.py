"""Reading and writing Showdown's two forms, and metamon's folders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pokespiel.gen1ou.teams import (
    Member,
    TeamFormatError,
    library,
    parse_export,
    parse_packed,
    parse_team,
    read_folder,
    read_team,
    write_export,
    write_packed,
)
from pokespiel.gen1ou.teams.sets import move_names, species_names

MR_MIME = """=== [gen1ou] mimes ===

Clown (Mr. Mime) (M) @ Leftovers
Ability: No Ability
Level: 99
Shiny: Yes
EVs: 252 HP / 4 Spe
IVs: 2 Atk
Serious Nature
- Psychic
- Thunder Wave
"""


def spreads(highest):
    return st.tuples(*[st.integers(0, highest)] * 6)


members = st.builds(
    Member,
    species=st.sampled_from(sorted(species_names().values())),
    moves=st.lists(st.sampled_from(sorted(move_names().values())), min_size=1, max_size=4).map(
        tuple
    ),
    nickname=st.sampled_from(["", "Rex", "St. Bernard", "Äpfel & Co", "7 of 9"]),
    level=st.integers(1, 105),
    evs=spreads(300),
    ivs=spreads(31),
)


class TestRoundTrip:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(members, min_size=1, max_size=6))
    def test_what_is_written_is_read_back(self, team):
        assert parse_export(write_export(team)) == team
        assert parse_packed(write_packed(team)) == team
        assert parse_team(write_export(team)) == parse_team(write_packed(team)) == team

    @pytest.mark.parametrize("name", sorted(library()))
    def test_the_library(self, name):
        team = list(library()[name].members)
        assert parse_team(write_export(team)) == parse_team(write_packed(team)) == team


class TestExport:
    def test_all_that_showdown_writes(self):
        assert parse_export(MR_MIME) == [
            Member(
                "Mr. Mime",
                ("Psychic", "Thunder Wave"),
                nickname="Clown",
                level=99,
                evs=(252, 0, 0, 0, 0, 4),
                ivs=(31, 2, 31, 31, 31, 31),
            )
        ]

    def test_names_are_put_right(self):
        (member,) = parse_export("farfetch'd\n- SWORDSDANCE\n")
        assert member == Member("Farfetch’d", ("Swords Dance",))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "mine: a team has 1 to 6 Pokémon, got 0"),
            (
                "# nothing\n\nTaurus\n- Rest\n",
                "mine:3: 'Taurus' is not a species of Gen 1; did you",
            ),
            (
                "Tauros\n- Bodyslan\n",
                "mine:2: 'Bodyslan' is not a move of Gen 1; did you mean Body",
            ),
            ("Umbreon\n- Rest\n", "mine:1: 'Umbreon' is not a species"),
            ("Tauros\nLevel: high\n- Rest\n", "mine:2: level is a whole number, got 'high'"),
            ("Tauros\nEVs: 252 Luck\n- Rest\n", "mine:2: expected '<number> <HP|Atk"),
            ("Tauros\nhello\n- Rest\n", "mine:2: cannot read 'hello'"),
            ("\n\nTauros\n", "mine:3: Tauros has 1 to 4 moves, got 0"),
        ],
    )
    def test_errors_name_file_and_line(self, text, message):
        with pytest.raises(TeamFormatError) as error:
            parse_export(text, source="mine")
        assert message in str(error.value)


class TestPacked:
    def test_fields_left_out_are_full(self):
        assert parse_packed("Tauros|||NoAbility|BodySlam|||||||") == [
            Member("Tauros", ("Body Slam",))
        ]

    def test_as_showdown_an_empty_effort_value_among_others_is_none(self):
        (member,) = parse_packed("Tauros|||NoAbility|BodySlam||252,,,,,||,2,,,,||99|")
        assert member == Member(
            "Tauros", ("Body Slam",), "", 99, (252, 0, 0, 0, 0, 0), (31, 2, 31, 31, 31, 31)
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "mine: a team has 1 to 6 Pokémon, got 0"),
            ("Tauros|Rest", "mine, Pokémon 1: expected 12 fields between '|', got 2"),
            ("Tauros|||||||||||", "mine, Pokémon 1: Tauros has 1 to 4 moves, got 0"),
            ("Tauros||||Rest||1,2|||||", "mine, Pokémon 1: expected 6 numbers, got '1,2'"),
            ("Tauros||||Rest||x,,,,,|||||", "mine, Pokémon 1: HP is a whole number, got 'x'"),
        ],
    )
    def test_errors_name_the_place(self, text, message):
        with pytest.raises(TeamFormatError) as error:
            parse_packed(text, source="mine")
        assert message in str(error.value)


class TestFiles:
    def test_metamons_folders_are_read_to_the_bottom(self, tmp_path):
        """TeamSet of metamon looks below the folder of a set for ``*.gen1ou_team``."""
        wanted = dict(list(library().items())[:3])
        for k, team in enumerate(wanted.values()):
            folder = tmp_path / "gen1ou" / f"part{k}"
            folder.mkdir(parents=True)
            (folder / f"team_{k}.gen1ou_team").write_text(write_export(team.members))
            (folder / "notes.txt").write_text("not a team")
        read = read_folder(tmp_path)
        assert list(read) == [f"gen1ou/part{k}/team_{k}.gen1ou_team" for k in range(3)]
        assert list(read.values()) == [list(team.members) for team in wanted.values()]

    def test_a_bad_file_is_named_with_its_line(self, tmp_path):
        bad = tmp_path / "one.gen1ou_team"
        bad.write_text("Tauros\n- Body Slam\n- Earthquak\n")
        with pytest.raises(TeamFormatError) as error:
            read_folder(tmp_path)
        assert str(error.value).startswith(f"{bad}:3: 'Earthquak' is not a move")

    def test_no_files_and_no_folder(self, tmp_path):
        with pytest.raises(ValueError, match="no file below"):
            read_folder(tmp_path)
        with pytest.raises(ValueError, match="is not a folder"):
            read_folder(tmp_path / "nowhere")

    def test_a_file_may_be_packed(self, tmp_path):
        file = tmp_path / "team.txt"
        team = list(next(iter(library().values())).members)
        file.write_text(write_packed(team) + "\n")
        assert read_team(file) == team
        assert np.all([len(member.moves) == 4 for member in team])
