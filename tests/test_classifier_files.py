"""fastText files: every kind gives fastText's own probabilities, and a damaged one an error and nothing worse.

The models in `tests/fasttext` were trained by fastText 0.9.2 (see `make.py` there); the answers are compared with the
package fasttext-predict, which is fastText's own code. lid.176.ftz is in test_language.py.
"""

import itertools
import math
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.classify.fasttext_file import Network, load
from curation.classify.forward import hash_bytes, means, probabilities
from curation.classify.learn import END_SIGNED, Settings, exponential, features, learn, vocabulary
from curation.classify.prepare import AS_IT_IS, WORDS_1, prepared
from curation.words import buffers
from dataset_cards.versions.errors import Damaged

FOLDER = Path(__file__).resolve().parent / "fasttext"
FILES = sorted(path.name for path in FOLDER.glob("*.[bf][it][nz]"))
WORDS = [
    "free",
    "prize",
    "the",
    "committee",
    "now",
    "café’s",
    "последний",
    "unseen",
    "!",
    "$$$",
    "a",
    "WIN",
    "🙂",
    "naïve",
]
TEXT = st.lists(st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), max_size=6), max_size=20).map(" ".join)


@cache
def network(name: str) -> Network:
    return load((FOLDER / name).read_bytes(), name)


@cache
def official(path: str) -> Any:
    import fasttext

    return fasttext.load_model(path)


def expected(path: str, text: str, labels: tuple[str, ...]) -> list[float]:
    """fastText's probabilities without the 0.00001 it adds to each."""
    names, values = official(path).predict(text, k=len(labels))
    found = dict(zip([name.removeprefix("__label__") for name in names], values, strict=True))
    return [found[label] - 1e-5 for label in labels]


def clean(text: str) -> str:
    """One line; words that fastText takes for marks of its own are tested apart."""
    return " ".join(word for word in text.split() if word != "</s>" and not word.startswith("__label__")).replace(
        "\n", " "
    )


def test_there_is_a_file_of_each_kind() -> None:
    assert len(FILES) == 6
    assert {network(name).loss for name in FILES} == {1, 2, 3, 4}


@pytest.mark.parametrize("name", FILES)
@given(text=TEXT)
@settings(max_examples=150)
def test_any_text_gets_the_probabilities_of_fasttext(name: str, text: str) -> None:
    model, line = network(name), clean(text)
    if not line.replace("\0", "").strip():
        return
    found = probabilities(model, *buffers(pl.Series([line])))[0]
    # A tree multiplies one rounding for each of its levels; a sigmoid looked up in a table may take the next entry.
    assert found == pytest.approx(
        expected(str(FOLDER / name), line, model.labels), abs=3e-5 if model.loss != 4 else 8e-3
    )


@pytest.mark.parametrize("name", FILES)
def test_whitespace_of_any_kind_ends_words_and_no_words_is_nan(name: str) -> None:
    texts = pl.Series(["free prize now", "free\nprize\r\n\tnow\x0b", "", " \n "])
    found = probabilities(network(name), *buffers(texts))
    assert found[0].tolist() == found[1].tolist()
    assert np.isnan(found[2:]).all()


@pytest.mark.parametrize("name", FILES)
def test_no_text_hides_its_words_behind_marks_of_fasttext(name: str) -> None:
    texts = pl.Series(["</s> free prize now click", "fine fine"])
    hidden, plain = (
        means(network(name), *buffers(texts))[0],
        means(network(name), *buffers(pl.Series(["</s>", "x"])))[0],
    )
    assert hidden[0].tolist() != plain[0].tolist()


@pytest.mark.parametrize("name", FILES)
@given(texts=st.lists(TEXT, min_size=2, max_size=5))
@settings(max_examples=30)
def test_a_probability_does_not_depend_on_the_other_texts(name: str, texts: list[str]) -> None:
    together = probabilities(network(name), *buffers(pl.Series(texts)))
    alone = [probabilities(network(name), *buffers(pl.Series([text])))[0] for text in texts]
    np.testing.assert_array_equal(together, np.array(alone))


