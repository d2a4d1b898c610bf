"""Decisions per second of AMAGO's own path, to put beside `metamon_inference`.

    python benchmarks/metamon_amago.py --batch 1 32

runs in an environment of its own, with metamon 1.4 and AMAGO 3.1 and without PokéSpiel (see
``docs/metamon_psro.md``). An agent of SyntheticRLV2's architecture with random weights decides as
metamon's own evaluation lets it: cached keys and values, memories full.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("METAMON_CACHE_DIR", tempfile.mkdtemp())
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")

import amago
import metamon.rl
import numpy as np
import torch
from metamon.interface import (
    DefaultObservationSpace,
    MinimalActionSpace,
    TokenizedObservationSpace,
)
from metamon.rl.metamon_to_amago import make_placeholder_experiment
from metamon.tokenizer import get_tokenizer

CONTEXT = {"synthetic_multitaskagent": 128, "large_agent": 128, "small_agent": 200}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="synthetic_multitaskagent", choices=CONTEXT)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    policy = build(options.model).to(options.device).eval()
    for batch in options.batch:
        record = {
            "model": options.model,
            "amago": amago.__version__,
            "device": f"{options.device}, {platform.machine()}, torch {torch.__version__}",
            "threads": options.threads,
            "batch": batch,
            **measure(policy, batch, options.device, CONTEXT[options.model], options.seconds),
        }
        print(json.dumps(record), flush=True)


def build(model: str) -> Any:
    """The agent, with random weights."""
    folder = Path(metamon.rl.MODEL_CONFIG_DIR)
    tokenizer = get_tokenizer("allreplays-v3")
    kinds = amago.nets.transformer
    flash = torch.cuda.is_available() and kinds.flash_attn is not None
    amago.cli_utils.use_config(
        {
            "amago.nets.traj_encoders.TformerTrajEncoder.attention_type": kinds.FlashAttention
            if flash
            else kinds.VanillaAttention,
            "MetamonTstepEncoder.tokenizer": tokenizer,
            "amago.nets.transformer.SigmaReparam.fast_init": True,
        },
        [
            str(folder / f"{model}.gin"),
            str(Path(metamon.rl.TRAINING_CONFIG_DIR) / "binary_rl.gin"),
        ],
        finalize=False,
    )
    experiment = make_placeholder_experiment(
        ckpt_base_dir=tempfile.mkdtemp(),
        run_name="speed",
        log=False,
        observation_space=TokenizedObservationSpace(DefaultObservationSpace(), tokenizer),
        action_space=MinimalActionSpace(),
    )
    experiment.start()
    return experiment.policy


def inputs(batch: int, device: str, seed: int = 0) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Made-up observations and feedback of one decision each."""
    generator = torch.Generator().manual_seed(seed)
    observation = {
        "text_tokens": torch.randint(-1, 1407, (batch, 1, 87), generator=generator).int(),
        "numbers": torch.rand(batch, 1, 48, generator=generator),
        "illegal_actions": torch.zeros(batch, 1, 9, dtype=torch.bool),
    }
    feedback = torch.zeros(batch, 1, 10)
    return {k: v.to(device) for k, v in observation.items()}, feedback.to(device)


@torch.no_grad()
def measure(policy: Any, batch: int, device: str, context: int, seconds: float) -> dict[str, float]:
    """As `metamon_inference.measure`: every battle's memory full."""
    hidden = policy.traj_encoder.init_hidden_state(batch, device)
    hidden.seq_lens += context - 1
    observation, feedback = inputs(batch, device)
    times = torch.full((batch, 1, 1), context, dtype=torch.int64, device=device)

    def decide() -> None:
        nonlocal hidden
        actions, hidden = policy.get_actions(
            observation, feedback, times, hidden_state=hidden, sample=True
        )
        np.asarray(actions.cpu())

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
    }


if __name__ == "__main__":
    main()
