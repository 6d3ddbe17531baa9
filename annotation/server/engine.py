"""A search engine for argilla-server that reads the server's own tables.

Everything a search asks about (records, responses, suggestions, metadata, vectors) is in the server's database, and
committed there before the server tells its search engine. So whatever writes does nothing here, and every question is
one SQL query: there is no second copy to build, to lose or to drift.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from argilla_server.enums import MetadataPropertyType, SimilarityOrder, UserRole
from argilla_server.models import Dataset, Field, MetadataProperty, Record, Response, User, VectorSettings
from argilla_server.search_engine.base import (
    AndFilter,
    Filter,
    FloatMetadataMetrics,
    IntegerMetadataMetrics,
    MetadataFilterScope,
    MetadataMetrics,
    Order,
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    TermsMetrics,
    TextQuery,
)
from argilla_server.settings import settings
from sqlalchemy import String, event, func, literal, literal_column, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from . import matching, vectors
from .conditions import condition, order_by, path

NAME = "embedded"
ORDER = "order"  # the integer metadata property that puts a queue in order
FURTHEST = 2**62  # an offset beyond what SQLite can count to

_database = create_async_engine(settings.database_url, poolclass=NullPool, **settings.database_engine_args)
_session = async_sessionmaker(bind=_database, expire_on_commit=False)


@event.listens_for(_database.sync_engine, "connect")
def _add_functions(connection: Any, _record: Any) -> None:
    connection.create_function("matching_hits", 3, matching.hits, deterministic=True)


def register() -> None:
    """Make the engine known under NAME, before argilla-server starts."""
    SearchEngine.register(engine_name=NAME)(Embedded)


class Embedded(SearchEngine):  # type: ignore[misc]  # argilla-server is not where types are checked
    """argilla-server's interface of a search engine, on SQL."""

    @classmethod
    async def new_instance(cls) -> "Embedded":
        return cls()

    async def close(self) -> None: ...

    async def ping(self) -> bool:
        async with _session() as db:
            return bool(await db.scalar(select(literal(1))))

    async def info(self) -> dict[str, Any]:
        return {"name": NAME, "version": {"number": "1", "distribution": "sqlite"}}

    # What the server writes is in the tables already.
    async def create_index(self, dataset: Dataset) -> None: ...
    async def delete_index(self, dataset: Dataset) -> None: ...
    async def configure_metadata_property(self, dataset: Dataset, metadata_property: MetadataProperty) -> None: ...
    async def configure_index_vectors(self, vector_settings: VectorSettings) -> None: ...
    async def index_records(self, dataset: Dataset, records: Iterable[Record]) -> None: ...
    async def partial_record_update(self, record: Record, **update: Any) -> None: ...
    async def delete_records(self, dataset: Dataset, records: Iterable[Record]) -> None: ...
    async def update_record_response(self, response: Response) -> None: ...
    async def delete_record_response(self, response: Response) -> None: ...
    async def update_record_suggestion(self, suggestion: Any) -> None: ...
    async def delete_record_suggestion(self, suggestion: Any) -> None: ...

    async def get_dataset_progress(self, dataset: Dataset) -> dict[str, int]:
        """Records by status."""
        where = Record.dataset_id == dataset.id
        return await _counts(dataset, select(Record.status, func.count()).where(where).group_by(Record.status))

    async def get_dataset_user_progress(self, dataset: Dataset, user: User) -> dict[str, int]:
        """The user's responses by status."""
        theirs = (
            select(Response.status, func.count())
            .join(Record, Record.id == Response.record_id)
            .where(Record.dataset_id == dataset.id, Response.user_id == user.id)
            .group_by(Response.status)
        )
        return await _counts(dataset, theirs)

    async def search(
        self,
        dataset: Dataset,
        query: TextQuery | str | None = None,
        filter: Filter | None = None,
        sort: list[Order] | None = None,
        offset: int = 0,
        limit: int = 100,
        user_id: UUID | str | None = None,
    ) -> SearchResponses:
        """A page of matching records, and how many match.

        Without `sort`, a text search gives the best matches first. An annotator's queue comes in the order of the
        integer metadata property `order` where the dataset has one, else in an order of their own that stays.
        """
        offset = min(offset, FURTHEST)
        async with _session() as db:
            if user_id is not None:
                await _allowed(db, dataset, user_id, filter, sort)
            conditions, score = await _matching(db, dataset, query, filter)
            if query is None:
                found = select(Record.id, literal(1.0)).where(*conditions)
                total = select(func.count()).select_from(Record).where(*conditions)
            else:
                # Materialized: each text is looked at once, not again for counting and sorting.
                scored = select(Record.id.label("id"), score.label("score")).where(*conditions)
                hits = scored.cte("hits").prefix_with("MATERIALIZED")
                found = select(Record.id, hits.c.score).join(hits, hits.c.id == Record.id).where(hits.c.score > 0)
                total = select(func.count()).select_from(hits).where(hits.c.score > 0)
            if sort:
                ordering = [order_by(one, dataset) for one in sort]
            elif query is not None:
                ordering = [hits.c.score.desc()]
            elif user_id is not None:
                ordering = [await _queue_order(db, dataset, user_id)]
            else:
                ordering = []
            page = found.add_columns(total.scalar_subquery())
            page = page.order_by(*ordering, Record.inserted_at.asc(), Record.id.asc()).offset(offset).limit(limit)
            rows = (await db.execute(page)).all()
            count = rows[0][2] if rows else (await db.scalar(total) if offset else 0)
        items = [SearchResponseItem(record_id=row[0], score=float(row[1])) for row in rows]
        return SearchResponses(items=items, total=count)

    async def similarity_search(
        self,
        dataset: Dataset,
        vector_settings: VectorSettings,
        value: list[float] | None = None,
        record: Record | None = None,
        query: TextQuery | str | None = None,
        filter: Filter | None = None,
        max_results: int = 100,
        order: SimilarityOrder = SimilarityOrder.most_similar,
        threshold: float | None = None,
    ) -> SearchResponses:
        """The records whose vectors are nearest to `value`, or to the vector of `record`, which is left out itself."""
        if (value is None) == (record is None):
            raise ValueError("a similarity search takes either a vector or a record")
        aim = value if record is None else record.vector_value_by_vector_settings(vector_settings)
        if not aim or len(aim) != vector_settings.dimensions:
            raise ValueError(f"the vector to compare with must have {vector_settings.dimensions} numbers")
        async with _session() as db:
            conditions, score = await _matching(db, dataset, query, filter)
            if record is not None:
                conditions.append(Record.id != record.id)
            rows = (await db.execute(vectors.candidates(vector_settings.id, [*conditions, score > 0]))).all()
        ranked = vectors.ranked(rows, aim, least=order == SimilarityOrder.least_similar)
        items = [
            SearchResponseItem(record_id=one, score=near)
            for one, near in ranked[:max_results]
            if threshold is None or near >= threshold
        ]
        return SearchResponses(items=items, total=len(items))

    async def compute_metrics_for(self, metadata_property: MetadataProperty) -> MetadataMetrics:
        """Counts of terms, or the range of numbers, of a metadata property."""
        each = func.json_each(Record.metadata_, path(metadata_property.name)).table_valued("value")
        values = (
            select(each.c.value, func.count())
            .select_from(Record)
            .join(each, true())
            .where(Record.dataset_id == metadata_property.dataset_id, each.c.value.is_not(None))
            .group_by(each.c.value)
        )
        async with _session() as db:
            rows = (await db.execute(values)).all()
        if metadata_property.type == MetadataPropertyType.terms:
            counts = [TermsMetrics.TermCount(term=str(value), count=count) for value, count in rows]
            counts.sort(key=lambda one: (-one.count, one.term))
            return TermsMetrics(total=sum(count for _, count in rows), values=counts)
        whole = metadata_property.type == MetadataPropertyType.integer
        numbers = [value for value, _ in rows]
        kind = IntegerMetadataMetrics if whole else FloatMetadataMetrics
        return kind(min=min(numbers, default=None), max=max(numbers, default=None))


