"""What the licences that matter for text and data ask for, with the section of each that says so.

For people who look after data: a table to start from, and no legal advice. These were held against the wording of the
licences: share-alike of CC 2.5, 3.0 and 4.0, ODbL 4.4 to 4.6, CDLA Permissive 2.0 and what OGL 3.0 is compatible with.
The other sections are given as known and have not been looked up again; read the licence before you rely on a line.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .names import OPENRAIL, PUBLIC_DOMAIN, RESERVED, US_GOVERNMENT

# fmt: off
Duty = Literal[
    "notice", "credit", "changes", "endorsement", "patents", "source", "share-alike", "network", "uses",
    "non-commercial", "no-derivatives", "permission",
]
# fmt: on
Database = Literal["given", "shared", "waived", "not named"]

# Each duty in words, to be read after "asks".
ASKS: dict[Duty, str] = {
    "notice": "to keep its notice",
    "credit": "to name the authors",
    "changes": "to say what was changed",
    "endorsement": "not to use the authors' names for praise",
    "patents": "to keep its terms on patents",
    "source": "to give the source form",
    "share-alike": "to pass on what is made of it under the same terms",
    "network": "to give the source to those who use it over a network",
    "uses": "to pass on its limits of use",
    "non-commercial": "not to use it commercially",
    "no-derivatives": "not to pass on changed forms of it",
    "permission": "to get permission first",
}


def asks(duties: Iterable[Duty]) -> str:
    """What duties ask, as the end of a sentence: "to keep its notice and to name the authors"."""
    held = set(duties)
    words = [ASKS[duty] for duty in ASKS if duty in held]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "nothing"


# What another licence of the whole may not drop even where parts keep their own notices.
BLOCKING: frozenset[Duty] = frozenset({"non-commercial", "no-derivatives", "uses", "permission"})


@dataclass(frozen=True, kw_only=True)
class Terms:
    """One line of the table.

    Attributes:
        duties: what it asks.
        becomes: licences that what is made of it may be passed on under, beside itself and wider than `duties` tell.
        database: what becomes of the rights of who made a database (Directive 96/9/EC): `given` away by licence,
            `shared` only with share-alike, `waived`, or `not named`.
        where: the sections that say so.
    """

    duties: frozenset[Duty]
    becomes: frozenset[str] = frozenset()
    database: Database = "not named"
    where: str

    @property
    def attribution(self) -> bool:
        return bool(self.duties & {"notice", "credit"})

    @property
    def share_alike(self) -> bool:
        return "share-alike" in self.duties

    @property
    def non_commercial(self) -> bool:
        return "non-commercial" in self.duties

    @property
    def no_derivatives(self) -> bool:
        return "no-derivatives" in self.duties


@lru_cache(4096)
def terms(licence: str) -> Terms | None:
    """The terms of one licence, an element of `choices`; None where it is not in the table.

    An exception (`WITH`) only permits more, so that the terms without it are on the safe side; so is `+`.
    """
    bare = licence.partition(" WITH ")[0].removesuffix("+")
    return TABLE.get(bare) or _creative_commons(bare)


def plain(licence: str) -> str:
    """A licence of Creative Commons without the country of its port; any other as it is."""
    found = _CC.fullmatch(licence)
    return f"CC-BY{found['kind']}-{found['version']}" if found else licence


def _line(duties: str, where: str, becomes: str = "", database: Database = "not named") -> Terms:
    found: frozenset[Duty] = frozenset(duty for duty in ASKS if duty in duties.split())
    return Terms(duties=found, becomes=frozenset(becomes.split()), database=database, where=where)


_GPL3 = "GPL-3.0-only GPL-3.0-or-later"
_AGPL3 = "AGPL-3.0-only AGPL-3.0-or-later"
_GPL2 = "GPL-2.0-only GPL-2.0-or-later"
_COPYLEFT = "notice changes source share-alike"
TABLE: dict[str, Terms] = {
    "CC0-1.0": _line("", "CC0 1.0, 2 and 3", database="waived"),
    "CC-PDM-1.0": _line("", "Public Domain Mark 1.0: a mark, not a licence"),
    PUBLIC_DOMAIN: _line("", "said to be in the public domain; check in which countries"),
    US_GOVERNMENT: _line("", "17 U.S.C. 105: no copyright in the United States; elsewhere there may be"),
    "PDDL-1.0": _line("", "PDDL 1.0, 3", database="waived"),
    "Unlicense": _line("", "Unlicense, first paragraph"),
    "WTFPL": _line("", "WTFPL 2, 0"),
    "0BSD": _line("", "0BSD, first paragraph"),
    "MIT-0": _line("", "MIT-0, first paragraph"),
    "MIT": _line("notice", "MIT, second paragraph"),
    "ISC": _line("notice", "ISC, first paragraph"),
    "BSL-1.0": _line("notice", "Boost 1.0, second paragraph"),
    "Zlib": _line("notice changes", "zlib, 2 and 3"),
    "BSD-2-Clause": _line("notice", "BSD, 1 and 2"),
    "BSD-3-Clause": _line("notice endorsement", "BSD, 1 to 3"),
    "Apache-2.0": _line("notice changes patents", "Apache 2.0, 3 (patents) and 4 (notice, changes)"),
    "CDLA-Permissive-2.0": _line("notice", "CDLA Permissive 2.0, 2.1"),
    "CDLA-Permissive-1.0": _line("notice changes", "CDLA Permissive 1.0, 3.1"),
    "CDLA-Sharing-1.0": _line("notice changes share-alike", "CDLA Sharing 1.0, 3.1 and 3.2"),
    "ODC-By-1.0": _line("notice", "ODC-By 1.0, 4.2 and 4.3", database="given"),
    "ODbL-1.0": _line("notice source share-alike", "ODbL 1.0, 4.2, 4.4 (share alike), 4.6", database="shared"),
    "NLOD-2.0": _line("notice credit changes", "NLOD 2.0, 5", "", "given"),
    "OGL-UK-3.0": _line("notice credit", "OGL 3.0, You must", "ODC-By-1.0", "given"),
    "etalab-2.0": _line("notice credit", "Licence ouverte 2.0, attribution", "ODC-By-1.0", "given"),
    "GPL-2.0-only": _line(_COPYLEFT, "GPL 2, 1 to 3"),
    "GPL-2.0-or-later": _line(_COPYLEFT, "GPL 2, 1 to 3 and 9", f"GPL-2.0-only {_GPL3} {_AGPL3}"),
    "GPL-3.0-only": _line(f"{_COPYLEFT} patents", "GPL 3, 4 to 6, 11, 13", _AGPL3),
    "GPL-3.0-or-later": _line(f"{_COPYLEFT} patents", "GPL 3, 4 to 6, 11, 13, 14", f"GPL-3.0-only {_AGPL3}"),
    "LGPL-2.1-only": _line(_COPYLEFT, "LGPL 2.1, 1 to 4", f"{_GPL2} {_GPL3}"),
    "LGPL-2.1-or-later": _line(
        _COPYLEFT, "LGPL 2.1, 1 to 4 and 13", f"LGPL-2.1-only LGPL-3.0-only LGPL-3.0-or-later {_GPL2} {_GPL3}"
    ),
    "LGPL-3.0-only": _line(f"{_COPYLEFT} patents", "LGPL 3, 2, and GPL 3", f"{_GPL3} {_AGPL3}"),
    "LGPL-3.0-or-later": _line(f"{_COPYLEFT} patents", "LGPL 3, 2 and 6, and GPL 3", f"LGPL-3.0-only {_GPL3} {_AGPL3}"),
    "AGPL-3.0-only": _line(f"{_COPYLEFT} patents network", "AGPL 3, 4 to 6, 11, 13"),
    "AGPL-3.0-or-later": _line(f"{_COPYLEFT} patents network", "AGPL 3, 4 to 6, 11, 13, 14", "AGPL-3.0-only"),
    "MPL-2.0": _line(
        "notice source share-alike patents",
        "MPL 2.0, 2.1, 3.1 to 3.3",
        f"{_GPL2} {_GPL3} LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later {_AGPL3}",
    ),
    **{
        f"GFDL-{version}{kind}-{later}": _line(
            "notice credit changes source share-alike",
            f"GFDL {version}, 2 to 4 and 10",
            " ".join(
                f"GFDL-{other}{kind}-{end}"
                for other in ("1.1", "1.2", "1.3")
                for end in ("only", "or-later")
                if later == "or-later" and other >= version
            ),
        )
        for version in ("1.1", "1.2", "1.3")
        for kind in ("", "-invariants", "-no-invariants")
        for later in ("only", "or-later")
    },
    "LAL-1.3": _line("notice credit changes share-alike", "Free Art 1.3, 2.2, 2.3 and 5", "CC-BY-SA-4.0"),
    OPENRAIL: _line("notice changes uses", "OpenRAIL-M, 4 and 5, attachment A; its members differ, read the one meant"),
    RESERVED: _line("permission", "copyright law, where nothing else was said"),
}

_CC = re.compile(r"(?:LicenseRef-)?CC-BY(?P<kind>(?:-NC)?(?:-SA|-ND)?)-(?P<version>\d\.\d)(?:-(?P<port>[A-Z]+))?")
_CC_VERSIONS = ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0")


def _creative_commons(licence: str) -> Terms | None:
    """Terms of the six licences in every version and port.

    Until 3.0 the clauses of section 4 follow each other: share-alike, non-commercial, attribution, from (b) on. From
    2.0 on, what is made of a share-alike licence may go under a later version and under ports with the same elements
    (2.0, 4(b); 3.0, 4(b); 4.0, 3(b)(1)); 4.0 BY-SA also under what Creative Commons found compatible
    (https://creativecommons.org/share-your-work/licensing-considerations/compatible-licenses).
    """
    found = _CC.fullmatch(licence)
    if not found or found["version"] not in _CC_VERSIONS:
        return None
    kind, version = found["kind"], found["version"]
    alike, paid, fixed = "-SA" in kind, "-NC" in kind, "-ND" in kind
    duties = "notice credit changes" + " share-alike" * alike + " non-commercial" * paid + " no-derivatives" * fixed
    name = f"CC BY{kind} {version}"
    if version == "4.0":
        said = "3(a) (attribution)" + ", 3(b) (share alike)" * alike + ", 2(a)(1) (uses)" * (paid or fixed)
    else:
        order = ["share alike"] * alike + ["non-commercial"] * paid + ["attribution"]
        said = ", ".join(f"4({'bcd'[place]}) ({what})" for place, what in enumerate(order)) + ", 3 (uses)" * fixed
    becomes = [f"CC-BY{kind}-{other}" for other in _CC_VERSIONS if other >= version] if alike else []
    if alike and version == "1.0":
        becomes = []  # 1.0, 4(b): "only under the terms of this License"
    if kind == "-SA" and version == "4.0":
        becomes += ["LAL-1.3", *_GPL3.split()]
    given: Database = "given" if version == "4.0" else "not named"
    return _line(duties, f"{name}, {said}", " ".join(becomes), given)
