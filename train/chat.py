"""Conversations as tokens: the chat template, and which tokens are the assistant's.

A token is learned from if the model would have to produce it: the assistant's words and the token that ends its turn.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Messages = Sequence[Mapping[str, str]]

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"

# ChatML, with what the assistant has to produce between the generation markers: the end of its turn too, or a model
# never learns to stop while its loss looks fine.
TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{%- if message['role'] == 'assistant' -%}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{%- else -%}{{ message['content'] + '<|im_end|>' }}{%- endif -%}"
    "{{ '\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)

_MARKERS = re.compile(r"\{%-?\s*generation\s*-?%\}")
_PROBE = "3-probe-7"


class BadTemplate(ValueError):
    """The template of a tokenizer cannot write these messages, or not so that the assistant's part can be told."""


def question(row: Mapping[str, Any]) -> str:
    """What a row asks, the same for rows that differ in case and white space only: its prompt; of a conversation,
    everything before the first answer; of a document, its text."""
    if "text" in row:
        said = [str(row["text"])]
    elif "messages" in row:
        turns = [f"{one['role']}\n{one['content']}" for one in row["messages"]]
        first = next((n for n, one in enumerate(row["messages"]) if one["role"] == "assistant"), len(turns))
        said = turns[:first] or turns[:1]
    else:
        said = [f"{one['role']}\n{one['content']}" for one in row["prompt"]]
    return " ".join("\n".join(said).lower().split())


def with_template(tokenizer: Any, model: Any | None = None) -> Any:
    """Make a tokenizer one that can hold conversations, and a `model` of it one that knows when a turn ends.

    One without a chat template gets ours, with the tokens it needs. The token that ends the assistant's turn becomes
    the end-of-sequence token, which generation stops at. A padding token is added where there is none, or where it is
    the one that ends a turn: what takes padding out of the loss would take the end out too. Embeddings of new tokens
    begin as the mean of all others, so that they are as likely as an average token (Hewitt 2021, Initializing New Word
    Embeddings for Pretrained Language Models).
    """
    if not tokenizer.chat_template:
        begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
        tokenizer.chat_template = ("{{ bos_token }}" if begins else "") + TEMPLATE
        tokenizer.add_special_tokens({"extra_special_tokens": [START, END]}, replace_extra_special_tokens=False)
    tokenizer.eos_token = turn_end(tokenizer) or tokenizer.eos_token
    if tokenizer.pad_token is None or tokenizer.pad_token == tokenizer.eos_token:
        tokenizer.add_special_tokens({"pad_token": PAD})
    if model is not None:
        _widened(model, len(tokenizer))
        pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
        model.config.pad_token_id, model.config.eos_token_id = pad, end
        if (generation := getattr(model, "generation_config", None)) is not None:
            known = generation.eos_token_id if isinstance(generation.eos_token_id, list) else [generation.eos_token_id]
            others = [one for one in known if one not in (None, end)]  # a model may know several that end a text
            generation.pad_token_id, generation.eos_token_id = pad, [end, *others] if others else end
    return tokenizer


def turn_end(tokenizer: Any) -> str:
    """The special token that the template writes after an answer; empty if it writes none."""
    try:
        text = _rendered(tokenizer, [{"role": "user", "content": "1"}, {"role": "assistant", "content": _PROBE}])
    except BadTemplate:
        return ""
    after = text[text.rfind(_PROBE) + len(_PROBE) :]
    found = [(after.find(token), -len(token), token) for token in _specials(tokenizer) if token in after]
    return min(found)[2] if found else ""


def prompt_ids(tokenizer: Any, prompt: Messages) -> list[int]:
    """The tokens of a prompt, up to where the assistant begins to speak.

    Raises:
        BadTemplate: the template refuses these messages.
    """
    return _ids(tokenizer, _rendered(tokenizer, prompt, ask=True))


def answer_ids(tokenizer: Any, prompt: Messages, answer: Messages) -> tuple[list[int], list[int]]:
    """The tokens of a prompt and of what answers it, with the end of the assistant's last turn and nothing after it.

    Raises:
        BadTemplate: the template refuses the messages, or writes the prompt in another way where an answer follows.
    """
    asked = _rendered(tokenizer, prompt, ask=True)
    whole = _rendered(tokenizer, [*prompt, *answer])
    if not whole.startswith(asked):
        raise BadTemplate("the template writes the prompt differently when an answer follows it")
    before, after = _cut(tokenizer, whole[: _end(tokenizer, whole, len(asked), len(whole))], [len(asked)])
    return before, after


def turns(tokenizer: Any, messages: Messages) -> tuple[list[int], list[int]]:
    """The tokens of a conversation, and 1 for each that the assistant has to produce, else 0; both (tokens,).

    By the template's own generation markers where it has them, else by writing the conversation turn by turn.

    Raises:
        BadTemplate: the template refuses the messages, or earlier turns change when later ones follow.
    """
    template = tokenizer.chat_template or ""
    text, spans = (_marked if _MARKERS.search(template) else _told_apart)(tokenizer, messages)
    pieces = _cut(tokenizer, text, [place for span in spans for place in span])
    ids = [token for piece in pieces for token in piece]
    mask = [number % 2 for number, piece in enumerate(pieces) for _ in piece]
    return ids, mask


