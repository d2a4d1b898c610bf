"""Zero-sum games as linear programs over the sequence form (Koller, Megiddo and von Stengel 1996).

One player maximises over its realization plans, or over mixtures of given plans; the other's best
response is the dual: a value per information state, bounded by every action there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse
from numpy.typing import NDArray

from pokespiel.openspiel.sequence_form import FloatArray, PlayerForm, SequenceForm

_OPTIONS = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}


@dataclass(frozen=True)
class Equilibrium:
    """A Nash equilibrium of a two-player zero-sum game.

    Attributes
    ----------
    plans : (float64 array ``(S1,)``, float64 array ``(S2,)``)
        Realization plans.
    value : float
        The first player's expected return.
    """

    plans: tuple[FloatArray, FloatArray]
    value: float


def solve_zero_sum(
    form: SequenceForm, allowed: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None
) -> Equilibrium:
    """Solve a two-player zero-sum game exactly.

    Parameters
    ----------
    allowed : pair of bool arrays ``(S1,)``, ``(S2,)``
        Solve the game in which only these sequences exist (at least one action at each
        information state that can be reached).

    Raises
    ------
    ValueError
        If the game is not two-player zero-sum (or constant-sum).
    RuntimeError
        If the solver fails.
    """
    _require_zero_sum(form)
    first = form.players[0]
    rows, right = _plan_constraints(first)
    upper = np.full(first.num_sequences, np.inf)
    kept = np.ones(form.players[1].num_sequences, dtype=np.bool_)
    if allowed is not None:
        upper[1:][~allowed[0][1:]] = 0.0
        kept[1:] = allowed[1][1:]
    identity = scipy.sparse.eye_array(first.num_sequences, format="csr")
    result = _maximin(form, 0, identity, rows, right, upper, kept)
    plan = np.clip(result.x[: first.num_sequences], 0.0, None)
    reply = np.zeros(form.players[1].num_sequences)
    reply[kept] = np.clip(-result.ineqlin.marginals, 0.0, None)
    plans = tuple(
        own.realization_plan(own.behaviour(p))
        for own, p in zip(form.players, (plan, reply), strict=True)
    )
    return Equilibrium((plans[0], plans[1]), float(form.expected_returns(plans)[0]))


def minimum_exploitability(
    form: SequenceForm, player: int, plans: FloatArray
) -> tuple[FloatArray, float, FloatArray]:
    """The mixture of given plans that does best against a best-responding opponent.

    The opponent's part of the equilibrium is one of its best responses to the mixture; where
    several tie it is the mixture of them that leaves the player nothing better.

    Parameters
    ----------
    plans : float64 array ``(K, S)``
        Realization plans of ``player``.

    Returns
    -------
    weights : float64 array ``(K,)``
    value : float
        What the player then gets at worst.
    reply : float64 array ``(S_other,)``
        The opponent's realization plan.

    Raises
    ------
    ValueError
        If the game is not two-player zero-sum (or constant-sum).
    RuntimeError
        If the solver fails.
    """
    _require_zero_sum(form)
    count = len(plans)
    rows = scipy.sparse.csr_array(np.ones((1, count)))
    other = form.players[1 - player]
    kept = np.ones(other.num_sequences, dtype=np.bool_)
    result = _maximin(
        form,
        player,
        scipy.sparse.csr_array(plans.T),
        rows,
        np.ones(1),
        np.full(count, np.inf),
        kept,
    )
    weights = np.clip(result.x[:count], 0.0, None)
    reply = np.clip(-result.ineqlin.marginals, 0.0, None)
    return (
        weights / weights.sum(),
        -float(result.fun),
        other.realization_plan(other.behaviour(reply)),
    )


def _require_zero_sum(form: SequenceForm) -> None:
    if form.num_players != 2 or not form.is_zero_sum:
        raise ValueError(
            f"{form.game} is not a two-player zero-sum game, which this linear program needs"
        )


def _plan_constraints(own: PlayerForm) -> tuple[Any, FloatArray]:
    """Rows and right-hand sides of ``plan[0] = 1`` and of conservation at information states."""
    states = np.arange(own.num_infostates) + 1
    rows = np.concatenate([[0], own.infostate_of_sequence[1:] + 1, states])
    columns = np.concatenate([[0], np.arange(1, own.num_sequences), own.parent_sequence])
    signs = np.concatenate([np.ones(own.num_sequences), -np.ones(own.num_infostates)])
    shape = (own.num_infostates + 1, own.num_sequences)
    right = np.zeros(own.num_infostates + 1)
    right[0] = 1.0
    return scipy.sparse.csr_array((signs, (rows, columns)), shape=shape), right


def _maximin(
    form: SequenceForm,
    player: int,
    to_plan: Any,
    rows: Any,
    right: FloatArray,
    upper: FloatArray,
    kept: NDArray[np.bool_],
) -> Any:
    """Maximise the opponent-proof value over variables ``z`` with plan ``to_plan @ z``.

    Variables are ``z`` and then the opponent's values: of the whole game, and of each of its
    information states. For every sequence of the opponent: the value of its information state is
    at most the payoff it brings plus the values of the information states that follow.
    """
    other = form.players[1 - player]
    shape = (other.num_sequences, form.players[player].num_sequences)
    indices = (form.sequences[1 - player], form.sequences[player])
    payoffs = scipy.sparse.csr_array((form.payoffs[player], indices), shape=shape)
    chains, _ = _plan_constraints(other)
    blocks = scipy.sparse.hstack([-(payoffs @ to_plan), chains.T], format="csr")[kept]
    equal = scipy.sparse.hstack(
        [rows, scipy.sparse.csr_array((rows.shape[0], chains.shape[0]))], format="csr"
    )
    objective = np.zeros(blocks.shape[1])
    objective[len(upper)] = -1.0
    lower = np.concatenate([np.zeros(len(upper)), np.full(chains.shape[0], -np.inf)])
    bounds = np.stack([lower, np.concatenate([upper, np.full(chains.shape[0], np.inf)])], axis=1)
    result = scipy.optimize.linprog(
        objective,
        A_ub=blocks,
        b_ub=np.zeros(blocks.shape[0]),
        A_eq=equal,
        b_eq=right,
        bounds=bounds,
        method="highs",
        options=_OPTIONS,
    )
    if result.status != 0:
        raise RuntimeError(f"HiGHS could not solve the sequence-form program: {result.message}")
    return result
