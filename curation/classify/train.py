"""Training a classifier from labelled versions: the rows of the result are the held-out rows, the model lies beside."""

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.step import Step
from dataset_cards.versions.table import GROUP_ROWS, write_parquet
from dataset_cards.versions.version import DatasetVersion

from .calibrate import calibrate, calibration_error
from .fasttext_file import load
from .labelled import CALIBRATION, TEST, TRAINING, Labels, parts, read
from .learn import USUAL, Settings, learn
from .model import FORMAT, MODEL, NEGATIVE, NOTE, POSITIVE, raw_scores
from .outcome import FIELD, best_threshold, curve, outcome
from .prepare import WORDS_1, prepared

STAGE = "train-classifier"


@dataclass(frozen=True, kw_only=True)
class TrainClassifier:
    """A fastText classifier that tells positive rows from the others, with a probability that was calibrated.

    Rows are cut by a hash of their text (or of the metadata field `group`), so that a text never stands on two sides,
    and adding rows moves no other row. What is written: the held-out rows with their probability in
    `metadata.classifier`, and `model/`: a fastText .bin and a note on how to use it. Every row that is not held out is
    dropped as `training`, `calibration`, `duplicate`, `conflicting-labels`, `no-label`, `other-label` or `no-words`.
    """

    revision: ClassVar[int] = 1
    sources: tuple[str, ...]  # what the inputs are called, in their order
    positive: tuple[str, ...]
    negative: tuple[str, ...] = ()
    label: tuple[str, ...] = ("label",)
    group: str = ""
    test_share: float = 0.2
    calibration_share: float = 0.15
    settings: Settings = USUAL
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        shares = (self.test_share, self.calibration_share)
        if min(shares) <= 0 or sum(shares) >= 1:
            raise ValueError("test_share and calibration_share lie above 0 and leave rows to train on")
        _ = self.labels

    @property
    def labels(self) -> Labels:
        return Labels(fields=self.label, positive=self.positive, negative=self.negative)

    def run(self, job: Job) -> dict[str, Any]:
        if job.unfinished(1):
            self._train(job)
        said: dict[str, Any] = job.fact(0)["said"]
        return {"kind": "documents", "license": self.license, "source": self.source, **said}

    def _train(self, job: Job) -> None:
        rows = self._cut(read(job.inputs, self.sources, self.labels, self.group))
        training, calibrating, test = (_part(rows, name) for name in (TRAINING, CALIBRATION, TEST))
        targets = training["positive"].cast(pl.Int64).to_numpy()
        model = learn(*prepared(training["text"], WORDS_1), targets, (NEGATIVE, POSITIVE), self.settings)
        network = load(model)
        raw = raw_scores(network, calibrating["text"], WORDS_1, POSITIVE)
        calibration = calibrate(raw, calibrating["positive"].to_numpy())
        threshold = best_threshold(_judged(calibrating, calibration.apply(raw)))
        before = raw_scores(network, test["text"], WORDS_1, POSITIVE)
        after = calibration.apply(before)
        judged, truth = _judged(test, after), test["positive"].to_numpy()
        note = {"format": FORMAT, "label": POSITIVE, "prepared": WORDS_1, "calibration": asdict(calibration)}
        job.folder.write_bytes(MODEL, model)
        job.folder.write_json(NOTE, {**note, "threshold": threshold, "settings": asdict(self.settings)})
        facts = {
            "files": [MODEL, NOTE],
            "gold": [outcome(STAGE, "the versions it was trained from, held out", judged, threshold)],
            "classifier": {
                "rows": {name: _part(rows, name).height for name in (TRAINING, CALIBRATION, TEST)},
                "positive": {name: int(_part(rows, name)["positive"].sum()) for name in (TRAINING, CALIBRATION, TEST)},
                "bytes": len(model),
                "calibration_error": {
                    "before": calibration_error(before, truth),
                    "after": calibration_error(after, truth),
                },
                "curve": curve(judged),
            },
        }
        self._write(job, rows, _annotated(test, judged), facts)

    def _cut(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the `part` they fall to, null where they take no part."""
        part = parts(rows, self.test_share, self.calibration_share)
        return rows.with_columns(part=pl.when(pl.col("reason").is_null()).then(part))

    def _write(self, job: Job, rows: pl.DataFrame, kept: pl.DataFrame, facts: dict[str, Any]) -> None:
        gone = rows.filter(pl.col("part").is_null() | (pl.col("part") != TEST)).with_columns(
            pl.lit(STAGE).alias("stage"), reason=pl.coalesce("reason", "part")
        )
        columns = ["id", "source", "stage", "reason", "duplicate_of"]
        write_parquet(job.folder / "ledger", "rows.parquet", [gone.select(columns)])
        counts = dict(sorted(gone["reason"].value_counts().iter_rows()))
        dropped = {f"{STAGE}/{reason}": count for reason, count in counts.items()}
        funnel = {"stage": STAGE, "read": rows.height, "kept": kept.height, "quarantined": 0, "dropped": dropped}
        frames = kept.iter_slices(GROUP_ROWS)
        job.write(0, frames, schema=SCHEMAS["documents"], funnel=[funnel], said=facts)


def classifier(
    labelled: tuple[DatasetVersion, ...],
    positive: tuple[str, ...],
    negative: tuple[str, ...] = (),
    label: tuple[str, ...] = ("label",),
    group: str = "",
    test_share: float = 0.2,
    calibration_share: float = 0.15,
    epochs: int = 25,
    rate: float = 0.3,
    dim: int = 8,
    word_ngrams: int = 2,
    buckets: int = 65_536,
    least_count: int = 2,
    seed: int = 1,
    license: str = "unknown",
    source: str | None = None,
) -> Step:
    """Labelled documents to a classifier for `Toxicity`, `Spam` or `Quality`, with figures on rows it never saw.

    Args:
        labelled: versions of kind documents, each row with its label in `metadata`.
        positive: the labels that mean toxic, spam or good; every other label means that it is not.
        negative: the labels that mean it is not; rows with any further label are then left out.
        label: the metadata fields that may hold the label; the first that a row has counts.
        group: a metadata field (thread, author, template) whose rows must not be parted between training and test.
        test_share: share of the rows that are held out to measure; they are the rows of the version.
        calibration_share: share of the rows that turn scores into probabilities.
        epochs: how often each training row is seen.
        rate: the learning rate at the beginning; it falls to zero.
        dim: numbers in a word's vector.
        word_ngrams: the longest run of words that has a vector; above 1, models grow by `buckets` vectors.
        buckets: vectors that all runs of two and more words share.
        least_count: how often a word must occur to have a vector.
        seed: of the first vectors and of the order of rows.
        license: SPDX id for the card; a model is made of its rows, so mind theirs.
        source: a sentence for the card.

    Raises:
        Misuse: a version is not of documents.
        ValueError: a setting is out of its range.
    """
    other = [f"{version.ref} is of kind {version.kind}" for version in labelled if version.kind != "documents"]
    if other or not labelled:
        said = "; ".join(other) or "none was named"
        raise Misuse(f"a classifier learns from versions of documents that have labels, but {said}")
    settings = Settings(
        epochs=epochs,
        rate=rate,
        dim=dim,
        word_ngrams=word_ngrams,
        buckets=buckets,
        least_count=least_count,
        seed=seed,
    )
    op = TrainClassifier(
        sources=tuple(version.ref for version in labelled),
        positive=tuple(positive),
        negative=tuple(negative),
        label=tuple(label),
        group=group,
        test_share=test_share,
        calibration_share=calibration_share,
        settings=settings,
        license=license,
        source=source,
    )
    return Step("classifier/train", op, tuple(labelled))


def _part(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of a part.

    Raises:
        Misuse: it has no positive or no negative row.
    """
    found = rows.filter(pl.col("part") == name)
    if found["positive"].n_unique() < 2:
        raise Misuse(
            f"of {rows.height:,} labelled rows, {found.height:,} fell to {name}, and not both positive and negative "
            "ones; give more rows, or a larger share"
        )
    return found


def _judged(rows: pl.DataFrame, probability: NDArray[np.float64]) -> pl.DataFrame:
    # Exponentials differ by machine in the last digit; what is frozen should not.
    return rows.select("from", "positive", pl.Series("probability", probability.round(9)))


def _annotated(rows: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """The held-out rows as documents, with what was found out about each in their metadata."""
    pairs = zip(rows["metadata"], judged.iter_rows(named=True), strict=True)
    metadata = [{**json.loads(own or "{}"), FIELD: found} for own, found in pairs]
    written = [json.dumps(one, sort_keys=True, ensure_ascii=False) for one in metadata]
    return rows.with_columns(pl.Series("metadata", written, dtype=pl.String)).select(SCHEMAS["documents"].names)
