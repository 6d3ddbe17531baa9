"""The front matter of a card: what the Hugging Face Hub and `datasets` read before anything else."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import DatasetCardData

from .plain import one_line

# https://huggingface.co/docs/hub/repositories-licenses, the identifiers that are an SPDX one in lower case.
# fmt: off
_SAME = frozenset({
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear",
    "bsl-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0",
    "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "eupl-1.2", "gpl-2.0", "gpl-3.0", "isc",
    "lgpl-2.1", "lgpl-3.0", "lppl-1.3c", "mit", "mpl-2.0", "ms-pl", "ncsa", "ofl-1.1", "osl-3.0", "postgresql",
    "unlicense", "wtfpl", "zlib",
})
# fmt: on
_OTHERWISE = {"c-uda-1.0": "c-uda", "odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl"}
_SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
_TASKS = {
    "documents": ["text-generation"],
    "conversations": ["text-generation"],
    "teacher": ["text-generation"],
}
# Arrow's names for types where `datasets` has another.
_DTYPES = {
    "float": "float32",
    "double": "float64",
    "halffloat": "float16",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}
_PLAIN = re.compile(
    r"(null|bool|u?int(8|16|32|64)|float(16|32|64)|(large_)?(string|binary)|date(32|64)|decimal(128|256)\(\d+, \d+\)"
    r"|(timestamp|duration|time32|time64)\[(s|ms|us|ns)(, tz=[\w/+:-]+)?\])"
)


class NoSuchForm(ValueError):
    """The name or type has no form in the front matter."""


def front_matter(version: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> str:
    """YAML between two lines of dashes, without the dashes.

    Args:
        more: fields that people filled, in the Hub's terms; they stand instead of those from the facts, `tags` beside.
    """
    data = [file for file in version.get("files") or [] if file["path"].startswith("data/")]
    size = version.get("bytes", sum(file["bytes"] for file in data))
    info: dict[str, Any] = {
        "splits": [{"name": "train", "num_bytes": size, "num_examples": version["rows"]}],
        "download_size": sum(file["bytes"] for file in data),
        "dataset_size": size,
    }
    if features := yaml_features(version.get("schema") or []):
        info = {"features": features, **info}
    license_id, license_name = hub_license(version.get("license") or "unknown")
    optional: dict[str, Any] = {
        "license_name": license_name,
        "language": _languages(version.get("languages") or {}),
        "task_categories": _TASKS.get(version.get("kind", "")),
    }
    fields: dict[str, Any] = {
        "license": license_id,
        "pretty_name": f"{version['name']} {version['version']}",
        "size_categories": [size_category(version["rows"])],
        "tags": ["gristmill", *([version["kind"]] if version.get("kind") else [])],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}],
        "dataset_info": info,
        **{key: value for key, value in optional.items() if value},
    }
    if more and "license" in more:
        fields.pop("license_name", None)
    tags = [*fields["tags"], *((more or {}).get("tags") or ())]
    fields |= {key: value for key, value in (more or {}).items() if value} | {"tags": list(dict.fromkeys(tags))}
    return str(DatasetCardData(**fields).to_yaml())


def hub_license(spdx: str) -> tuple[str, str | None]:
    """The Hub's identifier for an SPDX one, and a name where the Hub has no identifier of its own."""
    plain = re.sub(r"-(only|or-later)$|\+$", "", spdx.strip().lower())
    if plain in ("", "unknown", "noassertion", "none"):
        return "unknown", None
    if plain in _SAME:
        return plain, None
    if plain in _OTHERWISE:
        return _OTHERWISE[plain], None
    if plain.startswith("gfdl-"):
        return "gfdl", None
    return "other", re.sub(r"[^a-z0-9.]+", "-", plain).strip("-") or "other"


def size_category(rows: int) -> str:
    """The Hub's bucket of a number of rows, e.g. `1K<n<10K`."""
    if rows < 1000:
        return "n<1K"
    for place, (low, high) in enumerate(itertools.pairwise(_SIZES)):
        if rows < 10 ** (place + 4):
            return f"{low}<n<{high}"
    return "n>1T"


def _languages(counts: Mapping[str, int]) -> list[str]:
    """Codes that can be ISO 639 ones, most frequent first; `und` and names are none."""
    ordered = sorted(counts, key=lambda code: (-counts[code], code))
    return [code for code in ordered if re.fullmatch(r"[a-z]{2,3}", code) and code not in ("und", "zxx", "mis")]


def yaml_features(schema: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The columns as `datasets` writes them into a card.

    Empty when a column has a name or type without such a form; `datasets` then takes the types from the Parquet files.
    """
    try:
        return [_named(column["name"], column["type"]) for column in schema]
    except NoSuchForm:
        return []


def _named(name: str, kind: str) -> dict[str, Any]:
    # YAML reads some of these characters back as others, and the name would no longer be that of the column.
    if one_line(name, len(name)) != name:
        raise NoSuchForm(f"{name!r} has characters that YAML may change")
    return {"name": name, **_feature(kind)}


def _feature(kind: str) -> dict[str, Any]:
    kind = kind.strip()
    if found := re.fullmatch(r"fixed_size_list<(.*)>\[(\d+)\]", kind, re.DOTALL):
        return {"list": _inside(found[1]), "length": int(found[2])}
    if found := re.fullmatch(r"(large_)?list<(.*)>", kind, re.DOTALL):
        return {f"{found[1] or ''}list": _inside(found[2])}
    if found := re.fullmatch(r"struct<(.*)>", kind, re.DOTALL):
        return {"struct": _fields(found[1])}
    if found := re.fullmatch(r"dictionary<values=(\w+), .*>", kind):
        return _feature(found[1])
    dtype = _DTYPES.get(kind, kind)
    if not _PLAIN.fullmatch(dtype):
        raise NoSuchForm(f"{kind!r} has no form in the front matter of a card")
    return {"dtype": dtype}


def _inside(kind: str) -> Any:
    """The type of a list's items: `datasets` writes a plain one and the fields of a struct without a wrapper."""
    item = re.sub(r"^(item|element|array|list|child)( not null)?: ", "", kind)
    feature = _feature(item.removesuffix(" not null"))
    if set(feature) == {"dtype"}:
        return feature["dtype"]
    return feature["struct"] if set(feature) == {"struct"} else feature


def _fields(inside: str) -> list[dict[str, Any]]:
    fields = []
    for part in _split(inside):
        name, colon, kind = part.partition(": ")
        if not colon:
            raise NoSuchForm(f"{part!r} is no field of a struct")
        fields.append(_named(name, kind.removesuffix(" not null")))
    return fields


def _split(inside: str) -> list[str]:
    """The parts of a comma-separated list outside all brackets."""
    parts, depth, start = [], 0, 0
    for place, mark in enumerate(inside):
        depth += (mark in "<([") - (mark in ">)]")
        if mark == "," and depth == 0:
            parts.append(inside[start:place])
            start = place + 1
    return [part.strip() for part in [*parts, inside[start:]] if part.strip()]
