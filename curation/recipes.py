"""The built-in recipes of curation: raw pages or text to a corpus, and what is done with versions after that."""

from collections.abc import Sequence
from typing import Literal

from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .c4 import C4Quality
from .classify.model import Model
from .classify.stages import Quality, Spam, Toxicity
from .classify.train import classifier
from .decontaminate.recipe import decontaminate, search_step
from .dedup.exact import ExactDuplicates
from .dedup.near import NearDuplicates
from .extract import Extract
from .fineweb import FineWebQuality
from .gopher import GopherQuality, GopherRepetition
from .ingest import Ingest
from .keep import Keep
from .kernels.rules import spacy_rules
from .language import Language
from .mix.recipe import mixture, tokenise
from .normalize import Normalize
from .pii.stage import TYPES, Pii
from .screen import Screen
from .secrets.stage import KINDS, Secrets
from .stage import Stage

__all__ = ["classifier", "decontaminate", "mixture", "plain_text", "tokenise", "web_text"]

Secret = Literal["mask", "drop", "keep"]
Personal = Literal["mask", "pseudonym", "drop", "keep"]


def web_text(
    input: str,
    language: str = "en",
    min_language_score: float = 0.65,
    min_words: int = 50,
    max_words: int = 100_000,
    min_jaccard: float = 0.7,
    against: tuple[DatasetVersion, ...] = (),
    toxicity: DatasetVersion | None = None,
    max_toxicity: float = 0.5,
    spam: DatasetVersion | None = None,
    max_spam: float = 0.5,
    quality: DatasetVersion | None = None,
    min_quality: float = 0.5,
    secrets: Secret = "mask",
    pii: Personal = "mask",
    license: str = "unknown",
    source: str | None = None,
) -> Step:
    """Web pages (WARC, WET, HTML) to a corpus: main text, one language, quality rules, no duplicates, safe to train on.

    The order and the thresholds are those of FineWeb (Penedo et al. 2024, section 3), which ran trafilatura, a
    language filter, the Gopher rules, the C4 rules without the one on final punctuation, and its own; duplicates are
    removed exactly and then by verified similarity. Then come evaluation sets, classifiers, secrets and personal data,
    which see only what is left. Pages that are text already are taken as they are.

    Args:
        input: a file, a folder, a glob, or any fsspec address.
        language: ISO 639-1 code of the language to keep; it also decides how words are split.
        min_language_score: the least probability of that language.
        min_words: documents with fewer words are dropped (Gopher).
        max_words: documents with more words are dropped (Gopher).
        min_jaccard: share of word 5-grams in common from which a later document counts as a near-duplicate.
        against: versions of evaluation sets; documents that hold their items are dropped.
        toxicity, spam, quality: versions that the recipe `classifier` made, asked about each document.
        max_toxicity, max_spam: documents that are likelier than this are dropped.
        min_quality: documents that are less likely good are dropped.
        secrets: mask keys, tokens and passwords, drop documents that hold one, or keep them.
        pii: mask personal data, put pseudonyms in its place, drop documents that hold some, or keep it.
        license: SPDX id for the card, when the pages share one.
        source: a sentence for the card on where the input comes from.

    Raises:
        ValueError: there are no word rules for `language`, or a threshold is out of its range.
        NoInput: there is nothing to read at `input`.
        Misuse: a version holds no classifier, or pseudonyms are asked for without a key.
    """
    spacy_rules(language)  # a code without word rules is refused before anything is read
    _probabilities(min_language_score, max_toxicity, max_spam, min_quality)
    read = Ingest(input=Input.find(input), stages=(Extract(), Normalize()))
    screen = _heuristics(language, min_language_score, min_words, max_words)
    models = _models((toxicity, max_toxicity), (spam, max_spam), (quality, min_quality))
    return _corpus("web-text", read, screen, min_jaccard, against, models, _masks(secrets, pii), license, source)


