"""Whole battles as text: what each player saw and might do, step by step.

A change of rules, observations, masks or rewards shows here as a readable difference. Where it is
meant, write the files anew and look at what changed::

    python tests/gen1ou/test_playthroughs.py
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyspiel
import pytest

from pokespiel.gen1ou import game as gen1ou
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.rewards import reward_states, shaped_rewards

FOLDER = Path(__file__).parent / "playthroughs"


@dataclass(frozen=True)
class Playthrough:
    """A battle by its teams, its game and the seed that draws chance and choices."""

    name: str
    teams: tuple[str, str]
    team_size: int
    seed: int
    max_turns: int = 1000


PLAYTHROUGHS = (
    Playthrough("duel", ("bulls", "bells"), 1, 5),
    Playthrough("sleep-and-explosions", ("bulls", "bells"), 2, 0),
    Playthrough("traps-and-screens", ("traps", "walls"), 2, 13),
    Playthrough("transform-and-seeds", ("oddities", "walls"), 2, 15, max_turns=8),
)


def written(playthrough: Playthrough) -> str:
    """The battle as text."""
    teams = [str(FOLDER / "teams" / f"{name}.txt") for name in playthrough.teams]
    game = pyspiel.load_game(
        gen1ou.NAME,
        {
            "teams": teams[0],
            "teams_2": teams[1],
            "team_size": playthrough.team_size,
            "max_turns": playthrough.max_turns,
        },
    )
    state = game.new_initial_state()
    rng = np.random.default_rng(playthrough.seed)
    lines = ["teams: {} and {}".format(*playthrough.teams)]
    lines += [f"team size {playthrough.team_size}, turns {playthrough.max_turns}", ""]
    before = None
    while not state.is_terminal():
        if state.is_chance_node():
            outcomes = state.chance_outcomes()
            action = int(rng.integers(len(outcomes)))
            lines.append(f"chance: {state.action_to_string(action)} of {len(outcomes)}")
            state.apply_action(action)
            continue
        after = states_of(state)
        lines += ["", "== decision", *shown(state), *rewards(before, after)]
        before = after
        joint = [int(rng.choice(state.legal_actions(p))) for p in range(2)]
        names = [state.action_to_string(p, a) for p, a in enumerate(joint)]
        lines.append(f"choices: {joint[0]} ({names[0]}), {joint[1]} ({names[1]})")
        state.apply_actions(joint)
    lines += ["", "== end", *shown(state), *rewards(before, states_of(state))]
    lines.append("returns: {:+g} {:+g}".format(*state.returns()))
    for player in range(2):
        lines += ["", f"== information of player {player}"]
        lines += state.information_state_string(player).splitlines()
    return "\n".join(lines) + "\n"


def shown(state) -> list[str]:
    """The state and both observations."""
    lines = str(state).splitlines()
    for player in range(2):
        first, *rest = state.observation_string(player).splitlines()
        lines += [f"-- {first} observes", *rest]
    return lines


def states_of(state) -> np.ndarray:
    """What the rewards of both players compare."""
    row = np.ascontiguousarray(state.battle.row[None, : at.ROW])
    return reward_states(row, np.zeros(2, np.int64), np.arange(2))


def rewards(before: np.ndarray | None, after: np.ndarray) -> list[str]:
    """Both players' shaped rewards since the last decision."""
    if before is None:
        return []
    return ["rewards: " + " ".join(f"{r:+.4f}" for r in shaped_rewards(before, after))]


@pytest.mark.parametrize("playthrough", PLAYTHROUGHS, ids=lambda p: p.name)
def test_battles_go_as_they_went(playthrough):
    expected = (FOLDER / f"{playthrough.name}.txt").read_text("utf-8")
    assert written(playthrough).splitlines() == expected.splitlines()


def test_every_file_belongs_to_a_playthrough():
    assert {f.stem for f in FOLDER.glob("*.txt")} == {p.name for p in PLAYTHROUGHS}


def test_no_player_reads_the_others_hp():
    """Exact hp of the opponent stand in the state only."""
    for playthrough in PLAYTHROUGHS:
        text = written(playthrough)
        for player in range(2):
            part = text.split(f"== information of player {player}\n")[1].split("\n==")[0]
            foe = [
                line for line in part.splitlines() if line.startswith(f"|-damage|p{2 - player}a")
            ]
            hp = [line.split("|")[3].split(" ")[0] for line in foe]
            assert all(number == "0" or number.endswith("/100") for number in hp)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for entry in PLAYTHROUGHS:
        (FOLDER / f"{entry.name}.txt").write_text(written(entry), "utf-8")
        print(f"{FOLDER / entry.name}.txt")
