"""Decisions per second and memory of a network of metamon's family.

    python benchmarks/metamon_inference.py --model SyntheticRLV2 --batch 1 32 256

measures the architecture of a published agent with random weights (its speed does not depend on
them), each decision with its battle's memory full. One line of JSON for each batch size. With
``--round-trip FOLDER`` the weights are first written there in metamon's format and read back. With
``--battles N`` the agent then plays that many battles against itself on the engine, all at once.
With ``--adapters N`` that many agents with adapters (LoRA, rank 8) share each batch, first in one
pass, then in a pass each.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.metamon import (
    MetamonConfig,
    MetamonNetwork,
    MetamonPolicy,
    load_checkpoint,
    save_checkpoint,
)
from pokespiel.metamon.engine_observation import every_word
from pokespiel.metamon.lora import MixedTrunk, add_adapters, sharing
from pokespiel.metamon.network import FEEDBACK, NUM_NUMBERS, NUM_WORDS

_SMALL = {"turn_width": 100, "turn_layers": 3, "turn_heads": 5, "context": 200}
MODELS = {
    "SmallRL": MetamonConfig(
        **_SMALL, scratch_tokens=4, width=512, layers=3, heads=8, feed_forward=2048,
        actor_width=300, critics=4, critic_width=300, critic_bins=0,
    ),
    "MediumRL": MetamonConfig(
        **_SMALL, scratch_tokens=6, width=768, layers=6, heads=8, feed_forward=3072,
        actor_width=400, critics=4, critic_width=400, critic_bins=0,
    ),
    "SyntheticRLV2": MetamonConfig(),
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, default="SyntheticRLV2")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=1, help="of torch on a CPU")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each batch size")
    parser.add_argument("--battles", type=int, default=0, help="against itself on the engine")
    parser.add_argument("--adapters", type=int, default=0, help="agents that share each batch")
    parser.add_argument("--round-trip", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network = MetamonNetwork(MODELS[options.model]).eval().requires_grad_(False)
    if options.round_trip is not None:
        network = round_trip(network, options.round_trip)
    network = network.to(device=options.device, dtype=getattr(torch, options.dtype))
    for batch in options.batch:
        measured = measure(network, batch, options.seconds)
        record = {
            "model": options.model,
            "parameters": sum(p.numel() for p in network.parameters()),
            "device": device_name(options.device),
            "threads": options.threads,
            "dtype": options.dtype,
            "batch": batch,
            **measured,
            "peak_memory_gb": round(peak_memory(options.device) / 1e9, 2),
        }
        print(json.dumps(record), flush=True)
        if options.adapters:
            shared = measure_adapters(network, options.adapters, batch, options.seconds)
            print(json.dumps({"model": options.model, "dtype": options.dtype, **shared}))
    if options.battles:
        record = {"model": options.model, "dtype": options.dtype, **play(network, options.battles)}
        record["peak_memory_gb"] = round(peak_memory(options.device) / 1e9, 2)
        print(json.dumps(record), flush=True)


def play(network: MetamonNetwork, battles: int) -> dict[str, float]:
    """Battles of an agent against itself: observations, memory and rules included."""
    words = every_word()
    filled = {f"<unused{n}>": n for n in range(len(words), network.config.vocabulary)}
    policy = Counting(network, {**words, **filled})
    game = Gen1OU(initial=policy, concurrency=battles)
    started, started_cpu = time.perf_counter(), time.process_time()
    returns = game.play([(policy, policy)], battles, rng=np.random.default_rng(0))[0]
    elapsed, elapsed_cpu = time.perf_counter() - started, time.process_time() - started_cpu
    return {
        "battles": battles,
        "ties": int((returns == 0.5).all(axis=1).sum()),
        "decisions": policy.decided,
        "seconds": round(elapsed, 1),
        "decisions_per_second": round(policy.decided / elapsed, 1),
        "decisions_per_cpu_second": round(policy.decided / elapsed_cpu, 1),
    }


class Counting(MetamonPolicy):
    """Counts its decisions."""

    decided = 0

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose, and count."""
        self.decided += len(decisions)
        return super().act_on_engine(decisions, rng)