async def _counts(dataset: Dataset, by_status: Any) -> dict[str, int]:
    if dataset.is_draft:
        return {}
    async with _session() as db:
        counts = {str(status.value): count for status, count in (await db.execute(by_status)).all()}
    return {"total": sum(counts.values()), **counts}


async def _matching(
    db: AsyncSession, dataset: Dataset, query: TextQuery | str | None, filter: Filter | None
) -> tuple[list[Any], Any]:
    """Conditions on `records`, and an expression that is 0 where the text does not match."""
    conditions = [Record.dataset_id == dataset.id]
    if filter is not None:
        conditions.append(condition(filter, dataset))
    if query is None:
        return conditions, literal(1.0)
    asked = TextQuery(q=query) if isinstance(query, str) else query
    fields = (await db.scalars(select(Field).where(Field.dataset_id == dataset.id))).all()
    names = [one.name for one in fields if (one.name == asked.field if asked.field else not one.is_image)]
    for group in matching.wanted(asked.q).groups:
        # SQLite's LIKE is far faster than our function, but reads the JSON, where only plain letters are themselves.
        first = [term.first for term in group]
        if all(word.isascii() and word.isalnum() for word in first):
            conditions.append(or_(*[Record.fields.cast(String).like(f"%{word}%") for word in first]))
    return conditions, func.matching_hits(Record.fields, json.dumps(names), asked.q)


async def _queue_order(db: AsyncSession, dataset: Dataset, user_id: UUID | str) -> Any:
    """`order` of the metadata, or a shuffle by user that SQLite computes without calling Python for every row."""
    named = select(MetadataProperty).where(MetadataProperty.dataset_id == dataset.id, MetadataProperty.name == ORDER)
    found = (await db.scalars(named)).one_or_none()
    if found is not None and found.is_integer:
        return func.json_extract(Record.metadata_, path(ORDER)).asc().nulls_last()
    seed = int.from_bytes(hashlib.sha256(str(user_id).encode()).digest()[:4], "big")
    prime = 2**31 - 1  # its square still fits SQLite's integers; squaring hides the stride of the row numbers
    row = literal_column("records.rowid")
    mixed = (row * 48271 + seed) % prime
    mixed = (mixed * mixed + seed) % prime
    return (mixed * mixed + row) % prime


async def _allowed(
    db: AsyncSession, dataset: Dataset, user_id: UUID | str, filter: Filter | None, sort: list[Order] | None
) -> None:
    """Refuse annotators a filter or sort by metadata they may not see: the answer would give its values away."""
    scopes = [one.scope for one in [*_single(filter), *(sort or [])]]
    names = {scope.metadata_property for scope in scopes if isinstance(scope, MetadataFilterScope)}
    if not names or await db.scalar(select(User.role).where(User.id == user_id)) != UserRole.annotator:
        return
    listed = await db.scalars(select(MetadataProperty).where(MetadataProperty.dataset_id == dataset.id))
    hidden = names - {one.name for one in listed if one.visible_for_annotators}
    if hidden:
        raise ValueError(f"there is no metadata property {', '.join(sorted(hidden))} for you")


def _single(filter: Filter | None) -> list[Filter]:
    if filter is None:
        return []
    if isinstance(filter, AndFilter):
        return [one for part in filter.filters for one in _single(part)]
    return [filter]
