"""Best responses by metamon's own offline RL, run in an environment of its own.

Metamon and AMAGO need another poke-env and another gymnasium than PokéSpiel, so that they never
share an environment with it. `OfflineOracle` plays battles on the engine, writes them as metamon's
trajectory files, lets that environment's Python run ``trainer.py`` on them, and reads the
checkpoint that it leaves. Nothing of metamon's is imported here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import warnings
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pokespiel.gen1ou.meta_game import Gen1OU
from pokespiel.metamon.assets import VOCABULARY_SIZE, checkpoint_path
from pokespiel.metamon.checkpoint import load_checkpoint, save_checkpoint
from pokespiel.metamon.finetune import TrainedPolicy
from pokespiel.metamon.network import MetamonConfig, MetamonNetwork
from pokespiel.metamon.policy import MetamonPolicy
from pokespiel.metamon.trajectories import TrajectoryRecorder, write_trajectories
from pokespiel.protocols import JointMixture, MetaGame, Mixture, Opponents, Response

TRAINER = Path(__file__).parent / "trainer.py"
FILTERS = ("exp", "binary")
SHAPED = "DefaultShapedReward"
REWARDS = (SHAPED, "AggressiveShapedReward", "BinaryReward")
RESULT = "policy.pt"
_TOLD_OF_A_FAILURE = 15
"""Last lines of the trainer's output in an error."""

BINARY_REWARD_WARNING = (
    "BinaryReward with a pretrained agent: it was trained on DefaultShapedReward, and hears that "
    "as part of its input. The experiment published as 'binary reward stalls' is weaker evidence "
    "than it looks: metamon's option did not reach the data set, so that run never received the "
    "binary reward. Here the reward does reach it, and the agent goes on hearing the shaped one; "
    "whether it learns from it is not known. Judge the response by games"
)
HUMAN_REPLAYS_WARNING = (
    "human replays for a pretrained agent: the fine-tuning on them that was published made the "
    "agent weaker while its losses fell: it won 38 % of 50 battles against the agent it came from "
    "(19 of 50 is p = 0.12 two-sided, so even that is only a hint), and heuristics, of which it "
    "beat 90 to 100 %, did not show it. Judge the response against the agent that it came from"
)


class TrainerError(RuntimeError):
    """Metamon's trainer could not be run, or did not end well."""


