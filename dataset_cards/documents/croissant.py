"""croissant.json: the version in Croissant 1.1, with RAI 1.0 and PROV-O, for dataset searches and loaders."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ..cards.account import what_it_is
from ..cards.plain import one_line, top
from ..versions.version import DRAFT
from .about import About, Contact, Creator
from .citation import DOI_HOST, citation_bib
from .croissant_context import CONFORMS_TO, CONTEXT, as_said
from .croissant_fields import distribution, record_sets
from .croissant_license import license_node
from .croissant_prov import address, prov
from .croissant_rai import rai

Record = Mapping[str, Any]
Node = dict[str, Any]

_NO_LANGUAGE = ("und", "zxx", "mis", "mul")  # codes of ISO 639 that name none


def croissant(record: Record, about: About | None) -> str:
    """JSON-LD for the top of a version's folder, or of a repository with the same files: addresses are relative.

    Args:
        record: what version.json says of a version that is not a model.
        about: what a person has said; without, the document holds the facts alone, and is as valid.
    """
    document: Node = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        **({"@id": ident} if (ident := address(record)) else {}),
        "conformsTo": list(CONFORMS_TO),
        **_about_it(record, about),
        **rai(record, about),
        **prov(record, about),
        "distribution": distribution(record),
        "recordSet": record_sets(record),
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _about_it(record: Record, about: About | None) -> Node:
    """What schema.org has a property for."""
    ref = f"{one_line(record['name'])}@{one_line(record['version'])}"
    told: Node = {
        "name": ref,
        "description": what_it_is(record),
        "version": one_line(record["version"]),
        "identifier": [one_line(record["digest"])],
        "license": license_node(record.get("license")),
        "dateCreated": record["created"],
        # What is frozen does not change any more; when a copy of it went where is known there alone.
        "datePublished": record["created"],
        "isLiveDataset": record["version"] == DRAFT,
        "inLanguage": _languages(record),
        "keywords": [one_line(record["kind"]), "gristmill"],
        "citeAs": _citation(record, about),
    }
    if about:
        told |= {
            "name": as_said(about.title),
            "alternateName": ref,
            "description": f"{as_said(about.summary)} {told['description']}",
            "license": license_node(about.licensing.license),
            "creator": [_creator(one) for one in about.creators],
            "publisher": _contact(about.contact),
            "funding": as_said(about.funding),
            "keywords": [*map(as_said, about.keywords), *told["keywords"]],
        }
        if about.licensing.attribution:
            told["creditText"] = as_said(about.licensing.attribution)
        if about.contact.url:
            told["url"] = as_said(about.contact.url)
        if about.doi:
            told["url"] = f"{DOI_HOST}{about.doi}"
            told["identifier"] = [told["url"], *told["identifier"]]
    return {name: value for name, value in told.items() if value != []}


def _creator(one: Creator) -> Node:
    node: Node = {"@type": "sc:Person", "name": as_said(one.name)}
    if one.affiliation:
        node["affiliation"] = {"@type": "sc:Organization", "name": as_said(one.affiliation)}
    if one.orcid:
        node["url"] = f"https://orcid.org/{one.orcid}"
    return node


def _contact(one: Contact) -> Node:
    told = {"email": one.email, "url": one.url}
    return {"@type": "sc:Organization", "name": as_said(one.name), **{k: as_said(v) for k, v in told.items() if v}}


def _citation(record: Record, about: About | None) -> str:
    """BibTeX, as Croissant asks for it; of the facts alone, a line that says which bytes are meant."""
    if about:
        return citation_bib(record, about).strip()
    ref, year = f"{one_line(record['name'])}@{one_line(record['version'])}", one_line(record["created"], 40)[:4]
    return f"{ref} ({year}). {one_line(record['digest'])}"


def _languages(record: Record) -> list[str]:
    """Codes that can be ISO 639 ones, most frequent first."""
    counts = record.get("languages") or {}
    found = [code for code, _ in top(counts, len(counts))]
    return [code for code in found if re.fullmatch(r"[a-z]{2,3}", code) and code not in _NO_LANGUAGE]
