"""The sequence form of a game: its information states, sequences and payoffs in flat arrays.

A player's *sequence* is what it did on the way to a history: the empty sequence, or an action at
one of its information states. A *realization plan* gives the player's own contribution to the
probability of each sequence; expected payoffs are multilinear in the players' plans (von Stengel
1996, "Efficient computation of behavior strategies"). A *behaviour* holds, in the same order, the
probability of each action at its information state.

Information states are ordered by how many decisions of their player came before; this order makes
every pass over a player's decisions one array operation per level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from pokespiel.openspiel.states import CHANCE, TERMINAL, replay

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PlayerForm:
    """One player's decisions.

    ``I`` information states, ``S`` sequences; sequence 0 is the empty one.

    Attributes
    ----------
    infostates : tuple of str, length ``I``
        Information state strings.
    first_sequence : int64 array ``(I + 1,)``
        The sequences of information state ``i`` are ``first_sequence[i]`` up to
        ``first_sequence[i + 1]``, in the order of the game's legal actions.
    parent_sequence : int64 array ``(I,)``
        The player's last sequence before the information state.
    actions : int64 array ``(S,)``
        The game's number for the sequence's last action; -1 for the empty sequence.
    levels : tuple of (int, int)
        Information states ``start`` up to ``stop`` have the same number of own decisions before.
    nodes : int64 array ``(I,)``
        One history in each information state (see `Tree`).
    """

    infostates: tuple[str, ...]
    first_sequence: IntArray
    parent_sequence: IntArray
    actions: IntArray
    levels: tuple[tuple[int, int], ...]
    nodes: IntArray

    @property
    def num_infostates(self) -> int:
        """Information states ``I``."""
        return len(self.infostates)

    @property
    def num_sequences(self) -> int:
        """Sequences ``S``, the empty one included."""
        return len(self.actions)

    @cached_property
    def num_actions(self) -> IntArray:
        """Legal actions at each information state ``(I,)``."""
        return np.diff(self.first_sequence)

    @cached_property
    def infostate_of_sequence(self) -> IntArray:
        """Where each sequence was chosen ``(S,)``; -1 for the empty one."""
        chosen = np.repeat(np.arange(self.num_infostates), self.num_actions)
        return np.concatenate([[-1], chosen]).astype(np.int64)

    @cached_property
    def sequence_parent(self) -> IntArray:
        """The sequence before each sequence ``(S,)``; 0 for the empty one."""
        return np.concatenate([[0], np.repeat(self.parent_sequence, self.num_actions)]).astype(
            np.int64
        )

    @cached_property
    def spans(self) -> tuple[tuple[int, int, int, int, int, int, IntArray, IntArray], ...]:
        """Per level: infostate range, sequence range, parents' range, starts and parents.

        Starts and parents are relative to their ranges.
        """
        result = []
        before = (0, 1)
        for start, stop in self.levels:
            low, high = int(self.first_sequence[start]), int(self.first_sequence[stop])
            starts = self.first_sequence[start:stop] - low
            parents = self.parent_sequence[start:stop] - before[0]
            result.append((start, stop, low, high, *before, starts, parents))
            before = (low, high)
        return tuple(result)

    @cached_property
    def index(self) -> dict[str, int]:
        """Information state by its string."""
        return {key: i for i, key in enumerate(self.infostates)}

    def uniform(self) -> FloatArray:
        """The behaviour ``(S,)`` that draws uniformly among legal actions."""
        shares = np.repeat(1.0 / self.num_actions, self.num_actions)
        return np.concatenate([[1.0], shares])

    def check(self, behaviour: ArrayLike) -> FloatArray:
        """Validate a behaviour ``(S,)``.

        Raises
        ------
        ValueError
            If its shape is wrong, or it is not a distribution at some information state.
        """
        array = np.asarray(behaviour, dtype=np.float64)
        if array.shape != (self.num_sequences,):
            raise ValueError(
                f"a behaviour of this player has shape ({self.num_sequences},), got {array.shape}"
            )
        if not np.all(array >= 0.0):
            raise ValueError("a behaviour's probabilities must be non-negative numbers")
        if self.num_infostates:
            totals = np.add.reduceat(array, self.first_sequence[:-1])
            worst = int(np.argmax(np.abs(totals - 1.0)))
            if abs(totals[worst] - 1.0) > 1e-6:
                raise ValueError(
                    f"probabilities at information state {self.infostates[worst]!r} sum to "
                    f"{totals[worst]:.9g}, not 1"
                )
        return array

    def realization_plan(self, behaviour: FloatArray) -> FloatArray:
        """The plan of a behaviour; both of shape ``(..., S)``."""
        plan = np.array(behaviour, dtype=np.float64)
        plan[..., 0] = 1.0
        for _, _, low, high, *_ in self.spans[1:]:
            plan[..., low:high] *= plan[..., self.sequence_parent[low:high]]
        return plan

    def behaviour(self, plan: FloatArray) -> FloatArray:
        """The behaviour ``(S,)`` of a plan; uniform where the plan never goes."""
        reach = plan[self.sequence_parent]
        behaviour = np.divide(plan, reach, out=self.uniform(), where=reach > 0.0)
        behaviour[0] = 1.0
        if self.num_infostates:
            # Rounding in averaged plans: every information state sums to one again.
            totals = np.add.reduceat(behaviour, self.first_sequence[:-1])
            behaviour[1:] /= np.repeat(totals, self.num_actions)
        return behaviour

    def average(self, behaviours: FloatArray, weights: FloatArray) -> FloatArray:
        """The plan ``(S,)`` of a mixture of behaviours ``(K, S)`` with weights ``(K,)``.

        Playing it is playing the mixture, draw by draw (Kuhn 1953): no opponent can tell.
        """
        plan: FloatArray = weights @ self.realization_plan(behaviours)
        return plan


@dataclass(frozen=True, eq=False)
class Tree:
    """Every history of the game; ``H`` in all, the root is 0.

    Children of a history are numbered consecutively, in the order of its actions.

    Attributes
    ----------
    player : int64 array ``(H,)``
        Who moves: a player, or pyspiel's numbers for chance and terminal.
    infostate : int64 array ``(H,)``
        Index of the mover's information state; for a terminal history, its leaf; else -1.
    first_child : int64 array ``(H,)``
    parent : int64 array ``(H,)``
    action : int64 array ``(H,)``
        The action that led here (-1 for the root).
    chance : float64 array ``(H,)``
        Probability of that action if chance took it; 1 if a player did.
    returns : float64 array ``(leaves, players)``
    sequences : int64 array ``(players, leaves)``
        Each player's last sequence before each leaf.
    """

    player: IntArray
    infostate: IntArray
    first_child: IntArray
    parent: IntArray
    action: IntArray
    chance: FloatArray
    returns: FloatArray
    sequences: IntArray

    @cached_property
    def chance_sums(self) -> FloatArray:
        """Running sums ``(H,)`` of chance's probabilities; what sampling searches in."""
        chosen = self.player[np.maximum(self.parent, 0)] == CHANCE
        chosen[0] = False
        return np.cumsum(np.where(chosen, self.chance, 0.0))

    @cached_property
    def last_child(self) -> IntArray:
        """The last child of each history ``(H,)``; 0 for terminal ones."""
        last = np.zeros_like(self.parent)
        np.maximum.at(last, self.parent[1:], np.arange(1, len(last)))
        return last

    @property
    def num_histories(self) -> int:
        """Histories ``H``, terminal ones included."""
        return len(self.player)

    def history(self, node: int) -> list[int]:
        """The actions that lead to a history."""
        actions = []
        while node > 0:
            actions.append(int(self.action[node]))
            node = int(self.parent[node])
        return actions[::-1]


