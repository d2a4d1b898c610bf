"""The network of metamon's agents, for inference over many battles at once.

Metamon (Grigsby et al. 2025, arXiv:2504.04395) plays with an AMAGO agent (Grigsby et al. 2024):

1. The *turn encoder* is a transformer over one decision: a token for each of 87 words, a few
   tokens made from 48 numbers and from the previous reward and action, and blank scratch tokens,
   whose final states are the decision's encoding.
2. The *trajectory encoder* is a causal transformer over the decisions of a battle, with
   NormFormer's extra normalisations and scaled heads (Shleifer et al. 2021).
3. The *actor* gives the logits of nine actions for each discount factor; the last one acts. The
   *critics* are an ensemble of action values.

The published weights use SigmaReparam (Zhai et al. 2023), order queries, keys and values with the
head running fastest, and scale the heads by a vector of their own. None of that is left here:
`pokespiel.metamon.checkpoint` folds it into plain linear layers, which compute the same function
about three times as fast on one decision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from pokespiel.metamon.cache import KeyValueCache

NUM_WORDS = 87
NUM_NUMBERS = 48
NUM_ACTIONS = 9
FEEDBACK = 1 + NUM_ACTIONS
"""The previous reward and the previous action, one-hot."""

GAMMAS = (0.1, 0.9, 0.95, 0.97, 0.99, 0.995)
"""AMAGO's discount factors beside the one that acts."""
ACTING_GAMMA = 0.999

PROBABILITY_FLOOR, PROBABILITY_CEILING = 0.001, 0.99
_BIN_FLOOR, _BIN_CEILING = 1e-6, 0.999


@dataclass(frozen=True)
class MetamonConfig:
    """Sizes of a network of metamon's family; the defaults are those of SyntheticRLV2.

    Attributes
    ----------
    vocabulary : int
        Words, without the unknown one.
    turn_width, turn_layers, turn_heads : int
        Of the turn encoder, whose feed-forward layers are four times as wide.
    scratch_tokens, number_tokens, feedback_width : int
        Blank tokens, tokens made from numbers, and the width of the embedded feedback.
    width, layers, heads, feed_forward : int
        Of the trajectory encoder.
    context : int
        Decisions that it remembers.
    actor_width, actor_layers : int
        Hidden width and hidden layers of the actor.
    gammas : int
        Discount factors; with one, only `ACTING_GAMMA`.
    critics, critic_width, critic_layers : int
        Size of the ensemble of critics, and of one of them.
    critic_bins : int
        Bins of a critic's categorical value; 0 for the older scalar critics, which read the state
        alone and give one value per action and discount factor.
    value_range : (float, float)
        Values of the first and the last bin, in units of reward times 10.
    """

    vocabulary: int = 1407
    turn_width: int = 160
    turn_layers: int = 5
    turn_heads: int = 8
    scratch_tokens: int = 11
    number_tokens: int = 6
    feedback_width: int = 18
    width: int = 1280
    layers: int = 9
    heads: int = 20
    feed_forward: int = 5120
    context: int = 128
    actor_width: int = 512
    actor_layers: int = 2
    gammas: int = 7
    critics: int = 6
    critic_width: int = 512
    critic_layers: int = 2
    critic_bins: int = 96
    value_range: tuple[float, float] = (-1100.0, 1100.0)

    def __post_init__(self) -> None:
        if self.gammas not in (1, len(GAMMAS) + 1):
            raise ValueError(f"gammas must be 1 or {len(GAMMAS) + 1}, got {self.gammas}")
        for name, width, heads in (
            ("turn encoder", self.turn_width, self.turn_heads),
            ("trajectory encoder", self.width, self.heads),
        ):
            if heads < 1 or width % heads:
                raise ValueError(f"{heads} heads do not divide the {name}'s width of {width}")

    @property
    def discounts(self) -> tuple[float, ...]:
        """Discount factors in the order of the heads."""
        return (ACTING_GAMMA,) if self.gammas == 1 else (*GAMMAS, ACTING_GAMMA)


class Memory(Protocol):
    """One decision of some battles; see `pokespiel.metamon.cache.KeyValueCache.View`."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Store this decision's key and value, and read with its query."""
        ...

    def close(self) -> None:
        """Count the decision."""
        ...


