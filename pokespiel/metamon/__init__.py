"""SyntheticRLV2 and its kin: metamon's pretrained agents as Gen 1 OU policies.

>>> from pokespiel import metamon
>>> policy = metamon.load("SyntheticRLV2")  # doctest: +SKIP

The agents are metamon's (Grigsby et al. 2025, arXiv:2504.04395) and are fetched on request by
``pokespiel metamon download NAME``.
"""

from pokespiel.gen1ou.meta_game import register_policy_kind
from pokespiel.metamon.assets import AGENTS, AssetError
from pokespiel.metamon.checkpoint import load_checkpoint, save_checkpoint
from pokespiel.metamon.finetune import TrainedPolicy, trainable
from pokespiel.metamon.network import MetamonConfig, MetamonNetwork
from pokespiel.metamon.policy import KIND, MetamonPolicy, load

__all__ = [
    "AGENTS",
    "AssetError",
    "MetamonConfig",
    "MetamonNetwork",
    "MetamonPolicy",
    "TrainedPolicy",
    "load",
    "load_checkpoint",
    "save_checkpoint",
    "trainable",
]

register_policy_kind(KIND, MetamonPolicy.load)
