"""Battles as metamon's trajectory files: the states say what the agent was told, and the end."""

import json

import numpy as np
import pytest

from pokespiel.gen1ou.baselines import MaxDamagePolicy
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.teams import load_teams
from pokespiel.metamon import observation as obs
from pokespiel.metamon.feedback import shaped_reward
from pokespiel.metamon.policy import MetamonPolicy
from pokespiel.metamon.trajectories import TrajectoryRecorder, write_trajectories
from tests.metamon.conftest import new_network
from tests.metamon.test_finetune import SIZES, WORDS
from tests.metamon.test_observation import pokemon_view


def view_of(state):
    """As metamon's own code reads a state."""
    bench = sorted(map(pokemon_view, state["available_switches"]), key=lambda p: p.name)
    return obs.View(
        active=pokemon_view(state["player_active_pokemon"]),
        opponent=pokemon_view(state["opponent_active_pokemon"]),
        bench=tuple(bench),
        previous_move=state["player_prev_move"]["name"],
        opponent_previous_move=state["opponent_prev_move"]["name"],
        opponents_left=state["opponents_remaining"],
        forced_switch=state["forced_switch"],
    )


@pytest.fixture(scope="module")
def recorded():
    """Battles, and by the first words of each what the agent was told decision by decision."""
    policy = MetamonPolicy(new_network(SIZES), WORDS, name="small_one")
    asked = []
    original = policy.decide

    def spy(decisions, rng):
        actions, found = original(decisions, rng)
        seats = zip(decisions.battles.tolist(), decisions.players.tolist(), strict=True)
        asked.extend((seat, row, found) for row, seat in enumerate(seats))
        return actions, found

    policy.decide = spy
    recorder = TrajectoryRecorder(policy)
    game = Gen1OU(load_teams()[:6], initial=policy)
    returns = game.play([(recorder, MaxDamagePolicy())], 8, rng=np.random.default_rng(3))
    told = {}
    for seat, row, found in asked:
        told.setdefault(seat, []).append(
            (found.words[row], found.numbers[row], found.feedback[row], found.chosen[row])
        )
    assert policy.battles == 0
    return recorder.trajectories, told, returns[0, :, 0]


def test_states_say_what_the_agent_was_told(recorded):
    trajectories, told, _ = recorded
    names = list(WORDS)
    by_actions = {tuple(int(one[3]) for one in battle): battle for battle in told.values()}
    assert len(by_actions) == len(trajectories) == 8
    for trajectory in trajectories:
        battle = by_actions[tuple(trajectory.actions)]
        views = [view_of(state) for state in trajectory.states]
        assert len(views) == len(battle) + 1
        for number, (text, numbers, feedback, _) in enumerate(battle):
            assert obs.words(views[number]) == [names[token] for token in text]
            np.testing.assert_array_equal(obs.numbers(views[number]), numbers)
            if number:
                reward = shaped_reward(views[number - 1], views[number])
                assert reward == pytest.approx(float(feedback[0]), abs=1e-6)


def test_the_last_state_says_who_won(recorded):
    trajectories, _, returns = recorded
    assert sorted(t.outcome for t in trajectories) == sorted(returns.tolist())
    for trajectory in trajectories:
        assert not any(s["battle_won"] or s["battle_lost"] for s in trajectory.states[:-1])
        last = trajectory.states[-1]
        assert last["battle_won"] == (trajectory.outcome == 1.0)
        assert last["battle_lost"] == (trajectory.outcome == 0.0)
        beaten = last["player_active_pokemon"]["hp_pct"] == 0.0 and not last["available_switches"]
        assert beaten == (trajectory.outcome == 0.0)


def test_files_are_what_metamons_reader_takes(recorded, tmp_path):
    """Seven parts between underscores, the format in the first; else they are silently left out."""
    trajectories = recorded[0]
    paths = write_trajectories(
        tmp_path, trajectories, player="my_name", opponent="a mixture", label="round_0"
    )
    assert len(set(paths)) == len(trajectories)
    for path, trajectory in zip(paths, trajectories, strict=True):
        assert path.parent == tmp_path / "gen1ou"
        battle, rating, player, versus, opponent, _, result = path.stem.split("_")
        assert "gen1ou" in battle
        assert (rating, player, versus, opponent) == ("Unrated", "myname", "vs", "amixture")
        assert result == ("WIN" if trajectory.outcome == 1.0 else "LOSS")
        document = json.loads(path.read_text())
        assert document["actions"] == [*trajectory.actions, -1]
        assert len(document["states"]) == len(document["actions"])
        for action, legal in zip(trajectory.actions, document["legal"], strict=True):
            assert action in legal


@pytest.mark.metamon
def test_states_have_metamons_fields(recorded, assets):
    example = json.loads((assets / "example_state.json").read_text())["universal_state"]

    def fields(value):
        if isinstance(value, dict):
            return {key: fields(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [fields(inner) for inner in value[:1]]
        return float if isinstance(value, int) and not isinstance(value, bool) else type(value)

    ours = fields(recorded[0][0].states[0])
    expected = fields(example)
    # What the opponent has shown is not told: metamon's agents of this family do not look at it.
    expected["opponent_active_pokemon"]["moves"] = []
    assert ours == expected
