"""The recipes of training, by the names that `gristmill run` knows."""

from .recipes_compare import compare
from .recipes_distill import distill
from .recipes_dpo import dpo, kto
from .recipes_grpo import grpo
from .recipes_ppo import ppo
from .recipes_pretrain import pretrain
from .recipes_reward import reward
from .recipes_sft import sft
from .study.canaries import canaries

__all__ = ["canaries", "compare", "distill", "dpo", "grpo", "kto", "ppo", "pretrain", "reward", "sft"]
