"""The built-in recipes of curation: raw pages or text to a corpus of documents."""

from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step

from .c4 import C4Quality
from .dedup.exact import ExactDuplicates
from .dedup.near import NearDuplicates
from .extract import Extract
from .fineweb import FineWebQuality
from .gopher import GopherQuality, GopherRepetition
from .ingest import Ingest
from .keep import Keep
from .kernels.rules import spacy_rules
from .language import Language
from .normalize import Normalize
from .screen import Screen
from .stage import Stage


def web_text(
    input: str,
    language: str = "en",
    min_language_score: float = 0.65,
    min_words: int = 50,
    max_words: int = 100_000,
    min_jaccard: float = 0.7,
    license: str = "unknown",
    source: str | None = None,
) -> Step:
    """Web pages (WARC, WET, HTML) to a corpus: main text, one language, quality rules, no duplicates.

    The order and the thresholds are those of FineWeb (Penedo et al. 2024, section 3), which ran trafilatura, a
    language filter, the Gopher rules, the C4 rules without the one on final punctuation, and its own; duplicates are
    removed exactly and then by verified similarity. Pages that are text already are taken as they are.

    Args:
        input: a file, a folder, a glob, or any fsspec address.
        language: ISO 639-1 code of the language to keep; it also decides how words are split.
        min_language_score: the least probability of that language.
        min_words: documents with fewer words are dropped (Gopher).
        max_words: documents with more words are dropped (Gopher).
        min_jaccard: share of word 5-grams in common from which a later document counts as a near-duplicate.
        license: SPDX id for the card, when the pages share one.
        source: a sentence for the card on where the input comes from.

    Raises:
        ValueError: there are no word rules for `language`, or a threshold is out of its range.
        NoInput: there is nothing to read at `input`.
    """
    spacy_rules(language)  # a code without word rules is refused before anything is read
    read = Ingest(input=Input.find(input), stages=(Extract(), Normalize()))
    stages = _quality(language, min_language_score, min_words, max_words)
    return _corpus("web-text", read, stages, min_jaccard, license, source)


def plain_text(
    input: str,
    text: str = "",
    language: str = "en",
    min_language_score: float = 0.65,
    min_words: int = 50,
    max_words: int = 100_000,
    min_jaccard: float = 0.7,
    license: str = "unknown",
    source: str | None = None,
) -> Step:
    """Text that is text already (JSONL, Parquet, CSV, plain files) to a corpus, by the same rules as `web_text`.

    Args:
        text: the field of the input rows that holds the text; found by its usual names if empty.
        The others are as in `web_text`.
    """
    spacy_rules(language)
    mapping = (("text", text),) if text else ()
    read = Ingest(input=Input.find(input), mapping=mapping, stages=(Normalize(),))
    stages = _quality(language, min_language_score, min_words, max_words)
    return _corpus("plain-text", read, stages, min_jaccard, license, source)


def _quality(language: str, min_language_score: float, min_words: int, max_words: int) -> tuple[Stage, ...]:
    return (
        Language(keep=(language,), min_score=min_language_score),
        GopherRepetition(language=language),
        GopherQuality(language=language, min_words=min_words, max_words=max_words),
        C4Quality(language=language, end_punctuation=False),
        FineWebQuality(language=language),
    )


def _corpus(
    prefix: str, read: Ingest, stages: tuple[Stage, ...], min_jaccard: float, license: str, source: str | None
) -> Step:
    """The steps behind both recipes; every later step reads the documents and all that was said about them."""
    documents = Step(f"{prefix}/read", read)
    screened = Step(f"{prefix}/screen", Screen(stages=stages), (documents,))
    exact = Step(f"{prefix}/exact-duplicates", ExactDuplicates(), (documents, screened))
    near = Step(f"{prefix}/near-duplicates", NearDuplicates(min_jaccard=min_jaccard), (documents, screened, exact))
    return Step(f"{prefix}/keep", Keep(license=license, source=source), (documents, screened, exact, near))
