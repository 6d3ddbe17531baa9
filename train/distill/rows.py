"""What a student reads of a teacher's rows: its answer, and the stored distributions put to the tokens they are of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.tokenizer import tokenizer_digest
from train.chat import BadTemplate, answer_ids, prompt_ids, special_in_text, with_template
from train.encode import Encoded, Fault, Row

IGNORED = -100  # as a label: nothing is learned here
_IDS = pa.list_(pa.int32())
COLUMNS: Mapping[str, pa.Schema] = {
    "text": pa.schema([("input_ids", _IDS), ("labels", _IDS)]),
    "topk": pa.schema(
        [
            ("input_ids", _IDS),
            ("labels", _IDS),
            ("topk_ids", pa.list_(_IDS)),  # one list for each label
            ("topk_logprobs", pa.list_(pa.list_(pa.float32()))),
        ]
    ),
    "on-policy": pa.schema([("input_ids", _IDS)]),
}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads rows as a student does.

    Attributes:
        tokenizer: the student's, with its template.
        known_as: the fingerprints under which a teacher may know the same tokens.
        outputs: ids that the student can say, below this number.
        answer_tokens: room that a prompt alone has to leave below `max_length`.
    """

    tokenizer: Any
    known_as: frozenset[str]
    outputs: int
    max_length: int
    answer_tokens: int

    def text(self, row: Row) -> Encoded | Fault:
        """The last answer of a conversation, or the completion, with the token that ends it."""
        asked, answer = _parts(row)
        if found := special_in_text(self.tokenizer, [*asked, *answer]):
            return Fault("special-tokens-in-text", found)
        try:
            prompt, tokens = answer_ids(self.tokenizer, asked, answer)
        except BadTemplate as error:
            return Fault("template-error", str(error))
        if tokens[-1] != self.tokenizer.eos_token_id:
            return Fault("end-not-learned", f"it ends with {self.tokenizer.decode(tokens[-1:])!r}")
        return self._cut(prompt, tokens)

    def topk(self, row: Row) -> Encoded | Fault:
        """The completion's tokens, each with its distribution, and the one that ends the turn.

        Where a row does not say how the answer ended, or ended with another token than the student's template does,
        the end is learned as text: one token of log-probability 0. So is a token without any distribution.
        """
        if row["tokenizer"] not in self.known_as:
            return Fault("other-tokenizer", f"{row['tokenizer']}, and the student's is {min(self.known_as)}")
        asked, answer = _parts(row)
        if found := special_in_text(self.tokenizer, [*asked, *answer]):
            return Fault("special-tokens-in-text", found)
        try:
            prompt, written = answer_ids(self.tokenizer, asked, answer)
        except BadTemplate as error:
            return Fault("template-error", str(error))
        aligned = self._aligned(row, answer, written)
        if aligned is None:
            return Fault(
                "tokens-misaligned", f"{len(row['topk_ids']):,} distributions, {len(written):,} tokens of text"
            )
        tokens, told = aligned
        tokens = [*tokens, self.tokenizer.eos_token_id]
        places = list(zip(row["topk_ids"], row["topk_logprobs"], strict=True))[:told]
        kept = [self._sayable(*place) for place in places] + [([], [])] * (len(tokens) - told)
        kept = [place if place[0] else ([token], [0.0]) for token, place in zip(tokens, kept, strict=True)]
        return self._cut(prompt, tokens, kept)

    def prompt(self, row: Row) -> Encoded | Fault:
        """The prompt, to be answered by the student itself."""
        asked, _ = _parts(row)
        if found := special_in_text(self.tokenizer, asked):
            return Fault("special-tokens-in-text", found)
        try:
            ids = prompt_ids(self.tokenizer, asked)
        except BadTemplate as error:
            return Fault("template-error", str(error))
        if len(ids) + self.answer_tokens > self.max_length:
            return Fault("prompt-too-long", f"{len(ids):,} tokens and {self.answer_tokens:,} for the answer")
        return Encoded({"input_ids": ids}, tokens=len(ids), learned=0)

    def _aligned(self, row: Row, answer: list[dict[str, str]], written: list[int]) -> tuple[list[int], int] | None:
        """The tokens of an answer without its end, and how many of the places are told; None if they do not fit.

        The tokens are those that were drawn, where the row tells them: a text can often be written in others too.
        """
        end, places, text = self.tokenizer.eos_token_id, len(row["topk_ids"]), answer[0]["content"]
        drawn = json.loads(row.get("metadata") or "{}").get("tokens")
        if len(answer) > 1:
            return None
        if drawn is None:
            tokens = written[:-1] if written[-1] == end else written
            return (tokens, places) if places in (len(tokens), len(tokens) + 1) else None
        if len(drawn) != places or any(not 0 <= token < self.outputs for token in drawn):
            return None
        for tokens in (drawn[:-1], drawn):
            if self.tokenizer.decode(tokens, skip_special_tokens=True) == text:
                return tokens, places if tokens is drawn or drawn[-1] == end else len(tokens)
        return None

    def _sayable(self, ids: list[int], logprobs: list[float]) -> tuple[list[int], list[float]]:
        """Without ids that the student has no output for: padding of a teacher's vocabulary, a part of its rest."""
        kept = [pair for pair in zip(ids, logprobs, strict=True) if pair[0] < self.outputs]
        return [one for one, _ in kept], [value for _, value in kept]

    def _cut(
        self, prompt: list[int], tokens: list[int], places: list[tuple[list[int], list[float]]] | None = None
    ) -> Encoded | Fault:
        room = self.max_length - len(prompt)
        if room < 1:
            return Fault("prompt-too-long", f"{len(prompt):,} tokens")
        kept = tokens[:room]
        columns: dict[str, Any] = {"input_ids": [*prompt, *kept], "labels": [IGNORED] * len(prompt) + kept}
        if places is not None:
            columns["topk_ids"] = [ids for ids, _ in places[:room]]
            columns["topk_logprobs"] = [logprobs for _, logprobs in places[:room]]
        return Encoded(columns, tokens=len(prompt) + len(kept), learned=len(kept), lost=len(tokens) - len(kept))


def fingerprints(tokenizer: Any) -> frozenset[str]:
    """How teachers may know a student's tokens: as they are, and with the template and padding that training adds.

    Gives `tokenizer` that template and padding.

    Raises:
        Damaged: it is none of the fast tokenizers, whose rules can be told.
    """
    try:
        before = tokenizer_digest(tokenizer.backend_tokenizer.to_str())
    except AttributeError as error:
        raise Damaged("distillation needs a fast tokenizer (tokenizer.json), whose rules can be compared") from error
    with_template(tokenizer)
    return frozenset({before, tokenizer_digest(tokenizer.backend_tokenizer.to_str())})


def _parts(row: Row) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """What is asked, and the last answer if there is one."""
    if "messages" not in row:
        return row["prompt"], list(row.get("completion") or ())
    messages = row["messages"]
    last = max(n for n, one in enumerate(messages) if one["role"] == "assistant")
    return messages[:last], messages[last : last + 1]
