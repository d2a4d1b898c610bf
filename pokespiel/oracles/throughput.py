"""Where the time of a training goes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn


@dataclass
class Throughput:
    """Wall seconds and decisions so far.

    Attributes
    ----------
    decisions : int
        Of the learner: steps of the environment as it sees them. Its opponents' are not counted.
    rollout : float
        Seconds of playing, ``inference`` included.
    inference : float
        Seconds inside networks while playing, the learner's and the opponents'.
    learning : float
        Seconds of improving.
    """

    decisions: int = 0
    rollout: float = 0.0
    inference: float = 0.0
    learning: float = 0.0

    @property
    def rollout_rate(self) -> float:
        """Environment steps per second of playing."""
        return self.decisions / self.rollout if self.rollout else 0.0

    @property
    def rate(self) -> float:
        """Decisions per second of the whole loop."""
        seconds = self.rollout + self.learning
        return self.decisions / seconds if seconds else 0.0

    def to_json(self) -> dict[str, float]:
        """What goes into a response's cost."""
        seconds = {
            f"{name}_seconds": value for name, value in asdict(self).items() if name != "decisions"
        }
        return {
            "decisions": self.decisions,
            **seconds,
            "environment_steps_per_second": self.rollout_rate,
            "decisions_per_second": self.rate,
        }

    def __str__(self) -> str:
        """Environment steps per second of playing, decisions per second of all, and shares."""
        seconds = max(self.rollout + self.learning, 1e-9)
        playing = self.rollout - self.inference
        return (
            f"{self.rollout_rate:,.0f} steps/s, {self.rate:,.0f} decisions/s; "
            f"{playing / seconds:.0%} environment, "
            f"{self.inference / seconds:.0%} inference, {self.learning / seconds:.0%} learning"
        )

    @contextmanager
    def playing(self, networks: Iterable[nn.Module]) -> Iterator[None]:
        """Count the block as rollout, and the networks' passes in it as inference."""
        started = 0.0

        def begin(*_: Any) -> None:
            nonlocal started
            started = time.perf_counter()

        def end(module: nn.Module, *_: Any) -> None:
            if next(module.parameters()).is_cuda:
                # A pass on the GPU returns before it is done; who plays waits for it anyway.
                torch.cuda.synchronize()
            self.inference += time.perf_counter() - started

        hooks = []
        for network in {id(network): network for network in networks}.values():
            hooks += [network.register_forward_pre_hook(begin), network.register_forward_hook(end)]
        entered = time.perf_counter()
        try:
            yield
        finally:
            self.rollout += time.perf_counter() - entered
            for hook in hooks:
                hook.remove()

    @contextmanager
    def improving(self) -> Iterator[None]:
        """Count the block as learning."""
        entered = time.perf_counter()
        try:
            yield
        finally:
            self.learning += time.perf_counter() - entered
