"""What a player observes is the same on the engine and on Showdown.

Battles are played on the engine, then again on the real simulator with the same seed, teams and
choices. poke-env is told what the simulator sent to each player. The observations, legal actions
and rewards of every decision must be equal, and so must the actions of a policy that draws from
the same generator.
"""

from __future__ import annotations

import json
import logging
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from pokespiel.gen1ou import observation as layout
from pokespiel.gen1ou.engine import Battle as EngineBattle
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.neural import NeuralPolicy
from pokespiel.gen1ou.rewards import reward_states, shaped_rewards
from pokespiel.gen1ou.showdown.corrections import correct
from pokespiel.gen1ou.showdown.install import ShowdownError, find_node, showdown_directory
from pokespiel.gen1ou.teams import engine_sets, load_teams, parse_packed


def _missing():
    try:
        showdown_directory()
    except ShowdownError as error:
        return str(error)
    return None


pytestmark = [
    pytest.mark.showdown,
    pytest.mark.skipif(_missing() is not None, reason=str(_missing())),
]
SCRIPT = Path(__file__).parent / "player_views.js"


def engine_views(team1, team2, seed, choose, most_steps):
    """Play on the engine: choices in words, and per step both players' views with their actions.

    ``choose(observations, legal)`` is asked for the actions of those who decide together.
    """
    battle = EngineBattle(
        engine_sets(parse_packed(team1)), engine_sets(parse_packed(team2)), seed, rules=None
    )
    revealed = layout.nothing_seen(1)
    choices, steps = [], []
    while True:
        rows = np.ascontiguousarray(battle.row[None, : at.ROW])
        layout.reveal(rows, revealed)
        views, chosen = [], [None, None]
        for player in (0, 1):
            legal = np.zeros((1, 10), np.bool_)
            legal[0, list(battle._choices(player)[1].values())] = True
            who = np.zeros(1, np.int64), np.full(1, player, np.int64)
            views.append(
                {
                    "legal": legal[0],
                    **{k: v[0] for k, v in layout.observe(rows, revealed, *who, legal).items()},
                    "reward": reward_states(rows, *who)[0],
                }
            )
        steps.append(views)
        if battle.result != "ongoing" or len(choices) == most_steps:
            return choices, steps
        asked = [player for player in (0, 1) if views[player]["legal"].any()]
        for player, action in zip(asked, choose(*batch(views, asked)), strict=True):
            views[player]["action"] = action
            words = battle._choices(player)[1]
            chosen[player] = next(w for w, accepted in words.items() if accepted == action)
        choices.append(chosen)
        battle.choose(*chosen)


def batch(views, players):
    """Observations and legal actions of some of the players."""
    names = layout.empty(0)
    observations = {name: np.stack([views[p][name] for p in players]) for name in names}
    return observations, np.stack([views[p]["legal"] for p in players])


def showdown_views(battles):
    """Play the same choices on the simulator; per battle and step both players' views."""
    from poke_env.battle import Battle

    from pokespiel.gen1ou.actions import legal_choices, legal_mask
    from pokespiel.gen1ou.showdown.observation import observe
    from pokespiel.gen1ou.showdown.rewards import reward_state

    done = subprocess.run(
        [str(find_node()), str(SCRIPT), str(showdown_directory())],
        input=json.dumps(battles),
        capture_output=True,
        text=True,
        check=True,
    )
    silent = logging.getLogger("silent")
    silent.setLevel(logging.CRITICAL + 1)
    for steps in json.loads(done.stdout):
        players = [Battle("battle-gen1ou-1", f"Player {p + 1}", silent, gen=1) for p in (0, 1)]
        views = []
        for step in steps:
            both = []
            for battle, (lines, request) in zip(players, step, strict=True):
                for line in lines:
                    tell(battle, line.split("|"))
                if request:
                    battle.parse_request(request)
                legal = legal_mask(battle)
                both.append(
                    {
                        "legal": legal,
                        **observe(battle, legal),
                        "reward": reward_state(battle),
                        "metamon": seen_by_metamon(battle),
                        "orders": legal_choices(battle),
                    }
                )
            views.append(both)
        yield views


