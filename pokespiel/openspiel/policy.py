"""Policies of OpenSpiel games: behaviours on a compiled game, or tables by information state."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import pyspiel
from numpy.typing import NDArray

from pokespiel.openspiel.sequence_form import FloatArray, PlayerForm, SequenceForm
from pokespiel.openspiel.states import (
    infostate_key,
    infostate_kind,
    is_simultaneous,
    replay,
    turn_based,
)


@runtime_checkable
class CompiledPolicy(Protocol):
    """What a compiled game can play."""

    def behaviour(self, form: SequenceForm, player: int) -> FloatArray:
        """Probability of every action of ``player``, ``(S,)``; see `PlayerForm`."""
        ...


@runtime_checkable
class StatePolicy(Protocol):
    """What can be played on OpenSpiel's own states."""

    def probabilities(
        self, states: Sequence[Any], player: int, legal: NDArray[np.bool_]
    ) -> FloatArray:
        """Probability of every action ``(B, A)``, zero where illegal.

        Parameters
        ----------
        states : sequence of pyspiel.State, length ``B``
            In each of them ``player`` is to move.
        legal : bool array ``(B, A)``
        """
        ...


@dataclass(frozen=True, eq=False)
class TabularPolicy:
    """Behaviours on a compiled game.

    Attributes
    ----------
    behaviours : mapping of player to float64 array ``(S,)``
        For the players whose part the policy can play; in the order of `PlayerForm`.
    """

    behaviours: Mapping[int, FloatArray]
    kind: ClassVar[str] = "openspiel/tabular"

    def behaviour(self, form: SequenceForm, player: int) -> FloatArray:
        """The behaviour of ``player``; see `CompiledPolicy`."""
        if player not in self.behaviours:
            parts = ", ".join(str(p) for p in self.behaviours)
            raise ValueError(f"this policy plays as player {parts}, not as player {player}")
        behaviour = self.behaviours[player]
        if behaviour.shape != (form.players[player].num_sequences,):
            raise ValueError("this policy was made for another game")
        return behaviour

    def save(self, directory: Path) -> None:
        """Write ``config.json`` and ``behaviours.npz``."""
        (directory / "config.json").write_text(json.dumps({"kind": self.kind}))
        arrays: dict[str, Any] = {f"player_{p}": own for p, own in self.behaviours.items()}
        with (directory / "behaviours.npz").open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, directory: Path) -> TabularPolicy:
        """Read back what `save` wrote."""
        with np.load(directory / "behaviours.npz", allow_pickle=False) as arrays:
            return cls({int(name.removeprefix("player_")): arrays[name] for name in arrays})


