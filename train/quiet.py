"""Libraries kept from talking while they work: no progress bars, no tables about loaded weights, no printed losses."""

import importlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TALKERS = ("transformers", "trl", "accelerate", "peft", "datasets")  # names of loggers
OLD_NAMES = ("`is_gradient_checkpointing` is deprecated",)  # what one library warns of in another's code


@contextmanager
def quiet() -> Iterator[None]:
    """Show no progress bars of transformers, datasets and the Hub, and only errors of their logs, for this block.

    What was set before is set again after it, also when the block raises. Of Python's warnings only those are silenced
    that are no business of whoever runs this, because one library calls another by an old name.
    """
    import datasets
    from transformers.utils import logging as transformers

    hub: Any = importlib.import_module("huggingface_hub.utils")  # its re-exports are unknown to mypy

    bars = (
        (transformers.is_progress_bar_enabled(), transformers.disable_progress_bar, transformers.enable_progress_bar),
        (datasets.is_progress_bar_enabled(), datasets.disable_progress_bars, datasets.enable_progress_bars),
        (not hub.are_progress_bars_disabled(), hub.disable_progress_bars, hub.enable_progress_bars),
    )
    loggers = [logging.getLogger(name) for name in TALKERS]
    levels = [logger.level for logger in loggers]
    try:
        for shown, disable, _ in bars:
            if shown:
                disable()
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            for message in OLD_NAMES:
                warnings.filterwarnings("ignore", message, FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for shown, _, enable in bars:
            if shown:
                enable()


def unprinted(trainer: Any) -> Any:
    """The same transformers trainer without the callback that prints every logged loss, which `disable_tqdm` adds."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    return trainer
