"""Which records have the vectors nearest to a given one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from argilla_server.models import Record, Vector
from sqlalchemy import select


def candidates(settings_id: UUID, conditions: Sequence[Any]) -> Any:
    """The query for (record id, vector) of every record that meets the conditions."""
    return (
        select(Record.id, Vector.value)
        .join(Vector, Vector.record_id == Record.id)
        .where(*conditions, Vector.vector_settings_id == settings_id)
    )


def ranked(rows: Sequence[Any], aim: Sequence[float], *, least: bool) -> list[tuple[UUID, float]]:
    """Record ids with (1 + cosine) / 2, Elasticsearch's score, best first; with `least`, the cosine is turned round."""
    if not rows:
        return []
    matrix = np.asarray([value for _, value in rows], dtype=np.float32)
    target = np.asarray(aim, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(target)
    cosines = matrix @ target / np.maximum(lengths, 1e-12)
    scores = (1 + (-cosines if least else cosines)) / 2
    return [(rows[place][0], float(scores[place])) for place in np.argsort(-scores, kind="stable")]
