"""How to cite a version: CITATION.cff, a BibTeX entry, and one line for a page."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import yaml

from ..cards.plain import one_line
from .about import About, Creator
from .licensing.spdx import UNKNOWN, choices, spdx
from .licensing.terms import terms

DOI_HOST = "https://doi.org/"
# DOIs as the schema of CFF 1.2.0 takes them; others are cited by address.
_CFF_DOI = re.compile(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+")
# Of the licences whose terms we know, those that are younger than that schema's list.
_CFF_LACKS = re.compile(
    r"LicenseRef-.*|CDLA-Permissive-2\.0|CC-PDM-1\.0|NLOD-2\.0|CC-BY-2\.5-AU|CC-BY-3\.0-(?:AU|DE|IGO|NL)"
    r"|CC-BY-NC-3\.0-DE|CC-BY-NC-ND-3\.0-DE|CC-BY-NC-SA-2\.0-(?:DE|FR|UK)|CC-BY-NC-SA-3\.0-(?:DE|IGO)|CC-BY-ND-3\.0-DE"
    r"|CC-BY-SA-3\.0-(?:DE|IGO)"
)
_TEX = {
    "\\": r"\textbackslash{}",
    # Not \{ and \}: BibTeX counts braces whether or not a backslash stands before them.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_"},
}


def citation_cff(record: Mapping[str, Any], about: About) -> str:
    """CITATION.cff 1.2.0 (https://doi.org/10.5281/zenodo.5171937) of type `dataset`.

    Names of people are not cut into given and family names, which nobody can do by rule: each goes as `name`, and as
    a person with an alias where there is an ORCID, since only persons may have one. Licences that are joined by AND
    are left to the message: several in the field `license` would be read as a choice.
    """
    given = spdx(about.licensing.license)
    fields: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": f"If you use this dataset, please cite it as below. Licence: {_text(about.licensing.license)}.",
        "type": "dataset",
        "title": _text(about.title),
        "version": _text(record["version"]),
        "date-released": _day(record),
        "abstract": _text(about.summary),
        "authors": _once([_author(one) for one in about.creators]),
        "contact": [_contact(about)],
        "keywords": _once([_text(one) for one in about.keywords]),
        "license": _cff_licence(given),
        **_found_at(about),
        "identifiers": [
            {"type": "other", "value": _text(record["digest"]), "description": "Digest of the files of this version."}
        ],
    }
    said = {key: value for key, value in fields.items() if value}
    return str(yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=10_000))


def citation_bib(record: Mapping[str, Any], about: About) -> str:
    """A BibTeX entry `@misc`, which every style knows; UTF-8, with TeX's own characters escaped.

    Names stand in braces of their own, so that "and", commas and particles in them are read as they are.
    """
    fields = {
        "author": " and ".join(f"{{{_tex(one.name)}}}" for one in about.creators),
        "title": f"{{{_tex(about.title)}}}",
        "year": _day(record)[:4],
        "month": str(int(_day(record)[5:7])),
        "version": _tex(record["version"]),
        "publisher": _tex(about.contact.name),
        "howpublished": "Dataset",
        "doi": _address(about.doi) if about.doi else "",
        "url": _address(_url(about)),
        "note": _tex(f"{record['name']}@{record['version']}, {record['digest']}, {about.licensing.license}"),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key(record)},", *lines, "}", ""])


def cite_as(record: Mapping[str, Any], about: About) -> str:
    """One line of plain text; foreign, as are its parts."""
    names = [_text(one.name) for one in about.creators]
    people = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    where = f" {_text(_url(about))}" if _url(about) else ""
    said = f"{people} ({_day(record)[:4]}). {_text(about.title)}, version {_text(record['version'])} [dataset]."
    return f"{said} {_text(about.contact.name)}.{where}"


def key(record: Mapping[str, Any]) -> str:
    """The key of the entry: name, version and year of freezing, in letters that every BibTeX takes."""
    plain = unicodedata.normalize("NFKD", f"{record['name']}-{record['version']}-{_day(record)[:4]}")
    return re.sub(r"[^A-Za-z0-9.]+", "-", plain.encode("ascii", "ignore").decode()).strip("-.") or "dataset"


def _author(one: Creator) -> dict[str, str]:
    affiliation = {"affiliation": _text(one.affiliation)} if one.affiliation else {}
    if one.orcid:
        return {"alias": _text(one.name), **affiliation, "orcid": f"https://orcid.org/{one.orcid}"}
    # `name` is that of an entity, which has no affiliation.
    return {"alias": _text(one.name), **affiliation} if affiliation else {"name": _text(one.name)}


def _contact(about: About) -> dict[str, str]:
    return {
        "name": _text(about.contact.name),
        **({"email": about.contact.email} if about.contact.email else {}),
        **({"website": about.contact.url} if about.contact.url else {}),
    }


def _found_at(about: About) -> dict[str, str]:
    if about.doi and _CFF_DOI.fullmatch(about.doi):
        return {"doi": about.doi}
    return {"url": _url(about)} if _url(about) else {}


def _cff_licence(given: str) -> str | list[str]:
    """A licence, or several of which one may be chosen; empty where the schema has no place for it."""
    sets = choices(given) if given != UNKNOWN else ()
    single = [next(iter(one)) for one in sets if len(one) == 1]
    known = [one for one in single if terms(one) and not re.search(r"[+ ]", one) and not _CFF_LACKS.fullmatch(one)]
    if len(known) != len(sets):
        return ""
    return known[0] if len(known) == 1 else known


def _url(about: About) -> str:
    return f"{DOI_HOST}{about.doi}" if about.doi else about.contact.url or ""


def _day(record: Mapping[str, Any]) -> str:
    return str(record["created"])[:10]


def _text(text: object) -> str:
    return one_line(" ".join(str(text).split()), 20_000)


def _tex(text: object) -> str:
    return "".join(_TEX.get(mark, mark) for mark in _text(text))


def _address(text: str) -> str:
    """An address in the form that \\url reads; what would end the field or the line is written in percent."""
    return "".join(f"%{ord(mark):02X}" if mark in '{}\\"' else mark for mark in _text(text))


def _once(values: list[Any]) -> list[Any]:
    return [one for place, one in enumerate(values) if one not in values[:place]]
