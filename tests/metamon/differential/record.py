"""Record what this package makes of real battles, for `compare`.

    python tests/metamon/differential/record.py BATTLES FILE [SEED]

plays battles between random policies on a Showdown server, and writes for every decision the
log since the last one, the request, and our words, numbers, legal actions and reward.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from pokespiel.gen1ou.showdown import Arena, ShowdownServer
from pokespiel.gen1ou.showdown.arena import Match
from pokespiel.gen1ou.showdown.decision import BattleResult, Decision
from pokespiel.gen1ou.teams import load_teams
from pokespiel.metamon import observation as obs
from pokespiel.metamon.feedback import shaped_reward
from pokespiel.metamon.history import History


class Recorder:
    """Plays at random and writes down what an agent of metamon's would be told."""

    def __init__(self) -> None:
        self.battles: list[list[dict[str, Any]]] = []
        self._open: dict[int, tuple[History, list[dict[str, Any]], list[obs.View]]] = {}

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> list[int]:
        """Choose at random."""
        for decision in decisions:
            self._record(decision)
        return [int(rng.choice(np.flatnonzero(decision.legal))) for decision in decisions]

    def finished(self, battle_id: int, result: BattleResult) -> None:
        """Keep the battle."""
        self.battles.append(self._open.pop(battle_id)[1])

    def _record(self, decision: Decision) -> None:
        battle = decision.battle
        history, records, views = self._open.setdefault(decision.battle_id, (History(), [], []))
        history.update(battle)
        seen = obs.view(battle, history)
        read = sum(len(record["log"]) for record in records)
        records.append(
            {
                "tag": battle.battle_tag,
                "user": battle.player_username,
                "role": battle.player_role,
                "log": battle._replay_data[read:],
                "request": battle.last_request,
                "words": obs.words(seen),
                "numbers": obs.numbers(seen).tolist(),
                "legal": np.flatnonzero(obs.action_map(battle, decision.legal) >= 0).tolist(),
                "reward": shaped_reward(views[-1], seen) if views else None,
            }
        )
        views.append(seen)


def main(battles: int, path: str, seed: int = 0) -> None:
    """Play and write."""
    rng = np.random.default_rng(seed)
    recorder, teams = Recorder(), load_teams()
    pairs = rng.integers(len(teams), size=(battles, 2))
    matches = [Match((recorder, recorder), (teams[a], teams[b])) for a, b in pairs]
    with ShowdownServer() as server, Arena(server, concurrency=10) as arena:
        arena.play(matches, rng=rng)
    with open(path, "w") as file:
        json.dump(recorder.battles, file)
    print(f"{sum(map(len, recorder.battles))} decisions in {path}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
