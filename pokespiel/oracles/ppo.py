"""Best responses by Proximal Policy Optimization (Schulman et al. 2017, arXiv:1707.06347).

The learner plays whole episodes against opponents drawn per episode from the meta-strategy, then
improves on the batch: generalised advantage estimation (Schulman et al. 2016), normalised
advantages, the clipped surrogate, an entropy bonus over the legal actions. The opponents stay
fixed, so this is ordinary single-agent learning, however large the mixture.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pokespiel.protocols import (
    Episode,
    JointMixture,
    MetaGame,
    Mixture,
    Opponents,
    Policy,
    Response,
    TrainingGame,
)

FloatArray: TypeAlias = NDArray[np.float64]

Progress: TypeAlias = Callable[[int, int, float], None]
"""Called after each batch with (episodes done, episodes in all, mean outcome of the batch)."""


@dataclass(frozen=True)
class PPOOracle:
    """Train a network policy against a fixed mixture.

    Attributes
    ----------
    episodes : int
        Episodes of experience in all.
    episodes_per_batch : int
        Episodes between two improvements.
    start : {"latest", "heaviest", "scratch"}
        Which weights to start from: the responder's newest network policy, the one with the
        largest weight in the responder's own mixture, or freshly drawn ones. Falls back to
        fresh weights where the population holds no network policy.
    learning_rate, clip, epochs, minibatch, discount, trace, entropy, value_weight, max_grad_norm
        PPO's own: Adam's step size, the clipping range, passes over a batch, decisions per
        gradient step, gamma, GAE's lambda, and the weights of entropy bonus and value loss.
    device : str
        Where to learn; "auto" is the GPU where there is one.
    progress : callable, optional
    """

    episodes: int = 2000
    episodes_per_batch: int = 100
    start: str = "latest"
    learning_rate: float = 3e-4
    clip: float = 0.2
    epochs: int = 4
    minibatch: int = 1024
    discount: float = 0.999
    trace: float = 0.95
    entropy: float = 0.01
    value_weight: float = 0.5
    max_grad_norm: float = 0.5
    device: str = "auto"
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.start not in ("latest", "heaviest", "scratch"):
            raise ValueError(f"start must be 'latest', 'heaviest' or 'scratch', got {self.start!r}")
        for name in ("episodes", "episodes_per_batch", "epochs", "minibatch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def name(self) -> str:
        """Identifies the oracle and everything that changes what it finds."""
        return (
            f"ppo(episodes={self.episodes}, batch={self.episodes_per_batch}, start={self.start}, "
            f"lr={self.learning_rate}, clip={self.clip}, epochs={self.epochs}, "
            f"minibatch={self.minibatch}, discount={self.discount}, trace={self.trace}, "
            f"entropy={self.entropy}, value_weight={self.value_weight})"
        )

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Train; see `pokespiel.protocols.BestResponseOracle.best_response`.

        Raises
        ------
        ValueError
            If the game cannot train network policies.
        FloatingPointError
            If the loss stops being a number; the message says after how many episodes.
        """
        if not isinstance(game, TrainingGame):
            raise ValueError(f"{game.name} cannot train networks; PPO needs a TrainingGame")
        started = time.perf_counter()
        policy = self._initial_policy(game, player, opponents, rng)
        device = torch.device(self._device())
        network = policy.network.to(device)
        optimizer = torch.optim.Adam(network.parameters(), lr=self.learning_rate, eps=1e-5)
        curve: list[float] = []
        decisions = done = 0
        while done < self.episodes:
            wanted = min(self.episodes_per_batch, self.episodes - done)
            episodes = game.collect(policy, player, opponents, wanted, rng=rng)
            done += len(episodes)
            decisions += sum(len(episode.actions) for episode in episodes)
            curve.append(float(np.mean([episode.outcome for episode in episodes])))
            try:
                self._improve(network, optimizer, episodes, device, rng)
            except FloatingPointError as error:
                raise FloatingPointError(f"{error} after {done} episodes") from None
            if self.progress is not None:
                self.progress(done, self.episodes, curve[-1])
        cost = {
            "episodes": done,
            "decisions": decisions,
            "seconds": time.perf_counter() - started,
            "device": str(device),
            "outcome_per_batch": curve,
        }
        network.to("cpu")
        return Response(policy, cost=cost)

    def _device(self) -> str:
        if self.device != "auto":
            return self.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    def _initial_policy(
        self, game: TrainingGame, player: int, opponents: Opponents, rng: np.random.Generator
    ) -> Policy:
        own = _own_mixture(opponents, player)
        candidates = [i for i, policy in enumerate(own.policies) if game.is_trainable(policy)]
        if self.start == "scratch" or not candidates:
            return game.new_policy(rng=rng)
        if self.start == "latest":
            chosen = candidates[-1]
        else:
            chosen = max(candidates, key=lambda i: float(own.weights[i]))
        return own.policies[chosen].copy()

    def _improve(
        self,
        network: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        episodes: list[Episode],
        device: torch.device,
        rng: np.random.Generator,
    ) -> None:
        """One PPO improvement on a batch of episodes."""
        batch = _to_tensors(episodes, device)
        with torch.no_grad():
            old_log_probs, values, _ = _evaluate(network, batch, slice(None))
        advantages, returns = _advantages(
            episodes,
            values.detach().cpu().double().numpy(),
            discount=self.discount,
            trace=self.trace,
        )
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        advantage = torch.as_tensor(advantages, dtype=torch.float32, device=device)
        target = torch.as_tensor(returns, dtype=torch.float32, device=device)
        for _ in range(self.epochs):
            order = torch.as_tensor(rng.permutation(len(advantages)), device=device)
            for rows in order.split(self.minibatch):
                log_probs, values, entropy = _evaluate(network, batch, rows)
                ratio = torch.exp(log_probs - old_log_probs[rows])
                clipped = ratio.clamp(1.0 - self.clip, 1.0 + self.clip)
                surrogate = torch.minimum(ratio * advantage[rows], clipped * advantage[rows])
                value_loss = 0.5 * (values - target[rows]).square()
                loss = (-surrogate + self.value_weight * value_loss - self.entropy * entropy).mean()
                if not torch.isfinite(loss):
                    raise FloatingPointError("PPO's loss is not finite")
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), self.max_grad_norm)
                optimizer.step()