def spam() -> tuple[pl.Series, np.ndarray[Any, np.dtype[np.int64]]]:
    good = ["The committee met on Tuesday.", "Rain is expected in the north.", "The library opens at 9."]
    bad = ["WIN a FREE prize now!!!", "Call 0900 to claim your cash", "free ringtones: text WIN to 80808"]
    texts = [f"{text} {n}" for n in range(20) for text in (*good, *bad)]
    return pl.Series(texts), np.array([n % 6 // 3 for n in range(120)])


@pytest.mark.parametrize("word_ngrams", [1, 2, 3])
def test_fasttext_opens_what_is_trained_here_and_agrees(tmp_path: Path, word_ngrams: int) -> None:
    texts, targets = spam()
    data = learn(*prepared(texts, WORDS_1), targets, ("negative", "positive"), Settings(word_ngrams=word_ngrams))
    (tmp_path / "own.bin").write_bytes(data)
    model = load(data)
    unseen = pl.Series(["A prize of £100 for free", "the north, at 9:30", "…", "¿nothing known?"])
    tested = pl.concat([texts.unique(maintain_order=True), unseen])
    bytes_, offsets = prepared(tested, WORDS_1)
    found = probabilities(model, bytes_, offsets)
    for row in range(len(tested)):
        line = bytes_[offsets[row] : offsets[row + 1]].tobytes().decode()
        assert found[row] == pytest.approx(expected(str(tmp_path / "own.bin"), line, model.labels), abs=2e-5)


@given(texts=st.lists(TEXT, min_size=1, max_size=8), runs=st.integers(1, 4))
@settings(max_examples=60)
def test_training_and_use_look_at_the_same_words_and_runs(texts: list[str], runs: int) -> None:
    data, offsets = prepared(pl.Series(texts), WORDS_1)
    targets = np.arange(len(texts) + 1) % 2
    both, ends = prepared(pl.Series([*texts, "one more"]), WORDS_1)
    model = load(
        learn(both, ends, targets, ("a", "b"), Settings(word_ngrams=runs, buckets=64, least_count=1, epochs=1))
    )
    rows, starts = features(
        data, offsets, model.words, model.word_rows, len(model.words), runs, len(model.buckets), model.end_row
    )
    mean, _ = means(model, data, offsets)
    for text in range(len(texts)):
        if data[offsets[text] : offsets[text + 1]].tobytes().split():
            own = model.vectors[rows[starts[text] : starts[text + 1]]].astype(np.float64)
            assert mean[text] == pytest.approx(own.mean(axis=0), abs=1e-9)


def test_the_end_of_a_line_has_the_hash_of_its_word() -> None:
    hashed = int(hash_bytes(np.frombuffer(b"</s>", np.uint8)))
    assert (hashed - (1 << 32)) % (1 << 64) == END_SIGNED


def test_the_same_rows_give_the_same_bytes_and_another_seed_does_not() -> None:
    texts, targets = spam()
    first, again, other = (
        learn(*prepared(texts, WORDS_1), targets, ("a", "b"), Settings(seed=seed, epochs=3)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_vocabulary_is_sorted_and_counts_every_text_once_as_a_line() -> None:
    data, offsets = prepared(pl.Series(["b a b", "B c 7 8", ""]), WORDS_1)
    assert vocabulary(data, offsets, 1) == [(b"</s>", 3), (b"b", 3), (b"0", 2), (b"a", 1), (b"c", 1)]
    assert vocabulary(data, offsets, 2) == [(b"</s>", 3), (b"b", 3), (b"0", 2)]


@given(st.floats(-800, 0))
def test_our_exponential_is_exact_to_the_last_digits(x: float) -> None:
    assert exponential(x) == pytest.approx(math.exp(x), rel=1e-15, abs=1e-300)


def test_a_label_without_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="no text to learn b from"):
        learn(*prepared(pl.Series(["x", "y"]), WORDS_1), np.array([0, 0]), ("a", "b"), Settings())


def test_text_is_prepared_as_it_is_written_down() -> None:
    texts = ["Don't PANIC: it's 42%!", "“Quoted”—and… ÉTÉ", "", "a_b\tc\nd", "日本、語"]
    data, offsets = prepared(pl.Series(texts), WORDS_1)
    found = [data[a:b].tobytes().decode() for a, b in itertools.pairwise(offsets)]
    assert [" ".join(text.split(" ")).split() for text in found] == [
        ["don", "'", "t", "panic", ":", "it", "'", "s", "00", "%", "!"],
        ["“", "quoted", "”", "—", "and", "…", "été"],
        [],
        ["a", "_", "b", "c", "d"],
        ["日本、語"],
    ]
    assert prepared(pl.Series(["A B"]), AS_IT_IS)[0].tobytes() == b"A B"
    with pytest.raises(ValueError, match="update gristmill"):
        prepared(pl.Series(["a"]), "words-9")


@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_preparing_twice_changes_no_word_and_cuts_do_not_matter(texts: list[str]) -> None:
    data, offsets = prepared(pl.Series(texts), WORDS_1)
    for text, begin, end in zip(texts, offsets[:-1], offsets[1:], strict=True):
        once = data[begin:end].tobytes()
        assert prepared(pl.Series([text]), WORDS_1)[0].tobytes() == once
        again = prepared(pl.Series([once.decode()]), WORDS_1)[0].tobytes()
        if once.decode().lower() == once.decode():  # lower case has a few letters that change once more
            assert again.split() == once.split()


def tried(data: bytes) -> None:
    """A damaged file gives one of two errors that name it, or a model whose every index is inside its tables."""
    model, said = None, ""
    try:
        model = load(data, "some.bin")
    except (Damaged, ValueError) as error:
        said = str(error)
    if model is not None:
        probabilities(model, *buffers(pl.Series(["free prize now and the committee", "последний", ""])))
    else:
        assert said.startswith("some.bin")


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_off_anywhere_is_an_error(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    for size in [*range(0, 200), *range(200, len(data), 97), len(data) - 1]:
        with pytest.raises((Damaged, ValueError), match=r"some\.bin"):
            load(data[:size], "some.bin")


@pytest.mark.parametrize("name", FILES)
@given(at=st.integers(0, 12_000), values=st.binary(min_size=1, max_size=8))
@settings(max_examples=300)
def test_changed_bytes_are_an_error_or_a_model_that_works(name: str, at: int, values: bytes) -> None:
    data = bytearray((FOLDER / name).read_bytes())
    at %= len(data)
    data[at : at + len(values)] = values[: len(data) - at]
    tried(bytes(data))


@pytest.mark.parametrize("name", FILES)
@given(field=st.integers(0, 11), value=st.sampled_from([-(2**31), -1, 0, 1, 3, 1000, 2**20, 2**31 - 1]))
@settings(max_examples=60)
def test_impossible_settings_in_the_head_of_a_file_allocate_nothing(name: str, field: int, value: int) -> None:
    data = bytearray((FOLDER / name).read_bytes())
    struct.pack_into("<i", data, 8 + 4 * field, value)
    tried(bytes(data))


def test_numbers_that_are_not_finite_are_damage() -> None:
    data = bytearray((FOLDER / "negative-sampling.bin").read_bytes())
    data[-4:] = struct.pack("<f", float("nan"))
    with pytest.raises(Damaged, match=r"some\.bin is damaged \(it holds numbers that are not finite\)"):
        load(bytes(data), "some.bin")


def test_word_vectors_and_other_files_are_told_apart_from_classifiers() -> None:
    data = bytearray((FOLDER / "negative-sampling.bin").read_bytes())
    struct.pack_into("<i", data, 8 + 4 * 7, 2)
    with pytest.raises(ValueError, match="word vectors and no classifier"):
        load(bytes(data), "vectors.bin")
    for other in (b"", b"PK\x03\x04" + bytes(100), b"x"):
        with pytest.raises(ValueError, match=r"other\.bin is not a fastText model of version 12"):
            load(other, "other.bin")
