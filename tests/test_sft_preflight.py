"""Preflight of supervised fine-tuning: every planted fault is found, named and left out, and good rows are learned."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at, tiny_folder
from train.chat import END, START, TEMPLATE
from train.encode import TRAIN, encoded_rows
from train.inputs import opened
from train.look import look
from train.lora import Lora
from train.machine import Machine
from train.models import load_tokenizer
from train.preflight import Preflight
from train.quiet import quiet
from train.schedule import Schedule
from train.sft import SFT
from train.trainer import training

CPU = Machine(device="cpu")
SCHEDULE = Schedule(max_steps=2, batch_size=4, learning_rate=5e-3, save_steps=0)
OPEN = TEMPLATE.replace("+ '<|im_end|>' }}{% endgeneration %}", "}}{% endgeneration %}{{ '<|im_end|>' }}")
STRICT = "{%- if messages[0].role == 'system' -%}{{ raise_exception('no system turn') }}{%- endif -%}" + TEMPLATE


def row(name: str, *words: str, roles: tuple[str, ...] = ("user", "assistant")) -> dict[str, Any]:
    return {"id": name, "messages": [{"role": roles[n % len(roles)], "content": w} for n, w in enumerate(words)]}


GOOD = [row(f"good-{n}", f"count to {n}", "0 1 2") for n in range(40)]
PLANTED = {
    "no-trainable-token": row("cut", "the cat " * 90, "sat"),
    "special-tokens-in-text": row("markup", f"hi{END}\n{START}assistant\n", "yes"),
    "template-error": row("system", "be brief", "hi", "yes", roles=("system", "user", "assistant")),
    "in-evaluation": row("leaked", "What is  asked later?", "this"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("preflight")


def model_with(folder: Path, name: str, template: str) -> DatasetVersion:
    from dataset_cards.adopt.model import AdoptModel
    from dataset_cards.freeze import freeze
    from dataset_cards.versions.step import Step

    with quiet():
        path = tiny_folder(folder / name)
    tokenizer = load_tokenizer(path)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(path)
    step = Step("adopt", AdoptModel.of(str(path), license="CC0-1.0", source="made for a test"))
    store = store_at(folder / "store")
    store.run(step)
    return freeze(store, step, f"{name}@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})


@pytest.fixture(scope="module")
def versions(folder: Path) -> dict[str, DatasetVersion]:
    store = store_at(folder / "store")
    later = {"id": "q", "prompt": [{"role": "user", "content": "what is asked LATER?"}]}
    twice, long = row("twice", "count to 3", "0 1 2"), row("long", "count on and on", "1 2 3 " * 60)
    return {
        "bad": frozen(store, "bad@1.0.0", "conversations", [*GOOD, *PLANTED.values(), twice, long], folder),
        "good": frozen(store, "good@1.0.0", "conversations", GOOD, folder),
        "later": frozen(store, "later@1.0.0", "prompts", [later], folder),
        "strict": model_with(folder, "strict", STRICT),
        "open": model_with(folder, "open", OPEN),
    }


def findings(report: Preflight) -> dict[str, Any]:
    return {one.check: one for one in report.findings}


def test_every_planted_fault_is_found_by_the_row_it_is_in(versions: dict[str, DatasetVersion]) -> None:
    op = SFT(schedule=SCHEDULE, max_length=120, held_out=0.15)
    report = look(training(op, data=versions["bad"], model=versions["strict"], against=versions["later"]), (CPU,))
    found = findings(report)
    for check, planted in PLANTED.items():
        assert found[check].examples == (planted["id"],)
        assert found[check].blocks
    assert found["duplicate-row"].examples == ("twice",)
    assert found["truncated"].examples == ("long",)
    assert not found["duplicate-row"].blocks
    assert set(found) == {*PLANTED, "duplicate-row", "truncated"}
    assert "no system turn" in found["template-error"].detail
    assert report.longest == 120
    assert report.lost > 0
    assert set(report.memory) >= {"weights", "gradients", "optimizer"}
    with pytest.raises(Refused, match="no-trainable-token"):
        report.check("sft")


def test_repaired_it_learns_from_the_good_rows_and_names_the_others(versions: dict[str, DatasetVersion]) -> None:
    op = SFT(schedule=SCHEDULE, max_length=120, held_out=0.15, repair=True)
    report = look(training(op, data=versions["bad"], model=versions["strict"], against=versions["later"]), (CPU,))
    report.check("sft")
    assert dict(report.dropped) == {**dict.fromkeys(PLANTED, 1), "duplicate-row": 1}
    assert report.train + report.held_out == len(GOOD) + 1  # the long one is cut and stays


def test_a_template_that_never_teaches_the_end_blocks_and_can_be_repaired(
    versions: dict[str, DatasetVersion], tmp_path: Path
) -> None:
    op = SFT(schedule=SCHEDULE, held_out=0.15, roles=("data", "model"))
    blocked = findings(look(training(op, data=versions["good"], model=versions["open"]), (CPU,)))["end-not-learned"]
    assert blocked.blocks
    assert blocked.rows == len(GOOD)
    assert "not stop" in blocked.sentence()
    with opened(op.roles, [versions["good"].table, versions["open"].table], (CPU,)) as inputs:
        report = dataclasses.replace(op, repair=True).prepare(inputs, tmp_path)
        tokenizer = load_tokenizer(inputs.model())
    report.check("sft")
    mended = findings(report)["end-not-learned"]
    assert (mended.rows, mended.left_out, mended.blocks) == (len(GOOD), False, False)
    for one in encoded_rows(tmp_path / TRAIN):
        learned = [label for label in one["labels"] if label != -100]
        assert tokenizer.decode(learned) == "0 1 2" + END


def test_what_is_cut_is_the_end_of_the_row(versions: dict[str, DatasetVersion]) -> None:
    tokenizer = load_tokenizer(Path(versions["strict"].folder.path))
    one = row("r", "hi", "1 2 3 4 5 6", "and?", "7")
    whole = SFT(schedule=SCHEDULE).encoded(tokenizer, one)
    cut = SFT(schedule=SCHEDULE, max_length=16).encoded(tokenizer, one)
    assert cut.columns["input_ids"] == whole.columns["input_ids"][:16]  # type: ignore[union-attr]
    assert cut.columns["labels"] == whole.columns["labels"][:16]  # type: ignore[union-attr]
    assert cut.lost == whole.tokens - 16  # type: ignore[union-attr]
    assert cut.learned == sum(label != -100 for label in cut.columns["labels"])  # type: ignore[union-attr]


def base_folder(folder: Path) -> Path:
    """A base model as one finds them: no chat template, one special token, which pads and ends alike."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    size = {"vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = LlamaConfig(**size, num_attention_heads=4, num_key_value_heads=4, bos_token_id=None, eos_token_id=256)
    with quiet():
        LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_base_model_without_template_learns_to_answer_and_to_stop(
    folder: Path, versions: dict[str, DatasetVersion]
) -> None:
    from dataset_cards.adopt.model import AdoptModel
    from dataset_cards.freeze import freeze
    from dataset_cards.versions.step import Step

    store = store_at(folder / "store")
    adopted = Step("adopt", AdoptModel.of(str(base_folder(folder / "base")), license="CC0-1.0", source="for a test"))
    store.run(adopted)
    said = {"name": "sft", "function": "sft", "parameters": {}}
    base = freeze(store, adopted, "base@1.0.0", said)
    schedule = Schedule(max_steps=50, batch_size=8, learning_rate=1e-2, save_steps=0)
    step = training(SFT(schedule=schedule, held_out=0.15), data=versions["good"], model=base)
    store.run(step, [CPU])
    made = freeze(store, step, "chat@1.0.0", said)
    record = json.loads((Path(made.folder.path) / "training.json").read_bytes())
    loss, ends = record["measures"]
    assert loss["gain"][1] > 1
    assert ends["after"][0] == 1
    tokenizer = load_tokenizer(Path(made.folder.path))
    assert (tokenizer.eos_token, tokenizer.chat_template) == (END, TEMPLATE)
    assert tokenizer.pad_token != tokenizer.eos_token
    adapter = training(SFT(schedule=schedule, held_out=0.15, lora=Lora(rank=2)), data=versions["good"], model=base)
    with pytest.raises(Misuse, match="an adapter cannot learn them"):
        store.run(adapter, [CPU])
