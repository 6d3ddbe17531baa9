"""A tokenizer file: known by its content, loaded where it is needed, counting and encoding whole columns."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from dataset_cards.versions.errors import Damaged, Misuse

FILE = "tokenizer.json"
BATCH = 1024  # texts that are encoded at once: bounds what the tokenizer holds
# What open models write after each document, the usual ones first.
ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>", "[SEP]")


@dataclass(frozen=True)
class Tokenizer:
    """A `tokenizer.json` in the form of the tokenizers library, as every model on the Hugging Face Hub has one."""

    path: str = field(compare=False)
    sha256: str

    @classmethod
    def find(cls, path: str) -> "Tokenizer":
        """The file at `path`, or `tokenizer.json` in that folder.

        Raises:
            Misuse: the file or the library is missing, or it is no tokenizer.
        """
        file = Path(path) / FILE if Path(path).is_dir() else Path(path)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise Misuse(
                f"the tokenizer {file} cannot be read: {error.strerror}; give a {FILE} or its folder"
            ) from error
        found = cls(str(file), hashlib.sha256(data).hexdigest())
        found.load()
        return found

    @property
    def fingerprint(self) -> str:
        return self.sha256[:16]

    def json_field(self) -> dict[str, str]:
        return {"file": Path(self.path).name, "sha256": self.sha256}

    def load(self) -> Any:
        """The `tokenizers.Tokenizer`, with truncation and padding off.

        Raises:
            Misuse: the library is missing, or the file is no tokenizer.
            Damaged: the file is no longer what it was when the recipe was called.
        """
        try:
            import tokenizers
        except ImportError as error:
            raise Misuse("counting tokens needs the library tokenizers: pip install 'gristmill[tokens]'") from error
        data = Path(self.path).read_bytes()
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise Damaged(f"the tokenizer {self.path} was changed since the run began; start it again")
        try:
            loaded = tokenizers.Tokenizer.from_str(data.decode())
        except Exception as error:  # the library raises bare Exception
            raise Misuse(f"{self.path} is no {FILE} that the tokenizers library can read: {error}") from error
        loaded.no_truncation()
        loaded.no_padding()
        return loaded

    def end_of_text(self, token: str | None) -> tuple[str, int]:
        """The token that ends a document, and its id; `token`, or the first usual one that there is.

        Raises:
            Misuse: there is none.
        """
        loaded = self.load()
        for name in (token,) if token is not None else ENDS:
            if (number := loaded.token_to_id(name)) is not None:
                return name, int(number)
        wanted = f"no token {token!r}" if token is not None else f"none of {', '.join(ENDS)}"
        raise Misuse(f"{self.path} has {wanted}; name the token that ends a document with -p end_of_text=TOKEN")


def encoded(loaded: Any, texts: pl.Series) -> Iterator[npt.NDArray[np.int32]]:
    """The token ids of each text, without special tokens; a null text has none."""
    for first in range(0, texts.len(), BATCH):
        batch = texts.slice(first, BATCH).fill_null("").to_list()
        for one in loaded.encode_batch_fast(batch, add_special_tokens=False):
            yield np.asarray(one.ids, dtype=np.int32)


def counts(loaded: Any, texts: pl.Series) -> pl.Series:
    """How many tokens each text has; Int64, shape (rows,)."""
    return pl.Series([len(ids) for ids in encoded(loaded, texts)], dtype=pl.Int64)
