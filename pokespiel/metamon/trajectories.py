"""Battles on the engine as metamon's trajectory files, which its offline trainer learns from.

A file is one player's view of one battle: JSON with ``states``, one more than decisions, each a
``UniversalState`` of metamon's; ``actions``, one for each state, the last -1; and ``legal``, which
metamon's reader passes over: the actions that were legal at each decision. (Read from states
alone, as its own data sets are, legality knows nothing of disabled, exhausted or locked moves.)

What the reader demands of a name it does not say: seven parts between underscores, or the file is
silently left out. So no name of a player may have one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from poke_env.battle import Move

from pokespiel.files import write_atomically
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables
from pokespiel.gen1ou.observation import KNOWN_SLOTS, nothing_seen
from pokespiel.metamon import engine_observation as engine
from pokespiel.metamon import observation as obs
from pokespiel.metamon.policy import MetamonPolicy

FORMAT = "gen1ou"
_NO_MOVE = "nomove"
_STATS = ("atk", "spa", "def", "spd", "spe", "hp")
_BOOSTS = ("atk", "spa", "def", "spd", "spe", "accuracy", "evasion")


@dataclass
class Trajectory:
    """One player's view of one battle of ``T`` decisions.

    Attributes
    ----------
    states : list of dict, ``T + 1`` once the battle is over
    actions : list of int, ``T``
        Metamon's, as the agent chose them.
    legal : list of lists of int, ``T``
    outcome : float
        1 for a win, 0.5 for a tie, 0 for a loss.
    """

    states: list[dict[str, Any]] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    legal: list[list[int]] = field(default_factory=list)
    outcome: float = 0.5


class TrajectoryRecorder:
    """Plays an agent on the engine and writes down what it saw and chose.

    Parameters
    ----------
    policy

    Attributes
    ----------
    trajectories : list of Trajectory
        Of battles that are over.
    """

    def __init__(self, policy: MetamonPolicy) -> None:
        self.policy = policy
        self.name = policy.name
        self.trajectories: list[Trajectory] = []
        self._open: dict[tuple[int, int], Trajectory] = {}
        vocabulary = engine.every_word()
        self._spelling = list(vocabulary)
        self._words = engine.words_of(vocabulary)
        self._rows = np.zeros((0, at.ROW), np.int32)
        self._where: dict[int, int] = {}

    def watch(
        self,
        rows: NDArray[np.int32],
        where: NDArray[np.int64],
        battles: NDArray[np.int64],
        new: bool,
    ) -> None:
        """Follow battles; see `pokespiel.gen1ou.arena.EnginePolicy`."""
        self.policy.watch(rows, where, battles, new)
        if new:
            begun = set(battles.tolist())
            self._open = {seat: t for seat, t in self._open.items() if seat[0] not in begun}
        else:
            self._rows = np.ascontiguousarray(rows[:, : at.ROW])
            self._where = dict(zip(battles.tolist(), where.tolist(), strict=True))

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose, and write down."""
        states = self._states(decisions)
        actions, asked = self.policy.decide(decisions, rng)
        seats = zip(decisions.battles.tolist(), decisions.players.tolist(), strict=True)
        for row, seat in enumerate(seats):
            trajectory = self._open.setdefault(seat, Trajectory())
            trajectory.states.append(states[row])
            trajectory.actions.append(int(asked.chosen[row]))
            trajectory.legal.append(np.flatnonzero(asked.meanings[row] >= 0).tolist())
        return actions

    def ended(
        self,
        battles: NDArray[np.int64],
        players: NDArray[np.int64],
        states: NDArray[np.float64],
        returns: NDArray[np.float64],
    ) -> None:
        """Write down how battles ended."""
        where = np.array([self._where[battle] for battle in battles.tolist()])
        last = self._states(
            Decisions(
                self._rows,
                _all_seen(self._rows),
                where,
                players,
                battles,
                np.zeros((len(battles), 10), np.bool_),
            )
        )
        seats = list(zip(battles.tolist(), players.tolist(), strict=True))
        for seat, state, outcome in zip(seats, last, returns.tolist(), strict=True):
            trajectory = self._open.pop(seat, None)
            if trajectory is not None:
                state["battle_won"], state["battle_lost"] = outcome == 1.0, outcome == 0.0
                trajectory.states.append(state)
                trajectory.outcome = outcome
                self.trajectories.append(trajectory)
        self.policy.ended(battles, players, states, returns)

    def _states(self, decisions: Decisions) -> list[dict[str, Any]]:
        text, numbers, _ = self.policy.describe(decisions, self._words)
        return [
            _state(
                [self._spelling[token] for token in text[row]],
                numbers[row].astype(float).tolist(),
                _statuses(decisions.rows[decisions.where[row]], int(decisions.players[row])),
            )
            for row in range(len(decisions))
        ]


