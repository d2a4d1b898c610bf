"""Episodes as a learner lives them, on compiled games and on OpenSpiel's own states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pokespiel.openspiel.env import VectorEnv, draw
from pokespiel.openspiel.policy import InfostatePolicy, StatePolicy
from pokespiel.openspiel.sampling import sample_leaves
from pokespiel.openspiel.sequence_form import FloatArray, IntArray, SequenceForm
from pokespiel.openspiel.states import infostate_key, infostate_kind, turn_based
from pokespiel.protocols import Episode


def compiled_episodes(
    form: SequenceForm,
    behaviours: Sequence[FloatArray],
    seat: int,
    episodes: int,
    *,
    keyed: bool,
    scale: float,
    rng: np.random.Generator,
) -> list[Episode]:
    """Sample episodes down the compiled tree, as the player in ``seat`` lives them.

    Parameters
    ----------
    keyed
        Observe information states by name (for tables), not as tensors (for networks).
    scale
        Returns are divided by it to make rewards.
    """
    tree, own = form.tree, form.players[seat]
    leaves = sample_leaves(form, behaviours, episodes, rng=rng)
    sequences, starts = _own_sequences(form, seat, tree.sequences[seat, leaves])
    infostates = own.infostate_of_sequence[sequences]
    if keyed:
        observations: dict[str, NDArray[Any]] = {
            "player": np.full(len(sequences), seat),
            "key": form.keys[seat][infostates],
        }
    else:
        observations = {"infostate": form.tensors[seat][infostates]}
    outcomes = tree.returns[leaves, seat]
    return _split(
        observations, form.legal[seat][infostates], own.actions[sequences], starts, outcomes, scale
    )


def _own_sequences(form: SequenceForm, seat: int, last: IntArray) -> tuple[IntArray, IntArray]:
    """The player's sequences along each episode, one after the other, and where episodes start.

    The last sequence before the end of an episode tells all of the player's decisions in it.
    """
    parent = form.players[seat].sequence_parent
    steps = []
    while np.any(last):
        steps.append(last)
        last = parent[last]
    padded = np.array(steps[::-1], dtype=np.int64).reshape(len(steps), len(last)).T
    taken = padded > 0
    starts = np.concatenate([[0], np.cumsum(taken.sum(axis=1))]).astype(np.int64)
    return padded[taken], starts


def _split(
    observations: Mapping[str, NDArray[Any]],
    legal: NDArray[np.bool_],
    actions: IntArray,
    starts: IntArray,
    outcomes: FloatArray,
    scale: float,
) -> list[Episode]:
    """Cut decisions, one episode after the other, into episodes."""
    rewards = np.zeros(len(actions))
    ends = starts[1:]
    decided = ends > starts[:-1]
    rewards[ends[decided] - 1] = outcomes[decided] / scale
    episodes = []
    for a, b, outcome in zip(starts[:-1].tolist(), ends.tolist(), outcomes.tolist(), strict=True):
        episodes.append(
            Episode(
                observations={name: array[a:b] for name, array in observations.items()},
                legal=legal[a:b],
                actions=actions[a:b],
                rewards=rewards[a:b],
                outcome=outcome,
            )
        )
    return episodes


def state_episodes(
    game: Any,
    learner: StatePolicy,
    seats: Sequence[int],
    profiles: Sequence[Sequence[StatePolicy]],
    *,
    keyed: bool,
    scale: float,
    rng: np.random.Generator,
) -> list[Episode]:
    """Play one episode per profile on OpenSpiel's states, as the player in each seat lives it."""
    env = VectorEnv(game, seats, profiles, rng=rng)
    kind = infostate_kind(turn_based(game)) if keyed else ""
    steps = []
    while len(env.rows):
        rows, players, states, legal = env.rows, env.players, env.states, env.legal
        chances = np.zeros(legal.shape)
        for player in np.unique(players):
            mine = np.flatnonzero(players == player)
            chosen = [states[i] for i in mine]
            chances[mine] = learner.probabilities(chosen, int(player), legal[mine])
        if keyed:
            pairs = zip(states, players, strict=True)
            keys = [infostate_key(state, int(player), kind) for state, player in pairs]
            seen: dict[str, Any] = {"player": players, "key": np.array(keys, dtype=object)}
        else:
            pairs = zip(states, players, strict=True)
            tensors = [state.information_state_tensor(int(player)) for state, player in pairs]
            seen = {"infostate": np.array(tensors, dtype=np.float32)}
        actions = draw(chances, rng)
        env.step(actions)
        steps.append((rows, seen, legal, actions))
    outcomes = env.returns[np.arange(len(seats)), np.array(seats)]
    if not steps:
        return []
    # By episode, then by time: a stable sort of what was gathered by time.
    episode = np.concatenate([rows for rows, *_ in steps])
    order = np.argsort(episode, kind="stable")
    starts = np.searchsorted(episode[order], np.arange(len(seats) + 1))
    observations = {
        name: np.concatenate([seen[name] for _, seen, *_ in steps])[order] for name in steps[0][1]
    }
    legal = np.concatenate([legal for *_, legal, _ in steps])[order]
    actions = np.concatenate([actions for *_, actions in steps])[order]
    return _split(observations, legal, actions, starts, outcomes, scale)


def is_keyed(learner: Any) -> bool:
    """Whether the learner is a table, which observes information states by name."""
    return isinstance(learner, InfostatePolicy)
