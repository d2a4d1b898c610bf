"""Teach a compact network to play as another policy does: a cheap start for best responses.

The teacher plays battles on the engine; the student learns, from its own observations of the same
decisions, the teacher's probabilities (Hinton et al. 2015, arXiv:1503.02531; for policies: Rusu et
al. 2016, arXiv:1511.06295), and for its value head what became of the battles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.gen1ou.neural import NeuralPolicy
from pokespiel.protocols import Episode, Mixture, Policy

TARGET = "teacher's probabilities"
"""Under this name they travel with the observations."""


@runtime_checkable
class Teacher(Protocol):
    """A policy that tells its probabilities while it plays."""

    def act_and_weigh(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Actions ``(n,)`` and the probabilities ``(n, 10)`` that they were drawn from."""
        ...


@dataclass(frozen=True)
class Distilled:
    """A student and how it was taught.

    Attributes
    ----------
    policy
    battles, decisions : int
        Of the teacher's, those kept for measuring included.
    divergence : tuple of float
        KL(teacher || student) in nats on battles that were not learnt from: before the first pass
        and after each one. Of a teacher that cannot tell its probabilities, the cross-entropy of
        its choices.
    agreement : float
        Share of those decisions in which the student's likeliest action is the teacher's.
    """

    policy: NeuralPolicy
    battles: int
    decisions: int
    divergence: tuple[float, ...]
    agreement: float


def distil(
    game: Gen1OU,
    teacher: Policy,
    student: NeuralPolicy,
    *,
    rng: np.random.Generator,
    opponents: Sequence[Policy] = (),
    battles: int = 4000,
    held_out: float = 0.1,
    epochs: int = 4,
    minibatch: int = 1024,
    learning_rate: float = 2e-3,
    value_weight: float = 0.5,
    discount: float = 0.999,
    device: str = "cpu",
) -> Distilled:
    """Teach a copy of the student.

    Parameters
    ----------
    game
        On the engine; its teams are played.
    teacher
        Any policy that plays on the engine. A `Teacher` tells its probabilities, which teach more
        than choices do; of others the choices are imitated.
    student
    rng
    opponents
        Whom the teacher meets, in equal shares; default: itself. What it never meets it cannot
        teach, so name those whom the student will meet, too.
    battles, held_out
        Battles in all, and the share that is measured on only.
    epochs, minibatch, learning_rate
        Of Adam, whose step size falls to zero along a cosine.
    value_weight
        Of the squared error of the student's values, beside the cross-entropy.
    discount
        Of the returns that the values are taught.
    device

    Raises
    ------
    ValueError
        If the game is not on the engine, the student has a memory, or a number makes no sense.
    """
    if game.backend != "engine":
        raise ValueError(f"distillation plays on the engine, not on {game.backend}")
    if student.network.recurrent:
        raise ValueError("distillation learns single decisions; the student must have no memory")
    if not 0.0 < held_out < 1.0:
        raise ValueError(f"held_out must be between 0 and 1, got {held_out}")
    measured = round(battles * held_out)
    if measured < 1 or measured >= battles or epochs < 1:
        raise ValueError(
            f"{battles} battles, {held_out:g} of them held out, and {epochs} epochs leave nothing "
            "to learn from or nothing to measure on"
        )
    met = tuple(opponents) or (teacher,)
    sides = [
        Mixture((teacher,), np.ones(1)),
        Mixture(met, np.full(len(met), 1.0 / len(met))),
    ]
    seat = _Seat(teacher)
    batches = []
    for count in (measured, battles - measured):
        batches.append(_tensors(game.collect(seat, 0, sides, count, rng=rng), discount, device))
    held, learnt = batches
    policy = student.copy()
    network = policy.network.to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    steps = epochs * -(-len(learnt["actions"]) // minibatch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    divergence = [_measure(network, held, minibatch)[0]]
    for _ in range(epochs):
        order = torch.as_tensor(rng.permutation(len(learnt["actions"])), device=device)
        for rows in order.split(minibatch):
            log_policy, values = _pass(network, learnt, rows)
            crossed = -(learnt["target"][rows] * log_policy).sum(dim=-1)
            missed = (values - learnt["returns"][rows]).square()
            loss = (crossed + value_weight * missed).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        divergence.append(_measure(network, held, minibatch)[0])
    agreement = _measure(network, held, minibatch)[1]
    network.to("cpu")
    decisions = sum(len(batch["actions"]) for batch in batches)
    return Distilled(policy, battles, decisions, tuple(divergence), agreement)


class _Seat:
    """The teacher as `pokespiel.gen1ou.recording` wants a learner to be."""

    def __init__(self, teacher: Any) -> None:
        self.teacher = teacher
        self.name = getattr(teacher, "name", type(teacher).__name__)
        self.network = None
        for hook in ("watch", "ended", "forget"):
            if hasattr(teacher, hook):
                setattr(self, hook, getattr(teacher, hook))

    def act_and_tell(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        if isinstance(self.teacher, Teacher):
            actions, target = self.teacher.act_and_weigh(decisions, rng)
        else:
            actions = self.teacher.act_on_engine(decisions, rng)
            target = np.zeros(decisions.legal.shape)
            target[np.arange(len(actions)), actions] = 1.0
        seen = {**decisions.observations, TARGET: target.astype(np.float32)}
        return seen, decisions.legal, actions, actions


def _tensors(episodes: Sequence[Episode], discount: float, device: str) -> dict[str, Any]:
    returns = []
    for episode in episodes:
        ahead = 0.0
        backwards = []
        for reward in episode.rewards[::-1]:
            ahead = float(reward) + discount * ahead
            backwards.append(ahead)
        returns += backwards[::-1]
    seen = {
        name: torch.as_tensor(np.concatenate([e.observations[name] for e in episodes]))
        for name in episodes[0].observations
    }
    return {
        "target": seen.pop(TARGET).to(device),
        "observations": {name: tensor.to(device) for name, tensor in seen.items()},
        "legal": torch.as_tensor(np.concatenate([e.legal for e in episodes])).to(device),
        "actions": torch.as_tensor(np.concatenate([e.actions for e in episodes])).to(device),
        "returns": torch.tensor(returns, dtype=torch.float32, device=device),
    }


def _pass(network: nn.Module, batch: dict[str, Any], rows: Any) -> tuple[Tensor, Tensor]:
    """Log-policy ``(B, 10)``, zero where illegal so that it can be weighed, and values ``(B,)``."""
    logits, values = network({name: t[rows] for name, t in batch["observations"].items()})
    legal = batch["legal"][rows]
    log_policy = torch.log_softmax(logits.float().masked_fill(~legal, float("-inf")), dim=-1)
    return log_policy.masked_fill(~legal, 0.0), values.float()


def _measure(network: nn.Module, batch: dict[str, Any], minibatch: int) -> tuple[float, float]:
    """Mean divergence from the teacher, and how often the likeliest actions agree."""
    diverged, agreed = 0.0, 0
    count = len(batch["actions"])
    with torch.inference_mode():
        for start in range(0, count, minibatch):
            rows = slice(start, start + minibatch)
            log_policy, _ = _pass(network, batch, rows)
            target = batch["target"][rows]
            diverged += float((torch.xlogy(target, target) - target * log_policy).sum())
            best = log_policy.masked_fill(~batch["legal"][rows], float("-inf")).argmax(dim=-1)
            agreed += int((best == target.argmax(dim=-1)).sum())
    return diverged / count, agreed / count