class MetamonNetwork(nn.Module):
    """Turn encoder, trajectory encoder, actor and critics.

    Parameters
    ----------
    config
    """

    def __init__(self, config: MetamonConfig) -> None:
        super().__init__()
        self.config = config
        self.turn = TurnEncoder(config)
        self.embed = nn.Linear(config.scratch_tokens * config.turn_width, config.width)
        self.blocks = nn.ModuleList(
            TrajectoryBlock(config.width, config.heads, config.feed_forward)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.actor = Perceptron(
            config.width, config.actor_width, config.actor_layers, config.gammas * NUM_ACTIONS
        )
        self.critics = Critics(config)

    def set_constants(self) -> None:
        """Compute what is no weight; only for a network that was built on the meta device."""
        self.turn.positions = _turn_positions(self.config).to(self.device)
        self.critics.bins = _bins(self.config).to(self.device)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embed.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights and of the computation between inputs and logits."""
        return self.embed.weight.dtype

    def new_cache(self, slots: int, *, dtype: torch.dtype | None = None) -> KeyValueCache:
        """Empty memory for ``slots`` battles, by default in the network's own dtype."""
        return KeyValueCache(
            layers=self.config.layers,
            slots=slots,
            heads=self.config.heads,
            context=self.config.context,
            width=self.config.width // self.config.heads,
            dtype=dtype or self.dtype,
            device=self.device,
        )

    def encode_turns(self, words: Tensor, numbers: Tensor, feedback: Tensor) -> Tensor:
        """Encode decisions one by one.

        Parameters
        ----------
        words : int tensor ``(..., NUM_WORDS)``
            Tokens; -1 for an unknown word.
        numbers : float tensor ``(..., NUM_NUMBERS)``
        feedback : float tensor ``(..., FEEDBACK)``
            Previous reward (not scaled) and one-hot previous action; zeros at a battle's start.

        Returns
        -------
        tensor ``(..., scratch_tokens * turn_width)``
        """
        batch = words.shape[:-1]
        encoded: Tensor = self.turn(
            words.reshape(-1, NUM_WORDS),
            numbers.reshape(-1, NUM_NUMBERS),
            feedback.reshape(-1, FEEDBACK),
        )
        return encoded.view(*batch, -1)

    def advance(self, turns: Tensor, times: Tensor, cache: KeyValueCache, slots: Tensor) -> Tensor:
        """Take in one decision for each of some battles; no other battle's memory changes.

        Once a battle's memory is full, the oldest decision leaves it. What younger decisions had
        read from it stays, so that this is not the same as a fresh look at the last ``context``
        decisions; it is what metamon's agents do when they play.

        Parameters
        ----------
        turns : tensor ``(B, scratch_tokens * turn_width)``
        times : int tensor ``(B,)``
            Decisions made in the battle before this one.
        cache
        slots : int tensor ``(B,)``
            Each battle's place in the cache, all different.

        Returns
        -------
        tensor ``(B, width)``
            State of each battle.
        """
        out: Tensor = self.norm(self.carry(turns, times, cache.open(slots)))
        return out

    def carry(self, turns: Tensor, times: Tensor, view: Memory) -> Tensor:
        """As `advance`, with an opened memory and without the last norm."""
        embedded: Tensor = self.embed(turns)
        state = embedded + sinusoids(times, self.config.width).to(turns.dtype)
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, TrajectoryBlock)
            state = block.advance(state, view, layer)
        view.close()
        return state

    def forward(self, turns: Tensor, times: Tensor) -> Tensor:
        """Take in whole sequences, as in training.

        Equal to `advance` one by one for sequences of at most ``context`` decisions.

        Parameters
        ----------
        turns : tensor ``(B, T, scratch_tokens * turn_width)``
        times : int tensor ``(B, T)``

        Returns
        -------
        tensor ``(B, T, width)``
        """
        state = self.embed(turns) + sinusoids(times, self.config.width).to(turns.dtype)
        for block in self.blocks:
            state = block(state)
        out: Tensor = self.norm(state)
        return out

    def logits(self, state: Tensor) -> Tensor:
        """Unmasked logits.

        Parameters
        ----------
        state : tensor ``(..., width)``

        Returns
        -------
        float32 tensor ``(..., gammas, NUM_ACTIONS)``
        """
        out: Tensor = self.actor(state).float()
        return out.view(*state.shape[:-1], self.config.gammas, NUM_ACTIONS)

    def action_values(self, state: Tensor) -> Tensor:
        """Action values in units of reward times 10.

        Parameters
        ----------
        state : tensor ``(..., width)``

        Returns
        -------
        float32 tensor ``(..., critics, gammas, NUM_ACTIONS)``
        """
        values: Tensor = self.critics(state)
        return values


