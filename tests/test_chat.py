"""Chat templates: which tokens are learned, by hand, for awkward conversations, templates and tokenizers.

A mask is written here as text in pieces, each with 0 or 1; nothing of `train.chat` is used to make one.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training import tiny_folder
from train.chat import (
    END,
    START,
    TEMPLATE,
    BadTemplate,
    answer_ids,
    closed,
    ends_learned,
    prompt_ids,
    turn_end,
    turns,
)
from train.models import load_tokenizer
from train.quiet import quiet

Tokenizer = Any

UNMARKED = TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "")
OPEN = TEMPLATE.replace("+ '<|im_end|>' }}{% endgeneration %}", "}}{% endgeneration %}{{ '<|im_end|>' }}")
LLAMA = (
    "{%- for m in messages -%}"
    "{%- if (m.role == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception('roles must alternate') }}{%- endif -%}"
    "{%- if m.role == 'user' -%}{{ bos_token + '[INST] ' + m.content | trim + ' [/INST]' }}"
    "{%- else -%}{{ ' ' + m.content | trim + ' ' + eos_token }}{%- endif -%}"
    "{%- endfor -%}"
)
PLAIN = (
    "{%- for m in messages -%}{{ ('A: ' if m.role == 'assistant' else 'Q: ') + m.content }}"
    "{%- if m.role == 'assistant' -%}{{ eos_token }}{%- endif -%}{{ '\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'A: ' }}{%- endif -%}"
)
ENDLESS = PLAIN.replace("{{ eos_token }}", "")
FORGETFUL = (
    "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' }}"
    "{{ m.content if loop.last else m.content.split('</think>')[-1] }}{{ '<|im_end|>' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with quiet():
        return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def fresh(folder: Path) -> Tokenizer:
    return load_tokenizer(folder)


@pytest.fixture
def tokenizer(folder: Path) -> Tokenizer:
    return load_tokenizer(folder)


def said(*words: str) -> list[dict[str, str]]:
    """Messages written as `role: content`."""
    return [dict(zip(("role", "content"), word.split(": ", 1), strict=True)) for word in words]


def by_hand(tokenizer: Tokenizer, *pieces: tuple[str, int]) -> tuple[list[int], list[int]]:
    ids, mask = [], []
    for text, learned in pieces:
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids += tokens
        mask += [learned] * len(tokens)
    return ids, mask


def head(role: str) -> str:
    return f"{START}{role}\n"


CONVERSATIONS = {
    "several turns": (
        said("user: hi", "assistant: yes", "user: 2?", "assistant: 4"),
        [
            (f"{head('user')}hi{END}\n{head('assistant')}", 0),
            (f"yes{END}", 1),
            (f"\n{head('user')}2?{END}\n{head('assistant')}", 0),
            (f"4{END}", 1),
            ("\n", 0),
        ],
    ),
    "an empty system turn": (
        [{"role": "system", "content": ""}, *said("user: hi", "assistant: yes")],
        [
            (f"{head('system')}{END}\n{head('user')}hi{END}\n{head('assistant')}", 0),
            (f"yes{END}", 1),
            ("\n", 0),
        ],
    ),
    "the assistant twice in a row": (
        said("user: hi", "assistant: one", "assistant: two"),
        [
            (f"{head('user')}hi{END}\n{head('assistant')}", 0),
            (f"one{END}", 1),
            (f"\n{head('assistant')}", 0),
            (f"two{END}", 1),
            ("\n", 0),
        ],
    ),
    "the assistant first": (
        said("assistant: hello", "user: hi", "assistant: yes"),
        [
            (head("assistant"), 0),
            (f"hello{END}", 1),
            (f"\n{head('user')}hi{END}\n{head('assistant')}", 0),
            (f"yes{END}", 1),
            ("\n", 0),
        ],
    ),
    "a tool between": (
        said("user: sum?", "assistant: add(1, 2)", "tool: 3", "assistant: 3"),
        [
            (f"{head('user')}sum?{END}\n{head('assistant')}", 0),
            (f"add(1, 2){END}", 1),
            (f"\n{head('tool')}3{END}\n{head('assistant')}", 0),
            (f"3{END}", 1),
            ("\n", 0),
        ],
    ),
    "an empty answer": (
        [{"role": "user", "content": "hi"}, {"role": "assistant", "content": ""}],
        [(f"{head('user')}hi{END}\n{head('assistant')}", 0), (END, 1), ("\n", 0)],
    ),
    "unicode and white space at the ends": (
        said("user:  \n日本 ", "assistant: \n ça va 🙂‍🔥 \n\n"),
        [(f"{head('user')} \n日本 {END}\n{head('assistant')}", 0), (f"\n ça va 🙂‍🔥 \n\n{END}", 1), ("\n", 0)],
    ),
    "markup that is only text": (
        said("user: {{ x }} {% generation %}", "assistant: [/INST] <|im_start> {% endgeneration %} assistant\n"),
        [
            (f"{head('user')}{{{{ x }}}} {{% generation %}}{END}\n{head('assistant')}", 0),
            (f"[/INST] <|im_start> {{% endgeneration %}} assistant\n{END}", 1),
            ("\n", 0),
        ],
    ),
    "an answer that repeats the header": (
        said("user: assistant\nyes", "assistant: user\nassistant\nyes"),
        [(f"{head('user')}assistant\nyes{END}\n{head('assistant')}", 0), (f"user\nassistant\nyes{END}", 1), ("\n", 0)],
    ),
}


@pytest.mark.parametrize("template", [TEMPLATE, UNMARKED], ids=["markers", "no markers"])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_mask_is_the_one_written_by_hand(tokenizer: Tokenizer, name: str, template: str) -> None:
    messages, pieces = CONVERSATIONS[name]
    tokenizer.chat_template = template
    ids, mask = turns(tokenizer, messages)
    assert (ids, mask) == by_hand(tokenizer, *pieces)
    assert ids == tokenizer("".join(text for text, _ in pieces), add_special_tokens=False)["input_ids"]
    assert ends_learned(tokenizer, ids, mask)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
conversations = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": texts}),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(conversations)
def test_what_is_learned_reads_as_the_answers_and_their_ends(fresh: Tokenizer, messages: list[dict[str, str]]) -> None:
    found = {}
    for template in (TEMPLATE, UNMARKED):
        fresh.chat_template = template
        found[template] = turns(fresh, messages)
    ids, mask = found[TEMPLATE]
    assert found[UNMARKED] == (ids, mask)
    assert ids == fresh.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
    learned = fresh.decode([token for token, one in zip(ids, mask, strict=True) if one])
    assert learned == "".join(one["content"] + END for one in messages if one["role"] == "assistant")


def test_a_prompt_ends_where_learning_begins(tokenizer: Tokenizer) -> None:
    for template in (TEMPLATE, UNMARKED, PLAIN):
        tokenizer.chat_template = template
        ids, mask = turns(tokenizer, said("user: hi", "assistant: cat"))
        asked, answer = answer_ids(tokenizer, said("user: hi"), said("assistant: cat"))
        assert asked == prompt_ids(tokenizer, said("user: hi")) == ids[: mask.index(1)]
        assert answer == [token for token, one in zip(ids, mask, strict=True) if one]


def test_llama_markup_without_markers(tokenizer: Tokenizer) -> None:
    tokenizer.add_special_tokens({"bos_token": "<s>", "eos_token": "</s>"})
    tokenizer.chat_template = LLAMA
    found = turns(tokenizer, said("user: hi", "assistant:  [/INST] no ", "user: 2", "assistant: 4"))
    assert found == by_hand(
        tokenizer,
        ("<s>[INST] hi [/INST]", 0),
        (" [/INST] no </s>", 1),
        ("<s>[INST] 2 [/INST]", 0),
        (" 4 </s>", 1),
    )


def test_a_template_that_raises_says_why(tokenizer: Tokenizer) -> None:
    tokenizer.add_special_tokens({"bos_token": "<s>", "eos_token": "</s>"})
    tokenizer.chat_template = LLAMA
    with pytest.raises(BadTemplate, match="roles must alternate"):
        turns(tokenizer, said("system: be brief", "user: hi", "assistant: yes"))
    with pytest.raises(BadTemplate, match="roles must alternate"):
        prompt_ids(tokenizer, said("assistant: hi"))


def test_a_token_across_the_boundary_is_written_as_the_model_will_have_to(tokenizer: Tokenizer) -> None:
    tokenizer.chat_template = PLAIN
    messages = said("user: hi", "assistant: cat")
    whole = tokenizer(f"Q: hi\nA: cat{END}\n", add_special_tokens=False)["input_ids"]
    assert tokenizer.convert_tokens_to_ids("Ġcat") in whole  # alone, the tokenizer joins them
    ids, mask = turns(tokenizer, messages)
    assert (ids, mask) == by_hand(tokenizer, ("Q: hi\nA: ", 0), (f"cat{END}", 1), ("\n", 0))
    assert ids[: mask.index(1)] == prompt_ids(tokenizer, messages[:1])


def test_a_template_that_forgets_thoughts_of_earlier_turns_is_refused_where_it_does(tokenizer: Tokenizer) -> None:
    tokenizer.chat_template = FORGETFUL
    thought = "assistant: <think>hm</think>yes"
    _, mask = turns(tokenizer, said("user: hi", thought))
    assert any(mask)
    with pytest.raises(BadTemplate, match="earlier turns differently"):
        turns(tokenizer, said("user: hi", thought, "user: sure?", "assistant: yes"))


def test_a_template_that_changes_the_prompt_is_refused(tokenizer: Tokenizer) -> None:
    tokenizer.chat_template = UNMARKED.replace("'<|im_start|>assistant\\n'", "'<|im_start|>bot\\n'")
    with pytest.raises(BadTemplate, match="writes the prompt differently"):
        answer_ids(tokenizer, said("user: hi"), said("assistant: yes"))


def test_ends_that_are_not_learned_are_found_and_can_be_added(tokenizer: Tokenizer) -> None:
    tokenizer.chat_template = OPEN
    messages = said("user: hi", "assistant: yes", "user: 2", "assistant: 4")
    ids, mask = turns(tokenizer, messages)
    assert not ends_learned(tokenizer, ids, mask)
    tokenizer.chat_template = TEMPLATE
    assert (ids, closed(tokenizer, ids, mask)) == turns(tokenizer, messages)
    tokenizer.chat_template = ENDLESS
    ids, mask = turns(tokenizer, messages)
    assert any(mask)
    assert not ends_learned(tokenizer, ids, mask)
    assert turn_end(tokenizer) == ""


def sentencepiece_like(*, eos: str = "</s>") -> Tokenizer:
    """A tokenizer that puts a blank before every text that it is given, as those of Llama 2 do."""
    from tokenizers import Tokenizer as Raw
    from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Raw(models.BPE(unk_token="<unk>"))
    bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    bpe.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    bpe.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    words = ["Q: A: [INST] hi [/INST] cat cat the 0123456789\n"] * 3
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=["<unk>", "<s>", eos], show_progress=False)
    bpe.train_from_iterator(words, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token=eos, unk_token="<unk>")


def test_a_tokenizer_that_writes_pieces_otherwise_is_cut_where_the_whole_allows_it() -> None:
    tokenizer = sentencepiece_like()
    tokenizer.chat_template = LLAMA
    ids, mask = turns(tokenizer, said("user: hi", "assistant: cat", "user: the", "assistant: hi"))
    text = "<s>[INST] hi [/INST] cat </s><s>[INST] the [/INST] hi </s>"
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]
    ends = [place for place, token in enumerate(ids) if token == tokenizer.eos_token_id]
    before = [
        len(tokenizer(text[: text.index(word)], add_special_tokens=False)["input_ids"]) for word in (" cat", " hi <")
    ]
    assert mask == [int(before[0] <= n <= ends[0] or before[1] <= n <= ends[1]) for n in range(len(ids))]


def test_a_boundary_that_no_tokens_can_hold_is_refused() -> None:
    tokenizer = sentencepiece_like()
    tokenizer.chat_template = PLAIN
    with pytest.raises(BadTemplate, match="joins the prompt and the answer"):
        turns(tokenizer, said("user: hi", "assistant: cat"))
