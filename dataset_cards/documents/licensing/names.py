"""Names that people write for licences, and the ids they stand for."""

import re

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

PUBLIC_DOMAIN = "LicenseRef-Public-Domain"  # said to be, without saying by what
US_GOVERNMENT = "LicenseRef-US-Government-Work"  # 17 U.S.C. 105
RESERVED = "LicenseRef-All-Rights-Reserved"
OPENRAIL = "LicenseRef-OpenRAIL"  # the family; its members differ in the uses they forbid

# Creative Commons' versions 1.0 to 3.0 in the law of a country, https://creativecommons.org/licenses/list.en
_PORTS = (
    "am|ar|at|au|az|be|bg|br|ca|ch|cl|cn|co|cr|cz|de|dk|ec|ee|eg|es|fi|fr|ge|gr|gt|hk|hr|hu|ie|igo|il|in|it|jp|kr|lu"
    "|mk|mt|mx|my|ng|nl|no|nz|pe|ph|pl|pr|pt|ro|rs|scotland|se|sg|si|th|tn|tw|uk|us|ve|vn|za"
)
_CC = re.compile(
    r"cc-by(?:-(?P<nc>nc))?(?:-(?P<kind>sa|nd))?(?P<late>-nc)?-v?(?P<version>\d(?:\.\d)?)"
    rf"(?:-(?P<port>{_PORTS}))?"
)
_CC_VERSIONS = frozenset({"1.0", "2.0", "2.1", "2.5", "3.0", "4.0"})
_CC_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/(?P<what>licenses|publicdomain)/(?P<kind>[a-z-]+)/(?P<version>\d\.\d)"
    r"(?:/(?P<port>[a-z]{2,8}))?(?:/(?:deed|legalcode|rdf)(?:[._-][\w-]+)?)?(?:\.txt)?/?"
)
# Words of the long names, in the order in which they are replaced.
_SHORT = (
    (r"creative commons", "cc"),
    (r"\b(?:license|licence|licensed|under|the|works?|international|unported|generic|public licen[sc]e)\b", " "),
    (r"\battribution\b", "cc by"),
    (r"non[\s-]?commercial", "nc"),
    (r"share[\s-]?alike", "sa"),
    (r"no[\s-]?deriv(?:ative)?s?", "nd"),
)

_WORDS = re.compile(r"""[\w .,+"':-]+""")

# By `_key`: letters, figures, dots and pluses, one space between, without "the", "license" and "version".
_WRITTEN = {
    "MIT": "mit|mit expat|expat",
    "Apache-2.0": "apache 2|apache 2.0|apache2|apache2.0|apache software 2.0|asl 2.0",
    "BSD-2-Clause": "bsd 2 clause|2 clause bsd|simplified bsd|freebsd",
    "BSD-3-Clause": "bsd 3 clause|3 clause bsd|new bsd|modified bsd|revised bsd|bsd 3 clause new or revised",
    "ISC": "isc",
    "CC0-1.0": "cc0|cc 0|cc0 1.0|cc0 1.0 universal|creative commons zero|creative commons zero 1.0 universal",
    "CC-PDM-1.0": "cc pdm|cc pdm 1.0|public domain mark|public domain mark 1.0",
    PUBLIC_DOMAIN: "public domain|in public domain|publicdomain",
    US_GOVERNMENT: "us government work|u.s. government work|united states government work|us gov public domain",
    "PDDL-1.0": "pddl|pddl 1.0|odc pddl|open data commons public domain dedication and",
    "ODC-By-1.0": "odc by|odc by 1.0|odc attribution|open data commons attribution|open data commons attribution 1.0",
    "ODbL-1.0": "odbl|odbl 1.0|open database|open data commons open database|open data commons open database 1.0",
    "Unlicense": "unlicense|unlicence",
    "MPL-2.0": "mpl 2.0|mpl2|mozilla public 2.0",
    "NLOD-2.0": "nlod 2.0|norwegian for open government data 2.0",
    "OGL-UK-3.0": "open government 3.0|ogl 3.0|ogl uk 3.0",
    "etalab-2.0": "etalab 2.0|ouverte 2.0",
    "LAL-1.3": "free art 1.3|art libre 1.3|fal 1.3",
    OPENRAIL: "openrail|openrail m|openrail++|creativeml openrail m|bigscience openrail m|bigcode openrail m",
    RESERVED: "all rights reserved|proprietary|copyrighted",
}
_NAMES = {name: licence for licence, names in _WRITTEN.items() for name in names.split("|")}
_GNU = re.compile(
    r"(?:gnu )?(?P<which>agpl|lgpl|gpl|fdl|gfdl)(?: v|v| )?(?P<version>\d(?:\.\d)?)(?P<later>\+| or later| only)?"
)
_GNU_WORDS = (
    (r"\baffero general public\b", "agpl"),
    (r"\b(?:lesser|library) general public\b", "lgpl"),
    (r"\bgeneral public\b", "gpl"),
    (r"\bfree documentation\b", "gfdl"),
)


