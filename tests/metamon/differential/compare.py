"""Hold recorded decisions against metamon's own code, in an environment of its own.

    git clone https://github.com/UT-Austin-RPL/poke-env   # at 3b11ebf, version 0.8.3.2
    git clone https://github.com/UT-Austin-RPL/metamon    # version 1.4.0
    pip install ./poke-env; pip install --no-deps --editable ./metamon
    pip install gymnasium termcolor tqdm ...               # what its imports ask for
    python compare.py FILE                                 # of record.py; nothing else of ours

Every battle is replayed message by message into that poke-env; metamon's `UniversalState`,
`DefaultObservationSpace`, `UniversalAction` and `DefaultShapedReward` then speak for themselves.
Servers of today offer a sleeping, frozen or trapped Pokémon the bare move ``fight``, which that
poke-env does not know; as the servers of its time did, it is shown the Pokémon's moves instead.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from typing import Any

from metamon.interface import (
    DefaultObservationSpace,
    DefaultShapedReward,
    UniversalAction,
    UniversalState,
)
from poke_env.environment import Battle

TOLERANCE = 1e-6
# Ends of battles and what is no part of them.
IGNORED = {"", "win", "tie", "t:", "request", "error", "title"}


def main(path: str) -> int:
    """Compare and report; the exit status is 1 where anything differs."""
    logging.disable(logging.CRITICAL)
    with open(path) as file:
        battles = json.load(file)
    total, differences = 0, Counter()
    for decisions in battles:
        for differing in _replay(decisions):
            total += 1
            differences.update(differing)
            differences["decisions"] += bool(differing)
    print(f"{total} decisions, {differences.pop('decisions', 0)} differ: {dict(differences)}")
    return bool(differences)


def _replay(decisions: list[dict[str, Any]]) -> list[set[str]]:
    """What differs at each decision."""
    first = decisions[0]
    battle = Battle(first["tag"], first["user"], logging.getLogger("replay"), gen=1)
    battle._player_role = first["role"]
    space, reward, last = DefaultObservationSpace(), DefaultShapedReward(), None
    differing = []
    for decision in decisions:
        battle.parse_request(_of_its_time(decision["request"]))
        for message in decision["log"]:
            if message[1] not in IGNORED:
                battle.parse_message(message)
        state = UniversalState.from_Battle(battle)
        seen = space(state)
        actions = UniversalAction.definitely_valid_actions(state, battle)
        found = {
            "words": str(seen["text"]).split(" ") != decision["words"],
            "numbers": abs(seen["numbers"] - decision["numbers"]).max() > TOLERANCE,
            "legal": sorted(action.action_idx for action in actions) != decision["legal"],
            "reward": last is not None
            and abs(reward(last, state) - decision["reward"]) > TOLERANCE,
        }
        differing.append({name for name, differs in found.items() if differs})
        last = state
    return differing


def _of_its_time(request: dict[str, Any]) -> dict[str, Any]:
    """A request with the Pokémon's moves in place of the bare ``fight``."""
    for active in request.get("active", ()):
        if [move["id"] for move in active["moves"]] == ["fight"]:
            mine = next(p for p in request["side"]["pokemon"] if p["active"])
            active["moves"] = [{"id": move, "move": move} for move in mine["moves"]]
    return request


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
