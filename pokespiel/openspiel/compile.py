"""Compile an OpenSpiel game into its sequence form: one walk over every history."""

from __future__ import annotations

import statistics
from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from pokespiel.openspiel.sequence_form import (
    IntArray,
    PlayerForm,
    SequenceForm,
    Tree,
)
from pokespiel.openspiel.states import (
    CHANCE,
    TERMINAL,
    infostate_key,
    infostate_kind,
    is_sampled,
    load_game,
    turn_based,
)

_PROBE_AFTER = 20_000
"""Histories after which the size of the game is estimated; smaller games are done by then."""

_PROBES = 101


class GameTooLargeError(ValueError):
    """The game has more histories than may be compiled."""


def compile_game(name_or_game: str | Any, *, max_histories: int = 4_000_000) -> SequenceForm:
    """Walk the whole game once and lay it out in arrays.

    Takes about 3 microseconds and 150 bytes per history.

    Parameters
    ----------
    name_or_game
        An OpenSpiel game or its name. Simultaneous moves become turns (OpenSpiel's own
        conversion); their information states keep the original's names.
    max_histories
        Refuse games with more histories (terminal ones included).

    Raises
    ------
    GameTooLargeError
        If the game has, or surely has, more than ``max_histories`` histories. Nothing that needs
        as much memory has been allocated by then.
    ValueError
        If a player forgets what it knew or did (imperfect recall), the game does not tell the
        probabilities of its chance events, or it has no information states.
    """
    game = load_game(name_or_game)
    short = game.get_type().short_name
    if is_sampled(game):
        raise ValueError(
            f"{short} draws its chance events itself (sampled stochastic), so no probabilities "
            "are known and nothing exact can be computed; tabular Q-learning and PPO still work, "
            "on OpenSpielGame(..., exact=False)"
        )
    converted = turn_based(game)
    kind = infostate_kind(converted)
    builder = _Builder(num_players=game.num_players(), kind=kind, name=short)
    builder.walk(converted, max_histories)
    return builder.finish(game)


def estimate_histories(game: Any, *, cap: float = np.inf, probes: int = _PROBES) -> float:
    """A cautious estimate of the number of histories of a turn-based game.

    Each probe plays uniformly at random and adds up the products of the branching factors
    (Knuth 1975, "Estimating the efficiency of backtrack programs"): unbiased, hence by Markov's
    inequality at most one probe in ten exceeds ten times the truth. The median of many is thus
    almost never above ten times the truth, and usually below it.

    Parameters
    ----------
    cap
        Probes stop here: the estimate is at least this if it is this large.
    """
    rng = np.random.default_rng(0)
    return statistics.median(_probe(game, cap, rng) for _ in range(probes))


def _probe(game: Any, cap: float, rng: np.random.Generator) -> float:
    state = game.new_initial_state()
    width = total = 1.0
    while not state.is_terminal() and total < cap:
        actions = state.legal_actions()
        width *= len(actions)
        total += width
        state.apply_action(actions[int(rng.integers(len(actions)))])
    return total


@dataclass
class _Decisions:
    """One player's information states, in the order in which they are met."""

    index: dict[str, int] = field(default_factory=dict)
    first: array[int] = field(default_factory=lambda: array("q"))
    parent: array[int] = field(default_factory=lambda: array("q"))
    level: array[int] = field(default_factory=lambda: array("q"))
    node: array[int] = field(default_factory=lambda: array("q"))
    actions: list[tuple[int, ...]] = field(default_factory=list)
    sequence_level: array[int] = field(default_factory=lambda: array("q", [0]))


