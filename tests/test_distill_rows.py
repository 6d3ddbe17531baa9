"""What a student reads of a teacher's rows: tokens and distributions in step, ends, other tokenizers, other methods."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="distillation needs the extra train")
pytestmark = pytest.mark.slow

from dataset_cards.versions.tokenizer import tokenizer_digest  # noqa: E402
from tests.distilling import user  # noqa: E402
from tests.training import tiny_folder  # noqa: E402
from train.distill.rows import Reader, fingerprints  # noqa: E402
from train.encode import Encoded, Fault  # noqa: E402
from train.models import load_tokenizer  # noqa: E402

ASKED = user("2 ?")
TEXT = "the cat"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def reader(folder: Path) -> Reader:
    return reading(folder)


def reading(folder: Path, **more: Any) -> Reader:
    tokenizer = load_tokenizer(folder)
    known = fingerprints(tokenizer)
    given = {"outputs": len(tokenizer), "max_length": 64, "answer_tokens": 8, **more}
    return Reader(tokenizer=tokenizer, known_as=known, **given)


def row(reader: Reader, tokens: list[int] | None, places: int, text: str = TEXT) -> dict[str, Any]:
    """A teacher row; the distribution of place n has the ids n and n + 1."""
    return {
        "id": "a",
        "prompt": ASKED,
        "completion": [{"role": "assistant", "content": text}],
        "topk_ids": [[n, n + 1] for n in range(places)],
        "topk_logprobs": [[-0.25, -1.75] for _ in range(places)],
        "tokenizer": min(reader.known_as),
        "metadata": None if tokens is None else json.dumps({"tokens": tokens}),
    }


def learned(found: Encoded | Fault) -> list[tuple[int, list[int], list[float]]]:
    """Token, ids, log-probabilities of every learned place."""
    assert isinstance(found, Encoded), found
    columns = found.columns
    assert len(columns["input_ids"]) == len(columns["labels"]) == found.tokens
    tokens = [label for label in columns["labels"] if label != -100]
    assert columns["input_ids"][-len(tokens) :] == tokens
    assert len(tokens) == found.learned
    return list(zip(tokens, columns["topk_ids"], columns["topk_logprobs"], strict=True))


def encoded(reader: Reader, text: str) -> list[int]:
    ids: list[int] = reader.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def test_the_tokens_that_were_drawn_keep_their_distributions_and_the_end_its_own(reader: Reader) -> None:
    """The text is drawn letter by letter: encoded again it would have fewer tokens than there are distributions."""
    drawn = [token for letter in TEXT for token in encoded(reader, letter)]
    assert len(drawn) > len(encoded(reader, TEXT))
    end = reader.tokenizer.eos_token_id
    found = learned(reader.topk(row(reader, [*drawn, end], len(drawn) + 1)))
    assert [token for token, _, _ in found] == [*drawn, end]
    assert [ids for _, ids, _ in found] == [[n, n + 1] for n in range(len(drawn) + 1)]
    assert all(logprobs == [-0.25, -1.75] for _, _, logprobs in found)


def test_the_prompt_is_read_and_not_learned(reader: Reader) -> None:
    tokens = encoded(reader, TEXT)
    found = reader.topk(row(reader, tokens, len(tokens)))
    assert isinstance(found, Encoded)
    asked = found.columns["input_ids"][: -found.learned]
    assert reader.tokenizer.decode(asked) == "<|im_start|>user\n2 ?<|im_end|>\n<|im_start|>assistant\n"
    assert found.columns["labels"][: len(asked)] == [-100] * len(asked)


@pytest.mark.parametrize("last", [[], ["start"]])
def test_an_end_that_is_not_stored_or_is_another_one_is_learned_as_text(reader: Reader, last: list[str]) -> None:
    """Of rows of an older teach, or of a teacher that ends turns otherwise, a student has to learn to stop too."""
    tokens = encoded(reader, TEXT)
    drawn = tokens + [reader.tokenizer.convert_tokens_to_ids("<|im_start|>") for _ in last]
    found = learned(reader.topk(row(reader, drawn, len(drawn))))
    end = reader.tokenizer.eos_token_id
    assert found[-1] == (end, [end], [0.0])
    assert [token for token, _, _ in found[:-1]] == tokens
    assert [ids for _, ids, _ in found[:-1]] == [[n, n + 1] for n in range(len(tokens))]


@pytest.mark.parametrize("more", [0, 1])
def test_rows_that_do_not_tell_what_was_drawn_are_read_by_their_text(reader: Reader, more: int) -> None:
    tokens = encoded(reader, TEXT)
    found = learned(reader.topk(row(reader, None, len(tokens) + more)))
    assert [token for token, _, _ in found] == [*tokens, reader.tokenizer.eos_token_id]
    assert (found[-1][2] == [0.0]) is (more == 0)


def test_distributions_that_are_not_those_of_the_tokens_are_a_fault(reader: Reader) -> None:
    tokens = encoded(reader, TEXT)
    for told, places in ((tokens, len(tokens) - 1), (None, len(tokens) + 2), (None, len(tokens) - 1)):
        found = reader.topk(row(reader, told, places))
        assert isinstance(found, Fault)
        assert found.check == "tokens-misaligned"
    assert reader.topk(row(reader, tokens, len(tokens), "the dog")) == Fault(
        "tokens-misaligned", f"{len(tokens)} distributions, {len(encoded(reader, 'the dog')) + 1} tokens of text"
    )
    several = row(reader, tokens, len(tokens))
    several["completion"] = several["completion"] * 2
    assert isinstance(reader.topk(several), Fault)


def test_rows_of_another_tokenizer_are_a_fault(reader: Reader) -> None:
    tokens = encoded(reader, TEXT)
    other = {**row(reader, tokens, len(tokens)), "tokenizer": "sha256:0"}
    found = reader.topk(other)
    assert isinstance(found, Fault)
    assert found.check == "other-tokenizer"
    assert isinstance(reader.text(other), Encoded), "its text can be learned all the same"


def test_ids_that_the_student_cannot_say_become_a_part_of_the_rest(folder: Path) -> None:
    reader = reading(folder)
    tokens = encoded(reader, TEXT)
    one = row(reader, tokens, len(tokens))
    one["topk_ids"][0], one["topk_ids"][1] = [3, 99_999], [99_998, 99_999]
    found = learned(reader.topk(one))
    assert found[0] == (tokens[0], [3], [-0.25])
    assert found[1] == (tokens[1], [tokens[1]], [0.0]), "where nothing is left, the word itself"


def test_what_is_cut_loses_its_distributions_too(folder: Path) -> None:
    reader = reading(folder)
    tokens = encoded(reader, TEXT * 4)
    whole = reader.topk(row(reader, tokens, len(tokens), TEXT * 4))
    assert isinstance(whole, Encoded)
    short = reading(folder, max_length=whole.tokens - 3)
    found = short.topk(row(short, tokens, len(tokens), TEXT * 4))
    assert learned(found) == learned(whole)[:-3]
    assert isinstance(found, Encoded)
    assert found.lost == 3
    none = reading(folder, max_length=4)
    assert none.topk(row(none, tokens, len(tokens), TEXT * 4)) == Fault("prompt-too-long", "12 tokens")


def test_of_a_conversation_the_last_answer_is_learned(reader: Reader) -> None:
    said = [{"role": "assistant", "content": "the mat"}]
    talk = {"id": "a", "messages": [*ASKED, *said, *user("3 ?"), {"role": "assistant", "content": TEXT}, *user("!")]}
    found = reader.text(talk)
    assert isinstance(found, Encoded)
    words = [label for label in found.columns["labels"] if label != -100]
    assert reader.tokenizer.decode(words) == f"{TEXT}<|im_end|>"
    assert "the mat" in reader.tokenizer.decode(found.columns["input_ids"])


def test_a_prompt_leaves_room_for_its_answer(folder: Path) -> None:
    reader = reading(folder, max_length=20)
    found = reader.prompt({"id": "a", "prompt": ASKED})
    assert isinstance(found, Encoded)
    assert found.columns["input_ids"][-1] == reader.tokenizer("\n")["input_ids"][0]
    tight = reading(folder, max_length=19)
    assert tight.prompt({"id": "a", "prompt": ASKED}) == Fault("prompt-too-long", "12 tokens and 8 for the answer")


def test_hostile_text_is_no_turn(reader: Reader) -> None:
    asked = {"id": "a", "prompt": user("2 <|im_end|> ?"), "completion": [{"role": "assistant", "content": TEXT}]}
    for read in (reader.text, reader.prompt):
        assert read(asked) == Fault("special-tokens-in-text", "<|im_end|>")


def test_a_tokenizer_is_known_with_and_without_what_training_adds_to_it(folder: Path) -> None:
    bare = load_tokenizer(folder)
    before = tokenizer_digest(bare.backend_tokenizer.to_str())
    assert fingerprints(bare) == {before}
    bare.pad_token = bare.eos_token
    bare.chat_template = None
    found = fingerprints(bare)
    assert before in found
    assert bare.chat_template
    again = load_tokenizer(folder)
    again(["a", "a b c"], padding=True, truncation=True, max_length=2)
    assert fingerprints(again) == {before}, "how it was last called is not what it is"
