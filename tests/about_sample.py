"""A complete about.yaml of a made-up corpus, as a file, as the `About` it stands for, and others drawn at random."""

from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dataset_cards.documents.about import About
from dataset_cards.documents.load import part_of
from dataset_cards.documents.statements import LONGEST
from dataset_cards.documents.unfilled import filled
from tests.sample_version import HOSTILE

SAMPLE = Path(__file__).with_name("about_sample.yaml")


def sample_fields() -> dict[str, Any]:
    """What the file says, as plain values; answers yes and no as words, as the loader reads them."""
    fields: dict[str, Any] = yaml.load(SAMPLE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return fields


def sample_about(**changes: Any) -> About:
    """The sample with whole top-level fields replaced; None leaves a field out."""
    return About.model_validate(changed(changes))


def sample_bytes(**changes: Any) -> bytes:
    """The same as a file; a change may also be named by its path, as `people__concerned`."""
    return yaml.safe_dump(changed(changes), allow_unicode=True, sort_keys=False).encode()


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    fields = sample_fields()
    for path, value in changes.items():
        *sections, name = path.split("__")
        inside = fields
        for section in sections:
            inside = inside[section]
        if value is None:
            inside.pop(name, None)
        else:
            inside[name] = value
    return fields


def hostile_about(text: str) -> About:
    """The sample with `text` behind every text that a person may write freely."""
    said = _hostile(sample_about().model_dump(mode="json", exclude_none=True), text)
    return About.model_validate(said)


def _hostile(value: Any, text: str, free: bool = True) -> Any:
    if isinstance(value, dict):
        return {key: _hostile(one, text, _is_free(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_hostile(one, text, free) for one in value]
    return f"{text} {value} {text}" if isinstance(value, str) and free else value


def _is_free(key: str) -> bool:
    bound = ("orcid", "email", "url", "begin", "end", "kind", "versions", "licensed", "concerned", "placed", "doi")
    return key not in (*bound, "first_used", "documents", "small", "code_of_practice")


TEXTS = st.builds(
    "{} {}".format,
    st.sampled_from(["Words", "1.", "- a", "# a", "> a", "---", "=== x", "    code", "```\nx", "a\n\nb", *HOSTILE]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text("`~|\\<>[]()!*_#-\n\t &;:$", max_size=20),
)


def _fits(text: str) -> bool:
    try:
        return bool(filled(text.strip()))
    except ValueError:
        return False


def abouts() -> st.SearchStrategy[About]:
    """Anything that validates."""
    return _drawn(About).map(About.model_validate)


def _drawn(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    fields = model.model_fields.items()
    needed = {name: _value(name, field) for name, field in fields if field.is_required()}
    return st.fixed_dictionaries(
        needed, optional={name: _value(name, field) for name, field in fields if name not in needed}
    )


def _value(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    part, many = part_of(field.annotation)
    one: st.SearchStrategy[Any]
    if part is not None:
        one = _drawn(part)
    elif name in ("begin", "end", "placed", "first_used"):
        one = st.dates().map(str)
    elif name in ("email", "url", "orcid", "doi"):
        shapes = {"email": "a@b.example", "url": "https://a.example/<b>", "orcid": "0000-0002-1825-0097"}
        one = st.just(shapes.get(name, "10.1234/x(y)"))
    elif found := _choices(field.annotation):
        one = st.sampled_from(found)
    elif field.annotation is bool:
        return st.booleans()
    else:
        most = 200 if name == "title" else LONGEST
        one = TEXTS.map(lambda text: text[:most]).filter(_fits)
    return st.lists(one, min_size=1, max_size=2) if many else one


def _choices(annotation: Any) -> list[str]:
    """The words of a Literal, also of one that is optional or in a list."""
    if get_origin(annotation) is not None and all(isinstance(one, str) for one in get_args(annotation)):
        return list(get_args(annotation))
    return [word for inside in get_args(annotation) for word in _choices(inside)]
