"""Gen 1 OU policies as users name them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pokespiel.cli.common import OpenedRun, Progress
from pokespiel.protocols import Mixture
from pokespiel.report.run import strategy_name

SMALL_AGENT = "metamon-small"
RUN = "empirical_game.npz"
"""What a run's directory holds and a policy's does not."""


@dataclass(frozen=True)
class Named:
    """A policy, or a mixture of policies, and what to call it."""

    name: str
    policy: Any


def resolve(text: str) -> Named:
    """Find what ``text`` names.

    Raises
    ------
    ValueError
        If it names nothing, or a run of another game; the message says what is accepted.
    """
    from pokespiel.gen1ou.baselines import BASELINES

    if text in BASELINES:
        return Named(text, BASELINES[text]())
    if text == "starter":
        from pokespiel.gen1ou.meta_game import Gen1OU

        return Named(text, Gen1OU(initial=text).initial_policies()[0])
    if text == SMALL_AGENT:
        from pokespiel.metamon.finetune import new_small_agent

        return Named(text, new_small_agent(rng=np.random.default_rng(0)))
    if text.endswith(".pt") or _is_agent(text):
        from pokespiel import metamon

        return Named(text, metamon.load(text))
    path, _, strategy = text.partition(":")
    if not Path(path).is_dir():
        raise ValueError(
            f"no policy {text!r}; accepted is a baseline ({', '.join(BASELINES)}), starter (the "
            "network that comes with PokéSpiel), an agent of metamon's (e.g. SyntheticRLV2, or a "
            f"checkpoint .pt; {SMALL_AGENT}, a small one that knows nothing), a stored policy's "
            "directory, a run's directory (its mixture) or RUN:STRATEGY (e.g. runs/first:BR2)"
        )
    if not strategy and (Path(path) / "config.json").is_file() and not (Path(path) / RUN).exists():
        from pokespiel.gen1ou.meta_game import Gen1OU

        return Named(text, Gen1OU().load_policy(Path(path)))
    opened = _open(Path(path))
    if not strategy:
        weights = np.asarray(opened.strategy().marginals[0])
        return Named(text, Mixture(tuple(opened.populations[0]), weights))
    names = [strategy_name(index) for index in range(len(opened.populations[0]))]
    if strategy.isdecimal() and int(strategy) < len(names):
        strategy = names[int(strategy)]
    if strategy not in names:
        raise ValueError(f"{path} has no strategy {strategy!r}; it has {', '.join(names)}")
    return Named(text, opened.populations[0][names.index(strategy)])


def start_of(text: str) -> Any:
    """What ``Gen1OU(initial=...)`` takes for the policy that ``text`` names.

    An agent of metamon's gets adapters to be trained: best responses start from it.

    Raises
    ------
    ValueError
        As for `resolve`, and for a mixture.
    """
    from pokespiel.gen1ou.meta_game import Gen1OU

    if text in Gen1OU.initial_names("engine"):
        return text
    try:
        policy = resolve(text).policy
    except ValueError as error:
        also = "accepted is network (fresh weights) or"
        raise ValueError(str(error).replace("accepted is", also)) from None
    if isinstance(policy, Mixture):
        raise ValueError(
            f"{text!r} is a mixture; a population starts from one policy: RUN:STRATEGY"
        )
    if text == SMALL_AGENT or text.endswith(".pt") or _is_agent(text):
        from pokespiel.metamon.finetune import trainable

        return trainable(policy)
    return policy


def room_for(start: Any, backend: str) -> int | None:
    """Battles at once for a population that starts there; None for the backend's own default."""
    if backend != "engine" or not hasattr(start, "agent"):
        return None
    from pokespiel.metamon.finetune import CONCURRENCY

    return CONCURRENCY


def _is_agent(text: str) -> bool:
    # Loading torch takes seconds: most names are told without.
    if not text.replace("_", "").isalnum() or Path(text).exists():
        return False
    from pokespiel.metamon.assets import AGENTS

    return text in AGENTS


def _open(path: Path) -> OpenedRun:
    opened = OpenedRun(path, Progress(quiet=True))
    if not opened.game.name.startswith("gen1ou("):
        raise ValueError(f"{path} is a run of {opened.game.name}, not of Gen 1 OU")
    return opened
