"""docs/observation.md is true: it names every column, and no value leaves its range."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pokespiel.gen1ou import observation as obs
from pokespiel.gen1ou.arena import EngineArena
from pokespiel.gen1ou.teams import load_teams

PAGE = (Path(__file__).parents[2] / "docs" / "observation.md").read_text("utf-8")
NAMES = list(obs.empty(0))


def section(name):
    (text,) = re.findall(rf"^## `{name}`\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    return text


def columns(name):
    """``(first column, last column, name, low, high)`` per line of an array's table."""
    lines = re.findall(
        r"^\| (\d+)(?:-(\d+))? \| ([^|]+?) \| (-?[\d.]+?)\.\.([\d.]+) \|",
        section(name),
        re.MULTILINE,
    )
    return [(int(a), int(b or a), n, float(low), float(high)) for a, b, n, low, high in lines]


def column_of(array, name):
    return next(first for first, _, found, _, _ in columns(array) if found == name)


@pytest.mark.parametrize("name", NAMES)
def test_shape_and_dtype(name):
    shape, dtype = re.search(r"Shape `(\(.*?\))`, dtype `(\w+)`", section(name)).groups()
    array = obs.empty(1)[name]
    assert (shape, dtype) == (str(array.shape[1:]), array.dtype.name)


@pytest.mark.parametrize("name", NAMES)
def test_every_column_is_there_once(name):
    named = [k for first, last, *_ in columns(name) for k in range(first, last + 1)]
    assert named == list(range(obs.empty(1)[name].shape[-1]))


def test_every_array_has_a_table():
    assert sorted(re.findall(r"^## `(\w+)`", PAGE, re.MULTILINE)) == sorted(NAMES)


def test_columns_stand_where_the_code_has_them():
    assert column_of("pokemon", "attack boost") == obs.FIRST_BOOST
    assert column_of("pokemon", "substitute") == obs.FIRST_EFFECT
    assert column_of("pokemon", "bide") == obs.FIRST_EFFECT + obs.NUM_EFFECTS - 1
    assert column_of("pokemon", "recharging") == obs.RECHARGING
    assert column_of("pokemon", "preparing") == obs.PREPARING
    assert column_of("pokemon", "light screen") == obs.LIGHT_SCREEN
    assert column_of("pokemon", "slept") == obs.SLEPT
    assert column_of("pokemon", "pp") == obs.FIRST_PP


def test_statuses():
    numbers = {name: int(k) for k, name in re.findall(r"^\| (\d) \| ([\w ]+) \|$", PAGE, re.M)}
    assert numbers == {
        "unknown": 0,
        "none": obs.STATUS_NONE,
        "burned": obs.STATUS_BRN,
        "frozen": obs.STATUS_FRZ,
        "paralyzed": obs.STATUS_PAR,
        "poisoned": obs.STATUS_PSN,
        "asleep": obs.STATUS_SLP,
        "badly poisoned": obs.STATUS_TOX,
        "fainted": obs.STATUS_FNT,
    }


class Watching:
    """Plays at random and keeps the least and the most of every column."""

    def __init__(self):
        self.least = {name: np.inf for name in NAMES}
        self.most = {name: -np.inf for name in NAMES}

    def act_on_engine(self, decisions, rng):
        for name, array in decisions.observations.items():
            flat = array.reshape(-1, array.shape[-1]).astype(float)
            self.least[name] = np.minimum(self.least[name], flat.min(axis=0))
            self.most[name] = np.maximum(self.most[name], flat.max(axis=0))
        return (rng.random(decisions.legal.shape) * decisions.legal).argmax(axis=1)


def test_values_stay_in_their_ranges():
    rng = np.random.default_rng(5)
    teams, watching = load_teams(), Watching()
    pairs = [tuple(teams[int(k)] for k in rng.integers(len(teams), size=2)) for _ in range(60)]
    EngineArena().play([(watching, watching)] * len(pairs), pairs, rng=rng)
    for name in NAMES:
        for first, last, label, low, high in columns(name):
            least, most = (
                np.asarray(x[name])[first : last + 1] for x in (watching.least, watching.most)
            )
            assert low <= least.min() + 1e-6, f"{name}, {label}"
            assert most.max() <= high + 1e-6, f"{name}, {label}"
