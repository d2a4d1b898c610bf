"""What a player observes is the same on the engine and on Showdown.

Battles are played on the engine with random choices, then again on the real simulator with the
same seed, teams and choices. poke-env is told what the simulator sent to each player, and the two
observations and reward states of every decision must be equal.
"""

from __future__ import annotations

import json
import logging
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pokespiel.gen1ou import observation as layout
from pokespiel.gen1ou.arena import unpack_showdown
from pokespiel.gen1ou.engine import Battle as EngineBattle
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.rewards import reward_states
from pokespiel.gen1ou.showdown.corrections import correct
from pokespiel.gen1ou.showdown.install import ShowdownError, find_node, showdown_directory
from pokespiel.gen1ou.teams import load_teams


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


def engine_views(team1, team2, seed, rng):
    """Play on the engine: choices in words, and per step both players' views."""
    battle = EngineBattle(unpack_showdown(team1), unpack_showdown(team2), seed)
    revealed = layout.nothing_seen(1)
    choices, steps = [], []
    while battle.result == "ongoing":
        rows = np.ascontiguousarray(battle.row[None, : at.ROW])
        layout.reveal(rows, revealed)
        words = battle.legal()
        views = []
        for player in (0, 1):
            accepted = battle._choices(player)[1]
            legal = np.zeros((1, 10), np.bool_)
            legal[0, list(accepted.values())] = True
            who = np.zeros(1, np.int64), np.full(1, player, np.int64)
            views.append(
                {
                    "legal": legal[0],
                    **{k: v[0] for k, v in layout.observe(rows, revealed, *who, legal).items()},
                    "reward": reward_states(rows, *who)[0],
                }
            )
        steps.append(views)
        chosen = [str(rng.choice(options)) if options else None for options in words]
        choices.append(chosen)
        battle.choose(*chosen)
    return choices, steps


def showdown_views(battles):
    """Play the same choices on the simulator; per battle and step both players' views."""
    from poke_env.battle import Battle

    from pokespiel.gen1ou.actions import legal_mask
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
                        }
                    )
            views.append(both)
        yield views


def tell(battle, message):
    """As poke-env's Player hands messages to a battle."""
    if len(message) < 2 or message[1] in ("", "t:", "win", "tie"):
        return
    correct(battle, message)
    battle.parse_message(message)


def differences(mine, theirs):
    for name in mine:
        if not np.allclose(mine[name], theirs[name], atol=1e-6):
            unequal = np.argwhere(~np.isclose(mine[name], theirs[name], atol=1e-6))
            for place in map(tuple, unequal):
                values = f"engine {mine[name][place]}, Showdown {theirs[name][place]}"
                yield f"{name}{[int(k) for k in place]}: {values}"


def test_observations_rewards_and_masks_are_equal_at_every_decision():
    rng = np.random.default_rng(20261123)
    teams = load_teams()
    battles, expected = [], []
    for _ in range(60):
        pair = [teams[int(k)] for k in rng.integers(len(teams), size=2)]
        seed = int(rng.integers(2**63))
        words = [seed >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
        choices, views = engine_views(*pair, seed, rng)
        battles.append({"seed": ",".join(map(str, words)), "teams": pair, "choices": choices})
        expected.append(views)
    compared = 0
    wrong = []
    for number, (mine, theirs) in enumerate(zip(expected, showdown_views(battles), strict=True)):
        for step, (ours, shown) in enumerate(zip(mine, theirs[: len(mine)], strict=True)):
            for player in (0, 1):
                if not ours[player]["legal"].any():
                    continue
                found = differences(ours[player], shown[player])
                wrong += [f"battle {number}, step {step}, player {player}: {d}" for d in found]
                compared += 1
    assert not wrong, "\n".join(wrong[:20])
    assert compared > 5000
