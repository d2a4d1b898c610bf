"""The same battles on the engine and, by poke-env, on the real simulator, decision by decision."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pokespiel.gen1ou import observation as layout
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.engine import Battle as EngineBattle
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.showdown.corrections import correct
from pokespiel.gen1ou.showdown.decision import Decision
from pokespiel.gen1ou.showdown.install import find_node, showdown_directory
from pokespiel.gen1ou.teams import legal_sets

SCRIPT = Path(__file__).parents[1] / "player_views.js"


def play(policies, teams, seed, rng):
    """Play on the engine; per step the two players' decisions (or None), and the choices."""
    battle = EngineBattle(*(legal_sets(team) for team in teams), seed)
    revealed = layout.nothing_seen(1)
    steps, choices = [], []
    while battle.result == "ongoing":
        rows = np.ascontiguousarray(battle.row[None, : at.ROW])
        layout.reveal(rows, revealed)
        asked, chosen = [], []
        for player in (0, 1):
            words = {action: word for word, action in reversed(battle._choices(player)[1].items())}
            legal = np.zeros((1, 10), np.bool_)
            legal[0, list(words)] = True
            who = np.zeros(1, np.int64), np.full(1, player, np.int64), np.zeros(1, np.int64)
            decision = Decisions(rows.copy(), revealed.copy(), *who, legal) if words else None
            asked.append(decision)
            if decision is None:
                chosen.append(None)
            else:
                chosen.append(words[int(policies[player].act_on_engine(decision, rng)[0])])
        steps.append(asked)
        choices.append(chosen)
        battle.choose(*chosen)
    return steps, choices


def pairs(policies, teams, battles, rng) -> Iterator[tuple[Decisions, Decision]]:
    """Decisions of battles between random pairs of policies, as both backends show them."""
    mine, asked = [], []
    for _ in range(battles):
        seats = [policies[int(k)] for k in rng.integers(len(policies), size=2)]
        pair = [teams[int(k)] for k in rng.integers(len(teams), size=2)]
        seed = int(rng.integers(2**63))
        words = [seed >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
        steps, choices = play(seats, pair, seed, rng)
        mine.append(steps)
        asked.append({"seed": ",".join(map(str, words)), "teams": pair, "choices": choices})
    for steps, shown in zip(mine, _on_showdown(asked), strict=True):
        # One battle object lives through the whole battle: compare as it goes.
        for step, look in zip(steps, shown, strict=False):
            for player, (ours, theirs) in enumerate(zip(step, look(), strict=True)):
                if ours is not None:
                    assert theirs is not None
                    battle, legal = theirs
                    yield ours, Decision(0, player, battle, legal)


def _on_showdown(battles):
    from poke_env.battle import Battle

    from pokespiel.gen1ou.actions import legal_mask

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

        def take(step, players=players):
            both = []
            for battle, (lines, request) in zip(players, step, strict=True):
                for line in lines:
                    _tell(battle, line.split("|"))
                if request:
                    battle.parse_request(request)
                both.append((battle, legal_mask(battle)) if request else None)
            return both

        yield [lambda step=step, take=take: take(step) for step in steps]


def _tell(battle, message):
    """As poke-env's Player hands messages to a battle."""
    if len(message) < 2 or message[1] in ("", "t:", "win", "tie", "bigerror"):
        return
    correct(battle, message)
    battle.parse_message(message)
