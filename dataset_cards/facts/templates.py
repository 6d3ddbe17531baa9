"""Traces of chat templates in texts: marks that belong between messages, and stand inside where rows were cut badly.

A model that is trained on them learns to write them, or takes a turn that is not its own.
"""

from typing import Any

import numpy as np
import polars as pl

from .batch import Ints

# fmt: off
TOKENS = (
    "<|im_start|>", "<|im_end|>", "<|im_sep|>", "<|endoftext|>",  # ChatML, GPT
    "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",  # Llama 3
    "[INST]", "[/INST]", "<<SYS>>", "<s>", "</s>",  # Llama 2, Mistral
    "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>",  # Gemma
    "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|end_of_turn|>",  # Phi, Zephyr, OpenChat
    "<|start|>", "<|channel|>", "<|message|>",  # Harmony
    "<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>",  # DeepSeek
)
# fmt: on
HEADS = ("### Instruction", "### Response", "### Human", "### Assistant")  # Alpaca, Vicuna
SPEAKERS = ("Human:", "Assistant:", "USER:", "ASSISTANT:")  # only at the beginning of a line


class Traces:
    """Rows with each trace; `rows` is how many have any.

    Args:
        heads: whether words count too that people write themselves, as `Human:` at the beginning of a line.
    """

    def __init__(self, heads: bool = True) -> None:
        self.marks = {mark: (mark, True) for mark in TOKENS}
        if heads:
            self.marks |= {mark: (mark, True) for mark in HEADS}
            self.marks |= {mark: (rf"(?m)^[ \t]*{mark}", False) for mark in SPEAKERS}
        self.rows = 0
        self.found = dict.fromkeys(self.marks, 0)

    def add(self, texts: pl.Series, row: Ints) -> None:
        hit = texts.str.contains_any(list(self.marks))
        if not hit.any():
            return
        texts, row = texts.filter(hit), row[hit.to_numpy()]
        having = []
        for mark, (pattern, literal) in self.marks.items():
            where = row[texts.str.contains(pattern, literal=literal).to_numpy()]
            if where.size:
                having.append(np.unique(where))
                self.found[mark] += len(having[-1])
        if having:
            self.rows += len(np.unique(np.concatenate(having)))

    def told(self) -> dict[str, Any]:
        return {"rows": self.rows, "traces": {mark: n for mark, n in self.found.items() if n}}
