"""Metamon's view of engine battles, beside what poke-env makes of the simulator's messages."""

from __future__ import annotations

import numpy as np
import pytest

from pokespiel.gen1ou import observation as layout
from pokespiel.gen1ou.engine import Battle as EngineBattle
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.batch import call
from pokespiel.gen1ou.rewards import reward_states, shaped_rewards
from pokespiel.gen1ou.showdown.install import ShowdownError, showdown_directory
from pokespiel.gen1ou.teams import engine_sets, load_teams, parse_packed
from pokespiel.metamon import engine_observation as engine
from pokespiel.metamon import observation as obs
from pokespiel.metamon.feedback import shaped_reward
from pokespiel.metamon.history import History
from tests.gen1ou.baselines.both_backends import _on_showdown
from tests.gen1ou.test_parity import ODD_MOVES, odd_team


class Growing(dict):
    """A vocabulary that numbers every word when it is first met."""

    def get(self, word, default=None):
        return self.setdefault(word, len(self))


def _missing():
    try:
        showdown_directory()
    except ShowdownError as error:
        return str(error)
    return None


needs_showdown = [
    pytest.mark.showdown,
    pytest.mark.skipif(_missing() is not None, reason=str(_missing())),
]


def played(teams, seed, rng, words, most_steps):
    """A battle of random choices on the engine: per step what both players are told."""
    battle = EngineBattle(*(engine_sets(parse_packed(team)) for team in teams), seed, rules=None)
    chronicles, place = engine.new_chronicles(1), np.zeros(1, np.int64)
    revealed = layout.nothing_seen(1)
    steps, choices = [], []
    while True:
        wide = np.ascontiguousarray(battle.row[None])
        call(engine.read_transcripts, wide, place, chronicles, place)
        rows = np.ascontiguousarray(wide[:, : at.ROW])
        layout.reveal(rows, revealed)
        if battle.result != "ongoing" or len(choices) == most_steps:
            return steps, choices
        told, chosen = [], []
        for player in (0, 1):
            meant = {action: word for word, action in reversed(battle._choices(player)[1].items())}
            legal = np.zeros((1, 10), np.bool_)
            legal[0, list(meant)] = True
            who = place, np.full(1, player, np.int64)
            if not meant:
                told.append(None)
                chosen.append(None)
                continue
            seen = engine.describe(rows, revealed, chronicles, place, *who, legal, words)
            told.append((*(array[0] for array in seen), reward_states(rows, *who)[0]))
            chosen.append(meant[int(rng.choice(list(meant)))])
        steps.append(told)
        choices.append(chosen)
        battle.choose(*chosen)


def compare(pairs, rng, most_steps=None):
    """How many decisions are told alike on both backends; fails at the first that is not."""
    vocabulary = Growing()
    words = engine.words_of(vocabulary)
    mine, asked = [], []
    for pair in pairs:
        seed = int(rng.integers(2**63))
        steps, choices = played(pair, seed, rng, words, most_steps)
        mine.append(steps)
        halves = [seed >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
        asked.append({"seed": ",".join(map(str, halves)), "teams": pair, "choices": choices})
    names = {}
    decisions = 0
    for number, (steps, shown) in enumerate(zip(mine, _on_showdown(asked), strict=True)):
        histories, last = [History(), History()], [None, None]
        for step, (told, look) in enumerate(zip(steps, shown, strict=False)):
            for player, (ours, theirs) in enumerate(zip(told, look(), strict=True)):
                if ours is None:
                    continue
                place = f"battle {number}, step {step}, player {player}"
                battle, legal = theirs
                histories[player].update(battle)
                seen = obs.view(battle, histories[player])
                expected = obs.words(seen)
                names = {index: word for word, index in vocabulary.items()}
                got = [names[int(token)] for token in ours[0]]
                assert got == expected, f"{place}: {differing(got, expected)}"
                measured = obs.numbers(seen)
                assert np.array_equal(ours[1], measured), f"{place}: {differing(ours[1], measured)}"
                meant = obs.action_map(battle, legal)
                assert np.array_equal(ours[2], meant), f"{place}: {differing(ours[2], meant)}"
                if last[player] is not None:
                    before, state = last[player]
                    reward = float(shaped_rewards(state, ours[3]))
                    assert reward == pytest.approx(shaped_reward(before, seen)), place
                last[player] = seen, ours[3]
                decisions += 1
    return decisions


def differing(ours, theirs):
    return [(k, a, b) for k, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]


class TestOnBothBackends:
    pytestmark = needs_showdown

    @pytest.mark.parametrize("battles", [12, pytest.param(100, marks=pytest.mark.long)])
    def test_usual_teams(self, battles):
        rng = np.random.default_rng(20261123)
        teams = load_teams()
        pairs = [[teams[int(k)] for k in rng.integers(len(teams), size=2)] for _ in range(battles)]
        assert compare(pairs, rng) > 80 * battles

    @pytest.mark.parametrize("moves", [*ODD_MOVES.values(), ["mimic", "minimize", "conversion"],
                                       ["metronome", "mirrormove", "transform"]])  # fmt: skip
    def test_odd_moves(self, moves):
        rng = np.random.default_rng(7)
        pairs = [[odd_team(moves, rng), odd_team(moves, rng)] for _ in range(3)]
        assert compare(pairs, rng, 100) > 250
