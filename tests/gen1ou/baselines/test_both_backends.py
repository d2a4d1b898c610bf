"""The baselines see the same and do the same on the engine and on Showdown."""

import dataclasses

import numpy as np
import pytest

from pokespiel.gen1ou.baselines import (
    BASELINES,
    Gen1BossAI,
    Grunt,
    GymLeader,
    MaxDamagePolicy,
    SwitchAwarePolicy,
)
from pokespiel.gen1ou.baselines.simple_heuristics import original_action, simple_heuristics
from pokespiel.gen1ou.baselines.view import engine_view, showdown_view
from pokespiel.gen1ou.teams import load_teams
from tests.gen1ou.baselines.both_backends import pairs

pytestmark = pytest.mark.showdown


@pytest.fixture(scope="module")
def results():
    """Of every decision: fields that differ, and both backends' choices where there is one."""
    policies = [policy() for policy in BASELINES.values()]
    remembering = [Gen1BossAI(), GymLeader()]
    found = []
    for ours, theirs in pairs(policies, load_teams(), 25, np.random.default_rng(0)):
        mine, shown = engine_view(ours), showdown_view([theirs])
        different = [
            field.name
            for field in dataclasses.fields(mine)
            if not np.allclose(getattr(mine, field.name), getattr(shown, field.name), atol=1e-9)
        ]
        choices = {
            "simple_heuristics": (int(simple_heuristics(mine)[0]), original_action(theirs, -1))
        }
        for policy in (MaxDamagePolicy(), SwitchAwarePolicy(), Grunt()):
            choices[policy.name] = (
                int(policy.act_on_engine(ours, np.random.default_rng(1))[0]),
                int(policy.act([theirs], np.random.default_rng(1))[0]),
            )
        for policy in remembering:
            choices[policy.name] = (
                int(policy.act_on_engine(ours, np.random.default_rng(1))[0]),
                int(policy.act([theirs], np.random.default_rng(1))[0]),
            )
        found.append((different, choices, int(theirs.legal.sum())))
    return found


def test_they_see_the_same(results):
    assert len(results) > 1500
    assert [different for different, _, _ in results if different] == []


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "random"])
def test_they_do_the_same(results, name):
    """For simple_heuristics against poke-env's own SimpleHeuristicsPlayer."""
    asked = [choices[name] for _, choices, legal in results if legal > 1]
    assert len(asked) > 1200
    assert [pair for pair in asked if pair[0] != pair[1]] == []
