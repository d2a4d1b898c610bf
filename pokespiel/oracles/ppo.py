"""Best responses by Proximal Policy Optimization (Schulman et al. 2017, arXiv:1707.06347).

The learner plays whole episodes against opponents drawn per episode from the meta-strategy, then
improves on the batch: generalised advantage estimation (Schulman et al. 2016), normalised
advantages, the clipped surrogate, an entropy bonus over the legal actions and, where asked for, a
penalty on leaving the policy that training started from. The opponents stay fixed, so this is
ordinary single-agent learning, however large the mixture.

Nothing here knows a network's insides. A network that remembers earlier decisions of an episode
says so by an attribute ``recurrent = True``: its batches are then whole episodes, one after the
other, and its observations have one more entry, ``"first"``, bool ``(B,)``, true where an episode
begins.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pokespiel.oracles.advantages import FloatArray, generalised_advantages
from pokespiel.oracles.checkpoint import Checkpoint, identity
from pokespiel.oracles.stopping import StopWhenFlat
from pokespiel.oracles.throughput import Throughput
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

STARTS = ("latest", "heaviest", "scratch")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}

Progress: TypeAlias = Callable[[int, int, float, Throughput], None]
"""Called after each batch with (episodes done, episodes in all, mean outcome of the batch, where
the time went so far)."""


class TrainingError(RuntimeError):
    """Training could not go on.

    Attributes
    ----------
    policy : Policy
        As it was before the batch that failed.
    """

    def __init__(self, message: str, policy: Policy) -> None:
        super().__init__(message)
        self.policy = policy


class DivergedError(TrainingError, FloatingPointError):
    """The loss or its gradient is not a number any more."""


class OutOfDeviceMemoryError(TrainingError, MemoryError):
    """The GPU's memory does not hold a batch."""