def plain_text(
    input: str,
    text: str = "",
    language: str = "en",
    min_language_score: float = 0.65,
    min_words: int = 50,
    max_words: int = 100_000,
    min_jaccard: float = 0.7,
    against: tuple[DatasetVersion, ...] = (),
    toxicity: DatasetVersion | None = None,
    max_toxicity: float = 0.5,
    spam: DatasetVersion | None = None,
    max_spam: float = 0.5,
    quality: DatasetVersion | None = None,
    min_quality: float = 0.5,
    secrets: Secret = "mask",
    pii: Personal = "mask",
    license: str = "unknown",
    source: str | None = None,
) -> Step:
    """Text that is text already (JSONL, Parquet, CSV, plain files) to a corpus, by the same rules as `web_text`.

    Args:
        text: the field of the input rows that holds the text; found by its usual names if empty.
        The others are as in `web_text`.
    """
    spacy_rules(language)
    _probabilities(min_language_score, max_toxicity, max_spam, min_quality)
    mapping = (("text", text),) if text else ()
    read = Ingest(input=Input.find(input), mapping=mapping, stages=(Normalize(),))
    screen = _heuristics(language, min_language_score, min_words, max_words)
    models = _models((toxicity, max_toxicity), (spam, max_spam), (quality, min_quality))
    return _corpus("plain-text", read, screen, min_jaccard, against, models, _masks(secrets, pii), license, source)


def _probabilities(min_language_score: float, max_toxicity: float, max_spam: float, min_quality: float) -> None:
    """Refuse a limit beyond which there is nothing, or everything: it would be a rule that never or always drops."""
    limits = {"min_language_score": min_language_score, "max_toxicity": max_toxicity, "max_spam": max_spam}
    for name, limit in {**limits, "min_quality": min_quality}.items():
        if not 0 <= limit <= 1:
            raise ValueError(f"{name}={limit}: write a probability, 0 to 1")


def _heuristics(language: str, min_language_score: float, min_words: int, max_words: int) -> tuple[Stage, ...]:
    if not 0 <= min_words <= max_words:
        raise ValueError(f"min_words is {min_words} and max_words {max_words}; write 0 <= min_words <= max_words")
    return (
        Language(keep=(language,), min_score=min_language_score),
        GopherRepetition(language=language),
        GopherQuality(language=language, min_words=min_words, max_words=max_words),
        C4Quality(language=language, end_punctuation=False),
        FineWebQuality(language=language),
    )


Asked = tuple[DatasetVersion | None, float]
HALF = 0.5  # what a classifier's threshold is unless somebody says otherwise


def _models(toxicity: Asked, spam: Asked, quality: Asked) -> tuple[Stage, ...]:
    """A stage for each classifier that was given."""
    asked = {"toxicity": ("max_toxicity", toxicity), "spam": ("max_spam", spam), "quality": ("min_quality", quality)}
    for name, (field, (version, limit)) in asked.items():
        if version is None and limit != HALF:
            raise ValueError(f"{field} is {limit}, but no classifier was named; add -p {name}=NAME@VERSION")
    stages: list[Stage] = []
    if toxicity[0] is not None:
        stages.append(Toxicity(model=Model.of(toxicity[0]), max_probability=toxicity[1]))
    if spam[0] is not None:
        stages.append(Spam(model=Model.of(spam[0]), max_probability=spam[1]))
    if quality[0] is not None:
        stages.append(Quality(model=Model.of(quality[0]), min_probability=quality[1]))
    return tuple(stages)


def _masks(secrets: Secret, pii: Personal) -> tuple[Stage, ...]:
    """The stages that take out what must not be seen; secrets first, so that a key is not taken for a number."""
    stages: list[Stage] = []
    if secrets != "keep":
        stages.append(Secrets(drop_kinds=KINDS if secrets == "drop" else ()))
    match pii:
        case "mask":
            stages.append(Pii())
        case "pseudonym":
            stages.append(Pii(mask_types=(), pseudonym_types=TYPES))
        case "drop":
            stages.append(Pii(mask_types=(), drop_types=TYPES))
        case "keep":
            pass
    return tuple(stages)


def _corpus(
    prefix: str,
    read: Ingest,
    heuristics: tuple[Stage, ...],
    min_jaccard: float,
    against: Sequence[DatasetVersion],
    models: tuple[Stage, ...],
    masks: tuple[Stage, ...],
    license: str,
    source: str | None,
) -> Step:
    """The steps behind both recipes; every later step reads the documents and all that was said about them."""
    steps = [Step(f"{prefix}/read", read)]
    steps.append(Step(f"{prefix}/screen", Screen(stages=heuristics), tuple(steps)))
    steps.append(Step(f"{prefix}/exact-duplicates", ExactDuplicates(), tuple(steps)))
    steps.append(Step(f"{prefix}/near-duplicates", NearDuplicates(min_jaccard=min_jaccard), tuple(steps)))
    if against:
        steps.append(search_step(f"{prefix}/decontaminate", steps, against))
    if models or masks:
        steps.append(Step(f"{prefix}/safe", Screen(stages=(*models, *masks)), tuple(steps)))
    return Step(f"{prefix}/keep", Keep(license=license, source=source, veil=masks), tuple(steps))
