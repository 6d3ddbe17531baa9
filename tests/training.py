"""What tests of training share: versions made from rows, and a model small enough to train in seconds."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.files import Folder
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion

TEXTS = (
    "The cat sat on the mat and the dog ate the log. ",
    "0 1 2 3 4 5 6 7 8 9 + - * / = ? ! , . : ",
    "user assistant ",
)


def frozen(store: Store, ref: str, kind: str, rows: Iterable[Mapping[str, Any]], folder: Path) -> DatasetVersion:
    """`rows` of a kind as the version `ref`, taken in as a user would."""
    path = folder / f"{ref.partition('@')[0]}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    step = Step("adopt", Adopt(input=Input.find(str(path)), kind=kind, license="CC0-1.0", source="written for a test"))
    store.run(step)
    return freeze(store, step, ref, {"name": "adopt", "function": "adopt", "parameters": {}})


def tiny_folder(folder: Path, *, hidden: int = 32, layers: int = 2, vocabulary: int = 512, seed: int = 0) -> Path:
    """A Llama with byte-level BPE and our chat template, untrained, as `save_pretrained` writes it."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from train.chat import END, PAD, START, TEMPLATE

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    specials = [PAD, START, END]
    bpe.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, additional_special_tokens=[START]
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_model(store: Store, ref: str, folder: Path, **size: int) -> DatasetVersion:
    """An untrained model as the version `ref`, adopted as a user would."""
    from dataset_cards.adopt.model import AdoptModel

    path = tiny_folder(folder / ref.partition("@")[0], **size)
    step = Step("adopt", AdoptModel.of(str(path), license="CC0-1.0", source="made for a test"))
    store.run(step)
    return freeze(store, step, ref, {"name": "adopt", "function": "adopt", "parameters": {}})


def store_at(folder: Path) -> Store:
    return Store(Folder.at(str(folder)))
