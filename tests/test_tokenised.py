"""Token shards: every token of every row in order, none added but the ends, whatever the parts and shards.

Real tokenizers are trained here on real text; how they are found and refused is in test_mix.py.
"""

import itertools
from pathlib import Path

import datasets
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.mix import tokenise as shards
from curation.mix.recipe import tokenise
from curation.mix.tokenise import IDS, Pack
from curation.mix.tokens import Tokenizer
from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Damaged, Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import Part, Table, write_parquet
from tests.ops import Inline
from tests.test_mix import RECIPE, version

tokenizers = pytest.importorskip("tokenizers")

TEXTS = ["The first text.", "", "Größe, 日本 and مرحبا", "the end of\nit <|endoftext|> all", "x" * 500]


@pytest.fixture
def bpe(tmp_path: Path) -> Path:
    """A byte-level tokenizer of the kind that GPT-2 has, trained on the texts."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(TEXTS, trainer)
    path = tmp_path / "tokenizer.json"
    made.save(str(path))
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Store:
    return Store.at(str(tmp_path / "store"))


def test_rows_decode_to_their_texts(shelf: Store, tmp_path: Path, bpe: Path) -> None:
    data = version(shelf, tmp_path, "web", [text for text in TEXTS if text])
    target = tokenise(data, str(bpe))
    rows = shelf.run(target, [Inline()]).collect()
    loaded = Tokenizer.find(str(bpe)).load()
    texts = data.table.collect().get_column("text").to_list()
    assert [loaded.decode(ids[:-1], skip_special_tokens=False) for ids in rows[IDS].to_list()] == texts
    assert {ids[-1] for ids in rows[IDS].to_list()} == {loaded.token_to_id("<|endoftext|>")}
    assert shelf.done(target)["facts"]["token_shards"]["tokens"] == rows[IDS].list.len().sum()


def test_packed_blocks_hold_the_same_tokens_in_the_same_order(shelf: Store, tmp_path: Path, bpe: Path) -> None:
    data = version(shelf, tmp_path, "web", [text for text in TEXTS if text] * 7)
    rows = shelf.run(tokenise(data, str(bpe)), [Inline()]).collect()
    blocks = shelf.run(tokenise(data, str(bpe), length=16), [Inline()]).collect()
    assert blocks[IDS].explode().to_list() == rows[IDS].explode().to_list()
    assert {*blocks[IDS].list.len().to_list()[:-1]} == {16}
    assert blocks["id"].to_list()[:2] == ["000000000000", "000000000001"]


def test_a_frozen_version_of_tokens_opens_with_datasets(shelf: Store, tmp_path: Path, bpe: Path) -> None:
    data = version(shelf, tmp_path, "web", ["Some text to be cut."] * 40)
    target = tokenise(data, str(bpe), length=8)
    shelf.run(target, [Inline()])
    frozen = freeze(shelf, target, "tokens@1.0.0", RECIPE)
    rows = datasets.load_dataset(str(tmp_path / "store/versions/tokens/1.0.0"), split="train", cache_dir=str(tmp_path))
    assert rows.num_rows == frozen.json["rows"]
    assert len(rows[0][IDS]) == 8
    assert frozen.kind == "tokens"
    assert frozen.json["license"] == "MIT"


@settings(max_examples=60)
@given(st.data())
def test_blocks_do_not_depend_on_parts_and_shards(data: st.DataObject) -> None:
    """Against the plain statement: all tokens in one list, cut every `length`."""
    texts = data.draw(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=12), min_size=1, max_size=30))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(texts)), max_size=3)) | {0, len(texts)})
    length = data.draw(st.integers(2, 9))
    every = list(itertools.chain.from_iterable(texts))
    folder = Folder.at(f"memory://blocks-{data.draw(st.uuids())}")
    parts, sizes = [], []
    for start, end in itertools.pairwise(cuts):
        frame = pl.DataFrame({"id": ["a"] * (end - start), IDS: pl.Series(texts[start:end], dtype=pl.List(pl.Int32))})
        parts.append(Part(f"{start}.parquet", write_parquet(folder, f"{start}.parquet", [frame], shards.SCHEMA)))
        sizes.append(sum(map(len, texts[start:end])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_TOKENS", data.draw(st.integers(1, 40)))
        patch.setattr(shards, "GROUP_TOKENS", data.draw(st.integers(1, 20)))
        job = Job((), folder / "out")
        pack = Pack(length=length, texts=Table(folder, tuple(parts)), sizes=tuple(sizes), job=job)
        for shard in range(pack.shards):
            pack(shard)
    out = Table(job.folder, tuple(Part(one["name"], one["rows"]) for fact in job.facts() for one in fact["parts"]))
    blocks = out.collect()
    assert blocks[IDS].to_list() == [every[at : at + length] for at in range(0, len(every), length)]
    assert blocks["id"].to_list() == [f"{n:012d}" for n in range(blocks.height)]
    folder.remove()


def test_a_tokenizer_without_an_end_is_refused_with_what_to_do(tmp_path: Path) -> None:
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a"))
    made.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(Misuse, match="-p end_of_text=TOKEN"):
        Tokenizer.find(str(tmp_path)).end_of_text(None)
    with pytest.raises(Misuse, match="no token 'b'"):
        Tokenizer.find(str(tmp_path)).end_of_text("b")


def test_a_tokenizer_that_changes_under_a_run_is_noticed(bpe: Path) -> None:
    found = Tokenizer.find(str(bpe))
    bpe.write_text(bpe.read_text() + "\n")
    with pytest.raises(Damaged, match="was changed since the run began"):
        found.load()
