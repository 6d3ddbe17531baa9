"""Filters and sort orders of a search as SQL over the server's own tables.

Names come from the request and travel as bound parameters, never as SQL. What cannot be meant raises ValueError,
which argilla-server answers with status 422.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from argilla_server.enums import RecordStatus, ResponseStatus, ResponseStatusFilter, SortOrder, SuggestionType
from argilla_server.models import Dataset, Question, Record, Response, Suggestion
from argilla_server.search_engine.base import (
    AndFilter,
    Filter,
    MetadataFilterScope,
    Order,
    RecordFilterScope,
    ResponseFilterScope,
    SuggestionFilterScope,
    TermsFilter,
)
from sqlalchemy import Float, and_, case, cast, exists, func, literal, or_, select, true

DATES = ("inserted_at", "updated_at")


def condition(one: Filter, dataset: Dataset) -> Any:
    """The filter as a condition on `records`."""
    if isinstance(one, AndFilter):
        return and_(true(), *[condition(part, dataset) for part in one.filters])
    match one.scope:
        case RecordFilterScope():
            return _of_record(one)
        case MetadataFilterScope(metadata_property=name):
            return _of_json(Record.metadata_, path(name), one)
        case ResponseFilterScope():
            return _of_responses(one)
        case SuggestionFilterScope():
            return _of_suggestion(one, dataset)
    raise ValueError(f"cannot filter by {one.scope}")


def order_by(one: Order, dataset: Dataset) -> Any:
    """The order as an expression on `records`; records without a value come last either way."""
    match one.scope:
        case RecordFilterScope(property=name):
            value = getattr(Record, str(name))
        case MetadataFilterScope(metadata_property=name):
            value = func.json_extract(Record.metadata_, path(name))
        case ResponseFilterScope():
            value = _response_value(one.scope)
        case SuggestionFilterScope():
            value = _suggestion_value(one.scope, dataset)
        case _:
            raise ValueError(f"cannot sort by {one.scope}")
    return (value.desc() if one.order == SortOrder.desc else value.asc()).nulls_last()


def path(*names: str) -> str:
    """SQLite's address of a value inside JSON.

    Raises:
        ValueError: a name holds a quote, which cannot be written there; names the server accepts have none.
    """
    if any('"' in name for name in names):
        raise ValueError(f"no name holds a quote: {names}")
    return "$" + "".join(f'."{name}"' for name in names)


def _of_record(one: Filter) -> Any:
    name = str(one.scope.property)
    column = getattr(Record, name)
    if isinstance(one, TermsFilter):
        if name in DATES:
            raise ValueError(f"`{name}` is filtered by a range, not by terms")
        values: list[Any] = one.values
        if name == "id":
            values = [UUID(value) for value in values]
        elif name == "status":
            values = [RecordStatus(value) for value in values]
        return column.in_(values)
    if name in DATES:
        return _between(column, _date(one.ge), _date(one.le))
    raise ValueError(f"`{name}` is filtered by terms, not by a range")


def _of_json(column: Any, where: str, one: Filter) -> Any:
    """A condition on a scalar inside JSON, or on any member of a list there."""
    each = func.json_each(column, where).table_valued("value", "type")
    if isinstance(one, TermsFilter):
        meant = each.c.value.op("||")("").in_([str(value) for value in one.values])
    else:
        meant = and_(
            each.c.type.in_(["integer", "real"]), _between(cast(each.c.value, Float), _number(one.ge), _number(one.le))
        )
    return exists(select(literal(1)).select_from(each).where(meant))


def _of_responses(one: Filter) -> Any:
    scope = one.scope
    theirs = [Response.record_id == Record.id]
    if scope.user is not None:
        theirs.append(Response.user_id == scope.user.id)
    if scope.question:
        return exists(select(Response.id).where(*theirs, _of_json(Response.values, path(scope.question, "value"), one)))
    if scope.property != "status" or not isinstance(one, TermsFilter):
        raise ValueError("responses are filtered by a question, or by terms of their `status`")
    asked = [ResponseStatusFilter(value) for value in one.values]
    options = []
    if ResponseStatusFilter.pending in asked:
        options.append(~exists(select(Response.id).where(*theirs)))
    stored = [ResponseStatus(value) for value in asked if value != ResponseStatusFilter.pending]
    if stored:
        options.append(exists(select(Response.id).where(*theirs, Response.status.in_(stored))))
    return or_(*options)


def _of_suggestion(one: Filter, dataset: Dataset) -> Any:
    name = _suggestion_property(one.scope)
    column = getattr(Suggestion, name)
    if name in ("value", "score"):
        meant = _of_json(column, "$", one)
    elif not isinstance(one, TermsFilter):
        raise ValueError(f"the `{name}` of suggestions is filtered by terms, not by a range")
    elif name == "type":
        meant = column.in_([SuggestionType(value) for value in one.values])
    else:
        meant = column.in_(one.values)
    return exists(
        select(Suggestion.id).where(
            Suggestion.record_id == Record.id,
            Question.id == Suggestion.question_id,
            Question.dataset_id == dataset.id,
            Question.name == one.scope.question,
            meant,
        )
    )


def _suggestion_property(scope: SuggestionFilterScope) -> str:
    return "value" if scope.property in (None, "None") else str(scope.property)


def _suggestion_value(scope: SuggestionFilterScope, dataset: Dataset) -> Any:
    name = _suggestion_property(scope)
    column = getattr(Suggestion, name)
    return (
        select(func.json_extract(column, "$") if name in ("value", "score") else column)
        .join(Question, Question.id == Suggestion.question_id)
        .where(Suggestion.record_id == Record.id, Question.dataset_id == dataset.id, Question.name == scope.question)
        .limit(1)
        .scalar_subquery()
    )


def _response_value(scope: ResponseFilterScope) -> Any:
    """Of several responses to a record: the mean of numbers, the first of words."""
    theirs = [Response.record_id == Record.id]
    if scope.user is not None:
        theirs.append(Response.user_id == scope.user.id)
    if not scope.question:
        return select(func.min(Response.status)).where(*theirs).scalar_subquery()
    value = func.json_extract(Response.values, path(scope.question, "value"))
    words = func.max(func.typeof(value)) == "text"
    return select(case((words, func.min(value)), else_=func.avg(value))).where(*theirs).scalar_subquery()


def _between(value: Any, least: Any, most: Any) -> Any:
    parts = [] if least is None else [value >= least]
    return and_(*parts, *([] if most is None else [value <= most]))


def _number(bound: float | str | None) -> float | None:
    return None if bound is None else float(bound)


def _date(bound: float | str | None) -> datetime | None:
    """The bound as the tables keep dates: UTC without saying so."""
    if bound is None:
        return None
    if not isinstance(bound, str):
        raise ValueError(f"a date is written as 2026-01-31T12:00:00, not as {bound}")
    date = datetime.fromisoformat(bound)
    return date.astimezone(UTC).replace(tzinfo=None) if date.tzinfo else date
