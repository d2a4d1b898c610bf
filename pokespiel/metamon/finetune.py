"""Agents of metamon's family that `PPOOracle` can train: best responses from SyntheticRLV2.

What the earlier experiments taught is built in: the agent is used as it is and improved by playing
the population; its reward stays DefaultShapedReward, which it hears as feedback, too; it is held
to its start by `PPOOracle(kl_weight=...)`; and it is judged by games
(`pokespiel.variants.evidence`), against the mixture that it answers and against its start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.meta_game import register_policy_kind
from pokespiel.metamon.assets import load_vocabulary
from pokespiel.metamon.engine_observation import every_word
from pokespiel.metamon.lora import add_adapters, sharing
from pokespiel.metamon.network import MetamonConfig, MetamonNetwork
from pokespiel.metamon.policy import MetamonPolicy, default_device, load, network_of
from pokespiel.policies.storage import load_config, load_weights, save_document

KIND = "metamon/trained"
PARTS = ("lora", "last", "all")

TRAINING: dict[str, Any] = {
    "episodes_per_batch": 100,
    "learning_rate": 3e-4,
    "epochs": 2,
    "entropy": 0.003,
    "kl_weight": 0.02,
}
"""Settings of `PPOOracle` for an agent that can play: small steps, held to where it started."""

CONCURRENCY = 256
"""Battles at once that the memories of SyntheticRLV2 have room for in 6 GB (float32)."""

_BASES: WeakValueDictionary[tuple[str, int | None], MetamonPolicy] = WeakValueDictionary()
"""Published agents that trained ones in this process rest on: each is read once."""


class ActorCritic(nn.Module):
    """An agent with a value head, over whole episodes: what PPO trains.

    Observations hold ``words``, ``numbers``, ``feedback`` and ``times`` of decisions one after the
    other, ``(N, ...)``, and ``first`` where an episode begins. An episode longer than the agent's
    context is read in pieces of that length, as in its own training.

    Parameters
    ----------
    agent
    """

    recurrent = True

    def __init__(self, agent: MetamonNetwork) -> None:
        super().__init__()
        self.agent = agent
        self.value = nn.Linear(agent.config.width, 1, device=agent.device)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)

    def forward(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits ``(N, NUM_ACTIONS)`` of the head that plays, and values ``(N,)``."""
        agent = self.agent
        turns = agent.encode_turns(
            observation["words"], observation["numbers"], observation["feedback"]
        )
        starts = torch.nonzero(observation["first"]).squeeze(-1)
        lengths = torch.diff(starts, append=starts.new_tensor([len(turns)])).tolist()
        pieces = [
            min(agent.config.context, length - begun)
            for length in lengths
            for begun in range(0, length, agent.config.context)
        ]
        padded = pad_sequence(list(turns.split(pieces)), batch_first=True)
        times = pad_sequence(list(observation["times"].split(pieces)), batch_first=True)
        states = agent(padded, times)
        there = torch.arange(padded.shape[1], device=states.device) < torch.tensor(
            pieces, device=states.device
        ).unsqueeze(1)
        state = states[there]
        values: Tensor = self.value(state.float()).squeeze(-1)
        return agent.logits(state)[:, -1], values