@dataclass(frozen=True)
class PPOOracle:
    """Train a network policy against a fixed mixture.

    Attributes
    ----------
    episodes : int
        Episodes of experience in all; the most, where ``stop`` is given.
    episodes_per_batch : int
        Episodes between two improvements, at most: they are spread evenly, so that no last batch
        of a few teaches mostly noise.
    start : {"latest", "heaviest", "scratch"} or a policy
        Which weights to start from: the responder's newest network policy, the one with the
        largest weight in the responder's own mixture, freshly drawn ones, or those of a policy
        given here. The first two fall back to fresh weights where the population holds no network
        policy. Only parameters that require gradients are trained.
    learning_rate, clip, epochs, minibatch, discount, trace, entropy, value_weight, max_grad_norm
        PPO's own: Adam's step size, the clipping range, passes over a batch, decisions per
        gradient step, gamma, GAE's lambda, the weights of entropy bonus and value loss, and the
        norm that gradients are clipped to. ``learning_rate`` and ``entropy`` may be pairs: their
        values at the first and after the last episode, geometric between them. A large entropy
        bonus at first keeps an action from being given up in all states because it is bad in most.
    kl_weight : float
        Weight of the Kullback-Leibler divergence from the policy to the one it started from, over
        the legal actions: what keeps a pretrained policy from forgetting how to play.
    normalize_values : bool
        Measure the value loss in standard deviations of the returns, as they were over the
        batches so far, so that ``value_weight`` means the same whatever the scale of rewards. The
        network's values stay in the game's units, so that training can go on from any network.
    stop : StopWhenFlat, optional
        Stop before all episodes are played, when the outcomes stop rising.
    precision : {"float32", "bfloat16"}
        Of the network's passes while learning (automatic mixed precision); losses, weights and
        the passes while playing are in single precision always.
    device : str
        Where to play and learn; "auto" is the GPU where there is one.
    checkpoint : path, optional
        Directory in which a training that was cut off goes on, with the same result as if it had
        not been. It holds one file per player, which the next training of that player replaces.
    checkpoint_every : int
        Batches between two writes of it.
    progress : callable, optional
    """

    episodes: int = 2000
    episodes_per_batch: int = 100
    start: str | Policy = "latest"
    learning_rate: float | tuple[float, float] = 3e-4
    clip: float = 0.2
    epochs: int = 4
    minibatch: int = 1024
    discount: float = 0.999
    trace: float = 0.95
    entropy: float | tuple[float, float] = 0.01
    value_weight: float = 0.5
    max_grad_norm: float = 0.5
    kl_weight: float = 0.0
    normalize_values: bool = False
    stop: StopWhenFlat | None = None
    precision: str = "float32"
    device: str = "auto"
    checkpoint: str | Path | None = None
    checkpoint_every: int = 1
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if isinstance(self.start, str) and self.start not in STARTS:
            raise ValueError(
                f"start must be 'latest', 'heaviest' or 'scratch', or a policy, got {self.start!r}"
            )
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {[*PRECISIONS]}, got {self.precision!r}")
        if self.kl_weight < 0.0:
            raise ValueError(f"kl_weight must not be negative, got {self.kl_weight}")
        for name in ("learning_rate", "entropy"):
            value = getattr(self, name)
            if isinstance(value, tuple) and not (len(value) == 2 and min(value) > 0.0):
                raise ValueError(f"{name} must be a number or two positive ones, got {value}")
        counts = ("episodes", "episodes_per_batch", "epochs", "minibatch", "checkpoint_every")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def name(self) -> str:
        """Identifies the oracle and everything that changes what it finds."""
        start = self.start
        if not isinstance(start, str):
            start = getattr(start, "name", type(start).__name__)
        extras = {
            "kl_weight": (self.kl_weight, 0.0),
            "normalize_values": (self.normalize_values, False),
            "stop": (self.stop, None),
            "precision": (self.precision, "float32"),
        }
        unusual = "".join(f", {key}={v}" for key, (v, usual) in extras.items() if v != usual)
        return (
            f"ppo(episodes={self.episodes}, batch={self.episodes_per_batch}, start={start}, "
            f"lr={self.learning_rate}, clip={self.clip}, epochs={self.epochs}, "
            f"minibatch={self.minibatch}, discount={self.discount}, trace={self.trace}, "
            f"entropy={self.entropy}, value_weight={self.value_weight}{unusual})"
        )

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Train; see `pokespiel.protocols.BestResponseOracle.best_response`.

        Raises
        ------
        ValueError
            If the game cannot train network policies, the policy to start from has nothing to
            train, or the checkpoint is damaged.
        DivergedError
            If the loss or its gradient stops being a number; a FloatingPointError.
        OutOfDeviceMemoryError
            If the GPU's memory is full; a MemoryError.
        """
        if not isinstance(game, TrainingGame):
            raise ValueError(f"{game.name} cannot train networks; PPO needs a TrainingGame")
        training = identity(rng, self.name, game.name, player, _weights(opponents))
        policy = self._initial_policy(game, player, opponents, rng)
        device = torch.device(self._device())
        network: nn.Module = policy.network
        home = next(network.parameters()).device
        opponents = _on_device(opponents, game, player, device)
        playing = [network, *(p.network for p in _policies(opponents) if game.is_trainable(p))]
        network.to(device)
        learner = _Learner(self, network, device)
        checkpoint = None
        state: dict[str, Any] = {"done": 0, "seconds": 0.0, "curve": [], "spread": []}
        throughput = Throughput()
        if self.checkpoint is not None:
            path = Path(self.checkpoint) / f"player{player}.safetensors"
            checkpoint = Checkpoint(path, training)
            stored = checkpoint.restore(network, learner.optimizer, rng)
            if stored is not None:
                throughput = Throughput(**stored.pop("throughput"))
                state = stored
                learner.spread = state["spread"]
        started = time.perf_counter() - state["seconds"]
        curve: list[float] = state["curve"]
        done: int = state["done"]
        while done < self.episodes and not self._is_flat(curve, game):
            wanted = _even_share(self.episodes - done, self.episodes_per_batch)
            kept = learner.weights()
            try:
                with throughput.playing(playing):
                    episodes = game.collect(policy, player, opponents, wanted, rng=rng)
                with throughput.improving():
                    learner.improve(episodes, rng, done / self.episodes)
            except (FloatingPointError, torch.cuda.OutOfMemoryError) as error:
                learner.put_back(kept)
                network.to(home)
                raise self._error(error, len(curve), done, checkpoint, policy) from error
            done += len(episodes)
            throughput.decisions += sum(len(episode.actions) for episode in episodes)
            curve.append(float(np.mean([episode.outcome for episode in episodes])))
            ends = done >= self.episodes or self._is_flat(curve, game)
            if checkpoint and (ends or len(curve) % self.checkpoint_every == 0):
                state = {
                    "done": done,
                    "seconds": time.perf_counter() - started,
                    "curve": curve,
                    "spread": learner.spread,
                    "throughput": vars(throughput),
                }
                checkpoint.save(network, learner.optimizer, rng, state)
            if self.progress is not None:
                self.progress(done, self.episodes, curve[-1], throughput)
        network.to(home)
        cost = {
            "episodes": done,
            "seconds": time.perf_counter() - started,
            **throughput.to_json(),
            "device": str(device),
            "outcome_per_batch": curve,
        }
        return Response(policy, cost=cost)

    def _is_flat(self, curve: list[float], game: MetaGame) -> bool:
        batch = _even_share(self.episodes, self.episodes_per_batch)
        return self.stop is not None and self.stop(curve, batch, game.payoff_bounds)

    def _device(self) -> str:
        if self.device != "auto":
            return self.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    def _initial_policy(
        self, game: TrainingGame, player: int, opponents: Opponents, rng: np.random.Generator
    ) -> Policy:
        if not isinstance(self.start, str):
            return self.start.copy()
        own = _own_mixture(opponents, player)
        candidates = [i for i, policy in enumerate(own.policies) if game.is_trainable(policy)]
        if self.start == "scratch" or not candidates:
            return game.new_policy(rng=rng)
        if self.start == "latest":
            chosen = candidates[-1]
        else:
            chosen = max(candidates, key=lambda i: float(own.weights[i]))
        return own.policies[chosen].copy()

    def _error(
        self,
        error: Exception,
        batches: int,
        done: int,
        checkpoint: Checkpoint | None,
        policy: Policy,
    ) -> TrainingError:
        kept = f"the policy as it was after {done} episodes is in the error's `policy`"
        if checkpoint is not None and checkpoint.path.exists():
            kept += f", the last checkpoint in {checkpoint.path}"
        where = f"in batch {batches + 1}, after {done} of {self.episodes} episodes"
        if isinstance(error, FloatingPointError):
            advice = "lower learning_rate, or look at the game's rewards"
            return DivergedError(f"{error} {where}; {advice}; {kept}", policy)
        return OutOfDeviceMemoryError(
            f"the GPU's memory is full {where}: batches of {self.episodes_per_batch} episodes are "
            f"learnt in minibatches of {self.minibatch} decisions; lower minibatch first, then "
            f"episodes_per_batch, then the game's concurrency; {kept}",
            policy,
        )


class _Learner:
    """Improves a network by batches of episodes."""

    def __init__(self, settings: PPOOracle, network: nn.Module, device: torch.device) -> None:
        self.settings = settings
        self.network = network
        self.device = device
        self.recurrent = bool(getattr(network, "recurrent", False))
        self.trained = [p for p in network.parameters() if p.requires_grad]
        if not self.trained:
            raise ValueError("the policy to start from has no parameter that requires gradients")
        self.optimizer = torch.optim.Adam(
            self.trained, lr=between(settings.learning_rate, 0.0), eps=1e-5, fused=True
        )
        self.reference: nn.Module | None = None
        if settings.kl_weight > 0.0:
            # What is not trained stays the same in both, and is there once.
            frozen = {id(p): p for p in network.parameters() if not p.requires_grad}
            self.reference = copy.deepcopy(network, dict(frozen)).requires_grad_(False)
        self.spread: list[float] = []
        """Variance of the returns of each batch so far."""

    def weights(self) -> list[Tensor]:
        """A copy of what is trained."""
        return [parameter.detach().clone() for parameter in self.trained]

    def put_back(self, weights: list[Tensor]) -> None:
        """Undo what was learnt since `weights`."""
        with torch.no_grad():
            for parameter, value in zip(self.trained, weights, strict=True):
                parameter.copy_(value)

    def improve(
        self, episodes: list[Episode], rng: np.random.Generator, progress: float = 0.0
    ) -> None:
        """One PPO improvement on a batch of episodes.

        ``progress`` is the share of the training that is over, for settings that change.

        Raises
        ------
        FloatingPointError
            If a loss or a gradient is not finite. The network then is spoilt.
        """
        it = self.settings
        lengths = np.array([len(episode.actions) for episode in episodes])
        if not lengths.any():
            return
        entropy_weight = between(it.entropy, progress)
        for group in self.optimizer.param_groups:
            group["lr"] = between(it.learning_rate, progress)
        batch = _to_tensors(episodes, self.device, recurrent=self.recurrent)
        old, values, reference = self._before(batch, lengths)
        old_values = values.detach().cpu().double().numpy()
        rewards = np.concatenate([episode.rewards for episode in episodes])
        advantages = generalised_advantages(
            rewards, old_values, lengths, discount=it.discount, trace=it.trace
        )
        returns = advantages + old_values
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        advantage = torch.as_tensor(advantages, dtype=torch.float32, device=self.device)
        target = torch.as_tensor(returns, dtype=torch.float32, device=self.device)
        value_weight = it.value_weight * self._value_scale(returns)
        losses = []
        for _ in range(it.epochs):
            for rows in self._minibatches(lengths, rng):
                log_policy, values = self._pass(self.network, batch, rows)
                log_probs = _chosen(log_policy, batch["actions"][rows])
                ratio = torch.exp(log_probs - old[rows])
                clipped = ratio.clamp(1.0 - it.clip, 1.0 + it.clip)
                surrogate = torch.minimum(ratio * advantage[rows], clipped * advantage[rows])
                value_loss = 0.5 * (values - target[rows]).square()
                loss = -surrogate + value_weight * value_loss - entropy_weight * entropy(log_policy)
                if reference is not None:
                    loss = loss + it.kl_weight * divergence(log_policy, reference[rows])
                self.optimizer.zero_grad(set_to_none=True)
                mean = loss.mean()
                mean.backward()
                norm = nn.utils.clip_grad_norm_(self.trained, it.max_grad_norm)
                self.optimizer.step()
                losses.append(torch.stack([mean.detach(), norm]))
        # Looked at once: each look waits for the GPU.
        finite = torch.stack(losses).isfinite().cpu().numpy()
        if not finite.all():
            step = int(np.argmin(finite.all(axis=1)))
            what = "its gradient" if finite[step, 0] else "PPO's loss"
            raise FloatingPointError(f"{what} is not finite at gradient step {step + 1}")

    def _before(
        self, batch: Mapping[str, Any], lengths: NDArray[np.int64]
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Log-probabilities of the actions and values ``(N,)`` before learning.

        And the reference's log-policy ``(N, A)``.
        """
        chosen, values, reference = [], [], []
        with torch.no_grad():
            for rows in self._chunks(lengths, np.arange(len(lengths))):
                log_policy, value = self._pass(self.network, batch, rows)
                chosen.append(_chosen(log_policy, batch["actions"][rows]))
                values.append(value)
                if self.reference is not None:
                    reference.append(self._pass(self.reference, batch, rows)[0])
        return (
            torch.cat(chosen),
            torch.cat(values),
            torch.cat(reference) if self.reference is not None else None,
        )

    def _pass(
        self, network: nn.Module, batch: Mapping[str, Any], rows: Any
    ) -> tuple[Tensor, Tensor]:
        """Log-policy ``(B, A)``, -inf where illegal, and values ``(B,)``."""
        observations = {name: tensor[rows] for name, tensor in batch["observations"].items()}
        kind = PRECISIONS[self.settings.precision]
        with torch.autocast(self.device.type, kind, enabled=kind != torch.float32):
            logits, values = network(observations)
        masked = logits.float().masked_fill(~batch["legal"][rows], float("-inf"))
        return torch.log_softmax(masked, dim=-1), values.float()

    def _minibatches(
        self, lengths: NDArray[np.int64], rng: np.random.Generator
    ) -> Iterator[Tensor]:
        """Rows of all decisions in random order; of whole episodes for recurrent networks."""
        if self.recurrent:
            yield from self._chunks(lengths, rng.permutation(len(lengths)))
            return
        order = torch.as_tensor(rng.permutation(int(lengths.sum())), device=self.device)
        yield from order.split(self.settings.minibatch)

    def _chunks(self, lengths: NDArray[np.int64], order: NDArray[np.int64]) -> Iterator[Tensor]:
        """Rows of whole episodes, in this order, until each chunk is about a minibatch."""
        starts = np.cumsum(lengths) - lengths
        after = np.cumsum(lengths[order])
        chunk = (after - 1) // self.settings.minibatch
        for number in np.unique(chunk):
            chosen = order[chunk == number]
            rows = np.concatenate([np.arange(starts[e], starts[e] + lengths[e]) for e in chosen])
            if len(rows):
                yield torch.as_tensor(rows, device=self.device)

    def _value_scale(self, returns: FloatArray) -> float:
        """One over the variance of returns, averaged over the batches so far."""
        if not self.settings.normalize_values:
            return 1.0
        self.spread.append(float(returns.var()))
        return 1.0 / (float(np.mean(self.spread)) + 1e-8)


