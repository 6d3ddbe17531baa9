"""How well a classifier does on held-out rows: the entry that cards print, and the same at other thresholds."""

import json
from typing import Any

import numpy as np
import polars as pl

from curation.measures import Triple, precision_recall_f1, roc_auc

FIELD = "classifier"  # of the metadata of a held-out row
HELD_OUT = pl.Schema({"from": pl.String(), "positive": pl.Boolean(), "probability": pl.Float64()})
NOT_COVERED = (
    "text unlike the labelled rows: another source, length, language or time; measure on rows of your own",
    "near-copies among the labelled rows, which make these figures look better unless rows were grouped",
)


def held_out(rows: pl.DataFrame) -> pl.DataFrame:
    """What the held-out rows of a trained version say in their metadata: `from`, `positive`, `probability`."""
    found = [json.loads(metadata)[FIELD] for metadata in rows["metadata"]]
    return pl.DataFrame(found, schema=HELD_OUT)


def outcome(stage: str, of: str, rows: pl.DataFrame, threshold: float, inclusive: bool = False) -> dict[str, Any]:
    """A gold entry for rows as `held_out` gives them, over all of them and for each version they are from.

    Args:
        inclusive: whether a probability of exactly `threshold` counts as positive.
    """
    names = sorted(rows["from"].unique()) if rows["from"].n_unique() > 1 else []
    parts = {name: rows.filter(pl.col("from") == name) for name in names} | {"all": rows}
    return {
        "stage": stage,
        "set": of,
        "rows": rows.height,
        "unit": "document",
        "results": [
            {"label": name, **_counted(part, threshold, inclusive), "auc": _area(part)} for name, part in parts.items()
        ],
        "auc": _area(rows),
        "threshold": threshold,
        "not_covered": list(NOT_COVERED),
    }


def curve(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Precision, recall and F1 at each tenth."""
    limits = [round(0.1 * n, 1) for n in range(1, 10)]
    return [{"threshold": limit, **_counted(rows, limit, False)} for limit in limits]


def best_threshold(rows: pl.DataFrame) -> float:
    """The hundredth between 0 and 1 with the highest F1; of equals, the one nearest to the middle."""

    def f1(limit: float) -> float:
        found = _counted(rows, limit, False)["f1"]
        return found[0] if found else 0.0

    hundredths = [round(0.01 * n, 2) for n in range(1, 100)]
    return max(hundredths, key=lambda limit: (f1(limit), -abs(limit - 0.5), limit))


def _counted(rows: pl.DataFrame, threshold: float, inclusive: bool) -> dict[str, Any]:
    probability, positive = rows["probability"].to_numpy(), rows["positive"].to_numpy()
    said = probability >= threshold if inclusive else probability > threshold
    counts = (int(np.sum(said & positive)), int(np.sum(said & ~positive)), int(np.sum(~said & positive)))
    return {"support": int(positive.sum()), **precision_recall_f1(*counts)}


def _area(rows: pl.DataFrame) -> Triple | None:
    return roc_auc(rows["probability"].to_numpy(), rows["positive"].to_numpy())