@dataclass(frozen=True, eq=False)
class SequenceForm:
    """A compiled game.

    Attributes
    ----------
    game : pyspiel.Game
        As the user gave it, simultaneous moves and all.
    players : tuple of PlayerForm
    tree : Tree
        Of the turn-based conversion where moves are simultaneous.
    sequences : int64 array ``(players, L)``
        Combinations of sequences that lead to terminal histories.
    payoffs : float64 array ``(players, L)``
        Returns of the combination's terminal histories, weighted by chance's probabilities.
    """

    game: Any
    players: tuple[PlayerForm, ...]
    tree: Tree
    sequences: IntArray
    payoffs: FloatArray

    @property
    def num_players(self) -> int:
        """Number of players."""
        return len(self.players)

    @cached_property
    def is_zero_sum(self) -> bool:
        """Whether the returns sum to the same constant at every terminal history."""
        totals = self.tree.returns.sum(axis=1)
        return bool(np.ptp(totals) <= 1e-9 * max(1.0, float(np.abs(self.tree.returns).max())))

    @cached_property
    def payoff_bounds(self) -> tuple[float, float]:
        """Smallest and largest return of any player."""
        return float(self.tree.returns.min()), float(self.tree.returns.max())

    @cached_property
    def matrices(self) -> tuple[Any, Any]:
        """Two players' sparse payoff matrices: ``(S1, S2)`` first, ``(S2, S1)`` second.

        Raises
        ------
        ValueError
            If the game has more or fewer than two players.
        """
        if self.num_players != 2:
            raise ValueError(f"payoff matrices need two players, this game has {self.num_players}")
        first, second = self.sequences
        shape = (self.players[0].num_sequences, self.players[1].num_sequences)
        mine = scipy.sparse.csr_array((self.payoffs[0], (first, second)), shape=shape)
        theirs = scipy.sparse.csr_array((self.payoffs[1], (second, first)), shape=shape[::-1])
        return mine, theirs

    @cached_property
    def leaf_chance(self) -> FloatArray:
        """Probability of chance's actions on the way to each leaf ``(leaves,)``."""
        tree = self.tree
        (nodes,) = np.nonzero(tree.player == TERMINAL)
        nodes = nodes[np.argsort(tree.infostate[nodes])]
        above = tree.parent[nodes]
        result = tree.chance[nodes]
        while np.any(above >= 0):
            on = above >= 0
            result[on] *= tree.chance[above[on]]
            above = np.where(on, tree.parent[above], -1)
        return result

    @cached_property
    def legal(self) -> tuple[NDArray[np.bool_], ...]:
        """Per player, which of the game's actions are legal where ``(I, A)``."""
        masks = []
        for own in self.players:
            mask = np.zeros((own.num_infostates, self.game.num_distinct_actions()), dtype=np.bool_)
            mask[own.infostate_of_sequence[1:], own.actions[1:]] = True
            masks.append(mask)
        return tuple(masks)

    @cached_property
    def keys(self) -> tuple[NDArray[Any], ...]:
        """Per player, the information state strings as an object array ``(I,)``."""
        return tuple(np.array(own.infostates, dtype=object) for own in self.players)

    @cached_property
    def tensors(self) -> tuple[NDArray[np.float32], ...]:
        """Per player, the game's information state tensors ``(I, D)``.

        Raises
        ------
        ValueError
            If the game has none.
        """
        if not self.game.get_type().provides_information_state_tensor:
            raise ValueError(
                f"{self.game.get_type().short_name} provides no information state tensors; "
                "networks cannot play it"
            )
        return tuple(
            np.array(
                [
                    replay(self.game, self.tree.history(int(node))).information_state_tensor(player)
                    for node in own.nodes
                ],
                dtype=np.float32,
            )
            for player, own in enumerate(self.players)
        )

    def gradient(self, player: int, plans: list[FloatArray] | tuple[FloatArray, ...]) -> FloatArray:
        """The payoff ``(S,)`` that each of a player's sequences brings against the others' plans.

        Its product with a plan of the player is the player's expected return.

        Parameters
        ----------
        plans
            One realization plan per player; the player's own is ignored.
        """
        if self.num_players == 2:
            gradient: FloatArray = self.matrices[player] @ plans[1 - player]
            return gradient
        weights = self.payoffs[player]
        for other in range(self.num_players):
            if other != player:
                weights = weights * plans[other][self.sequences[other]]
        size = self.players[player].num_sequences
        summed = np.bincount(self.sequences[player], weights=weights, minlength=size)
        return summed.astype(np.float64, copy=False)

    def reach(self, player: int, plans: list[FloatArray] | tuple[FloatArray, ...]) -> FloatArray:
        """Probability ``(I,)`` that chance and the others lead to each information state.

        What it would be if the player itself always tried to get there; the player's own plan is
        ignored.
        """
        own, chosen = self.players[player], self.tree.sequences
        weights = self.leaf_chance
        for other in range(self.num_players):
            if other != player:
                weights = weights * plans[other][chosen[other]]
        # A leaf's weight counts once per information state on the way: those of its last sequence
        # and of all before it. The rest of the player's own choices must not divide it, so each
        # level is weighed as if the player drew its later actions uniformly.
        uniform = own.realization_plan(own.uniform())
        reached = np.bincount(
            chosen[player], weights=weights * uniform[chosen[player]], minlength=own.num_sequences
        )
        for _, _, low, high, below, above, starts, parents in reversed(own.spans):
            totals = np.add.reduceat(reached[low:high], starts)
            reached[below:above] += np.bincount(parents, weights=totals, minlength=above - below)
        states = np.add.reduceat(reached, own.first_sequence[:-1])
        result: FloatArray = states / uniform[own.parent_sequence]
        return result

    def expected_returns(self, plans: list[FloatArray] | tuple[FloatArray, ...]) -> FloatArray:
        """Expected return of each player ``(players,)`` under realization plans."""
        reach = np.ones(self.sequences.shape[1])
        for plan, sequences in zip(plans, self.sequences, strict=True):
            reach *= plan[sequences]
        returns: FloatArray = self.payoffs @ reach
        return returns
