"""Ask policies for actions and hold them to their contract."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.actions import NUM_ACTIONS
from pokespiel.gen1ou.showdown.decision import BattleResult, Decision, ShowdownPolicy


class PolicyError(RuntimeError):
    """A policy raised, or answered something that is not a legal action for each decision."""


def ask_policies(
    policies: Sequence[ShowdownPolicy], decisions: Sequence[Decision], rng: np.random.Generator
) -> list[int]:
    """Actions for decisions of several policies, by one call per policy object.

    Parameters
    ----------
    policies
        Who decides, one for each decision.
    decisions
        What they decide.

    Returns
    -------
    list of int
        One legal action for each decision.

    Raises
    ------
    PolicyError
        Naming policy, battle and turn.
    """
    groups: dict[int, list[int]] = {}
    for place, policy in enumerate(policies):
        groups.setdefault(id(policy), []).append(place)
    actions = [0] * len(decisions)
    for places in groups.values():
        answers = _ask(policies[places[0]], [decisions[place] for place in places], rng)
        for place, answer in zip(places, answers, strict=True):
            actions[place] = int(answer)
    return actions


def tell_finished(policy: ShowdownPolicy, battle_id: int, result: BattleResult | None) -> None:
    """Call the policy's ``finished``, or ``abandoned`` if there is no result, if it has them.

    Raises
    ------
    PolicyError
        If the policy raises.
    """
    method = "abandoned" if result is None else "finished"
    call = getattr(policy, method, None)
    if call is None:
        return
    try:
        if result is None:
            call(battle_id)
        else:
            call(battle_id, result)
    except Exception as error:
        battle = "an abandoned battle" if result is None else result.battle_tag
        raise PolicyError(
            f"policy {_name(policy)} raised {type(error).__name__}: {error} "
            f"in `{method}` for {battle}"
        ) from error


def _ask(
    policy: ShowdownPolicy, decisions: list[Decision], rng: np.random.Generator
) -> NDArray[np.integer]:
    try:
        actions = np.asarray(policy.act(decisions, rng))
    except Exception as error:
        raise PolicyError(
            f"policy {_name(policy)} raised {type(error).__name__}: {error} "
            f"while choosing for {_describe(decisions)}"
        ) from error
    if actions.shape != (len(decisions),) or actions.dtype.kind not in "iu":
        raise PolicyError(
            f"policy {_name(policy)} must answer an integer array of shape ({len(decisions)},), "
            f"got {actions.dtype} of shape {actions.shape}, for {_describe(decisions)}"
        )
    for action, decision in zip(actions, decisions, strict=True):
        if not 0 <= action < NUM_ACTIONS or not decision.legal[action]:
            raise PolicyError(
                f"policy {_name(policy)} chose action {action} for {_describe([decision])}; "
                f"legal are {np.flatnonzero(decision.legal).tolist()}"
            )
    return actions


def _name(policy: ShowdownPolicy) -> str:
    name = getattr(policy, "name", None)
    return f"{name} ({type(policy).__name__})" if name else type(policy).__name__


def _describe(decisions: Sequence[Decision]) -> str:
    first = decisions[0]
    text = f"player {first.player} of {first.battle.battle_tag}, turn {first.battle.turn}"
    return text if len(decisions) == 1 else f"{text}, and {len(decisions) - 1} other decisions"
