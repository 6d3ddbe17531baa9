"""A licence as Croissant asks for it: the address of one that SPDX knows, otherwise a work with its name."""

import re
from typing import Any

from ..cards.plain import one_line
from .licensing.spdx import UNKNOWN, spdx

_LISTED = re.compile(r"(?!LicenseRef-)[A-Za-z0-9.-]+")


def license_node(stated: str | None) -> str | dict[str, Any]:
    """`https://spdx.org/licenses/ID` of a single licence of the list, otherwise a CreativeWork.

    An expression of several, a licence that SPDX has no id for, and text that nobody can tell keep their name. Where
    nothing was stated, the name is SPDX's own word for that, NOASSERTION: the property is required.
    """
    found = spdx(stated)
    if found == UNKNOWN:
        text = (stated or "").strip()
        if text.lower() in ("", UNKNOWN, "none", "noassertion"):
            return {"@type": "sc:CreativeWork", "name": "NOASSERTION", "description": "No licence was stated."}
        return {"@type": "sc:CreativeWork", "name": one_line(text, 500)}
    if _LISTED.fullmatch(found):
        return f"https://spdx.org/licenses/{found}"
    return {"@type": "sc:CreativeWork", "name": found}