def masked_probabilities(logits: Tensor, legal: Tensor) -> Tensor:
    """Softmax over the legal actions.

    Parameters
    ----------
    logits : tensor ``(..., A)``
    legal : bool tensor ``(..., A)``
        Where nothing is legal, everything is.

    Returns
    -------
    tensor ``(..., A)``
    """
    allowed = legal | ~legal.any(dim=-1, keepdim=True)
    return torch.softmax(logits.masked_fill(~allowed, -torch.inf), dim=-1)


def clipped_probabilities(logits: Tensor, legal: Tensor) -> Tensor:
    """`masked_probabilities` as AMAGO plays them: clipped to [0.001, 0.99], then normalised.

    So the published agents choose each illegal action with a probability of about 0.1 %.
    """
    clipped = masked_probabilities(logits, legal).clamp(PROBABILITY_FLOOR, PROBABILITY_CEILING)
    return clipped / clipped.sum(dim=-1, keepdim=True)


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Interleaved sines and cosines (Vaswani et al. 2017), float32 ``(..., width)``."""
    exponents = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32)
    angles = positions.float().unsqueeze(-1) * torch.exp(exponents * -(math.log(10000.0) / width))
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)


def symlog(x: Tensor) -> Tensor:
    """``sign(x) log(1 + |x|)``."""
    return x.sign() * x.abs().log1p()


class TurnEncoder(nn.Module):
    """Words, numbers and feedback of one decision as one vector."""

    positions: Tensor

    def __init__(self, config: MetamonConfig) -> None:
        super().__init__()
        width = config.turn_width
        self.scratch_tokens = config.scratch_tokens
        self.number_tokens = config.number_tokens
        # Row 0 is the unknown word.
        self.vocabulary = nn.Embedding(config.vocabulary + 1, width)
        self.feedback = nn.Linear(FEEDBACK, config.feedback_width)
        self.words = nn.Linear(width, width)
        self.numbers = nn.Linear(NUM_NUMBERS + config.feedback_width, config.number_tokens * width)
        self.blocks = nn.ModuleList(
            TurnBlock(width, config.turn_heads) for _ in range(config.turn_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.register_buffer("positions", _turn_positions(config), persistent=False)

    def forward(self, words: Tensor, numbers: Tensor, feedback: Tensor) -> Tensor:
        batch = len(words)
        dtype = self.words.weight.dtype
        # One linear layer over the vocabulary is cheaper than one over all words of the batch.
        if batch * NUM_WORDS > self.vocabulary.num_embeddings:
            table = functional.leaky_relu(self.words(self.vocabulary.weight))
            tokens = functional.embedding(words.long() + 1, table)
        else:
            tokens = functional.leaky_relu(self.words(self.vocabulary(words.long() + 1)))
        extra = functional.leaky_relu(self.feedback(symlog(feedback).to(dtype)))
        both = torch.cat((numbers.to(dtype), extra), dim=-1)
        made = functional.leaky_relu(self.numbers(both)).view(batch, self.number_tokens, -1)
        blank = tokens.new_zeros(batch, self.scratch_tokens, tokens.shape[-1])
        sequence = torch.cat((tokens, made, blank), dim=1) + self.positions.to(dtype)
        *blocks, last = self.blocks
        for block in blocks:
            sequence = block(sequence, sequence.shape[1])
        # Only the scratch tokens are read, so the last block computes nothing else.
        scratch: Tensor = self.norm(last(sequence, self.scratch_tokens))
        return scratch.flatten(1)


class TurnBlock(nn.Module):
    """Pre-norm transformer block without a mask."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.ff1 = nn.Linear(width, 4 * width)
        self.ff2 = nn.Linear(4 * width, width)

    def forward(self, sequence: Tensor, queries: int) -> Tensor:
        """States of the last ``queries`` tokens, ``(B, queries, width)``."""
        batch, length, width = sequence.shape
        qkv = self.qkv(self.norm1(sequence)).view(batch, length, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query[:, :, -queries:], key, value)
        state = sequence[:, -queries:] + self.out(
            mixed.transpose(1, 2).reshape(batch, queries, width)
        )
        out: Tensor = state + self.ff2(functional.leaky_relu(self.ff1(self.norm2(state))))
        return out