def _own_mixture(opponents: Opponents, player: int) -> Mixture:
    if isinstance(opponents, JointMixture):
        own = tuple(profile[player] for profile in opponents.profiles)
        return Mixture(own, opponents.weights)
    return opponents[player]


def _to_tensors(episodes: list[Episode], device: torch.device) -> dict[str, Any]:
    """All decisions of all episodes, one after the other, moved to the device once."""

    def together(arrays: list[NDArray[Any]]) -> Tensor:
        return torch.as_tensor(np.concatenate(arrays), device=device)

    names = episodes[0].observations
    return {
        "observations": {
            name: together([episode.observations[name] for episode in episodes]) for name in names
        },
        "legal": together([episode.legal for episode in episodes]),
        "actions": together([episode.actions for episode in episodes]),
    }


def _evaluate(
    network: torch.nn.Module, batch: Mapping[str, Any], rows: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probability of the actions taken, values, and entropy, each ``(B,)``."""
    observations = {name: tensor[rows] for name, tensor in batch["observations"].items()}
    logits, values = network(observations)
    log_policy = torch.log_softmax(logits.masked_fill(~batch["legal"][rows], float("-inf")), dim=-1)
    chosen = log_policy.gather(-1, batch["actions"][rows].unsqueeze(-1)).squeeze(-1)
    # Illegal actions have probability 0 and log-probability -inf: they add nothing to the entropy.
    finite = log_policy.masked_fill(~batch["legal"][rows], 0.0)
    entropy = -(finite.exp() * finite).masked_fill(~batch["legal"][rows], 0.0).sum(dim=-1)
    return chosen, values, entropy


def _advantages(
    episodes: list[Episode], values: FloatArray, *, discount: float, trace: float
) -> tuple[FloatArray, FloatArray]:
    """GAE advantages and value targets ``(sum of T,)``; every episode ends for good."""
    advantages = np.zeros_like(values)
    start = 0
    for episode in episodes:
        end = start + len(episode.actions)
        following, carried = 0.0, 0.0
        for t in reversed(range(start, end)):
            error = episode.rewards[t - start] + discount * following - values[t]
            carried = error + discount * trace * carried
            advantages[t] = carried
            following = values[t]
        start = end
    return advantages, advantages + values
