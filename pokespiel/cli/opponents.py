"""Gen 1 OU policies as users name them: a baseline, or a run with an optional strategy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pokespiel.cli.common import OpenedRun, Progress
from pokespiel.protocols import Mixture
from pokespiel.report.run import strategy_name


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
    path, _, strategy = text.partition(":")
    if not Path(path).is_dir():
        raise ValueError(
            f"no policy {text!r}; accepted is a baseline ({', '.join(BASELINES)}), starter (the "
            "network that comes with PokéSpiel), a run's directory (its mixture) or RUN:STRATEGY "
            "(e.g. runs/first:BR2)"
        )
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


def _open(path: Path) -> OpenedRun:
    opened = OpenedRun(path, Progress(quiet=True))
    if not opened.game.name.startswith("gen1ou("):
        raise ValueError(f"{path} is a run of {opened.game.name}, not of Gen 1 OU")
    return opened