def write_trajectories(
    folder: Path, trajectories: Sequence[Trajectory], *, player: str, opponent: str, label: str
) -> list[Path]:
    """Write one file for each battle into the folder of its format.

    Parameters
    ----------
    folder
        What metamon calls the root of a data set.
    trajectories
    player, opponent : str
        Names; letters, digits and hyphens of them are kept.
    label : str
        Of these battles: a later call with another one adds to the folder.
    """
    stamp = datetime.now().strftime("%m-%d-%Y-%H:%M:%S")
    paths = []
    for number, trajectory in enumerate(trajectories):
        # Metamon knows no ties.
        result = "WIN" if trajectory.outcome == 1.0 else "LOSS"
        battle = f"pokespiel-{FORMAT}-{_plain(label)}-{number}"
        name = f"{battle}_Unrated_{_plain(player)}_vs_{_plain(opponent)}_{stamp}_{result}.json"
        document = {
            "states": trajectory.states,
            "actions": [*trajectory.actions, -1],
            "legal": trajectory.legal,
        }
        path = folder / FORMAT / name
        with write_atomically(path) as file:
            file.write(json.dumps(document).encode())
        paths.append(path)
    return paths


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "", name) or "agent"


def _all_seen(rows: NDArray[np.int32]) -> NDArray[np.int16]:
    """What was seen, as far as it counts at the end: nobody faints unseen."""
    known = nothing_seen(len(rows))
    for side in (0, 1):
        for slot in range(6):
            there = rows[:, side * at.SIDE + slot * at.POKEMON + at.SPECIES] != 0
            known[:, side, KNOWN_SLOTS + slot] = np.where(there, slot, -1)
    return known


def _statuses(row: NDArray[np.int32], player: int) -> dict[str, str]:
    """Statuses of a player's Pokémon by species."""
    members = [row[player * at.SIDE + slot * at.POKEMON :] for slot in range(6)]
    return {
        tables.SPECIES_IDS[p[at.SPECIES]]: tables.STATUS_IDS[p[at.STATUS]] or "nostatus"
        for p in members
        if p[at.SPECIES] != 0
    }


def _state(words: list[str], numbers: list[float], statuses: dict[str, str]) -> dict[str, Any]:
    """Metamon's ``UniversalState`` of an observation and what the reward reads besides."""
    bench = [
        _benched(words[first : first + 9], hp, statuses)
        for first, hp in zip(range(26, 71, 9), numbers[28:33], strict=True)
        if words[first + 1] != obs.BLANK
    ]
    moves = [words[place] for place in (11, 15, 19, 23)]
    return {
        "format": FORMAT,
        "player_active_pokemon": _active(words[3:10], numbers[1:16], moves),
        "opponent_active_pokemon": _active(words[72:79], numbers[33:48], []),
        "available_switches": bench,
        "player_prev_move": _move(words[84]),
        "opponent_prev_move": _move(words[86]),
        "opponents_remaining": round(6 * numbers[0]),
        "player_conditions": words[81],
        "opponent_conditions": words[82],
        "weather": words[80],
        "battle_field": "nofield",
        "forced_switch": words[1] == "<forcedswitch>",
        "battle_won": False,
        "battle_lost": False,
        "can_tera": False,
        "opponent_teampreview": [],
    }


def _active(words: list[str], numbers: list[float], moves: list[str]) -> dict[str, Any]:
    name, item, ability, first, second, effect, status = words
    hp, level, *rest = numbers
    return {
        **_pokemon(name, hp, sorted((first, second)), status, moves),
        "item": item,
        "ability": ability,
        "lvl": round(100 * level),
        "effect": effect,
        **{f"base_{stat}": round(255 * x) for stat, x in zip(_STATS, rest[:6], strict=True)},
        **{f"{stat}_boost": round(6 * x) for stat, x in zip(_BOOSTS, rest[6:], strict=True)},
    }


def _benched(words: list[str], hp: float, statuses: dict[str, str]) -> dict[str, Any]:
    _, name, item, ability, _, *moves = words
    number = tables.SPECIES_NUMBER[name]
    types = [tables.TYPE_NAMES[kind].lower() for kind in tables.SPECIES_TYPES[number].tolist()]
    if types[0] == types[1]:
        types[1] = "notype"
    max_hp, attack, defense, speed, special = tables.BASE_STATS[number].tolist()
    base = dict(zip(_STATS, (attack, special, defense, special, speed, max_hp), strict=True))
    return {
        **_pokemon(name, hp, sorted(types), statuses[name], moves),
        "item": item,
        "ability": ability,
        "lvl": 100,
        "effect": "noeffect",
        **{f"base_{stat}": value for stat, value in base.items()},
        **{f"{stat}_boost": 0 for stat in _BOOSTS},
    }


def _pokemon(
    name: str, hp: float, types: list[str], status: str, moves: list[str]
) -> dict[str, Any]:
    return {
        "name": name,
        "base_species": name,
        "hp_pct": hp,
        "types": " ".join(types),
        "tera_type": "notype",
        "status": status,
        "moves": [_move(move) for move in moves if move != obs.BLANK],
    }


def _move(name: str) -> dict[str, Any]:
    """Metamon's ``UniversalMove``; how often it can still be used is not kept (nor ever read)."""
    if name == _NO_MOVE:
        kind = category = _NO_MOVE
        power, accuracy, priority, uses = 0, 1.0, 0, 0
    else:
        facts = obs.move_facts(name)
        kind, category, accuracy = facts.type, facts.category, facts.accuracy
        power, priority = round(200 * facts.power), round(5 * facts.priority)
        uses = Move(name, gen=1).max_pp
    return {
        "name": name,
        "move_type": kind,
        "category": category,
        "base_power": power,
        "accuracy": accuracy,
        "priority": priority,
        "current_pp": uses,
        "max_pp": uses,
    }