def ends_learned(tokenizer: Any, ids: Sequence[int], mask: Sequence[int]) -> bool:
    """Whether each stretch of tokens that is learned from holds the end of a turn."""
    end, holds = tokenizer.eos_token_id, True
    for number, learned in enumerate(mask):
        if learned:
            holds = ids[number] == end or (holds and number > 0 and mask[number - 1] == 1)
        elif not holds:
            return False
    return holds


def closed(tokenizer: Any, ids: Sequence[int], mask: Sequence[int]) -> list[int]:
    """The mask with the end of a turn learned wherever it follows what is learned, for templates that leave it out."""
    made = list(mask)
    for number in range(1, len(made)):
        if ids[number] == tokenizer.eos_token_id and made[number - 1] and ids[number - 1] != ids[number]:
            made[number] = 1
    return made


def special_in_text(tokenizer: Any, messages: Messages) -> str:
    """The first special token that stands in what somebody wrote; empty if there is none."""
    specials = _specials(tokenizer)
    return next((token for one in messages for token in specials if token in one["content"]), "")


def _specials(tokenizer: Any) -> list[str]:
    """What the tokenizer takes for one special token wherever it stands, also where no role names it."""
    added = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return sorted({*map(str, tokenizer.all_special_tokens), *added})


def _widened(model: Any, size: int) -> None:
    """Give a model embeddings for `size` tokens, new ones as the mean of all others."""
    import torch

    old = model.get_input_embeddings().num_embeddings
    if size <= old:
        return
    model.resize_token_embeddings(size, mean_resizing=False)
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            if layer is not None:
                layer.weight[old:] = layer.weight[:old].mean(dim=0)


def _rendered(tokenizer: Any, messages: Messages, *, ask: bool = False) -> str:
    """What the template makes of messages; `ask` adds what precedes an answer."""
    try:
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=ask))
    except Exception as error:  # templates raise whatever they like, through Jinja
        raise BadTemplate(f"{type(error).__name__}: {error}") from error


def _marked(tokenizer: Any, messages: Messages) -> tuple[str, list[tuple[int, int]]]:
    """A conversation as text, and what stands between its generation markers as (start, end)."""
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        written: Any = render_jinja_template(  # its annotation forgets the spans
            conversations=[[dict(one) for one in messages]],
            chat_template=tokenizer.chat_template,
            return_assistant_tokens_mask=True,
            **tokenizer.special_tokens_map,
        )
    except Exception as error:  # templates raise whatever they like, through Jinja
        raise BadTemplate(f"{type(error).__name__}: {error}") from error
    [text], [spans] = written
    return str(text), [(start, end) for start, end in spans]


def _told_apart(tokenizer: Any, messages: Messages) -> tuple[str, list[tuple[int, int]]]:
    """A conversation as text, and each answer as (start, end): what the template adds to the prompt before it."""
    text = _rendered(tokenizer, messages)
    spans = []
    for place, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = _rendered(tokenizer, messages[:place], ask=True) if place else _opening(tokenizer, text)
        until = _rendered(tokenizer, messages[: place + 1])
        if not text.startswith(until) or not until.startswith(before):
            raise BadTemplate("the template writes earlier turns differently when later ones follow")
        spans.append((len(before), _end(tokenizer, text, len(before), len(until))))
    return text, spans


def _opening(tokenizer: Any, text: str) -> str:
    """What stands before the words of an assistant that speaks first."""
    asked = [{"role": "user", "content": "1"}]
    header = _rendered(tokenizer, asked, ask=True).removeprefix(_rendered(tokenizer, asked))
    if not header or header not in text:
        raise BadTemplate("the template does not say where the assistant begins when it speaks first")
    return text[: text.find(header) + len(header)]


def _end(tokenizer: Any, text: str, start: int, until: int) -> int:
    """Where an answer in `text` ends: after its last end-of-turn token, or at `until` where it has none."""
    end = tokenizer.eos_token
    place = text.rfind(end, start, until) if end else -1
    return place + len(end) if place >= 0 else until


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _cut(tokenizer: Any, text: str, places: Sequence[int]) -> list[list[int]]:
    """The tokens of `text`, apart at `places`.

    They are those of the text as a whole where no token crosses a place; else those of each piece, since that is how
    they come about when a model answers: the prompt is there before the answer is.

    Raises:
        BadTemplate: the tokenizer cannot write a piece alone.
    """
    between = [text[start:end] for start, end in pairwise([0, *places, len(text)])]
    found: list[list[int]] = tokenizer([text, *between], add_special_tokens=False)["input_ids"]
    whole, pieces = found[0], found[1:]
    if [token for piece in pieces for token in piece] == whole:
        return pieces
    counts = [0, *(len(_ids(tokenizer, text[:place])) for place in places), len(whole)]
    if all(_ids(tokenizer, text[:place]) == whole[:count] for place, count in zip(places, counts[1:], strict=False)):
        return [whole[start:end] for start, end in pairwise(counts)]
    said = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
    if tokenizer.decode([token for piece in pieces for token in piece], **said) != tokenizer.decode(whole, **said):
        raise BadTemplate("the tokenizer joins the prompt and the answer into one token and cannot write them apart")
    return pieces
