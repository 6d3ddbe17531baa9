"""Laws that every row-wise stage keeps, on texts that were made to break them.

What a stage decides on ordinary text is tested in the file of that stage.
"""

import dataclasses
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from curation.c4 import C4Quality
from curation.classify.model import Model
from curation.classify.stages import Quality, Spam, Toxicity
from curation.extract import Extract
from curation.fineweb import FineWebQuality
from curation.gopher import GopherQuality, GopherRepetition
from curation.language import Language
from curation.marks import Funnel, mark, verdicts
from curation.normalize import Normalize
from curation.pii.stage import TYPES, Pii
from curation.secrets.stage import Secrets
from curation.stage import DECIDES, Docs, Stage

MODEL = Model.at(str(Path(__file__).parent / "fasttext" / "softmax-word-ngrams.bin"), "spam")

STAGES: list[Stage] = [
    Extract(),
    Normalize(),
    Language(),
    GopherRepetition(),
    GopherQuality(),
    C4Quality(),
    C4Quality(end_punctuation=False),
    FineWebQuality(),
    Toxicity(model=MODEL),
    Toxicity(model=MODEL, window=3),
    Spam(model=MODEL),
    Quality(model=MODEL),
    Secrets(),
    Secrets(drop_kinds=("assigned-secret",)),
    Pii(),
    Pii(mask_types=(), drop_types=TYPES, min_score=0.05),
]

WORDS = st.sampled_from(
    [
        *("the", "of", "and", "a", "dog", "it's", "U.S.", "don't", "…", "...", "#", "{", "lorem ipsum", "\n", "\n\n"),
        *(
            "- ",
            "•",
            "naïve",
            "слово",
            "的",
            "\u200d",
            "e\u0301",
            "\u2028",
            "\t",
            "javascript",
            "cookie policy",
            "Yes.",
        ),
        *("1,000", "\x0b", "مرحبا", "https://a.b/c?d=e", "<p>", "</p>", "&amp;", "\u3000", "ﬁ", "🙂", "\ufeff", "."),
        *("x" * 60, "me@example.org", "password = 'Xk9!vTq2#mLw'", "192.168.7.1", "AKIA" + "Q3EGRWZ7T2HJ5LXN"),
    ]
)
TEXT = st.lists(WORDS, max_size=60).map(" ".join) | st.text(max_size=80)
BATCH = st.lists(TEXT, min_size=1, max_size=6)


def frame(texts: list[str], html: bool = False) -> pl.DataFrame:
    """Texts as documents."""
    nothing = [None] * len(texts)
    columns: dict[str, Any] = {"id": [str(n) for n in range(len(texts))], "text": texts, "source": ["s"] * len(texts)}
    columns |= dict.fromkeys(("url", "license", "created", "language"), nothing)
    columns |= {"metadata": ["{}"] * len(texts), "html": [html] * len(texts)}
    overrides = dict.fromkeys(("text", "url", "license", "created", "language"), pl.String)
    return pl.DataFrame(columns, schema_overrides=overrides)


def batch(stage: Stage, texts: list[str]) -> Docs:
    pages = isinstance(stage, Extract)
    return Docs(frame([f"<html><body><p>{text}</p></body></html>" for text in texts] if pages else texts, pages))


each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name())
law = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@each_stage
@given(texts=BATCH)
@law
def test_a_stage_keeps_its_rows_and_says_the_same_twice(stage: Stage, texts: list[str]) -> None:
    docs = batch(stage, texts)
    before = docs.frame.clone()
    scores = stage.score(docs)
    assert scores.height == len(texts)
    assert_frame_equal(docs.frame, before)
    assert_frame_equal(scores, stage.score(batch(stage, texts)))


@each_stage
@given(texts=st.lists(TEXT, min_size=2, max_size=6))
@law
def test_a_score_does_not_depend_on_how_rows_are_cut(stage: Stage, texts: list[str]) -> None:
    whole = stage.score(batch(stage, texts))
    pieces = [stage.score(batch(stage, [text])) for text in texts]
    assert_frame_equal(whole, pl.concat(pieces))


@each_stage
def test_an_empty_batch_gives_the_same_columns(stage: Stage) -> None:
    full, empty = stage.score(batch(stage, ["some text"])), stage.score(Docs(batch(stage, ["x"]).frame.clear()))
    assert empty.schema == full.schema
    assert empty.height == 0


def deciding(stage: Stage) -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(stage) if f.metadata.get(DECIDES)]


def moved(stage: Stage, field: dataclasses.Field[Any], by: float) -> Stage:
    value = getattr(stage, field.name)
    other: Any = (*value, "xx") if isinstance(value, tuple) else type(value)(value + by)
    return dataclasses.replace(stage, **{field.name: other})


@each_stage
@given(texts=BATCH)
@law
def test_no_deciding_field_changes_a_score(stage: Stage, texts: list[str]) -> None:
    scores = stage.score(batch(stage, texts))
    for field in deciding(stage):
        assert_frame_equal(moved(stage, field, 7).score(batch(stage, texts)), scores)


@each_stage
@given(texts=BATCH, step=st.sampled_from([0.05, 1, 3, 40]))
@law
def test_raising_a_min_or_lowering_a_max_only_drops_more(stage: Stage, texts: list[str], step: float) -> None:
    scores = stage.score(batch(stage, texts))
    loose = verdicts(stage, scores).is_null()
    for field in deciding(stage):
        if field.name.startswith(("min_", "max_")):
            stricter = moved(stage, field, step if field.name.startswith("min_") else -step)
            strict = verdicts(stricter, scores).is_null()
            assert not (strict & ~loose).any(), f"{field.name} kept more when it was made stricter"


@each_stage
def test_every_deciding_field_is_a_min_a_max_or_a_keep_list(stage: Stage) -> None:
    for field in deciding(stage):
        assert field.name.startswith(("min_", "max_", "keep")), field.name


@each_stage
def test_every_rule_reads_a_signal_of_its_stage(stage: Stage) -> None:
    signals = stage.score(batch(stage, ["some text"])).columns
    for reason, rule in stage.drop().items():
        assert rule.signal in signals, reason


@each_stage
@given(texts=BATCH)
@law
def test_marking_twice_is_marking_once(stage: Stage, texts: list[str]) -> None:
    docs = batch(stage, texts).frame
    nothing = pl.Series([None] * docs.height, dtype=pl.String)
    once = mark([stage], nothing, lambda: docs, None, Funnel([stage.name()]))
    again = mark([stage], nothing, lambda: docs, once, Funnel([stage.name()]))
    assert_frame_equal(once, again)
    after = mark([stage], once.get_column("drop"), lambda: docs, None, Funnel([stage.name()]))
    assert not (after.get_column("drop").is_not_null() & once.get_column("drop").is_not_null()).any()
