"""Packing: every token is learned once, from its own document alone, in an order that nothing but the seed decides.

Masks and labels are compared with ones written out by hand and, for any documents, with what they have to mean; that
attention stays inside of a document is tried on real models, one of which cannot.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.versions.errors import Misuse
from train.pretrain.packing import IGNORED, Packed, Shard, isolated, order, permutation, piece, quotas, weights
from train.pretrain.tokenizer import DOCUMENT, trained

X = IGNORED


def shard_of(*documents: list[int]) -> Shard:
    tokens = np.array([token for one in documents for token in one], dtype=np.uint16)
    return Shard("", tokens, np.cumsum([len(one) for one in documents]))


def test_pieces_are_the_ones_written_by_hand():
    shard = shard_of([9, 1, 9], [9, 2, 3, 9])
    first, second = (piece(shard, number, 4, 9) for number in range(2))
    assert shard.sequences(4) == 2
    assert first["input_ids"].tolist() == [9, 1, 9, 9]
    assert first["position_ids"].tolist() == [0, 1, 2, 0]
    assert first["labels"].tolist() == [X, 1, 9, X]
    assert second["input_ids"].tolist() == [9, 2, 3, 9]  # begins with the last token of the first
    assert second["position_ids"].tolist() == [0, 1, 2, 3]
    assert second["labels"].tolist() == [X, 2, 3, 9]


def test_the_last_piece_is_filled_with_a_document_of_its_own_that_carries_no_loss():
    shard = shard_of([9, 1, 9], [9, 2, 9])
    last = piece(shard, 1, 4, 7)
    assert last["input_ids"].tolist() == [9, 2, 9, 7]
    assert last["position_ids"].tolist() == [0, 1, 2, 0]
    assert last["labels"].tolist() == [X, 2, 9, X]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(2, 9))
def test_in_one_pass_every_token_is_predicted_once_and_from_its_own_document(lengths: list[int], context: int):
    tokens = np.arange(sum(lengths), dtype=np.uint32)  # a token is its place
    ends = np.cumsum(lengths)
    shard = Shard("", tokens, ends)
    firsts = {0, *ends.tolist()}
    learned: list[int] = []
    for number in range(shard.sequences(context)):
        made = piece(shard, number, context, 0)
        ids, positions, labels = (made[key] for key in ("input_ids", "position_ids", "labels"))
        assert len(ids) == len(positions) == len(labels) == context
        for place in np.flatnonzero(labels != IGNORED):
            assert labels[place] == ids[place] == ids[place - 1] + 1
            assert positions[place] == positions[place - 1] + 1  # attention and prediction stay inside of a document
            learned.append(int(labels[place]))
        for place in range(1, context):
            assert positions[place] in (0, positions[place - 1] + 1)
    assert learned == [place for place in range(sum(lengths)) if place not in firsts]


def tiny_llama():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=64,
            initializer_range=0.5,
        )
    )


def packed_batch(first: list[int]) -> dict[str, object]:
    """Two rows, as the loop collates them: `first` and another document, the other way round in the second row."""
    from transformers import default_data_collator

    other = [9, 30, 31, 32, 33, 9]
    rows = [shard_of(first, other), shard_of(other, first)]
    return default_data_collator([piece(row, 0, 16, 9) for row in rows])


def test_changing_one_document_of_a_sequence_changes_no_logit_of_the_other():
    model = tiny_llama().train()
    model.config.use_cache = False  # as transformers' Trainer sets it
    one, two = (model(**packed_batch(first)) for first in ([9, 1, 2, 3, 9], [9, 4, 5, 6, 9]))
    assert one.logits[0, 5:11].equal(two.logits[0, 5:11])
    assert not one.logits[0, 1:4].isclose(two.logits[0, 1:4]).any()
    assert one.logits[1, :6].equal(two.logits[1, :6])


def test_the_loss_of_a_packed_sequence_is_that_of_its_documents_read_alone():
    import torch

    model, first, second = tiny_llama(), [9, 1, 2, 3, 9], [9, 30, 31, 32, 33, 9]
    model.config.use_cache = False
    packed = {key: torch.tensor(value)[None] for key, value in piece(shard_of(first, second), 0, 16, 9).items()}
    alone = []
    for document in (first, second):
        ids = torch.tensor([document])
        chances = model(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
        alone.append(-chances.gather(1, ids[0, 1:, None])[:, 0])
    assert model(**packed).loss.item() == pytest.approx(torch.cat(alone).mean().item(), rel=1e-5)


def test_a_model_that_keeps_documents_apart_is_told_from_one_that_cannot():
    import torch
    from transformers import BloomConfig, BloomForCausalLM

    torch.manual_seed(0)
    assert isolated(tiny_llama())
    bloom = BloomForCausalLM(BloomConfig(vocab_size=64, hidden_size=32, n_layer=1, n_head=4, initializer_range=0.5))
    assert not isolated(bloom)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 150)), min_size=1, max_size=5), st.integers(0, 3))
def test_the_order_gives_each_source_what_was_asked_in_whole_passes(sizes: list[tuple[int, int]], seed: int):
    counts, wanted = [count for count, _ in sizes], [want for _, want in sizes]
    found = order(counts, wanted, seed)
    assert len(found) == sum(wanted)
    edges = np.cumsum([0, *counts])
    for number, (count, want) in enumerate(sizes):
        mine = found[(found >= edges[number]) & (found < edges[number + 1])] - edges[number]
        assert len(mine) == want
        for first in range(0, want, count):
            part = mine[first : first + count]
            assert len(set(part.tolist())) == len(part)  # nothing twice before everything once
        if want:  # evenly spread: after any part of the run the share is right but for one sequence
            before = np.cumsum((found >= edges[number]) & (found < edges[number + 1]))
            assert np.abs(before - np.arange(1, len(found) + 1) * want / len(found)).max() <= len(sizes)


def splitmix64(value: int) -> int:
    """As published, on Python's whole numbers."""
    value = (value + 0x9E3779B97F4A7C15) % 2**64
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
    return value ^ value >> 31