class TrajectoryBlock(nn.Module):
    """Causal pre-norm block with NormFormer's norms after attention and inside the feed-forward."""

    def __init__(self, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)
        self.ff1 = nn.Linear(width, feed_forward)
        self.norm4 = nn.LayerNorm(feed_forward)
        self.ff2 = nn.Linear(feed_forward, width)

    def forward(self, state: Tensor) -> Tensor:
        """Whole sequences ``(B, T, width)``."""
        batch, length, width = state.shape
        qkv = self.qkv(self.norm1(state)).view(batch, length, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self._finish(state, mixed.transpose(1, 2).reshape(batch, length, width))

    def advance(self, state: Tensor, view: Memory, layer: int) -> Tensor:
        """One decision each, ``(B, width)``."""
        batch, width = state.shape
        qkv = self.qkv(self.norm1(state)).view(batch, 3, self.heads, -1)
        mixed = view.attend(layer, qkv[:, 0], qkv[:, 1], qkv[:, 2])
        return self._finish(state, mixed.reshape(batch, width))

    def _finish(self, state: Tensor, mixed: Tensor) -> Tensor:
        state = state + self.norm2(self.out(mixed))
        hidden = self.norm4(functional.leaky_relu(self.ff1(self.norm3(state))))
        out: Tensor = state + self.ff2(hidden)
        return out


class Perceptron(nn.Module):
    """Layers with leaky rectifiers between them."""

    def __init__(self, inputs: int, width: int, hidden: int, outputs: int) -> None:
        super().__init__()
        sizes: Sequence[int] = [inputs, *[width] * hidden, outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = functional.leaky_relu(layer(x))
        out: Tensor = last(x)
        return out


class Critics(nn.Module):
    """An ensemble of action values, categorical over bins or scalar."""

    bins: Tensor

    def __init__(self, config: MetamonConfig) -> None:
        super().__init__()
        self.config = config
        if config.critic_bins:
            inputs, outputs = config.width + 1 + NUM_ACTIONS, config.critic_bins
        else:
            inputs, outputs = config.width, config.gammas * NUM_ACTIONS
        sizes: Sequence[int] = [inputs, *[config.critic_width] * config.critic_layers, outputs]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for a, b in pairwise(sizes):
            bound = 1 / math.sqrt(a)
            self.weights.append(
                nn.Parameter(torch.empty(config.critics, a, b).uniform_(-bound, bound))
            )
            self.biases.append(nn.Parameter(torch.zeros(config.critics, 1, b)))
        self.register_buffer("bins", _bins(config), persistent=False)

    def forward(self, state: Tensor) -> Tensor:
        batch = state.shape[:-1]
        critics, gammas = self.config.critics, self.config.gammas
        rows = state.reshape(-1, state.shape[-1])
        if self.config.critic_bins:
            rows = self._with_actions(rows)
        out = self._ensemble(rows)
        if self.config.critic_bins:
            probabilities = out.float().softmax(dim=-1).clamp(_BIN_FLOOR, _BIN_CEILING)
            values = (probabilities * self.bins).sum(-1) / probabilities.sum(-1)
        else:
            values = out.float()
        values = values.view(critics, *batch, gammas, NUM_ACTIONS)
        return values.movedim(0, -3)

    def _with_actions(self, rows: Tensor) -> Tensor:
        """Each state with each discount factor and each action, ``(N * G * A, inputs)``."""
        discounts = torch.tensor(self.config.discounts, device=rows.device)
        horizon = symlog(1 / (1 - discounts)).to(rows.dtype)
        actions = torch.eye(NUM_ACTIONS, device=rows.device, dtype=rows.dtype).clamp(max=0.999)
        n, g = len(rows), len(discounts)
        shape = (n, g, NUM_ACTIONS)
        return torch.cat(
            (
                rows[:, None, None].expand(*shape, -1),
                horizon[None, :, None, None].expand(*shape, 1),
                actions[None, None].expand(*shape, -1),
            ),
            dim=-1,
        ).flatten(0, 2)

    def _ensemble(self, rows: Tensor) -> Tensor:
        x = rows.expand(self.config.critics, *rows.shape)
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if layer < last:
                x = functional.leaky_relu(x)
        return x


def _turn_positions(config: MetamonConfig) -> Tensor:
    length = NUM_WORDS + config.number_tokens + config.scratch_tokens
    return sinusoids(torch.arange(length), config.turn_width)


def _bins(config: MetamonConfig) -> Tensor:
    return torch.linspace(*config.value_range, max(config.critic_bins, 1))
