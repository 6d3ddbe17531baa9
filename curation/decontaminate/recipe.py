"""Decontaminating a dataset version of any row type: the same rows, less those that hold items of evaluation sets."""

from collections.abc import Sequence

from curation.keep_rows import KeepRows
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .mark import Decontaminate


def search_step(
    name: str,
    rows: Sequence[Step | DatasetVersion],
    against: Sequence[DatasetVersion],
    *,
    fields: Sequence[str] = (),
    ngram: int = 8,
    max_overlap: float = 0.5,
    min_words: int = 10,
    max_items: int = 10,
) -> Step:
    """The step that marks rows which hold items of `against`: `rows` is the data and then its sidecars.

    Raises:
        Misuse: there is nothing to look for, or the data is one of the evaluation sets.
        ValueError: a field is out of its range.
    """
    if not against:
        raise Misuse(f"{name}: no evaluation sets to look for; name one or more, as against=NAME@VERSION,NAME@VERSION")
    unique = list({version.ref: version for version in against}.values())
    for source in rows:
        for version in unique:
            if isinstance(source, DatasetVersion) and source.fingerprint == version.fingerprint:
                raise Misuse(f"{name}: {version.ref} has the rows of {source.ref} itself, so all of them would go")
    op = Decontaminate(
        evaluations=tuple(version.ref for version in unique),
        fields=tuple(fields),
        ngram=ngram,
        max_overlap=max_overlap,
        min_words=min_words,
        max_items=max_items,
    )
    return Step(name, op, (*rows, *unique))


def decontaminate(
    data: DatasetVersion,
    against: list[DatasetVersion],
    fields: tuple[str, ...] = (),
    ngram: int = 8,
    max_overlap: float = 0.5,
    min_words: int = 10,
    max_items: int = 10,
) -> Step:
    """`data` without the rows that hold items of evaluation sets; same row type, same columns.

    Args:
        data: rows of any type.
        against: evaluation sets, each of any type.
        fields: which fields of the evaluation rows are looked for; all that hold language if none are named.
        ngram: words of an item count as found in runs of so many that the row has too.
        max_overlap: a row that holds more than this share of the words of one text is dropped.
        min_words: at least so many words (or the whole text) must be found.
        max_items: runs of words that more texts than this have in common are a template and do not count.

    Raises:
        Misuse: there is nothing to look for, or `data` is one of the evaluation sets.
        ValueError: a number is out of its range.
    """
    marks = search_step(
        "decontaminate/find",
        (data,),
        against,
        fields=fields,
        ngram=ngram,
        max_overlap=max_overlap,
        min_words=min_words,
        max_items=max_items,
    )
    license, source = str(data.json.get("license", "unknown")), data.json.get("source")
    return Step("decontaminate/keep", KeepRows(kind=data.kind, license=license, source=source), (data, marks))