def test_an_order_is_another_for_another_seed_pass_and_source_and_the_same_for_ever():
    state = 0
    for part in (7, 0, 2):
        state = splitmix64(state ^ part)
    assert permutation(10, 7, 0, 2).tolist() == sorted(range(10), key=lambda n: splitmix64(n ^ state))
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert len({tuple(permutation(100, *key)) for key in keys}) == len(keys)


@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 10), min_size=1, max_size=8))
def test_quotas_sum_to_the_whole_and_are_right_but_for_rounding(total: int, parts: list[float]):
    shares = [part / sum(parts) for part in parts]
    found = quotas(total, shares)
    assert sum(found) == total
    assert all(abs(one - total * share) < 1 + 1e-6 for one, share in zip(found, shares, strict=True))


def test_shares_are_read_as_they_are_written():
    assert weights(("web=3", "a=b.jsonl=1")) == {"web": 0.75, "a=b.jsonl": 0.25}


@pytest.mark.parametrize(
    "wrong", [("web",), ("web=",), ("web=0",), ("web=-1",), ("web=nan",), ("a=1", "a=2"), ("x=inf",)]
)
def test_a_share_that_is_none_is_misuse(wrong: tuple[str, ...]):
    with pytest.raises(Misuse, match="mixture"):
        weights(wrong)


def test_a_sequence_beyond_the_last_is_an_error():
    packed = Packed((shard_of([9, 1, 9]),), np.array([0, 5]), 4, 9)
    assert packed[0]["input_ids"].tolist() == [9, 1, 9, 9]
    with pytest.raises(IndexError):
        packed[1]


HOSTILE = (
    "a\x00b\u202e\ufffd \U0001f9d1\u200d\U0001f680 \u0301e\ud7ff\uffff ½²3４५ \r\n\t\xa0<|endoftext|><|im_end|> Ġ Ċ"
)


@pytest.fixture(scope="module")
def tokenizer():
    return trained(["the cat sat on the mat, 1234 times"] * 4, 300, 64)


@settings(max_examples=150, deadline=None)
@given(text=st.text())
def test_any_text_is_read_back_as_it_was_and_holds_no_special_token(tokenizer, text: str):
    from train.pretrain.tokenizer import plain

    for hostile in (text, HOSTILE + text):
        ids = plain(tokenizer).encode(hostile, add_special_tokens=False).ids
        assert tokenizer.decode(ids, skip_special_tokens=False) == hostile
        assert not set(ids) & set(tokenizer.all_special_ids)


def test_a_trained_tokenizer_has_every_byte_each_digit_alone_and_a_chat_template(tokenizer):
    assert [tokenizer.decode([one]) for one in tokenizer("12 34").input_ids] == ["1", "2", " ", "3", "4"]
    assert tokenizer.bos_token == DOCUMENT
    asked = tokenizer.apply_chat_template([{"role": "user", "content": "cat"}], tokenize=False)
    assert asked == "<|im_start|>user\ncat<|im_end|>\n"


def test_a_vocabulary_without_room_for_all_bytes_is_misuse():
    with pytest.raises(Misuse, match="vocabulary=259"):
        trained([], 259, 64)
