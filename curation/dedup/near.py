"""Dropping documents that say nearly the same as an earlier one that stays, verified by their true Jaccard index."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from curation.engine import Engine
from curation.layers import Layers
from dataset_cards.versions.job import Job

from .buckets import Join, slices_for
from .clustering import Cluster
from .leaders import store_bytes
from .linking import Link
from .pairs import largest, to_judge
from .runs import blocks
from .signatures import MinHash, Sign, Suspect
from .sketches import collision_probability
from .verdicts import Mark

REASON = "near-duplicates/similar"
JACCARD = "jaccard"


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """A document is dropped iff an earlier one that stays shares a MinHash band with it and is similar enough.

    Similar enough: the Jaccard index of their sets of word n-grams (words as in `normalise`) is at least `min_jaccard`.
    It is computed on the whole sets, so no document goes below the threshold, and none for the sake of one that is
    itself gone. Corpus order decides who stays: the first. A document shorter than one n-gram is one shingle; one
    without any word is no near-duplicate of anything.

    MinHash with bands: Broder 1997; 14 bands x 8 rows on word 5-grams is FineWeb's choice (Penedo et al. 2024,
    arXiv:2406.17557, section 3.4). Verification against the document that stays replaces its connected components.

    Drops as `near-duplicates/similar`; the sidecar has `duplicate_of` (Int64, the row number in the corpus of the
    earliest such document) and `jaccard` (Float64).
    """

    revision: ClassVar[int] = 2
    budget_bytes: ClassVar[int] = 256 << 20  # how it runs, not what it does: any value gives the same rows

    ngram: int = 5
    bands: int = 14
    rows: int = 8  # permutations per band
    seed: int = 1
    min_jaccard: float = 0.7
    max_compared: int = 1000  # earlier documents that one is compared with; more are counted as `capped`, and it stays

    def __post_init__(self) -> None:
        for field in ("ngram", "bands", "rows", "max_compared"):
            if getattr(self, field) < 1:
                raise ValueError(f"NearDuplicates({field}={getattr(self, field)}): must be at least 1")
        if not 0 < self.min_jaccard <= 1:
            raise ValueError(f"NearDuplicates(min_jaccard={self.min_jaccard}): must be above 0 and at most 1")

    def run(self, job: Job) -> dict[str, Any]:
        """Find and mark; each phase goes on where it was stopped.

        Returns:
            `near_duplicates`, a dict of `threshold`: min_jaccard; `s_curve`: [Jaccard index, probability to share a
            band] pairs; `s_curve_in_words`: `curve()`; `pairs_verified`: pairs whose sets were compared; `capped`:
            documents with more than `max_compared` candidates; `clusters`: the 50 largest, each with the row `kept`,
            its `size` and up to five `members` with their `jaccard`; `pairs`: up to 50 drops for people to judge, each
            with the rows `kept` and `dropped`, the `jaccard` index, and `why` it is shown: `large-cluster` (the least
            alike of one of the 20 largest) or `just-above-threshold` (drawn by lot, 30).
        """
        engine = job.tool(Engine)
        found = self._find(job, engine)
        mark = Mark(job=job.bare(), found=found, written=blocks(found), reason=REASON, measures=(JACCARD,))
        engine.run("mark", job, mark, job.unfinished(Layers(job.inputs).parts))
        facts = found.facts()
        points = [step / 20 for step in range(1, 21)]
        clusters = largest([cluster for batch in facts for cluster in batch["clusters"]])
        arguable = [pair for batch in facts for pair in batch["arguable"]]
        shown = ("kept", "size", "members")
        near = {
            "threshold": self.min_jaccard,
            "s_curve": [[point, collision_probability(point, self.bands, self.rows)] for point in points],
            "s_curve_in_words": self.curve(),
            "pairs_verified": sum(batch["compared"] for batch in facts),
            "capped": sum(batch["capped"] for batch in facts),
            "clusters": [{key: cluster[key] for key in shown} for cluster in clusters],
            "pairs": to_judge(clusters, arguable, self.min_jaccard),
        }
        return {"near_duplicates": near}

    def curve(self) -> str:
        """The share of pairs that is compared, by their Jaccard index, as a sentence."""
        steps = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
        shares = (f"{_percent(collision_probability(step, self.bands, self.rows))} at {step}" for step in steps)
        return (
            f"{self.bands} bands of {self.rows} rows compare, of the pairs with a Jaccard index of {steps[0]} to "
            f"{steps[-1]}: {', '.join(shares)}. Of the compared, those of {self.min_jaccard} or more go."
        )

    def _find(self, job: Job, engine: Engine) -> Job:
        """The finished phase that holds what is to be dropped."""
        layers = Layers(job.inputs)
        slices = slices_for(layers.rows * self.bands, self.budget_bytes)
        # The cut is part of the name: work half done under another budget is left alone, not misread.
        names = (f"keys-{slices}", f"edges-{slices}", "links", "suspects", "found")
        keys, edges, links, suspects, found = (Job(job.inputs, job.folder / name) for name in names)
        if links.finished() and not found.unfinished(links.facts()[0]["batches"]):
            return found
        minhash = MinHash(ngram=self.ngram, bands=self.bands, rows=self.rows, seed=self.seed)
        buffer = self.budget_bytes // 4

        sign = Sign(minhash=minhash, job=keys, slices=slices, buffer_bytes=buffer)
        engine.run("sign", keys, sign, keys.unfinished(layers.parts))

        join = Join(job=edges, keys=keys, written=blocks(keys), starts=(0,), by_part=False, buffer_bytes=buffer)
        engine.run("join", edges, join, edges.unfinished(slices))

        signed = keys.facts()
        documents, shingles = (sum(facts[name] for facts in signed) for name in ("documents", "shingles"))
        link = Link(
            job=links,
            edges=edges,
            written=blocks(edges),
            part_rows=tuple(part.rows for part in layers.documents.parts),
            document_bytes=store_bytes(self.bands) + 8 * shingles / max(1, documents),
            budget_bytes=self.budget_bytes,
        )
        engine.run("link", links, link, links.unfinished(1))
        batches = links.facts()[0]["batches"]

        suspect = Suspect(minhash=minhash, job=suspects, links=links, batches=batches, buffer_bytes=buffer)
        engine.run("gather sets", suspects, suspect, suspects.unfinished(layers.parts))

        cluster = Cluster(
            job=found,
            suspects=suspects,
            written=blocks(suspects),
            bands=self.bands,
            min_jaccard=self.min_jaccard,
            max_compared=self.max_compared,
            budget_bytes=self.budget_bytes,
        )
        engine.run("cluster", found, cluster, found.unfinished(batches))
        for phase in (keys, edges, suspects):
            phase.folder.remove()
        return found


def _percent(share: float) -> str:
    """Rounded down to a tenth, so that nearly all is not called all."""
    tenths = math.floor(1000 * share)
    return f"{tenths / 10:g} %" if tenths else "below 0.1 %"