def between(setting: float | tuple[float, float], progress: float) -> float:
    """A number as it is; of a pair what stands at this share of the way, geometrically."""
    if not isinstance(setting, tuple):
        return setting
    first, last = setting
    return float(first * (last / first) ** progress)


def entropy(log_policy: Tensor) -> Tensor:
    """Entropy ``(B,)`` in nats of policies ``(B, A)`` that are -inf where an action is illegal."""
    finite = log_policy.masked_fill(log_policy.isneginf(), 0.0)
    # An illegal action has probability 0 and adds 0 times something finite.
    return -(log_policy.exp() * finite).sum(dim=-1)


def divergence(log_policy: Tensor, reference: Tensor) -> Tensor:
    """Kullback-Leibler divergence ``(B,)`` in nats from the policy to the reference.

    Both are ``(B, A)`` and -inf at the same, illegal actions.
    """
    illegal = log_policy.isneginf()
    ratio = log_policy.masked_fill(illegal, 0.0) - reference.masked_fill(illegal, 0.0)
    return (log_policy.exp() * ratio).sum(dim=-1)


def _even_share(episodes: int, most: int) -> int:
    """Size of the first of as few batches as hold so many episodes, all alike but for one."""
    batches = -(-episodes // most)
    return -(-episodes // batches)


def _chosen(log_policy: Tensor, actions: Tensor) -> Tensor:
    return log_policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def _own_mixture(opponents: Opponents, player: int) -> Mixture:
    if isinstance(opponents, JointMixture):
        own = tuple(profile[player] for profile in opponents.profiles)
        return Mixture(own, opponents.weights)
    return opponents[player]


def _policies(opponents: Opponents) -> list[Policy]:
    """Every policy that may be met, once."""
    if isinstance(opponents, JointMixture):
        found = [policy for profile in opponents.profiles for policy in profile]
    else:
        found = [policy for mixture in opponents for policy in mixture.policies]
    return list({id(policy): policy for policy in found}.values())


def _weights(opponents: Opponents) -> list[list[float]]:
    mixtures = [opponents] if isinstance(opponents, JointMixture) else opponents
    return [mixture.weights.tolist() for mixture in mixtures]


def _on_device(
    opponents: Opponents, game: TrainingGame, player: int, device: torch.device
) -> Opponents:
    """The opponents, with copies on the device in place of networks that are elsewhere."""
    copies: dict[int, Policy] = {}

    def there(policy: Policy) -> Policy:
        if not game.is_trainable(policy):
            return policy
        if next(policy.network.parameters()).device.type == device.type:
            return policy
        if id(policy) not in copies:
            copies[id(policy)] = policy.copy()
            copies[id(policy)].network.to(device)
        return copies[id(policy)]

    if isinstance(opponents, JointMixture):
        profiles = tuple(tuple(there(policy) for policy in p) for p in opponents.profiles)
        return JointMixture(profiles, opponents.weights) if copies else opponents
    others = [
        mixture
        if number == player
        else Mixture(tuple(map(there, mixture.policies)), mixture.weights)
        for number, mixture in enumerate(opponents)
    ]
    return others if copies else opponents


def _to_tensors(
    episodes: list[Episode], device: torch.device, *, recurrent: bool
) -> dict[str, Any]:
    """All decisions of all episodes, one after the other, moved to the device once."""

    def together(arrays: list[NDArray[Any]]) -> Tensor:
        return torch.as_tensor(np.concatenate(arrays), device=device)

    names = episodes[0].observations
    observations = {
        name: together([episode.observations[name] for episode in episodes]) for name in names
    }
    if recurrent:
        observations["first"] = together(
            [np.arange(len(episode.actions)) == 0 for episode in episodes]
        )
    return {
        "observations": observations,
        "legal": together([episode.legal for episode in episodes]),
        "actions": together([episode.actions for episode in episodes]),
    }