@dataclass(frozen=True, eq=False)
class InfostatePolicy:
    """Action probabilities by information state string; uniform where the table has nothing.

    An empty table is the uniform random policy.

    Attributes
    ----------
    tables : mapping of player to mapping of str to float64 array ``(A,)``
        Over all of the game's actions.
    """

    tables: Mapping[int, Mapping[str, FloatArray]] = field(default_factory=dict)
    kind: ClassVar[str] = "openspiel/infostates"

    def behaviour(self, form: SequenceForm, player: int) -> FloatArray:
        """The table as a behaviour; see `CompiledPolicy`."""
        own, table = form.players[player], self.tables.get(player, {})
        behaviour = own.uniform()
        for key, probabilities in table.items():
            index = own.index.get(key)
            if index is not None:
                low, high = own.first_sequence[index], own.first_sequence[index + 1]
                behaviour[low:high] = probabilities[own.actions[low:high]]
        return own.check(behaviour)

    def probabilities(
        self, states: Sequence[Any], player: int, legal: NDArray[np.bool_]
    ) -> FloatArray:
        """Look the states up; see `StatePolicy`."""
        chances: FloatArray = legal / legal.sum(axis=1, keepdims=True)
        table = self.tables.get(player)
        if table:
            kind = infostate_kind(states[0].get_game())
            for row, state in enumerate(states):
                found = table.get(infostate_key(state, player, kind))
                if found is not None:
                    chances[row] = found
        return chances

    def to_pyspiel(self, player: int) -> Any:
        """One player's table as a ``pyspiel.Policy``.

        Raises
        ------
        ValueError
            If some entry is no distribution.
        """
        rows = {}
        for key, probabilities in self.tables.get(player, {}).items():
            total = float(np.sum(probabilities))
            if not (np.all(probabilities >= 0.0) and 0.0 < total < np.inf):
                raise ValueError(f"no distribution over actions at information state {key!r}")
            (taken,) = np.nonzero(probabilities)
            shares = probabilities[taken] / total
            rows[key] = list(zip(taken.tolist(), shares.tolist(), strict=True))
        return pyspiel.PartialTabularPolicy(rows) if rows else pyspiel.UniformPolicy()

    def save(self, directory: Path) -> None:
        """Write ``config.json`` and ``tables.npz``."""
        (directory / "config.json").write_text(json.dumps({"kind": self.kind}))
        arrays: dict[str, Any] = {}
        for player, table in self.tables.items():
            arrays[f"keys_{player}"] = np.array(json.dumps(list(table)))
            arrays[f"probabilities_{player}"] = np.array(list(table.values()))
        with (directory / "tables.npz").open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, directory: Path) -> InfostatePolicy:
        """Read back what `save` wrote."""
        tables: dict[int, dict[str, FloatArray]] = {}
        with np.load(directory / "tables.npz", allow_pickle=False) as arrays:
            for name in arrays:
                if name.startswith("keys_"):
                    player = int(name.removeprefix("keys_"))
                    keys = json.loads(str(arrays[name]))
                    rows = arrays[f"probabilities_{player}"]
                    tables[player] = dict(zip(keys, rows, strict=True))
        return cls(tables)


def from_openspiel(form: SequenceForm, policy: Any, players: Sequence[int]) -> TabularPolicy:
    """Tabulate an ``open_spiel.python.policy.Policy`` (or a ``pyspiel.Policy``).

    Parameters
    ----------
    policy
        Of the game itself or, where moves are simultaneous, of its turn-based conversion.
    players
        Whose parts to take over.

    Raises
    ------
    ValueError
        If the policy gives no distribution at some information state.
    """
    theirs = getattr(policy, "game", form.game)
    converted = is_simultaneous(form.game) and not is_simultaneous(theirs)
    game = turn_based(form.game) if converted else form.game
    behaviours = {}
    for player in players:
        own = form.players[player]
        behaviour = np.zeros(own.num_sequences)
        behaviour[0] = 1.0
        for index in range(own.num_infostates):
            history = form.tree.history(int(own.nodes[index]))
            state = replay(game, history)
            chances = _probabilities(policy, state, player)
            low, high = own.first_sequence[index], own.first_sequence[index + 1]
            for sequence in range(low, high):
                behaviour[sequence] = chances.get(int(own.actions[sequence]), 0.0)
        behaviours[player] = own.check(behaviour)
    return TabularPolicy(behaviours)


def _probabilities(policy: Any, state: Any, player: int) -> dict[int, float]:
    try:
        return dict(policy.action_probabilities(state, player))
    except TypeError:
        return dict(policy.action_probabilities(state))


def to_openspiel(form: SequenceForm, behaviours: Sequence[FloatArray]) -> Any:
    """One behaviour per player as an ``open_spiel.python.policy.Policy``.

    It answers for states of the game itself and of its turn-based conversion.
    """
    from open_spiel.python import policy as openspiel_policy

    kind = infostate_kind(turn_based(form.game))

    class SequenceFormPolicy(openspiel_policy.Policy):  # type: ignore[misc]
        """Looks actions up by information state."""

        def action_probabilities(
            self, state: Any, player_id: int | None = None
        ) -> dict[int, float]:
            player = state.current_player() if player_id is None else player_id
            own: PlayerForm = form.players[player]
            if not state.legal_actions(player):
                return {}
            index = own.index[infostate_key(state, player, kind)]
            low, high = own.first_sequence[index], own.first_sequence[index + 1]
            chances = behaviours[player][low:high]
            actions = own.actions[low:high]
            return {int(a): float(p) for a, p in zip(actions, chances, strict=True)}

    return SequenceFormPolicy(form.game, list(range(form.num_players)))
