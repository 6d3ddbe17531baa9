"""What is kept is cut by the rows alone: laws of row groups and shards, whatever the parts were."""

import uuid

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from curation.keep import regroup, shards_of
from curation.layers import Layers
from dataset_cards.versions.files import Folder
from dataset_cards.versions.table import Part, Table, write_parquet

TEXTS = st.lists(st.text(alphabet="aé", max_size=12), min_size=1, max_size=40)
CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=40)


def cut(texts: list[str], sizes: list[int]) -> list[pl.DataFrame]:
    """The texts in frames of the given sizes, over and over."""
    frames, start, turn = [], 0, 0
    while start < len(texts):
        size = sizes[turn % len(sizes)]
        frames.append(pl.DataFrame({"text": texts[start : start + size]}, schema={"text": pl.String}))
        start, turn = start + size, turn + 1
    return frames


@given(texts=TEXTS, one=CUTS, other=CUTS, rows=st.integers(1, 7), size=st.integers(1, 40))
def test_row_groups_do_not_depend_on_the_frames_that_came_in(
    texts: list[str], one: list[int], other: list[int], rows: int, size: int
) -> None:
    groups, again = ([*regroup(iter(cut(texts, sizes)), rows, size)] for sizes in (one, other))
    assert [frame.height for frame in groups] == [frame.height for frame in again]
    assert_frame_equal(pl.concat(groups), pl.concat(cut(texts, [len(texts)])))
    assert all(frame.height <= rows for frame in groups)
    for frame in groups:
        assert frame.head(-1).get_column("text").str.len_bytes().sum() < size, "a group goes on after it is full"


@given(texts=TEXTS, dead=st.sets(st.integers(0, 39)), one=CUTS, other=CUTS, size=st.integers(1, 60))
@settings(max_examples=50)
def test_shards_hold_every_living_document_once_and_do_not_depend_on_the_parts(
    texts: list[str], dead: set[int], one: list[int], other: list[int], size: int
) -> None:
    drop = ["gone" if number in dead else None for number in range(len(texts))]
    cuts = []
    for sizes in (one, other):
        folder = Folder.at(f"memory://{uuid.uuid4().hex}")
        parts, start = [], 0
        for number, frame in enumerate(cut(texts, sizes)):
            reasons = pl.Series("drop", drop[start : start + frame.height], dtype=pl.String)
            lengths = frame.get_column("text").str.len_bytes().alias("size")
            name = f"{number}.parquet"
            parts.append(Part(name, write_parquet(folder, name, [frame.with_columns(reasons, lengths)])))
            start += frame.height
        shards = shards_of(Layers((Table(folder, tuple(parts)),)), size)
        cuts.append([(shard.first, shard.last) for shard in shards])
        folder.remove()
    assert cuts[0] == cuts[1]
    living = len(texts) - len(dead & set(range(len(texts))))
    covered = [number for first, last in cuts[0] for number in range(first, last)]
    assert covered == list(range(living))
