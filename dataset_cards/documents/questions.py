"""What each field of about.yaml asks, in the words of the template and of the gaps that `card check` finds."""

from collections.abc import Mapping

# By the dotted path of the field, without the numbers of items; in the order of the file.
QUESTIONS: Mapping[str, str] = {
    "title": "Give the data a name for people, in a few words.",
    "summary": "Say in a sentence or two what is in it.",
    "purpose": "Say what it was made for, and what gap it was to fill.",
    "creators": "List who made it, one item for each; a person or an organisation.",
    "creators.name": "Write the name.",
    "creators.affiliation": "Write for whom they made it; may stay empty.",
    "creators.orcid": "Write the ORCID as in 0000-0002-1825-0097; may stay empty.",
    "funding": "Say who paid for it, also where nobody did.",
    "contact": "Say whom to write to, also to have something taken out.",
    "contact.name": "Write the name of a person or an office that answers.",
    "contact.email": "Write an address such as data@example.org; may stay empty if there is a url.",
    "contact.url": "Write an address that begins with https://; may stay empty if there is an email.",
    "collection": "Say how the data came together.",
    "collection.how": "Say how it was obtained: by whom fetched, asked, written or bought, and how that was checked.",
    "collection.who": "Say who collected, wrote or annotated it, and how they were paid.",
    "collection.begin": "Write the first day of collecting as 2026-01-31.",
    "collection.end": "Write the last day of collecting that is in this version as 2026-01-31.",
    "collection.ongoing": "Write yes if collecting goes on, else no.",
    "collection.sources": "List where the data came from, one item for each; every row belongs to one of them.",
    "collection.sources.name": "Write what the source is called.",
    "collection.sources.kind": (
        "Write one of public-dataset, licensed, private, web-crawl, user-data, synthetic, other."
    ),
    "collection.sources.how": "Say how it was obtained.",
    "collection.sources.versions": "List the versions that hold it, such as raw@1.0.0; empty if it is all of this one.",
    "collection.sources.url": "Write where it can be had, beginning with https://; may stay empty.",
    "collection.sources.crawler": (
        "Of a web crawl: name the crawler and say how it treats robots.txt and other opt-outs; may stay empty."
    ),
    "collection.sources.model": "Of synthetic data: name the model that wrote it; may stay empty.",
    "collection.sources.licensed": "Write yes if it was bought or licensed from its owner, else no or unknown.",
    "collection.sources.begin": "Write the first day it was collected as 2026-01-31; may stay empty.",
    "collection.sources.end": "Write the last day it was collected as 2026-01-31; may stay empty.",
    "collection.sampling": "Say how this part was chosen if it is one of something larger; may stay empty.",
    "collection.missing": "Say what is known to be missing, and why; may stay empty.",
    "people": "Say what the data has to do with people.",
    "people.concerned": "Write yes if any of it is about or by people who can be told apart, else no or unknown.",
    "people.consent": "Say whether and how they were told and agreed, and how they take it back; or why not.",
    "people.personal_data": "Say what personal data there is and on what ground it is used, or that there is none.",
    "people.sensitive": "Say what might hurt, insult or expose somebody, or why nothing can.",
    "people.removal": "Say how somebody gets taken out, and how soon.",
    "people.review": "Name the ethical or data-protection review and what came of it, or say that there was no review.",
    "people.groups": "Say which groups of people can be told apart, how, and their shares; may stay empty.",
    "licensing": "Say under what the version is given away.",
    "licensing.license": "Write the SPDX expression under which it is given away, such as CC-BY-4.0.",
    "licensing.reason": "Say why it may be given away under that.",
    "licensing.attribution": "Write how to name the authors; may stay empty.",
    "licensing.restrictions": "Name export controls or other rules that bind who has a copy; empty if there are none.",
    "licensing.decisions": "List what was decided where the data alone does not settle its licence; may stay empty.",
    "licensing.decisions.of": "Write the licence as stated, or the version, source or domain, of the rows in question.",
    "licensing.decisions.license": "Write the SPDX expression that was taken for it.",
    "licensing.decisions.reason": "Say why that is right: who looked, and at what.",
    "uses": "Say what it is for and what not.",
    "uses.intended": "List what it is for, each on a line that begins with a dash.",
    "uses.unsuitable": "List what it must not be used for, each on a line that begins with a dash.",
    "uses.known": "List what it was used for already; may stay empty.",
    "limits": "Say what a user must know that no count shows.",
    "limits.biases": "Say what it has too much or too little of, and what that does to a model.",
    "limits.gaps": "Say what one might expect in it that is not there.",
    "limits.risks": "Say what could go wrong for those who use it, and for those it is about.",
    "maintenance": "Say what happens after publishing.",
    "maintenance.by": "Say who looks after it.",
    "maintenance.updates": "Say when and how it is corrected and brought up to date, or that it will not be.",
    "maintenance.older_versions": "Say how long older versions stay.",
    "maintenance.contributions": "Say how others can correct it or add to it; may stay empty.",
    "provider": (
        "Say who answers to the EU and to California for a model trained on this. Without such a model, leave all of "
        "it empty and take eu_summary and ab2013 out of documents."
    ),
    "provider.name": "Write the name of who places the model on the market.",
    "provider.address": "Write its postal address.",
    "provider.representative": "Of a provider outside the Union, name the authorised representative; may stay empty.",
    "provider.models": "List names and versions of the models, each on a line that begins with a dash.",
    "provider.placed": "Write the day a model was first placed on the Union market as 2026-01-31; may stay empty.",
    "provider.copyright_policy": "Say where the copyright policy can be read, and how opt-outs were respected.",
    "provider.illegal_content": "Say what was done to keep out content that is illegal under Union law.",
    "provider.first_used": "Write the day the data was first used in development as 2026-01-31.",
    "provider.owns": "Say who owns the data or licenses it, and what of it copyright protects.",
    "provider.builds_on": (
        "Name the models that these were made from and where their summaries are, or say that there are none; may stay "
        "empty."
    ),
    "provider.small": "Write yes if the provider is a small or medium-sized enterprise, else no; may stay empty.",
    "provider.code_of_practice": (
        "Write yes if the provider signed the EU's code of practice for general-purpose AI with its commitments on "
        "reserved rights, else no; may stay empty."
    ),
    "provider.aggregate": (
        "Say what aggregate consumer information is inside (California Civil Code 1798.140(b)), or that there is none; "
        "may stay empty."
    ),
    "keywords": "List words by which it should be found; may stay empty.",
    "doi": "Write the DOI as in 10.5281/zenodo.1234567; may stay empty.",
    "documents": "List the documents to make: datasheet, eu_summary, ab2013, citation.",
}


def question(path: tuple[str | int, ...]) -> str:
    """What the field at `path` asks.

    Raises:
        KeyError: there is no such field.
    """
    return QUESTIONS[bare(path)]


def bare(path: tuple[str | int, ...]) -> str:
    """`creators.name` for `("creators", 0, "name")`."""
    return ".".join(part for part in path if isinstance(part, str))
