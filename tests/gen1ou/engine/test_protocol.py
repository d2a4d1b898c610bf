"""The engine's log is the simulator's, but for lines that carry no information about the game."""

import secrets
from pathlib import Path

import numpy as np
import pytest

from pokespiel.gen1ou.engine import Battle
from pokespiel.gen1ou.engine.oracle import fixture
from pokespiel.gen1ou.engine.oracle.logs import engine_log, informative
from pokespiel.gen1ou.engine.oracle.replay import record, simulator_available
from pokespiel.gen1ou.engine.tables import MOVE_IDS, STRUGGLE

from .squads import ODD, STANDARD

DATA = Path(__file__).parent / "data"
needs_node = pytest.mark.skipif(
    not simulator_available(), reason="POKESPIEL_SHOWDOWN_DIR has no simulator"
)


def test_recorded_logs_are_written_line_by_line():
    battles = fixture.read(DATA / "logs.json.xz")
    assert len(battles) == 14
    for battle in battles:
        written = engine_log(fixture.teams_of(battle), battle["seed"], battle["actions"])
        assert written == informative(battle["log"])


@needs_node
@pytest.mark.showdown
@pytest.mark.parametrize(
    ("stream", "moves", "battles"),
    [
        ("ou", [""], 60),
        ("uniform", [""], 60),
        ("mirror", [""], 40),
        ("forced", ["haze", "metronome", "wrap", "substitute", "mimic", "bide", "disable", ""], 5),
    ],
)
def test_fresh_logs_equal_the_simulators_line_by_line(stream, moves, battles):
    seed = secrets.randbelow(2**31)
    for move in moves:
        forced = move or MOVE_IDS[1 + seed % STRUGGLE] if stream == "forced" else ""
        recordings, _ = record(stream, battles, seed, logs=True, move=forced)
        for r in recordings:
            written = engine_log(r.teams, r.seed, r.actions)
            assert written == informative(r.log.split("\n")), f"{stream} {forced} seed {seed}"


def test_a_side_effect_on_a_stat_at_its_limit_says_that_it_failed():
    battle = Battle(
        [("Lapras", ["Growl", "Aurora Beam"])], [("Chansey", ["Splash"])], 1, rules=None
    )
    for _ in range(6):
        battle.choose("move 1", "move 1")
    assert battle.log().count("|-unboost|p2a: Chansey|atk|1") == 6
    while "|-fail|p2a: Chansey" not in battle.log():
        battle.choose("move 2", "move 1")
    log = battle.log()
    failed = log.index("|-fail|p2a: Chansey")
    assert log[failed - 1].startswith("|-damage|p2a: Chansey|")
    assert log.count("|-unboost|p2a: Chansey|atk|1") == 6


def test_only_the_owner_sees_exact_hp():
    battle = Battle(STANDARD, ODD, 1)
    battle.choose("move 1", "move 2")
    mine = [line for line in battle.log(player=0) if "|p2a: " in line and "/" in line]
    assert mine
    assert all("/100" in line for line in mine)
    assert any("/385" in line for line in battle.log(player=1))
    assert len(battle.log()) == len(battle.log(player=0)) == len(battle.log(player=1))


def test_the_log_opens_as_the_protocol_says():
    log = Battle(STANDARD, ODD, 1, players=("Red", "Blue")).log()
    assert log[:4] == ["|gametype|singles", "|player|p1|Red||", "|player|p2|Blue||", "|gen|1"]
    assert log[-1] == "|turn|1"


def test_the_winner_is_named():
    battle = Battle(STANDARD[:1], [("Weedle", ["String Shot"])], 1, players=("Red", "Blue"))
    rng = np.random.default_rng(0)
    while battle.result == "ongoing":
        battle.choose(*[str(rng.choice(words)) if words else None for words in battle.legal()])
    assert battle.log()[-3:] == ["|faint|p2a: Weedle", "|", "|win|Red"]
