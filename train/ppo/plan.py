"""Which prompts a step of PPO takes, at which learning rate, and how many answers are held at once.

All are functions of the step's number, so a run that was killed goes on as if it had not been.
"""

import math
from collections.abc import Iterator
from itertools import count, islice

import numpy as np

from dataset_cards.versions.errors import Misuse
from train.machine import Machine, processes
from train.schedule import Schedule

ORDER = 3  # what these random numbers are for; ppo_step and ppo_judge have the others


def share_of_rate(schedule: Schedule, number: int, steps: int) -> float:
    """The learning rate of step `number` of `steps`, from 0, as a share of the highest; never 0."""
    warm = math.ceil(schedule.warmup * steps)
    if number < warm:
        return (number + 1) / warm
    left = (steps - number) / (steps - warm)
    if schedule.decay == "linear":
        return left
    return 0.5 - 0.5 * math.cos(math.pi * left) if schedule.decay == "cosine" else 1.0


def places(seed: int, number: int, size: int, rows: int) -> list[int]:
    """The rows of step `number`: of all epochs after each other, each in an order of its own, the next `size`."""

    def endless() -> Iterator[int]:
        for epoch in count(number * size // rows):
            yield from np.random.default_rng([seed, ORDER, epoch]).permutation(rows).tolist()

    begin = number * size % rows
    return list(islice(endless(), begin, begin + size))


def rows_at_once(schedule: Schedule, minibatches: int, machine: Machine) -> int:
    """How many answers one device holds: as many as the machine says, and never more than its part of a minibatch.

    Raises:
        Misuse: the processes cannot share a minibatch.
    """
    share, over = divmod(schedule.batch_size, processes() * minibatches)
    if over:
        raise Misuse(
            f"batch_size={schedule.batch_size} in {minibatches} minibatches cannot be shared by {processes()} processes"
        )
    return min(machine.micro_batch or share, share)