@torch.inference_mode()
def measure(network: MetamonNetwork, batch: int, seconds: float) -> dict[str, float]:
    """Decisions per second with full memories, and the size of these memories.

    Per second of the processor as well, which other programs on the machine disturb less.
    """
    device = network.device
    cache = network.new_cache(batch)
    cache.counts += network.config.context
    generator = torch.Generator().manual_seed(0)
    shape = (batch, NUM_WORDS)
    words = torch.randint(0, network.config.vocabulary, shape, generator=generator).to(device)
    numbers = torch.rand(batch, NUM_NUMBERS, generator=generator).to(device)
    feedback = torch.zeros(batch, FEEDBACK, device=device)
    slots = torch.arange(batch)
    times = torch.full((batch,), network.config.context, device=device)

    def decide() -> None:
        turns = network.encode_turns(words, numbers, feedback)
        logits = network.logits(network.advance(turns, times, cache, slots))
        logits[:, -1].softmax(-1).cpu()

    decide()
    passes = 0
    started, started_cpu = time.perf_counter(), time.process_time()
    while passes < 3 or time.perf_counter() - started < seconds:
        decide()
        passes += 1
    elapsed, elapsed_cpu = time.perf_counter() - started, time.process_time() - started_cpu
    return {
        "passes": passes,
        "seconds_per_pass": round(elapsed / passes, 4),
        "decisions_per_second": round(passes * batch / elapsed, 1),
        "decisions_per_cpu_second": round(passes * batch / elapsed_cpu, 1),
        "cache_mb_per_battle": round(cache.nbytes / batch / 1e6, 2),
    }


@torch.inference_mode()
def measure_adapters(
    network: MetamonNetwork, agents: int, batch: int, seconds: float
) -> dict[str, float]:
    """Decisions per second of the processor of adapted agents: in one pass, and in one each."""
    adapted = [sharing(network) for _ in range(agents)]
    for agent in adapted:
        add_adapters(agent, rank=8, alpha=16.0)
    trunk, each = MixedTrunk(adapted), batch // agents
    caches = [network.new_cache(each) for _ in adapted]
    for cache in caches:
        cache.counts += network.config.context
    words = torch.zeros(agents * each, NUM_WORDS, dtype=torch.int64, device=network.device)
    numbers = torch.rand(agents * each, NUM_NUMBERS, device=network.device)
    feedback = torch.zeros(agents * each, FEEDBACK, device=network.device)
    times = torch.full((agents * each,), network.config.context, device=network.device)
    slots, whose = torch.arange(each), torch.arange(agents).repeat_interleave(each)

    def together() -> None:
        turns = network.encode_turns(words, numbers, feedback)
        views = [cache.open(slots) for cache in caches]
        states = trunk.advance(turns, times, whose, views).split(each)
        for agent, state in zip(adapted, states, strict=True):
            agent.logits(agent.norm(state)).cpu()

    def apart() -> None:
        for number, (agent, cache) in enumerate(zip(adapted, caches, strict=True)):
            rows = slice(number * each, (number + 1) * each)
            turns = network.encode_turns(words[rows], numbers[rows], feedback[rows])
            agent.logits(agent.advance(turns, times[rows], cache, slots)).cpu()

    found: dict[str, float] = {"agents": agents, "batch": agents * each}
    thin = [p for name, p in adapted[0].named_parameters() if name.endswith((".up", ".down"))]
    found["adapter_mb"] = round(sum(p.nbytes for p in thin) / 1e6, 2)
    for way in (together, apart):
        way()
        passes, started, started_cpu = 0, time.perf_counter(), time.process_time()
        while passes < 3 or time.perf_counter() - started < seconds:
            way()
            passes += 1
        spent = time.process_time() - started_cpu
        found[f"decisions_per_cpu_second_{way.__name__}"] = round(passes * agents * each / spent, 1)
    return found


def round_trip(network: MetamonNetwork, folder: Path) -> MetamonNetwork:
    """Write in metamon's format, read back, and say what that took."""
    path = folder / "policy_epoch_0.pt"
    started = time.perf_counter()
    save_checkpoint(path, network)
    saved = time.perf_counter()
    loaded = load_checkpoint(path, context=network.config.context)
    record = {
        "checkpoint_mb": round(path.stat().st_size / 1e6, 1),
        "save_seconds": round(saved - started, 1),
        "load_seconds": round(time.perf_counter() - saved, 1),
        "largest_difference": max(
            (a - b).abs().max().item()
            for a, b in zip(network.parameters(), loaded.parameters(), strict=True)
        ),
    }
    print(json.dumps(record), flush=True)
    return loaded


def peak_memory(device: str) -> int:
    """Bytes at the highest, of the device or of this process."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def device_name(device: str) -> str:
    """What the figures belong to."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    return f"CPU, {platform.machine()}, torch {torch.__version__}"


if __name__ == "__main__":
    main()
