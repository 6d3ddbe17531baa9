"""Why a version is not published yet: everything at once, each with its place and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ..cards.plain import plural
from ..documents.check import check
from ..documents.load import Gaps
from ..facts.instruments import Instruments
from ..verify import verify
from ..versions.errors import Damaged
from ..versions.version import DatasetVersion
from .package import ABOUT, Package, collect, documents_of
from .scan import Scanned, scan

SHOWN = 20  # secrets that are named one by one


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One thing that stands in the way: where it is, what it is, and how it is mended."""

    place: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.mend}"


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What would go, and why it does not.

    Attributes:
        package: without documents as long as about.yaml does not allow them; None where not even that can be told.
        refusals: empty if the version can go.
        scanned: what the last look for secrets saw; None if nobody could look.
    """

    package: Package | None
    refusals: tuple[Refusal, ...]
    scanned: Scanned | None = field(default=None)


def readiness(
    version: DatasetVersion,
    about: bytes | None,
    instruments: Instruments,
    about_name: str = ABOUT,
    accept_secrets: str | None = None,
) -> Readiness:
    """Look at everything that may keep a version from being published.

    Args:
        about: what about.yaml holds; None if there is none.
        about_name: what messages call it.
        accept_secrets: why what the scan finds may go all the same; it goes with the version, in accepted.json.
    """
    refusals = [*_as_frozen(version), *_gaps(version, about, about_name)]
    try:
        # Documents are made of a complete about.yaml only; without, at least the files are looked through.
        documents = _documents(version, about, about_name)
        package = collect(version, documents)
    except Damaged as error:
        found = Refusal(place=version.ref, what=str(error), mend="nothing can be published of a damaged version")
        return Readiness(package=None, refusals=(*refusals, found))
    if instruments.secrets is None:
        cannot = Refusal(
            place=version.ref,
            what="cannot scan for secrets: nothing that recognises them was handed in",
            mend="publish with the command `gristmill card publish`, which brings it",
        )
        return Readiness(package=package, refusals=(*refusals, cannot))
    scanned = scan(package, instruments.secrets)
    refusals += _secrets(package, scanned, accept_secrets)
    if accept_secrets and len(instruments.secrets(pl.Series([accept_secrets]))[0]):
        mend = "the reason is published, so write it without the secret itself"
        refusals.append(Refusal(place="--accept-secrets", what="looks like a secret", mend=mend))
    if scanned.counts and accept_secrets:
        package = collect(version, documents, _note(scanned, accept_secrets))
    return Readiness(package=package, refusals=tuple(refusals), scanned=scanned)


def _as_frozen(version: DatasetVersion) -> list[Refusal]:
    mend = f"put the file back from a copy until `gristmill verify {version.ref}` is content"
    return [Refusal(place=f"{version.folder}/{one.path}", what=one.what, mend=mend) for one in verify(version)]


def _documents(version: DatasetVersion, about: bytes | None, name: str) -> dict[str, bytes]:
    if about is None:
        return {}
    try:
        return documents_of(version, about, name)
    except Gaps:  # each is a refusal already
        return {}


def _gaps(version: DatasetVersion, about: bytes | None, name: str) -> list[Refusal]:
    """What `card check` finds: gaps, drafts, tainted rows, licences in conflict."""
    gaps = check(version.json, about, name)
    found = [Refusal(place=one.place, what=one.what, mend=one.mend) for one in gaps]
    if about is None:  # one sentence instead of every question
        mend = (
            f"`gristmill card new {version.ref} > {ABOUT}` writes the questions; fill them in and give it with --about"
        )
        said = Refusal(place=name, what="is not there: nobody has said what only a person can say", mend=mend)
        return [*(one for one in found if not one.place.startswith(f"{name}:")), said]
    return found


def _secrets(package: Package, scanned: Scanned, accepted: str | None) -> list[Refusal]:
    mend = "make a version without the file, or put it back from a copy"
    found = [
        Refusal(place=path, what=f"cannot be scanned for secrets: {why}", mend=mend)
        for path, why in scanned.broken.items()
    ]
    if accepted:
        return found
    origins = {item.path: item.origin for item in package.items}
    found += [
        Refusal(place=str(one), what="looks like a secret", mend=_out_of(origins[one.file]))
        for one in scanned.found[:SHOWN]
    ]
    if (more := sum(scanned.counts.values()) - SHOWN) > 0:
        kinds = ", ".join(f"{kind} {number:,}" for kind, number in scanned.counts.items())
        what = f"{plural(more, 'more secret')} (in all: {kinds})"
        found.append(Refusal(place=package.version.ref, what=what, mend=_out_of("frozen")))
    return found


def _out_of(origin: str) -> str:
    """How a secret is taken out of a file of this origin."""
    ways = {"given": "take it out", "written": "take it out of what this was made of, about.yaml or the rows"}
    way = ways.get(origin, "mask it and freeze again (docs/secrets.md)")
    return f'{way}, or, if it is none: --accept-secrets "why"'


def _note(scanned: Scanned, reason: str) -> Mapping[str, Any]:
    """What accepted.json says; never where the finds are, which would help only those who look for secrets."""
    return {"secrets": {"reason": reason, "found": scanned.counts}}
