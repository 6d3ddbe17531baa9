"""Identity of a value: equal values give equal hashes in every process -- or it raises.

A permissive fallback (str, repr, pickle) would let two different recipes share one hash, and stale data would be
served without a word. So everything unknown is refused.
"""

import dataclasses
import enum
import hashlib
import json
import math
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

# Set on modules that are loaded from a recipe file: the hash of the file.
SOURCE = "__gristmill_source__"


class Unfingerprintable(TypeError):
    """The value has no identity that would be the same in another process."""


def fingerprint(value: Any) -> str:
    """Sixteen hex digits naming `value`, e.g. `fingerprint({"min": 1})`.

    Raises:
        Unfingerprintable: naming the path to the part that has no stable identity.
    """
    text = json.dumps(canonical(value), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def identity(cls: type) -> str:
    """What names a class: its module, or the content of the file it was loaded from as part of a recipe.

    People edit their recipe files without thinking of `revision`; whatever they change there makes another class.
    """
    module = sys.modules.get(cls.__module__)
    return f"{getattr(module, SOURCE, cls.__module__)}:{cls.__qualname__}"


def canonical(value: Any, where: str = "value") -> Any:
    """`value` as JSON in which different values stay different: tagged containers, no lossy conversions."""
    if isinstance(value, enum.Enum):
        return {"enum": f"{identity(type(value))}.{value.name}"}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unfingerprintable(f"{where}: {value!r} has no JSON form; use a finite number")
        return value
    if isinstance(ref := getattr(value, "fingerprint", None), str):
        return {"ref": ref}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: canonical(getattr(value, f.name), f"{where}.{f.name}") for f in dataclasses.fields(value)}
        return {"class": identity(type(value)), "revision": getattr(value, "revision", 0), "fields": fields}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise Unfingerprintable(f"{where}: the keys of a mapping must be str")
        return {"map": {key: canonical(item, f"{where}[{key!r}]") for key, item in value.items()}}
    if isinstance(value, list | tuple):
        return [canonical(item, f"{where}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, AbstractSet):
        return {"set": sorted(json.dumps(canonical(item, where), sort_keys=True) for item in value)}
    kind = type(value).__qualname__
    raise Unfingerprintable(
        f"{where}: a {kind} has no identity that another process would share; "
        "use numbers, strings, lists, mappings or frozen dataclasses"
    )
