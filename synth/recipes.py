"""The built-in recipes that ask a model, and those that look at what it is asked and what came of it."""

from .recipes_checks import audit
from .recipes_conversations import evolve, reason, rephrase, safety, simulate
from .recipes_preferences import best_of_n, constitutional, judge, teach
from .recipes_prompts import ground, self_instruct, variety

__all__ = [
    "audit",
    "best_of_n",
    "constitutional",
    "evolve",
    "ground",
    "judge",
    "reason",
    "rephrase",
    "safety",
    "self_instruct",
    "simulate",
    "teach",
    "variety",
]