def named(name: str) -> str:
    """The id of a licence by one of its common names or its address; empty where it is none of them."""
    text = name.strip().casefold()
    if address := _CC_ADDRESS.fullmatch(text):
        return _by_address(address)
    if not _WORDS.fullmatch(text):
        return ""  # "MIT?" and "MIT (code only)" are no names
    key = _key(text)
    return _NAMES.get(key) or _gnu(key) or cc_id(_short(text))


def cc_id(text: str) -> str:
    """The id of a licence of Creative Commons written like `cc-by-sa-3.0-es`; empty where there is no such licence."""
    found = _CC.fullmatch(text.casefold())
    if not found:
        return ""
    version, port = found["version"], found["port"] or ""
    version = version if "." in version else f"{version}.0"
    # Version 4.0 was never ported, and 2.1 exists as ports alone.
    if version not in _CC_VERSIONS or (port and version == "4.0") or (not port and version == "2.1"):
        return ""
    if found["late"] and (found["nc"] or found["kind"] != "nd"):
        return ""  # "by-nd-nc" is how version 1.0 was called
    parts = ["CC-BY", "NC" if found["nc"] or found["late"] else "", (found["kind"] or "").upper(), version]
    licence = "-".join(part for part in (*parts, port.upper()) if part)
    try:
        return str(canonicalize_license_expression(licence))
    except InvalidLicenseExpression:
        return f"LicenseRef-{licence}"


def _by_address(found: re.Match[str]) -> str:
    if found["what"] == "publicdomain":
        return {("zero", "1.0"): "CC0-1.0", ("mark", "1.0"): "CC-PDM-1.0"}.get((found["kind"], found["version"]), "")
    port = f"-{found['port']}" if found["port"] and found["port"] not in ("deed", "legalcode", "rdf") else ""
    return cc_id(f"cc-{found['kind']}-{found['version']}{port}")


def _key(text: str) -> str:
    words = re.sub(r"[^\w.+]+|_", " ", text)
    words = re.sub(r"\b(?:the|licen[sc]e|licensed|version)\b", " ", words)
    words = re.sub(r"\bv(?=\d)", "", words)
    return " ".join(words.split()).rstrip(".")


def _short(text: str) -> str:
    for words, short in _SHORT:
        text = re.sub(words, short, text)
    short = re.sub(r"[\s_,/-]+", "-", text).strip("-")
    return re.sub(r"^(?:cc-)+", "cc-", short)


def _gnu(key: str) -> str:
    for words, short in _GNU_WORDS:
        key = re.sub(words, short, key)
    found = _GNU.fullmatch(" ".join(key.split()))
    if not found:
        return ""
    which = found["which"].upper().replace("GFDL", "FDL").replace("FDL", "GFDL")
    version = found["version"] if "." in found["version"] else f"{found['version']}.0"
    later = "or-later" if found["later"] in ("+", " or later") else "only"
    try:
        return str(canonicalize_license_expression(f"{which}-{version}-{later}"))
    except InvalidLicenseExpression:
        return ""