def seen_by_metamon(battle):
    """What metamon's reward compares, by species: (hp, has a status) of those it can ask about."""

    def of(pokemon):
        return pokemon.base_species, (pokemon.current_hp_fraction, pokemon.status is not None)

    team = battle.team.values()
    return {
        "active": of(battle.active_pokemon),
        "bench": dict(of(p) for p in team if not p.active and not p.fainted),
        "foe": of(battle.opponent_active_pokemon),
        "foes left": 6 - sum(p.fainted for p in battle.opponent_team.values()),
    }


def metamon_reward(before, after):
    """DefaultShapedReward without its terminal term, written out for one decision."""
    species, (hp, has_status) = after["active"]
    was = {**before["bench"], **dict([before["active"]])}
    reward = hp - was[species][0] - 0.5 * (has_status and not was[species][1])
    (foe, (foe_hp, foe_status)), (old_foe, (old_hp, old_status)) = after["foe"], before["foe"]
    if foe == old_foe:
        reward += old_hp - foe_hp + 0.5 * (foe_status and not old_status)
    reward += after["foes left"] < before["foes left"]
    reward -= len(after["bench"]) < len(before["bench"])
    return reward


def tell(battle, message):
    """As poke-env's Player hands messages to a battle."""
    if len(message) < 2 or message[1] in ("", "t:", "win", "tie", "bigerror"):
        return
    correct(battle, message)
    battle.parse_message(message)


def differences(mine, theirs):
    for name in (*layout.empty(0), "legal", "reward"):
        if not np.allclose(mine[name], theirs[name], atol=1e-6):
            unequal = np.argwhere(~np.isclose(mine[name], theirs[name], atol=1e-6))
            for place in map(tuple, unequal):
                values = f"engine {mine[name][place]}, Showdown {theirs[name][place]}"
                yield f"{name}{[int(k) for k in place]}: {values}"


def at_random(rng):
    def choose(observations, legal):
        return [int(rng.choice(np.flatnonzero(row))) for row in legal]

    return choose