class TrainedPolicy(MetamonPolicy):
    """An agent with parts that can be trained.

    Parameters
    ----------
    network
        Its parameters that require gradients are the trained ones.
    vocabulary, name, max_batch
        As for `MetamonPolicy`. What is played is the softmax over the legal actions.
    part : {"lora", "last", "all"}
        Which parts those are.
    adapters : (rank, alpha), optional
        Of LoRA.
    source : (str, int or None), optional
        Published agent and epoch whose weights it shares; they are not stored with it.
    base : MetamonPolicy, optional
        The agent whose weights it shares.
    """

    network: ActorCritic  # type: ignore[assignment]

    def __init__(
        self,
        network: ActorCritic,
        vocabulary: dict[str, int],
        *,
        part: str,
        adapters: tuple[int, float] | None = None,
        name: str = "metamon",
        max_batch: int = 1024,
        source: tuple[str, int | None] | None = None,
        base: MetamonPolicy | None = None,
    ) -> None:
        super().__init__(network.agent, vocabulary, name=name, max_batch=max_batch, source=source)
        self.network = network
        self.part = part
        self.adapters = adapters
        self.base = base

    @property
    def agent(self) -> MetamonNetwork:
        """What plays."""
        return self.network.agent

    def copy(self) -> TrainedPolicy:
        """An independent policy that shares what is not trained."""
        network = sharing(self.network)
        assert isinstance(network, ActorCritic)
        return TrainedPolicy(
            network,
            self.vocabulary,
            part=self.part,
            adapters=self.adapters,
            name=self.name,
            max_batch=self.max_batch,
            source=self.source,
            base=self.base,
        )

    def act_and_tell(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        """Choose, and tell what training needs; see `pokespiel.gen1ou.recording.Learner`."""
        actions, asked = self.decide(decisions, rng)
        observations: dict[str, NDArray[Any]] = {
            "words": asked.words,
            "numbers": asked.numbers,
            "feedback": asked.feedback,
            "times": asked.times,
        }
        return observations, asked.meanings >= 0, asked.chosen, actions

    def save(self, directory: Path) -> None:
        """Store configuration and weights, those of a published base by its name alone."""
        document = {
            "kind": KIND,
            "config": {
                "network": asdict(self.agent.config),
                "part": self.part,
                "adapters": self.adapters,
                "source": self.source,
                "own_vocabulary": self.vocabulary == every_word(),
                "name": self.name,
            },
        }
        weights = self.network.state_dict()
        if self.source is not None:
            trained = {n for n, p in self.network.named_parameters() if p.requires_grad}
            weights = {name: tensor for name, tensor in weights.items() if name in trained}
        save_document(directory, document, weights)

    @classmethod
    def load(cls, directory: Path, vocabulary: dict[str, int] | None = None) -> TrainedPolicy:
        """Read a policy that `save` wrote.

        Raises
        ------
        ValueError
            If the directory holds none, or one of another kind, or of another base.
        AssetError
            If it needs a vocabulary or a base that is not downloaded.
        """
        kind, config = load_config(directory)
        if kind != KIND:
            raise ValueError(f"{directory} holds a policy of kind {kind!r}, not {KIND!r}")
        source = None if config["source"] is None else tuple(config["source"])
        rank, alpha = config["adapters"] or (8, 16.0)
        if source is not None:
            base = _BASES.get(source) or load(source[0], epoch=source[1])
        else:
            if vocabulary is None:
                vocabulary = every_word() if config["own_vocabulary"] else load_vocabulary()
            agent = network_of(config["network"]).to(default_device()).eval()
            base = MetamonPolicy(agent, vocabulary, name=config["name"])
        policy = trainable(base, part=config["part"], rank=rank, alpha=alpha)
        load_weights(directory, policy.network, partly=source is not None)
        return policy


def trainable(
    policy: MetamonPolicy,
    *,
    part: str = "lora",
    rank: int = 8,
    alpha: float = 16.0,
    seed: int = 0,
) -> TrainedPolicy:
    """An agent that plays as another does, and can be trained from there.

    Parameters
    ----------
    policy
        The agent; its weights are shared, not changed.
    part : {"lora", "last", "all"}
        Adapters on the trajectory encoder and the actor; the actor alone; or everything but the
        critics. A value head, which no agent of the family has, comes with each.
    rank, alpha
        Of the adapters.
    seed
        Of the adapters' random half; the other half is zero.

    Raises
    ------
    ValueError
        For an unknown part, or a rank less than one.
    """
    if part not in PARTS:
        raise ValueError(f"unknown part {part!r}; available: {', '.join(PARTS)}")
    if policy.source is not None:
        _BASES.setdefault(policy.source, policy)
    policy.agent.requires_grad_(False)
    agent = sharing(policy.agent)
    assert isinstance(agent, MetamonNetwork)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if part == "lora":
            add_adapters(agent, rank=rank, alpha=alpha)
        network = ActorCritic(agent)
    free = ["actor", "norm"] if part != "all" else ["turn", "embed", "blocks", "norm", "actor"]
    for name in free:
        owner = getattr(agent, name)
        # Not shared any more: what is trained belongs to this policy.
        for module in owner.modules():
            for key, parameter in list(module.named_parameters(recurse=False)):
                setattr(module, key, nn.Parameter(parameter.detach().clone()))
    return TrainedPolicy(
        network.eval(),
        policy.vocabulary,
        part=part,
        adapters=(rank, alpha) if part == "lora" else None,
        name=policy.name,
        max_batch=policy.max_batch,
        source=policy.source,
        base=policy,
    )


def new_small_agent(*, rng: np.random.Generator) -> MetamonPolicy:
    """An agent of the family with few and fresh weights and words of its own: for trying things.

    It plays next to nothing yet, and needs no download.
    """
    words = every_word()
    config = MetamonConfig(
        vocabulary=len(words),
        turn_width=20,
        turn_layers=1,
        turn_heads=1,
        scratch_tokens=2,
        number_tokens=2,
        feedback_width=4,
        width=64,
        layers=2,
        heads=4,
        feed_forward=128,
        actor_width=64,
        critics=1,
        critic_width=16,
        critic_bins=12,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        network = MetamonNetwork(config)
    return MetamonPolicy(network.eval().requires_grad_(False), words, name="metamon-small")


register_policy_kind(KIND, TrainedPolicy.load)
