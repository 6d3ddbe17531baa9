"""The files and the records of a version in Croissant: what mlcroissant needs to load every row."""

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from ..cards.hub import yaml_features
from ..cards.plain import count, one_line, plural
from ..versions.schemas import CONTENT
from .croissant_context import identifiers

Node = dict[str, Any]

RECORDS = "default"
ROWS = "rows"  # the set of the files with rows, where there are several

_FORMATS = {".parquet": "application/x-parquet", ".json": "application/json", ".txt": "text/plain"}
# Croissant's types by the names that `datasets` has for those of Arrow.
_TYPES = {
    **dict.fromkeys(("string", "large_string", "null"), "sc:Text"),
    **{f"{kind}{bits}": f"cr:{kind.title()}{bits}" for kind in ("int", "float") for bits in (16, 32, 64)},
    **{f"uint{bits}": f"cr:UInt{bits}" for bits in (8, 16, 32, 64)},
    **{"int8": "cr:Int8", "bool": "sc:Boolean"},
    **dict.fromkeys(("date32", "date64"), "sc:Date"),
}

# What a column of the row types holds; the names are those of dataset_cards/versions/schemas.py.
_TOLD = {
    "id": "given by the source, or a hash of what the row is about",
    "text": "the document",
    "messages": "the turns of the conversation, in order",
    "prompt": "the turns that precede the answer",
    "chosen": "the answer that was preferred",
    "rejected": "the answer that was not preferred",
    "completion": "the answer of the teacher model",
    "responses": "the answers that were ranked",
    "ranks": "of each response, in order: smaller is better, equal is a tie",
    "margin": "by how much chosen is preferred to rejected",
    "votes": "what each person chose: chosen, rejected or tie",
    "answer": "the answer",
    "verifier": "how an answer is checked",
    "record": "id of the row that was judged",
    "annotator": "name or pseudonym of the person or model that judged",
    "seconds": "time taken",
    "guidelines": "revision of the guidelines that were shown",
    "topk_ids": "of each position, the ids of the most likely tokens",
    "topk_logprobs": "of each position, natural logarithms of the probabilities of these tokens",
    "tokenizer": "digest of the tokenizer that the ids belong to",
    "input_ids": "token ids",
    "source": "where the row comes from",
    "url": "where it was found",
    "license": "under what the row may be used, where its source says so",
    "created": "when it was made, as its source says",
    "language": "ISO 639 code",
    "origin": "who wrote the answer: human, or the name of a model",
    "parents": "ids of the rows that this one was made from",
    "metadata": "a JSON object with what has no column of its own",
}
# Columns that say of each row what PROV says of a dataset.
_PROVENANCE = {
    **{"origin": "prov:wasAttributedTo", "annotator": "prov:wasAttributedTo"},
    **{"parents": "prov:wasDerivedFrom", "source": "prov:hadPrimarySource"},
}


class NoForm(ValueError):
    """Croissant, or mlcroissant, has no form for a type."""


def distribution(record: Mapping[str, Any]) -> list[Node]:
    """Every file that version.json lists, and the set of those with rows where there are several."""
    files = record["files"]
    parts = [file["path"] for file in files if _has_rows(file)]
    nodes = [_file(file, ident) for file, ident in zip(files, _paths(files), strict=True)]
    if len(parts) > 1:
        told = f"The {count(len(parts))} files that hold the rows, in the order of their names."
        pattern = f"data/train-*-of-{len(parts):05d}.parquet"
        named = {"@type": "cr:FileSet", "@id": ROWS, "name": ROWS, "description": told}
        nodes.append({**named, "encodingFormat": _FORMATS[".parquet"], "includes": pattern})
    return nodes


def record_sets(record: Mapping[str, Any]) -> list[Node]:
    """One record per row; none where nothing is known of the columns."""
    schema, files = record.get("schema") or [], record["files"]
    parts = [ident for file, ident in zip(files, _paths(files), strict=True) if _has_rows(file)]
    if not parts or not schema:
        return []
    source = {"fileSet": {"@id": ROWS}} if len(parts) > 1 else {"fileObject": {"@id": parts[0]}}
    never_null = CONTENT.get(record["kind"], ())
    fields, left_out = [], []
    for column, ident in zip(schema, identifiers(one["name"] for one in schema), strict=True):
        try:
            fields.append(_column(column, f"{RECORDS}/{ident}", source, column["name"] in never_null))
        except NoForm:
            left_out.append(f"{one_line(column['name'])} ({one_line(column['type'])})")
    told = f"One record per row: {plural(record['rows'], 'row')} of kind {one_line(record['kind'])}."
    if left_out:
        told += " In the files, but without a form in Croissant: " + ", ".join(left_out) + "."
    return [{"@type": "cr:RecordSet", "@id": RECORDS, "name": RECORDS, "description": told, "field": fields}]


