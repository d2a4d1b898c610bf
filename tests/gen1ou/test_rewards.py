"""DefaultShapedReward, term by term, on the states of one player's consecutive decisions."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel.gen1ou import rewards
from pokespiel.gen1ou.engine import Battle
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.observation import shown_percent
from pokespiel.gen1ou.teams import legal_sets, load_teams

TAUROS, STARMIE = 128, 121


def state(*, hp=(1.0,) * 6, sick=(), active=0, foe=TAUROS, foe_hp=1.0, foe_sick=0, bench=5, left=6):
    vector = np.zeros(rewards.STATE)
    vector[rewards.HP : rewards.HP + 6] = hp
    vector[[rewards.HAS_STATUS + slot for slot in sick]] = 1.0
    vector[rewards.ACTIVE :] = active, foe, foe_hp, foe_sick, bench, left
    return vector


CASES = {
    "nothing happened": (state(), state(), 0.0),
    "dealt and took damage": (
        state(),
        state(hp=(0.75, 1, 1, 1, 1, 1), foe_hp=0.5),
        0.5 - 0.25,
    ),
    "recovered, and so did the opponent": (
        state(hp=(0.5, 1, 1, 1, 1, 1), foe_hp=0.5),
        state(foe_hp=0.6),
        0.5 - 0.1,
    ),
    "another opponent: neither damage nor its status counts": (
        state(foe_hp=0.2),
        state(foe=STARMIE, foe_sick=1),
        0.0,
    ),
    "gave a status": (state(), state(foe_sick=1), 0.5),
    "cured an opponent": (state(foe_sick=1), state(), 0.0),
    "took a status": (state(), state(sick=[0]), -0.5),
    "switched to a Pokémon hurt and sick before": (
        state(hp=(1, 0.5, 1, 1, 1, 1), sick=[1]),
        state(hp=(1, 0.25, 1, 1, 1, 1), sick=[1], active=1),
        -0.25,
    ),
    "knocked out: a faint is a status, too": (
        state(foe_hp=0.3),
        state(foe_hp=0.0, foe_sick=1, left=5),
        0.3 + 0.5 + 1.0,
    ),
    "fainted: the bench is as long as before": (
        state(hp=(0.25, 1, 1, 1, 1, 1)),
        state(hp=(0, 1, 1, 1, 1, 1), sick=[0]),
        -0.25 - 0.5,
    ),
    "sent in the replacement": (
        state(hp=(0, 1, 1, 1, 1, 1), sick=[0]),
        state(hp=(0, 1, 1, 1, 1, 1), sick=[0], active=1, bench=4),
        -1.0,
    ),
    "two of the opponent's at once still count as one": (state(), state(left=4), 1.0),
}


@pytest.mark.parametrize(("before", "after", "expected"), CASES.values(), ids=CASES)
def test_one_decision(before, after, expected):
    assert rewards.shaped_rewards(before, after) == pytest.approx(expected)


def test_a_batch_is_as_its_decisions():
    before, after, expected = (np.stack(column) for column in zip(*CASES.values(), strict=True))
    np.testing.assert_allclose(rewards.shaped_rewards(before, after), expected)


@pytest.mark.parametrize("bits", [at.MUST_RECHARGE, at.CHARGING, at.THRASHING, at.RAGING])
def test_a_pokemon_that_may_not_switch_has_lost_none(bits):
    """metamon counts who stands on the bench, not the switches that the request allows."""
    team = legal_sets(load_teams()[0])
    row = Battle(team, team, 1).row[None, : at.ROW].copy()
    who = np.zeros(1, np.int64), np.zeros(1, np.int64)
    free = rewards.reward_states(row, *who)
    row[0, at.VOLATILES] |= bits
    bound = rewards.reward_states(row, *who)
    assert bound[0, rewards.BENCH] == 5
    assert rewards.shaped_rewards(free, bound).item() == 0.0


@pytest.mark.parametrize(
    ("hp", "most", "shown"),
    [(0, 353, 0), (1, 353, 1), (176, 353, 50), (177, 353, 51), (352, 353, 99), (353, 353, 100)],
)
def test_an_opponents_hp_is_rounded_up_to_percents_but_not_to_full(hp, most, shown):
    assert shown_percent(hp, most) == shown
