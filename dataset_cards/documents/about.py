"""What only a person can say of a version: the fields of about.yaml."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .statements import LONGEST
from .unfilled import filled, iso_day

Text = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(filled)]
Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(filled)]  # is a heading
Address = Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$"), AfterValidator(filled)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"), AfterValidator(filled)]
# Only as in 2026-01-31: pydantic alone would read 20260131 as seconds since 1970.
Day = Annotated[date, BeforeValidator(iso_day)]
Answer = Literal["yes", "no", "unknown"]
Document = Literal["datasheet", "eu_summary", "ab2013", "citation"]
# The kinds of data sources of the EU's template C(2025) 8311, section 2.
SourceKind = Literal["public-dataset", "licensed", "private", "web-crawl", "user-data", "synthetic", "other"]


class Said(BaseModel):
    """A part of about.yaml: no field that is not known here, no text that is only a place for one."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


class Creator(Said):
    """Who made the version; `orcid` as in `0000-0002-1825-0097`."""

    name: Text
    affiliation: Text | None = None
    orcid: Annotated[str, Field(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")] | None = None


class Contact(Said):
    """Whom to write to, also to have something taken out."""

    name: Text
    email: Email | None = None
    url: Address | None = None


class Origin(Said):
    """Where some of the data came from before it came here.

    Attributes:
        name: what it is called.
        kind: what sort of source it is.
        versions: refs of the versions that hold it; none means all of this version.
        url: where it can be had.
        how: how it was obtained.
        crawler: of a web crawl, its name and how it treats robots.txt and other opt-outs.
        model: of synthetic data, the model that wrote it.
        licensed: whether it was bought or licensed from who owns it.
        begin, end: when it was collected.
    """

    name: Text
    kind: SourceKind
    how: Text
    versions: tuple[str, ...] = ()
    url: Address | None = None
    crawler: Text | None = None
    model: Text | None = None
    licensed: Answer = "unknown"
    begin: Day | None = None
    end: Day | None = None


class Collection(Said):
    """How the data came together.

    Attributes:
        who: who collected or annotated it, and how they were paid.
        begin, end: the first and the last day; of an `ongoing` collection, the last that is in this version.
        sampling: how a part was chosen out of something larger.
        missing: what is known not to be in it.
    """

    how: Text
    who: Text
    begin: Day
    end: Day
    ongoing: bool = False
    sources: Annotated[tuple[Origin, ...], Field(min_length=1)]
    sampling: Text | None = None
    missing: Text | None = None


class People(Said):
    """What the data has to do with people.

    Attributes:
        concerned: whether any of it is about or by people who can be told apart.
        consent: whether and how they agreed, and how they take it back.
        personal_data: what of it there is, and on what ground it is processed.
        sensitive: what might hurt, insult or expose somebody.
        removal: how somebody gets taken out.
        review: which ethical or data-protection review was made, or that there was none.
        groups: which groups (age, gender, origin) can be told apart, how, and their shares.
    """

    concerned: Answer
    consent: Text
    personal_data: Text
    sensitive: Text
    removal: Text
    review: Text
    groups: Text | None = None


class Decision(Said):
    """A decision on a licence that the data alone does not settle.

    Attributes:
        of: what it is about: the licence as stated, or the ref, source or domain of the rows.
        license: the SPDX expression that a person took for it.
        reason: why that is right; who looked, and at what.
    """

    of: Annotated[str, Field(min_length=1)]  # also `unknown`, where rows state no licence
    license: Text
    reason: Text


class Licensing(Said):
    """Under what the version is given away, why, and what was decided on the way.

    Attributes:
        restrictions: export controls or other rules that bind who has a copy.
    """

    license: Text
    reason: Text
    attribution: Text | None = None
    restrictions: Text | None = None
    decisions: tuple[Decision, ...] = ()


class Uses(Said):
    """What the version is for, and what it must not be used for."""

    intended: Annotated[tuple[Text, ...], Field(min_length=1)]
    unsuitable: Annotated[tuple[Text, ...], Field(min_length=1)]
    known: tuple[Text, ...] = ()


class Limits(Said):
    """What a user must know that no count shows."""

    biases: Text
    gaps: Text
    risks: Text


class Maintenance(Said):
    """What happens after publishing; `contributions` says how others can correct it or add to it."""

    by: Text
    updates: Text
    older_versions: Text
    contributions: Text | None = None


class Provider(Said):
    """Who answers to the EU and to California for a model trained on this; see docs/publish.md.

    Attributes:
        name, address, representative: of who places the model on the market; `representative` for those outside the EU.
        models: names and versions of the models.
        placed: when the first of them was placed on the Union market, where it was.
        copyright_policy: where the policy of Art. 53(1)(c) can be read, and how opt-outs were respected.
        illegal_content: what was done to keep content out that is illegal under Union law.
        first_used: when the data was first used in development (AB 2013, point 11).
        owns: who owns the data or licenses it (AB 2013, points 1, 5 and 6).
        builds_on: models that these were made from, and where their own summaries are; or that there are none.
        small: whether the provider is a small or medium-sized enterprise, which may list fewer crawled domains.
        code_of_practice: whether it signed the code of practice with its commitments on reserved rights.
        aggregate: what aggregate consumer information is inside (AB 2013, point 8), or that there is none.
    """

    name: Text
    address: Text
    representative: Text | None = None
    models: Annotated[tuple[Text, ...], Field(min_length=1)]
    placed: Day | None = None
    copyright_policy: Text
    illegal_content: Text
    first_used: Day
    owns: Text
    builds_on: Text | None = None
    small: Literal["yes", "no"] | None = None
    code_of_practice: Literal["yes", "no"] | None = None
    aggregate: Text | None = None


class About(Said):
    """about.yaml."""

    title: Title
    summary: Text
    purpose: Text
    creators: Annotated[tuple[Creator, ...], Field(min_length=1)]
    funding: Text
    contact: Contact
    collection: Collection
    people: People
    licensing: Licensing
    uses: Uses
    limits: Limits
    maintenance: Maintenance
    provider: Provider | None = None
    keywords: tuple[Text, ...] = ()
    doi: Annotated[str, Field(pattern=r"^10\.\d{4,9}/\S+$")] | None = None
    documents: tuple[Document, ...] = ("datasheet", "eu_summary", "ab2013", "citation")