@dataclass(frozen=True)
class OfflineOracle:
    """Train an agent of metamon's family by metamon's own offline RL.

    In each round the agent plays the mixture, sampling, and metamon's trainer learns from the
    battles of all rounds so far. Its objective only weighs the actions that were played, so that
    several rounds find more than one long one.

    Attributes
    ----------
    start : MetamonPolicy
        Whose checkpoint the first round goes on from; with metamon's vocabulary.
    python : str or path
        Interpreter of an environment with metamon 1.4 and AMAGO 3.1 (see ``docs/metamon_psro.md``).
    directory : path
        Where trajectories, checkpoints and the trainer's output are kept; the next response of the
        same player replaces them.
    rounds, episodes : int
        Rounds, and battles in each.
    steps, batch : int
        Gradient steps in each round, and trajectories in each step.
    learning_rate : float
    advantage_filter : {"exp", "binary"}
        How actions are weighed: by the exponential of their advantage, or only good ones.
    reward : str
        One of `REWARDS`. Whichever it is, the agent goes on hearing DefaultShapedReward.
    replays : path, optional
        A data set of metamon's to mix in (a folder that holds ``gen1ou/``): human battles.
    replay_weight : float
        Their share of each batch.
    device : str
        "auto" is the GPU where that environment sees one.
    trainer : path
        The script that is run.

    Raises
    ------
    ValueError
        For settings that make no sense.

    Warns
    -----
    UserWarning
        For a binary reward and for human replays, with what is known of them.
    """

    start: MetamonPolicy
    python: str | Path
    directory: str | Path
    rounds: int = 2
    episodes: int = 1000
    steps: int = 2000
    batch: int = 16
    learning_rate: float = 1.5e-4
    advantage_filter: str = "exp"
    reward: str = SHAPED
    replays: str | Path | None = None
    replay_weight: float = 0.25
    device: str = "auto"
    trainer: str | Path = TRAINER

    def __post_init__(self) -> None:
        for name in ("rounds", "episodes", "steps", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.learning_rate <= 0.0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        for name, accepted in (("advantage_filter", FILTERS), ("reward", REWARDS)):
            if getattr(self, name) not in accepted:
                raise ValueError(
                    f"{name} must be one of {', '.join(accepted)}, got {getattr(self, name)!r}"
                )
        if not 0.0 < self.replay_weight < 1.0:
            raise ValueError(f"replay_weight must be between 0 and 1, got {self.replay_weight}")
        if self.replays is not None and not (Path(self.replays) / "gen1ou").is_dir():
            raise ValueError(f"{self.replays} is no data set of metamon's: it holds no gen1ou/")
        if isinstance(self.start, TrainedPolicy):
            raise ValueError(
                "metamon's trainer knows no adapters: start from the agent itself, not from "
                f"trainable({self.start.name})"
            )
        if len(self.start.vocabulary) != VOCABULARY_SIZE:
            raise ValueError(
                f"metamon's trainer reads metamon's own vocabulary of {VOCABULARY_SIZE} words; "
                f"{self.start.name} has {len(self.start.vocabulary)}"
            )
        if self.reward == "BinaryReward":
            warnings.warn(BINARY_REWARD_WARNING, stacklevel=3)
        if self.replays is not None:
            warnings.warn(HUMAN_REPLAYS_WARNING, stacklevel=3)

    @property
    def name(self) -> str:
        """Identifies the oracle and everything that changes what it finds."""
        replays = "" if self.replays is None else f", replays={self.replay_weight}"
        return (
            f"metamon-offline(start={self.start.name}, rounds={self.rounds}, "
            f"episodes={self.episodes}, steps={self.steps}, batch={self.batch}, "
            f"lr={self.learning_rate}, filter={self.advantage_filter}, reward={self.reward}"
            f"{replays})"
        )

    def best_response(
        self, game: MetaGame, player: int, opponents: Opponents, *, rng: np.random.Generator
    ) -> Response:
        """Train; see `pokespiel.protocols.BestResponseOracle.best_response`.

        Raises
        ------
        ValueError
            If the game is not Gen 1 OU on the engine, or the result is no agent of this family.
        TrainerError
            If the trainer cannot be run or fails; says why and where its output is.
        """
        if not isinstance(game, Gen1OU) or game.backend != "engine":
            raise ValueError(
                f"metamon's offline trainer learns Gen 1 OU on the engine, not {game.name}"
            )
        started = time.perf_counter()
        folder = Path(self.directory) / f"player{player}"
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        against = _met(opponents, 1 - player)
        # Not the agent itself, which may sit on the other side with a memory of its own.
        policy, checkpoint = self._playing(self.start.agent), self._first_checkpoint(folder)
        outcomes, decisions = [], 0
        for number in range(self.rounds):
            recorder = TrajectoryRecorder(policy)
            returns = game.play([(recorder, against)], self.episodes, rng=rng)
            outcomes.append(float(returns[0, :, 0].mean()))
            decisions += sum(len(one.actions) for one in recorder.trajectories)
            write_trajectories(
                folder / "battles",
                recorder.trajectories,
                player="learner",
                opponent="mixture",
                label=f"round{number}",
            )
            checkpoint = self._train(folder / f"round{number}", folder / "battles", checkpoint)
            policy = self._read(checkpoint)
        cost = {
            "episodes": self.rounds * self.episodes,
            "decisions": decisions,
            "seconds": time.perf_counter() - started,
            "gradient_steps": self.rounds * self.steps,
            "outcome_per_batch": outcomes,
            "device": self.device,
        }
        return Response(policy, cost=cost)

    def training_gin(self) -> str:
        """How to train, as a configuration of metamon's: its own for these agents."""
        agent = "MultiTaskAgent" if self.start.agent.config.critic_bins else "Agent"
        drawn = 3 if agent == "MultiTaskAgent" else 1
        experiment = "MetamonAMAGOExperiment"
        return _gin(
            {
                f"agent.{agent}.reward_multiplier": 10.0,
                f"agent.{agent}.tau": 0.004,
                f"agent.{agent}.num_actions_for_value_in_critic_loss": drawn,
                f"agent.{agent}.num_actions_for_value_in_actor_loss": drawn,
                f"agent.{agent}.online_coeff": 0.0,
                f"agent.{agent}.offline_coeff": 1.0,
                f"agent.{agent}.fbc_filter_func": f"@agent.{self.advantage_filter}_filter",
                "agent.exp_filter.beta": 1.0,
                "agent.exp_filter.clip_weights_high": 100.0,
                f"{experiment}.l2_coeff": 1e-4,
                f"{experiment}.learning_rate": self.learning_rate,
                f"{experiment}.grad_clip": 1.5,
                f"{experiment}.critic_loss_weight": 10.0,
                f"{experiment}.lr_warmup_steps": min(1000, self.steps // 10),
            },
            "agent",
        )

    def _first_checkpoint(self, folder: Path) -> Path:
        if self.start.source is not None:
            name, epoch = self.start.source
            return checkpoint_path(name, epoch)
        path = folder / "start.pt"
        save_checkpoint(path, self.start.agent)
        return path

    def _train(self, folder: Path, battles: Path, checkpoint: Path) -> Path:
        """Run the trainer, and return the checkpoint that it leaves."""
        config = self.start.agent.config
        folder.mkdir(parents=True)
        model, training = folder / "model.gin", folder / "training.gin"
        model.write_text(model_gin(config))
        training.write_text(self.training_gin())
        settings = {
            "battles": str(battles.resolve()),
            "replays": None if self.replays is None else str(Path(self.replays).resolve()),
            "replay_weight": self.replay_weight,
            "start": str(checkpoint.resolve()),
            "model": str(model.resolve()),
            "training": str(training.resolve()),
            "folder": str(folder.resolve()),
            "result": str((folder / RESULT).resolve()),
            "steps": self.steps,
            "batch": self.batch,
            "reward": self.reward,
            "device": self.device,
        }
        (folder / "settings.json").write_text(json.dumps(settings, indent=2))
        command = [str(self.python), str(self.trainer), str(folder / "settings.json")]
        log = folder / "trainer.log"
        try:
            with log.open("wb") as output:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
                )
        except OSError as error:
            raise TrainerError(
                f"cannot run metamon's trainer with {self.python}: {error.strerror}; `python` is "
                "the interpreter of an environment with metamon and amago"
            ) from None
        result = folder / RESULT
        if done.returncode or not result.is_file():
            with log.open(errors="replace") as lines:
                last = "".join(deque(lines, _TOLD_OF_A_FAILURE)).strip()
            how = f"failed with status {done.returncode}" if done.returncode else "left no result"
            raise TrainerError(f"metamon's trainer {how}; the end of {log}:\n{last}")
        return result

    def _read(self, checkpoint: Path) -> MetamonPolicy:
        config = self.start.agent.config
        network = load_checkpoint(checkpoint, context=config.context, turn_heads=config.turn_heads)
        if network.config != config:
            raise ValueError(f"{checkpoint} has other sizes than {self.start.name}")
        return self._playing(network.to(self.start.agent.device, self.start.agent.dtype))

    def _playing(self, network: MetamonNetwork) -> MetamonPolicy:
        return MetamonPolicy(
            network,
            self.start.vocabulary,
            distribution=self.start.distribution,
            name=f"{self.start.name.removesuffix('+offline')}+offline",
            max_batch=self.start.max_batch,
        )


def model_gin(config: MetamonConfig) -> str:
    """The architecture as a configuration of metamon's, with upstream's agent.

    Not with the agent of metamon's fork: that one runs both encoders twice in training and masks
    tokens twice.
    """
    agent = "MultiTaskAgent" if config.critic_bins else "Agent"
    critic = "NCriticsTwoHot" if config.critic_bins else "NCritics"
    experiment, turn = "MetamonAMAGOExperiment", "MetamonTstepEncoder"
    trajectory = "traj_encoders.TformerTrajEncoder"
    settings: dict[str, Any] = {
        f"{experiment}.agent_type": f"@agent.{agent}",
        f"{experiment}.tstep_encoder_type": f"@{turn}",
        f"{experiment}.traj_encoder_type": f"@{trajectory}",
        f"{experiment}.max_seq_len": config.context,
        f"agent.{agent}.actor_type": "@MetamonMaskedActor",
        f"agent.{agent}.pass_obs_keys_to_actor": ["illegal_actions"],
        f"agent.{agent}.critic_type": f"@actor_critic.{critic}",
        f"agent.{agent}.popart": True,
        f"agent.{agent}.num_critics": config.critics,
        f"agent.{agent}.use_multigamma": config.gammas > 1,
        "MetamonMaskedActor.activation": "leaky_relu",
        "MetamonMaskedActor.n_layers": config.actor_layers,
        "MetamonMaskedActor.d_hidden": config.actor_width,
        f"actor_critic.{critic}.activation": "leaky_relu",
        f"actor_critic.{critic}.n_layers": config.critic_layers,
        f"actor_critic.{critic}.d_hidden": config.critic_width,
    }
    if config.critic_bins:
        settings |= {
            f"actor_critic.{critic}.output_bins": config.critic_bins,
            f"actor_critic.{critic}.min_return": config.value_range[0],
            f"actor_critic.{critic}.max_return": config.value_range[1],
            f"actor_critic.{critic}.use_symlog": False,
        }
    settings |= {
        f"{turn}.extra_emb_dim": config.feedback_width,
        f"{turn}.d_model": config.turn_width,
        f"{turn}.n_layers": config.turn_layers,
        f"{turn}.n_heads": config.turn_heads,
        f"{turn}.scratch_tokens": config.scratch_tokens,
        f"{turn}.numerical_tokens": config.number_tokens,
        f"{turn}.token_mask_aug": False,
        f"{turn}.dropout": 0.05,
        f"{trajectory}.n_layers": config.layers,
        f"{trajectory}.n_heads": config.heads,
        f"{trajectory}.d_ff": config.feed_forward,
        f"{trajectory}.d_model": config.width,
        f"{trajectory}.normformer_norms": True,
        f"{trajectory}.sigma_reparam": True,
        f"{trajectory}.norm": "layer",
        f"{trajectory}.head_scaling": True,
        f"{trajectory}.activation": "leaky_relu",
    }
    return _gin(settings, "nets.actor_critic", "nets.traj_encoders", "agent", "experiment")


def _gin(settings: dict[str, Any], *modules: str) -> str:
    lines = [f"import amago.{module}" for module in modules]
    for key, value in settings.items():
        reference = isinstance(value, str) and value.startswith("@")
        lines.append(f"{key} = {value if reference else repr(value)}")
    return "\n".join(lines) + "\n"


def _met(opponents: Opponents, seat: int) -> Mixture:
    """Who sits in a seat."""
    if isinstance(opponents, JointMixture):
        return Mixture(tuple(profile[seat] for profile in opponents.profiles), opponents.weights)
    return opponents[seat]