class _Builder:
    def __init__(self, num_players: int, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.decisions = [_Decisions() for _ in range(num_players)]
        self.player = array("q")
        self.infostate = array("q")
        self.first_child = array("q")
        self.parent = array("q")
        self.action = array("q")
        self.chance = array("d")
        self.leaf_node = array("q")
        self.leaf_chance = array("d")
        self.leaf_sequences = array("q")
        self.leaf_returns = array("d")

    def walk(self, game: Any, max_histories: int) -> None:
        """Visit every history, without recursion; number children when their parent is met."""
        num_players = len(self.decisions)
        self._number(-1, -1, 1.0)
        start: tuple[Any, int, tuple[int, ...], float] = (
            game.new_initial_state(),
            0,
            (0,) * num_players,
            1.0,
        )
        stack = [start]
        probed = False
        while stack:
            state, node, sequences, reach = stack.pop()
            mover = state.current_player()
            self.player[node] = mover
            if mover == TERMINAL:
                self.infostate[node] = len(self.leaf_node)
                self.leaf_node.append(node)
                self.leaf_chance.append(reach)
                self.leaf_sequences.extend(sequences)
                self.leaf_returns.extend(state.returns())
                continue
            first = len(self.player)
            self.first_child[node] = first
            if mover == CHANCE:
                outcomes = state.chance_outcomes()
                for action, probability in outcomes:
                    self._number(node, action, probability)
                children = [
                    (state.child(action), first + k, sequences, reach * probability)
                    for k, (action, probability) in enumerate(outcomes)
                    if probability > 0.0
                ]
                for k, (_, probability) in enumerate(outcomes):
                    if probability <= 0.0:
                        self.player[first + k] = TERMINAL
            else:
                actions = state.legal_actions()
                sequence = self._decide(state, mover, node, actions, sequences[mover])
                for action in actions:
                    self._number(node, action, 1.0)
                before, after = sequences[:mover], sequences[mover + 1 :]
                children = [
                    (state.child(action), first + k, (*before, sequence + k, *after), reach)
                    for k, action in enumerate(actions)
                ]
            children.reverse()
            stack += children
            if not probed and len(self.player) > _PROBE_AFTER:
                probed = True
                estimate = estimate_histories(game, cap=1e3 * max_histories)
                if estimate > 10.0 * max_histories:
                    raise self._too_large(max_histories, f"{estimate:.0e} or more")
            if len(self.player) > max_histories:
                raise self._too_large(max_histories, "more than that")

    def _too_large(self, max_histories: int, size: str) -> GameTooLargeError:
        return GameTooLargeError(
            f"{self.name} has too many histories: at most {max_histories:,} are compiled, "
            f"it has {size}; use "
            "OpenSpielGame(..., exact=False), which samples episodes, or raise max_histories"
        )

    def _number(self, parent: int, action: int, probability: float) -> None:
        self.player.append(0)
        self.infostate.append(-1)
        self.first_child.append(-1)
        self.parent.append(parent)
        self.action.append(action)
        self.chance.append(probability)

    def _decide(self, state: Any, player: int, node: int, actions: list[int], sequence: int) -> int:
        """Find or make the information state of a history; return its first sequence."""
        decisions = self.decisions[player]
        key = infostate_key(state, player, self.kind)
        index = decisions.index.get(key)
        if index is None:
            index = len(decisions.first)
            decisions.index[key] = index
            decisions.first.append(len(decisions.sequence_level))
            decisions.parent.append(sequence)
            level = decisions.sequence_level[sequence]
            decisions.level.append(level)
            decisions.node.append(node)
            decisions.actions.append(tuple(actions))
            decisions.sequence_level.extend([level + 1] * len(actions))
        elif decisions.parent[index] != sequence:
            raise ValueError(
                f"{self.name} has imperfect recall: player {player} reaches information state "
                f"{key!r} after different decisions of its own; sequence form needs players who "
                "remember what they did"
            )
        elif len(decisions.actions[index]) != len(actions):
            raise ValueError(
                f"{self.name} is not a proper game: player {player} has different actions at "
                f"histories of information state {key!r}"
            )
        self.infostate[node] = index
        return decisions.first[index]

    def finish(self, game: Any) -> SequenceForm:
        """Order information states by level and turn everything into arrays."""
        num_players = len(self.decisions)
        player = np.array(self.player, dtype=np.int64)
        infostate = np.array(self.infostate, dtype=np.int64)
        found = np.array(self.leaf_sequences, dtype=np.int64).reshape(-1, num_players).T
        forms = []
        leaf_sequences = np.empty_like(found)
        for number, decisions in enumerate(self.decisions):
            form, infostates, sequences = _player_form(decisions)
            forms.append(form)
            leaf_sequences[number] = sequences[found[number]]
            mine = player == number
            infostate[mine] = infostates[infostate[mine]]
        returns = np.array(self.leaf_returns).reshape(-1, num_players)
        weighted = returns.T * np.array(self.leaf_chance)
        combinations, payoffs = _merge(leaf_sequences, weighted, forms)
        tree = Tree(
            player=player,
            infostate=infostate,
            first_child=np.array(self.first_child, dtype=np.int64),
            parent=np.array(self.parent, dtype=np.int64),
            action=np.array(self.action, dtype=np.int64),
            chance=np.array(self.chance),
            returns=returns,
            sequences=leaf_sequences,
        )
        return SequenceForm(game, tuple(forms), tree, combinations, payoffs)


def _player_form(decisions: _Decisions) -> tuple[PlayerForm, IntArray, IntArray]:
    """The player's form, and the new numbers of its information states and sequences."""
    level = np.array(decisions.level, dtype=np.int64)
    order = np.argsort(level, kind="stable")
    counts = np.array([len(actions) for actions in decisions.actions], dtype=np.int64)
    new_infostate = np.empty_like(order)
    new_infostate[order] = np.arange(len(order))
    first = 1 + np.concatenate([[0], np.cumsum(counts[order])]).astype(np.int64)
    new_sequence = np.zeros(1 + int(counts.sum()), dtype=np.int64)
    old_first = np.array(decisions.first, dtype=np.int64)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    new_sequence[np.repeat(old_first, counts) + within] = (
        np.repeat(first[new_infostate], counts) + within
    )
    keys = list(decisions.index)
    edges = np.searchsorted(level[order], np.arange(level.max(initial=-1) + 2))
    chosen = [action for i in order for action in decisions.actions[i]]
    form = PlayerForm(
        infostates=tuple(keys[i] for i in order),
        first_sequence=first,
        parent_sequence=new_sequence[np.array(decisions.parent, dtype=np.int64)[order]],
        actions=np.array([-1, *chosen], dtype=np.int64),
        levels=tuple((int(a), int(b)) for a, b in pairwise(edges)),
        nodes=np.array(decisions.node, dtype=np.int64)[order],
    )
    return form, new_infostate, new_sequence


def _merge(
    sequences: IntArray, payoffs: np.ndarray[Any, Any], forms: list[PlayerForm]
) -> tuple[IntArray, np.ndarray[Any, Any]]:
    """Add up the payoffs of leaves with the same combination of sequences."""
    sizes = [form.num_sequences for form in forms]
    if np.prod([float(size) for size in sizes]) < 2.0**62:
        codes = np.ravel_multi_index(tuple(sequences), sizes)
        _, kept, where = np.unique(codes, return_index=True, return_inverse=True)
    else:
        _, kept, where = np.unique(sequences, axis=1, return_index=True, return_inverse=True)
    merged = [np.bincount(where.ravel(), weights=row, minlength=len(kept)) for row in payoffs]
    return np.ascontiguousarray(sequences[:, kept]), np.array(merged)
