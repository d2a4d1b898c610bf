"""Metamon's offline trainer on written battles.

`pokespiel.metamon.offline.OfflineOracle` runs this with the Python of an environment that has
metamon 1.4 and AMAGO 3.1, and nothing of PokéSpiel's::

    python trainer.py SETTINGS.json

It goes on from one checkpoint and leaves another. What stands between metamon's own command line
and that: the agent is fed the reward that it was trained with, whatever it is trained on now;
legal actions are those of the battle, not those guessed from a state; attention falls back where
flash attention is missing; nothing is evaluated, downloaded or logged elsewhere; and the last
weights are kept, not the last of every second epoch.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main(path: str) -> None:
    """Train as the settings say."""
    settings = json.loads(Path(path).read_text())
    # Before metamon and torch are imported, which read them then.
    os.environ.setdefault("METAMON_CACHE_DIR", settings["folder"])
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["WANDB_MODE"] = "disabled"
    if settings["device"] == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        os.environ["ACCELERATE_USE_CPU"] = "1"
    try:
        import torch

        if not torch.cuda.is_available():
            # Compiling takes a minute and needs a compiler; on a CPU it gains nothing.
            os.environ["TORCHDYNAMO_DISABLE"] = "1"
        import amago
        import metamon
        from metamon.interface import (
            DefaultObservationSpace,
            MinimalActionSpace,
            TokenizedObservationSpace,
            get_reward_function,
        )
        from metamon.rl.train import create_offline_rl_trainer
        from metamon.tokenizer import get_tokenizer
    except ImportError as error:
        sys.exit(
            f"{sys.executable} has no metamon with its trainer: {error}. It needs metamon 1.4 and "
            "amago 3.1 (their RL packages included)"
        )
    version = str(amago.__version__)
    if not version.startswith("3.1."):
        sys.exit(f"metamon's trainer needs amago 3.1, this environment has {version}")
    torch.distributions.Distribution.set_default_validate_args(False)

    observations = TokenizedObservationSpace(
        DefaultObservationSpace(), get_tokenizer("allreplays-v3")
    )
    reward = get_reward_function(settings["reward"])
    actions = MinimalActionSpace()
    told = get_reward_function("DefaultShapedReward")
    shared = (observations, actions, reward, told)
    data = battles_in(settings["battles"], "battles", *shared)
    if settings["replays"] is not None:
        human = battles_in(settings["replays"], "replays", *shared)
        weight = settings["replay_weight"]
        data = amago.loading.MixtureOfDatasets([data, human], [1.0 - weight, weight])
    print(f"metamon {metamon.__version__}, amago {version}, {torch.cuda.device_count()} GPUs")
    experiment = create_offline_rl_trainer(
        ckpt_dir=settings["folder"],
        run_name="run",
        model_gin_config=settings["model"],
        train_gin_config=settings["training"],
        obs_space=observations,
        action_space=actions,
        reward_function=reward,
        amago_dataset=data,
        eval_gens=[],
        dloader_workers=min(4, os.cpu_count() or 1),
        epochs=1,
        steps_per_epoch=settings["steps"],
        batch_size_per_gpu=settings["batch"],
        manual_gin_overrides={
            "amago.nets.traj_encoders.TformerTrajEncoder.attention_type": attention(),
            "amago.nets.transformer.SigmaReparam.fast_init": True,
        },
    )
    experiment.ckpt_interval = None
    experiment.start()
    # Not through the experiment, which tries again ten times where a file is damaged.
    weights = torch.load(settings["start"], map_location=experiment.DEVICE, weights_only=True)
    experiment.policy.load_state_dict(weights)
    experiment.learn()
    result = Path(settings["result"])
    part = result.with_suffix(".part")
    torch.save(experiment.policy.state_dict(), part)
    part.replace(result)


def attention() -> Any:
    """Flash attention where it is there, as metamon's agents were trained with."""
    import torch
    from amago.nets import transformer

    try:
        import flash_attn  # noqa: F401
    except ImportError:
        return transformer.VanillaAttention
    return transformer.FlashAttention if torch.cuda.is_available() else transformer.VanillaAttention


def battles_in(
    folder: str, name: str, observations: Any, actions: Any, reward: Any, told: Any
) -> Any:
    """A data set of metamon's that keeps what a file says of legality, and what agents hear."""
    import torch
    from metamon.data import ParsedReplayDataset
    from metamon.interface import RewardFunction
    from metamon.rl.metamon_to_amago import MetamonAMAGODataset

    class Noted(RewardFunction):  # type: ignore[misc]
        """The reward to train on; notes the one that the agent hears."""

        def __init__(self) -> None:
            self.heard: list[float] = []

        def __call__(self, last_state: Any, state: Any) -> float:
            self.heard.append(float(told(last_state, state)))
            return float(reward(last_state, state))

    class Battles(ParsedReplayDataset):  # type: ignore[misc]
        def load_filename(self, filename: str) -> Any:
            self.reward_function.heard.clear()
            seen, chosen, rewards, dones = super().load_filename(filename)
            legal = self._load_json(filename).get("legal")
            if legal is not None:
                chosen["legal"] = [set(row) for row in legal]
            return seen, chosen, rewards, dones

    class Heard(MetamonAMAGODataset):  # type: ignore[misc]
        def sample_random_trajectory(self) -> Any:
            trajectory = super().sample_random_trajectory()
            heard = self.parsed_replay_dset.reward_function.heard
            trajectory.rl2s[1:, 0] = torch.tensor(heard, dtype=trajectory.rl2s.dtype)
            return trajectory

    found = Battles(
        dset_root=folder,
        observation_space=observations,
        action_space=actions,
        reward_function=Noted(),
        max_seq_len=None,
        formats=["gen1ou"],
    )
    if not len(found):
        sys.exit(f"metamon finds no battles of gen1ou in {folder}")
    return Heard(parsed_replay_dset=found, dset_name=name)


if __name__ == "__main__":
    main(sys.argv[1])
