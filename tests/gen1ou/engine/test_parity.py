"""The engine plays as the simulator does: every number of the state, after every step."""

import json
import secrets
from pathlib import Path

import pytest

from pokespiel.gen1ou.engine.oracle import fixture
from pokespiel.gen1ou.engine.oracle.replay import record, replay, simulator_available
from pokespiel.gen1ou.engine.tables import MOVE_IDS, SOURCE, STRUGGLE

DATA = Path(__file__).parent / "data"
needs_node = pytest.mark.skipif(
    not simulator_available(), reason="POKESPIEL_SHOWDOWN_DIR has no simulator"
)


def test_recorded_battles_replay_exactly():
    battles = fixture.read(DATA / "battles.json.xz")
    assert len(battles) >= 490
    assert fixture.first_difference(battles) == [-1] * len(battles)


def test_every_move_was_used_in_the_recorded_battles():
    battles = fixture.read(DATA / "battles.json.xz")
    carried = {move for b in battles for team in b["teams"] for m in team for move in m[1]}
    assert carried >= set(MOVE_IDS[1:STRUGGLE])


def test_a_wrong_checksum_is_found_at_its_step():
    battle = fixture.read(DATA / "battles.json.xz")[0]
    battle["checksums"][3] ^= 1
    assert fixture.first_difference([battle]) == [3]


@needs_node
@pytest.mark.showdown
@pytest.mark.parametrize(("stream", "battles"), [("ou", 30), ("uniform", 30), ("mirror", 30)])
def test_fresh_battles_replay_exactly(stream, battles):
    recordings, _ = record(stream, battles, secrets.randbelow(2**31))
    differences = replay(recordings)
    assert not differences, "\n".join(map(str, differences))


@needs_node
@pytest.mark.showdown
def test_fresh_battles_with_a_move_drawn_from_all_165_replay_exactly():
    seed = secrets.randbelow(2**31)
    for k in range(22):
        move = MOVE_IDS[1 + (seed + 31 * k) % STRUGGLE]
        recordings, _ = record("forced", 5, seed, move=move)
        differences = replay(recordings)
        assert not differences, f"{move}: " + "\n".join(map(str, differences))


@needs_node
def test_the_tables_come_from_the_pinned_simulator():
    import subprocess

    from pokespiel.gen1ou.engine.oracle.replay import ORACLE

    script = "console.log(JSON.stringify(require(process.argv[1]).version))"
    done = subprocess.run(
        ["node", "-e", script, str(ORACLE / "simulator.js")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"pokemon-showdown {json.loads(done.stdout)}" == SOURCE