def _has_rows(file: Mapping[str, Any]) -> bool:
    return str(file["path"]).startswith("data/")


def _paths(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """An id of each file: its path, since those of a version are ours; a strange one gets its place instead."""
    steps = [identifiers(str(file["path"]).split("/")) for file in files]
    return [
        "/".join(step) if not any(one.startswith("~") for one in step) else f"file/~{place}"
        for place, step in enumerate(steps)
    ]


def _file(file: Mapping[str, Any], ident: str) -> Node:
    path = str(file["path"])
    suffix = posixpath.splitext(path)[1]
    if _has_rows(file):
        told = f"{plural(file['rows'], 'row')} of the dataset."
    elif path.startswith("ledger/"):
        told = "About the rows and not part of them: what was read, dropped, looked at or answered on the way."
    else:
        told = "Made together with the rows and not part of them."
    return {
        **{"@type": "cr:FileObject", "@id": ident, "name": posixpath.basename(path), "description": told},
        **{"contentUrl": path, "contentSize": f"{file['bytes']} B"},
        **{"encodingFormat": _FORMATS.get(suffix, "application/octet-stream"), "sha256": file["sha256"]},
    }


def _column(column: Mapping[str, str], ident: str, source: Node, never_null: bool) -> Node:
    """
    Raises:
        NoForm: mlcroissant cannot load the column.
    """
    name = column["name"]
    found = yaml_features([{"name": "column", "type": column["type"]}])
    if not found or not name:
        raise NoForm(f"{name!r} is of type {column['type']!r}")
    feature = {key: value for key, value in found[0].items() if key != "name"}
    told = f"{_TOLD[name]} ({column['type']})" if name in _TOLD else column["type"]
    node = {"@type": "cr:Field", "@id": ident, "name": name, "description": one_line(told, 400)}
    if name in _PROVENANCE:
        node["equivalentProperty"] = _PROVENANCE[name]
    taken = {**source, "extract": {"column": name}}
    sizes, inside = _unwrapped(feature)
    if not isinstance(inside, list):
        return {**node, **_typed(sizes, inside), "source": taken}
    return {**node, **_structs(sizes, inside, ident, taken, never_null)}


def _structs(sizes: Sequence[int], inside: Sequence[Any], ident: str, taken: Node, never_null: bool) -> Node:
    """A struct, or a list of them, as sub-fields.

    mlcroissant reads a null where a list of structs belongs as a list with one struct of nulls. Only where there are
    no nulls is the list an array of records, therefore; elsewhere it is a record of arrays, which may be null.
    """
    if len(sizes) > 1:
        raise NoForm("lists of lists of structs")
    rows = len(sizes) == 1 and never_null
    node: Node = {"isArray": True} if rows else {}
    node["subField"] = [_part(one, ident, taken, () if rows else sizes) for one in inside]
    return node


def _part(feature: Mapping[str, Any], ident: str, taken: Node, sizes: Sequence[int]) -> Node:
    name = str(feature["name"])
    # A JSONPath of anything else would need quoting, and `where` is a word of the path language.
    if not name.isidentifier() or not name.isascii() or name == "where":
        raise NoForm(f"{name!r} is no plain JSONPath")
    more, inside = _unwrapped({key: value for key, value in feature.items() if key != "name"})
    if isinstance(inside, list):
        raise NoForm("structs inside structs")
    node = {"@type": "cr:Field", "@id": f"{ident}/{name}", "name": name, **_typed([*sizes, *more], inside)}
    return {**node, "source": {**taken, "transform": {"jsonPath": name}}}


def _unwrapped(feature: Any) -> tuple[list[int], Any]:
    """The sizes of the lists around a type, outermost first and -1 where open, and what is in the innermost.

    That is the name of a type, or the fields of a struct.
    """
    sizes = []
    while isinstance(feature, Mapping) and ("list" in feature or "large_list" in feature):
        sizes.append(int(feature.get("length", -1)))
        feature = feature.get("list", feature.get("large_list"))
    if isinstance(feature, Mapping):
        feature = feature.get("dtype", feature.get("struct"))
    return sizes, feature


def _typed(sizes: Sequence[int], dtype: str) -> Node:
    """
    Raises:
        NoForm: no type of Croissant holds these values without changing them.
    """
    kind = "sc:DateTime" if dtype.startswith("timestamp[") else "sc:Time" if dtype.startswith("time") else None
    if (data_type := kind or _TYPES.get(dtype)) is None:
        raise NoForm(f"{dtype} has no type in Croissant")
    if not sizes:
        return {"dataType": data_type}
    return {"dataType": data_type, "isArray": True, "arrayShape": ",".join(map(str, sizes))}