def play_both(pairs, seeds, policies, most_steps=None):
    """Battles of ``pairs`` of teams on both backends; ``policies`` make the engine's choices."""
    battles, expected = [], []
    for pair, seed, choose in zip(pairs, seeds, policies, strict=True):
        words = [int(seed) >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
        choices, views = engine_views(*pair, int(seed), choose, most_steps)
        battles.append({"seed": ",".join(map(str, words)), "teams": pair, "choices": choices})
        expected.append(views)
    return expected, showdown_views(battles)


def assert_equal_views(expected, shown):
    """How many decisions were compared, and how many rewards."""
    decisions = rewards = 0
    wrong = []
    for number, (mine, theirs) in enumerate(zip(expected, shown, strict=True)):
        last = [None, None]
        for step, (ours, views) in enumerate(zip(mine, theirs, strict=True)):
            for player in (0, 1):
                place = f"battle {number}, step {step}, player {player}"
                view, other = ours[player], views[player]
                ends = step == len(mine) - 1
                if not view["legal"].any() and not ends:
                    continue
                if not ends:
                    wrong += [f"{place}: {d}" for d in differences(view, other)]
                    decisions += 1
                if last[player] is not None:
                    before, seen = last[player]
                    reward = shaped_rewards(before, view["reward"])
                    theirs_reward = metamon_reward(seen, other["metamon"])
                    if abs(reward - theirs_reward) > 1e-9:
                        wrong.append(f"{place}: reward {reward}, metamon's {theirs_reward}")
                    rewards += 1
                last[player] = view["reward"], other["metamon"]
    assert not wrong, f"{len(wrong)} differences\n" + "\n".join(wrong[:20])
    return decisions, rewards


@pytest.mark.parametrize("battles", [60, pytest.param(500, marks=pytest.mark.long)])
def test_observations_rewards_and_masks_are_equal_at_every_decision(battles):
    rng = np.random.default_rng(20261123)
    teams = load_teams()
    pairs = [[teams[int(k)] for k in rng.integers(len(teams), size=2)] for _ in range(battles)]
    seeds = rng.integers(2**63, size=battles)
    decisions, rewards = assert_equal_views(*play_both(pairs, seeds, [at_random(rng)] * battles))
    assert decisions > 80 * battles
    assert rewards == decisions


def odd_team(moves, rng):
    """A team of the library; each Pokémon knows one of ``moves`` instead of its first."""
    members = []
    teams = load_teams()
    for member in teams[int(rng.integers(len(teams)))].split("]"):
        fields = member.split("|")
        known = fields[4].lower().split(",")
        fields[4] = ",".join(dict.fromkeys([str(rng.choice(moves)), *known[1:]]))
        members.append("|".join(fields))
    return "]".join(members)


# Moves that leave something behind that the observation tells, or that end it.
ODD_MOVES = {
    "in two turns": ["skyattack", "solarbeam", "razorwind", "thunderwave", "confuseray"],
    "long": ["toxic", "rest", "bide", "rage", "thrash", "disable", "supersonic"],
    "trapping": ["wrap", "clamp", "substitute", "leechseed", "hyperbeam"],
    "screens": ["lightscreen", "reflect", "mist", "haze", "focusenergy", "disable"],
}


@pytest.mark.parametrize("moves", ODD_MOVES.values(), ids=ODD_MOVES)
def test_views_are_equal_where_odd_moves_are_used(moves):
    rng = np.random.default_rng(1)
    pairs = [[odd_team(moves, rng), odd_team(moves, rng)] for _ in range(4)]
    seeds = rng.integers(2**63, size=4)
    decisions, _ = assert_equal_views(*play_both(pairs, seeds, [at_random(rng)] * 4, 100))
    assert decisions > 300


def test_views_are_equal_where_mimic_copied_a_move_already_known():
    """No message says which of the two slots a use is paid by; both count it as Mimic's."""
    rng = np.random.default_rng(2)
    pairs = [[odd_team(["mimic"], rng), odd_team(["mimic"], rng)] for _ in range(12)]
    seeds = rng.integers(2**63, size=len(pairs))
    expected, shown = play_both(pairs, seeds, [at_random(rng)] * len(pairs), 100)
    assert_equal_views(expected, shown)
    slots = [view["move_ids"] for battle in expected for views in battle for view in views]
    assert sum(any((row == move).sum() > 1 for move in row[row > 0]) for row in slots) > 20


@pytest.mark.parametrize("battles", [4, pytest.param(500, marks=pytest.mark.long)])
def test_the_same_seeded_policy_takes_the_same_decisions(battles):
    """A network whose decisions hang on what it observes, and its draws."""
    rng = np.random.default_rng(3)
    policy = NeuralPolicy.new(rng=rng)
    with torch.no_grad():
        for parameter in policy.network.parameters():
            parameter.mul_(3.0)
    teams = load_teams()
    pairs = [[teams[int(k)] for k in rng.integers(len(teams), size=2)] for _ in range(battles)]
    seeds = rng.integers(2**63, size=battles)

    def playing(number):
        draws = np.random.default_rng(number)
        return lambda observations, legal: policy.choose(observations, legal, draws)

    policies = [playing(number) for number in range(battles)]
    expected, shown = play_both(pairs, seeds, policies)
    decisions = 0
    for number, (mine, theirs) in enumerate(zip(expected, shown, strict=True)):
        choose = playing(number)
        for ours, views in zip(mine[:-1], theirs[:-1], strict=True):
            asked = [player for player in (0, 1) if views[player]["legal"].any()]
            for player, action in zip(asked, choose(*batch(views, asked)), strict=True):
                assert action == ours[player]["action"]
                decisions += 1
    assert decisions > 80 * battles
