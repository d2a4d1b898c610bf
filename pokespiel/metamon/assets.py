"""Which agents metamon has published, and where their files are on this machine.

The weights are on the Hugging Face hub, the vocabulary in metamon's own repository. Both are
metamon's (MIT licence) and come from there, by ``pokespiel metamon download``.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

HUB_REPOSITORY = "jakegrigsby/metamon"
VOCABULARY = "allreplays-v3.json"
VOCABULARY_URL = (
    "https://raw.githubusercontent.com/UT-Austin-RPL/metamon/"
    "c80f1f15c1aad60ab98cd65bf0fd2c5af3ae7fb1/metamon/tokenizer/allreplaysv3.json"
)
VOCABULARY_SHA256 = "f692c1d5375cd2ba8526547423400e79ee3fc7c429689c8d49c3ab15a9a22ea1"
VOCABULARY_SIZE = 1407
DOWNLOAD_COMMAND = "pokespiel metamon download"


class AssetError(OSError):
    """A file of metamon's is missing or wrong; the message says what to do."""


@dataclass(frozen=True, slots=True)
class PublishedAgent:
    """An agent on the hub.

    Attributes
    ----------
    folder : str
        Its folder in the hub's repository.
    epoch : int
        Of the checkpoint that metamon itself plays by default.
    context : int
        Decisions it remembers.
    """

    folder: str
    epoch: int = 40
    context: int = 128

    def file(self, epoch: int | None = None) -> str:
        """Path of a checkpoint in the repository."""
        number = self.epoch if epoch is None else epoch
        return f"{self.folder}/ckpts/policy_weights/policy_epoch_{number}.pt"


AGENTS: dict[str, PublishedAgent] = {
    "SmallIL": PublishedAgent("small-il", context=200),
    "SmallILFA": PublishedAgent("small-il-filled-actions", context=200),
    "SmallRL": PublishedAgent("small-rl", context=200),
    "SmallRL_ExtremeFilter": PublishedAgent("small-rl-exp-extreme", epoch=38, context=200),
    "SmallRL_BinaryFilter": PublishedAgent("small-rl-binary", context=200),
    "SmallRL_Aug": PublishedAgent("small-rl-aug", context=200),
    "SmallRL_MaxQ": PublishedAgent("small-rl-maxq", context=200),
    "MediumIL": PublishedAgent("medium-il", context=200),
    "MediumRL": PublishedAgent("medium-rl", context=200),
    "MediumRL_Aug": PublishedAgent("medium-rl-aug", context=200),
    "MediumRL_MaxQ": PublishedAgent("medium-rl-maxq", context=200),
    "LargeIL": PublishedAgent("large-il"),
    "LargeRL": PublishedAgent("large-rl"),
    "SyntheticRLV0": PublishedAgent("synthetic-rl-v0"),
    "SyntheticRLV1": PublishedAgent("synthetic-rl-v1"),
    "SyntheticRLV1_SelfPlay": PublishedAgent("synthetic-rl-v1+sp", epoch=48),
    "SyntheticRLV1_PlusPlus": PublishedAgent("synthetic-rl-v1++", epoch=38),
    "SyntheticRLV2": PublishedAgent("synthetic-rl-v2", epoch=48),
}
"""The agents of the paper, by metamon's names for them."""


def agent(name: str) -> PublishedAgent:
    """Look an agent up.

    Raises
    ------
    ValueError
        If metamon has published none of that name for Gen 1's nine actions.
    """
    if name not in AGENTS:
        raise ValueError(f"metamon has no agent {name!r}; available: {', '.join(AGENTS)}")
    return AGENTS[name]


def asset_directory() -> Path:
    """``$POKESPIEL_CACHE/metamon``, or ``~/.cache/pokespiel/metamon``."""
    cache = os.environ.get("POKESPIEL_CACHE")
    root = Path(cache) if cache else Path.home() / ".cache" / "pokespiel"
    return root.expanduser().resolve() / "metamon"


def checkpoint_path(name: str, epoch: int | None = None) -> Path:
    """Where a downloaded checkpoint is.

    Raises
    ------
    ValueError
        If there is no such agent.
    AssetError
        If it has not been downloaded.
    """
    path = asset_directory() / agent(name).file(epoch)
    if not path.is_file():
        option = "" if epoch is None else f" --epoch {epoch}"
        raise AssetError(
            f"{name} is not downloaded (no {path}): run `{DOWNLOAD_COMMAND} {name}{option}`"
        )
    return path


def load_vocabulary(path: Path | None = None) -> dict[str, int]:
    """Read the numbers of metamon's words.

    Parameters
    ----------
    path
        Default: the downloaded vocabulary.

    Raises
    ------
    AssetError
        If it is missing, damaged, or another one than the agents of the paper were trained with.
    """
    path = asset_directory() / VOCABULARY if path is None else path
    try:
        content = path.read_bytes()
    except OSError:
        raise AssetError(
            f"metamon's vocabulary is not downloaded (no {path}): run `{DOWNLOAD_COMMAND} NAME`"
        ) from None
    if hashlib.sha256(content).hexdigest() != VOCABULARY_SHA256:
        raise AssetError(
            f"{path} is not the vocabulary {VOCABULARY} that the agents were trained with: its "
            f"sha256 is {hashlib.sha256(content).hexdigest()}, not {VOCABULARY_SHA256}"
        )
    words: dict[str, int] = json.loads(content)
    return words
