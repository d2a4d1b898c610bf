"""The oracle itself: what it records, how it reports a difference, how it shrinks one."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pokespiel.gen1ou.engine import Battles, PokemonSet, pack
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.oracle import fixture, minimize, recordings, replay
from pokespiel.gen1ou.engine.oracle.draws import draws_of, frames_between, report
from pokespiel.gen1ou.engine.tables import MOVE_NUMBER

from .squads import ODD, STANDARD

ROOT = Path(__file__).parents[3]


def sets(team):
    return [PokemonSet(species, tuple(moves)) for species, moves in team]


def played(teams, seed, *, steps=40, broken=False):
    """A battle of the engine as a recording; a broken one has Blizzard's user gain a hit point."""
    battles = Battles(1)
    battles.reset(np.stack([pack(team) for team in teams])[None], [seed])
    rng = np.random.default_rng(seed)
    actions, legal, rows = [[-1, -1]], [battles.legal()[0].copy()], [battles.rows[0].copy()]
    while len(rows) < steps and not battles.rows[0, at.RESULT]:
        actions.append(battles.random_choices(rng)[0].tolist())
        battles.step([actions[-1]])
        legal.append(battles.legal()[0].copy())
        rows.append(battles.rows[0].copy())
        if broken and rows[-1][at.LAST_MOVE] == MOVE_NUMBER["blizzard"]:
            rows[-1][int(rows[-1][at.ORDER]) * at.POKEMON + at.HP] += 1
            break
    masks = (np.array(legal) * (1 << np.arange(10))).sum(-1).astype(np.int32)
    return replay.Recording(seed, teams, np.array(actions), masks, np.array(rows), "")


def test_the_engine_equals_its_own_recording():
    assert replay.replay([played((sets(STANDARD), sets(ODD)), seed) for seed in range(5)]) == []


def test_a_difference_names_its_step_its_fields_and_its_draws():
    recording = played((sets(STANDARD), sets(ODD)), 1)
    step = next(
        k
        for k in range(1, len(recording.rows))
        if frames_between(recording.rows[k - 1], recording.rows[k]) >= 3
    )
    recording.rows[step, at.LAST_DAMAGE] += 1
    recording.rows[step, at.SIDE + at.STAT + at.SPEED] -= 3
    (found,) = replay.replay([recording])
    assert found.step == step
    assert set(found.fields) == {"last_damage", "side 2 stat[2]"}
    text = report(found)
    frames = frames_between(recording.rows[step - 1], recording.rows[step])
    draws = draws_of(recording, step)
    assert len(draws) == frames > 0
    assert all(0 <= draw.drawn < draw.n for draw in draws)
    assert f"the simulator drew {frames} times" in text
    for draw in draws:
        assert str(draw) in text
    assert any("_by_formula (damage.py:" in draw.place for draw in draws)


def test_the_draws_of_a_beginning_are_named():
    mirrored = (sets(STANDARD[:1]), sets(STANDARD[:1]))
    draws = draws_of(played(mirrored, 3, steps=1), 0)
    assert [draw.place.split()[0] for draw in draws] == ["_faster", *["speed_tie"] * 3]


def test_a_broken_rule_is_minimised_to_who_uses_it(monkeypatch):
    def record(stream, battles, seed, *, team):
        teams = tuple([PokemonSet(**m) for m in members] for members in team)
        found = [played(teams, seed + k, broken=True) for k in range(battles)]
        return found, {"thrown": {}}

    monkeypatch.setattr(minimize, "record", record)
    three = (sets([STANDARD[0], STANDARD[4], STANDARD[5]]), sets(ODD[:3]))
    whole = next(d for seed in range(50) for d in replay.replay([played(three, seed, broken=True)]))
    request, smallest = minimize.minimize(whole, battles=6)
    (first,), (second,) = request["teams"]
    assert first["moves"] == ("blizzard",) or list(first["moves"]) == ["Blizzard"]
    assert len(second["moves"]) == 1
    assert len(replay.replay([smallest])) == 1


def test_a_minimised_battle_is_kept_as_a_small_file(tmp_path):
    recording = played((sets(STANDARD), sets(ODD)), 2)
    fixture.write(tmp_path / "0.json.xz", [recording])
    assert (tmp_path / "0.json.xz").stat().st_size < 4000
    assert fixture.first_difference(fixture.read(tmp_path / "0.json.xz")) == [-1]


def written(recording):
    """What `dump.js` would have written for a recording."""
    teams = np.zeros((2, 6, 16), np.int32)
    for s, team in enumerate(recording.teams):
        for k, member in enumerate(team):
            row = pack([member])[0]
            moves = row[at.MOVES : at.MOVES + 4]
            teams[s, k] = [row[at.SPECIES], member.level, *member.ivs, *member.evs, *moves]
    steps = np.concatenate([recording.actions, recording.legal, recording.rows], axis=1)
    head = [len(steps), 0, recording.seed]
    return np.concatenate([head, teams.ravel(), steps.ravel()]).astype(np.int32)


def test_recordings_are_kept_and_replayed(tmp_path, monkeypatch):
    battles = [played((sets(STANDARD), sets(ODD)), seed) for seed in (4, 5)]
    words = np.concatenate([written(b) for b in battles])
    monkeypatch.setattr(
        recordings, "simulate", lambda *args, **kwargs: (words, {"steps": 80, "thrown": {}})
    )
    recordings.write(tmp_path, "ou", 2, 11)
    recordings.write(tmp_path, "ou", 2, 11, first=2)
    first, second = recordings.entries(tmp_path)
    assert (first["first"], second["first"], second["count"]) == (0, 2, 2)
    loaded = recordings.load(tmp_path, second)
    assert [dataclasses.asdict(m)["level"] for m in loaded[0].teams[0]] == [100] * 6
    np.testing.assert_array_equal(loaded[1].rows, battles[1].rows)
    assert replay.replay(loaded) == []


def test_recordings_of_another_layout_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no recordings"):
        recordings.entries(tmp_path)
    (tmp_path / "index.jsonl").touch()
    (tmp_path / "layout.json").write_text(json.dumps({"ROW": 3}))
    with pytest.raises(ValueError, match="another layout"):
        recordings.entries(tmp_path)


def test_a_missing_simulator_is_one_clear_line(monkeypatch):
    monkeypatch.delenv("POKESPIEL_SHOWDOWN_DIR", raising=False)
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "engine_parity.py"), "--battles", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("no simulator: set POKESPIEL_SHOWDOWN_DIR")
    assert done.stderr.count("\n") == 1
