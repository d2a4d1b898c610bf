"""Policies watched while they are played: who failed, in which battle, on which turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pokespiel.protocols import Mixture, Policy

if TYPE_CHECKING:
    from pokespiel.gen1ou.arena import Decisions

FloatArray = NDArray[np.float64]


class PolicyError(RuntimeError):
    """A policy raised, or answered with something that is no action; the message names it."""


def guarded(policies: Sequence[Policy], names: Sequence[str] | None = None) -> list[Policy]:
    """The policies or mixtures, each watched; one that occurs twice is watched by one guard.

    Parameters
    ----------
    names
        What messages call them; by default what they call themselves. A mixture's members keep
        their own names, followed by the mixture's.
    """
    guards: dict[tuple[int, str], Policy] = {}

    def watch(policy: Policy, name: str) -> Policy:
        if isinstance(policy, Mixture):
            within = f" of {name}" if name else ""
            members = [watch(member, name_of(member) + within) for member in policy.policies]
            return Mixture(tuple(members), policy.weights)
        name = name or name_of(policy)
        return guards.setdefault((id(policy), name), _watched(policy, name))

    return [
        watch(policy, name)
        for policy, name in zip(policies, names or [""] * len(policies), strict=True)
    ]


def name_of(policy: Policy) -> str:
    """How messages call a policy."""
    return str(getattr(policy, "name", type(policy).__name__))


def _watched(policy: Policy, name: str) -> Policy:
    if isinstance(policy, _OnEngine | _OnOpenSpiel):
        return policy
    if hasattr(policy, "act_on_engine"):
        return _OnEngine(policy, name)
    if hasattr(policy, "behaviour") or hasattr(policy, "probabilities"):
        return _OnOpenSpiel(policy, name)
    return policy


class _OnEngine:
    """Plays as its policy does; see `pokespiel.gen1ou.arena.EnginePolicy`.

    Whatever else the policy has is handed through: the simulator's arena watches its own calls.
    """

    def __init__(self, policy: Any, name: str) -> None:
        self._policy = policy
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._policy, attribute)

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> NDArray[np.int64]:
        try:
            actions = self._policy.act_on_engine(decisions, rng)
        except PolicyError as error:
            # Another policy, which this one asked.
            raise PolicyError(
                f"{error}, asked by policy {self.name} in {_place(decisions, 0)}"
            ) from error
        except Exception as error:
            raise PolicyError(
                f"policy {self.name} failed in {_place(decisions, 0)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return self.checked(actions, decisions)

    def checked(self, answer: Any, decisions: Decisions) -> NDArray[np.int64]:
        """What the policy answered, if it is one integer per decision."""
        actions: NDArray[np.int64] = np.asarray(answer)
        if actions.dtype.kind == "f" and actions.shape == (len(decisions),):
            bad = np.flatnonzero(~np.isfinite(actions))
            if len(bad):
                place = _place(decisions, int(bad[0]))
                raise PolicyError(f"policy {self.name} answered {actions[bad[0]]} in {place}")
        if actions.dtype.kind not in "iu" or actions.shape != (len(decisions),):
            raise PolicyError(
                f"policy {self.name} answered {actions.dtype} of shape {actions.shape} in "
                f"{_place(decisions, 0)}; expected {len(decisions)} integers"
            )
        return actions

    def join(self, policies: Sequence[Any]) -> _Together:
        """Several that are asked in one pass, watched together."""
        watched = [_OnEngine(policy, name_of(policy)) for policy in policies]
        return _Together(watched, self._policy.join(policies))


class _Together:
    """Answers as several policies do that are asked in one pass."""

    def __init__(self, policies: Sequence[_OnEngine], joined: Any) -> None:
        self._policies, self._joined = policies, joined

    def act_on_engine(
        self, asked: Sequence[Decisions | None], rng: np.random.Generator
    ) -> list[NDArray[np.int64]]:
        waiting = [
            (policy, decisions)
            for policy, decisions in zip(self._policies, asked, strict=True)
            if decisions is not None
        ]
        try:
            answers = self._joined.act_on_engine(asked, rng)
        except Exception as error:
            names = " or ".join(policy.name for policy, _ in waiting)
            raise PolicyError(
                f"policy {names}, asked in one pass, failed in {_place(waiting[0][1], 0)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return [
            policy.checked(answer, decisions)
            for (policy, decisions), answer in zip(waiting, answers, strict=True)
        ]


def _place(decisions: Decisions, index: int) -> str:
    from pokespiel.gen1ou.engine import layout as at

    turn = int(decisions.rows[decisions.where[index], at.TURN])
    together = f" (of {len(decisions)} asked together)" if len(decisions) > 1 else ""
    return f"battle {decisions.battles[index]}, turn {turn}{together}"


class _OnOpenSpiel:
    """Plays as its policy does; see `pokespiel.openspiel.policy`."""

    def __init__(self, policy: Any, name: str) -> None:
        self._policy = policy
        self.name = name

    def behaviour(self, form: Any, player: int) -> FloatArray:
        try:
            checked: FloatArray = form.players[player].check(self._policy.behaviour(form, player))
        except PolicyError:
            raise
        except Exception as error:
            raise PolicyError(
                f"policy {self.name} failed as player {player}: {type(error).__name__}: {error}"
            ) from error
        return checked

    def probabilities(
        self, states: Sequence[Any], player: int, legal: NDArray[np.bool_]
    ) -> FloatArray:
        try:
            found = np.asarray(self._policy.probabilities(states, player, legal), dtype=np.float64)
        except PolicyError as error:
            # Another policy, which this one asked.
            raise PolicyError(f"{error}, asked by policy {self.name}") from error
        except Exception as error:
            raise PolicyError(
                f"policy {self.name} failed as player {player} after "
                f"{states[0].move_number()} moves: {type(error).__name__}: {error}"
            ) from error
        if found.shape != legal.shape:
            raise PolicyError(
                f"policy {self.name} gave probabilities of shape {found.shape} as player {player}; "
                f"expected {legal.shape}"
            )
        wrong = ~(np.isfinite(found) & (found >= 0.0)).all(axis=1)
        wrong |= (found * ~legal).sum(axis=1) > 1e-9
        wrong |= ~(np.abs(found.sum(axis=1) - 1.0) < 1e-4)
        if wrong.any():
            first = int(np.argmax(wrong))
            raise PolicyError(
                f"policy {self.name} gave probabilities {found[first]} as player "
                f"{player} after {states[first].move_number()} moves; legal are "
                f"{np.flatnonzero(legal[first]).tolist()}"
            )
        return found
