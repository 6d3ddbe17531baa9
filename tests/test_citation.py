"""CITATION.cff, BibTeX and the line to cite by: valid, escaped, the same for the same input."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from dataset_cards.documents.about import About, Creator, Licensing
from dataset_cards.documents.citation import citation_bib, citation_cff, cite_as, key
from dataset_cards.documents.licensing.terms import TABLE
from tests.about_sample import sample_about
from tests.cff_rules import CFF
from tests.sample_version import HOSTILE, full

SCHEMA = Draft7Validator(CFF)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).map(lambda text: f"Set {text}")


ABOUT = sample_about()


def under(license_: str) -> About:
    return ABOUT.model_copy(update={"licensing": Licensing(license=license_, reason="We looked, and it is so.")})


def cff(about: About) -> dict[str, Any]:
    """The file as a reader of YAML gets it, after the schema has agreed."""
    read: dict[str, Any] = yaml.safe_load(citation_cff(full(), about))
    faults = [f"{list(one.path)}: {one.message}" for one in SCHEMA.iter_errors(read)]
    assert not faults, faults
    return read


def bib_fields(entry: str) -> dict[str, str]:
    """The fields as BibTeX itself finds them: by counting braces, whatever stands before them."""
    assert entry.startswith(f"@misc{{{key(full())},\n")
    found, depth, name, value = {}, 0, "", ""
    for mark in entry[len(f"@misc{{{key(full())},") :]:
        depth += (mark == "{") - (mark == "}")
        if depth == 0 and mark == "}" and value:
            found[name.strip(" \n,=")] = value[1:]
            name = value = ""
        elif depth < 0:
            assert mark == "}", "the entry ends with its last brace"
            return found
        elif depth == 0:
            name += mark
        else:
            value += mark
    raise AssertionError("the entry does not end")


def test_a_complete_citation_is_valid_and_says_who_what_and_when() -> None:
    read = cff(sample_about())
    assert read["type"] == "dataset"
    assert read["version"] == "1.0.0"
    assert read["date-released"] == "2026-11-21"
    assert [one.get("alias") or one.get("name") for one in read["authors"]] == ["Ada Holm", "Jonas Vik"]
    assert read["license"] == "CC-BY-4.0"
    assert read["doi"] == "10.5555/harbour-notices"


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ("CC-BY-4.0", "CC-BY-4.0"),
        ("mit or apache-2.0", ["Apache-2.0", "MIT"]),
        ("MIT AND CC-BY-SA-4.0", None),  # two in a list would be a choice
        ("CDLA-Permissive-2.0", None),  # younger than the schema
        ("NLOD-2.0", None),
        ("LicenseRef-CC-BY-SA-3.0-ES", None),
        ("CC-BY-SA-3.0-DE", None),
        ("our own terms", None),
    ],
)
def test_a_licence_is_a_field_where_the_schema_has_a_place_and_always_in_the_message(
    given_: str, field: str | list[str] | None
) -> None:
    read = cff(under(given_))
    assert read.get("license") == field
    assert given_ in read["message"]


def test_every_licence_of_the_table_gives_a_valid_file() -> None:
    for licence in TABLE:
        read = cff(under(licence))
        assert licence in read["message"]
        assert not str(read.get("license", "")).startswith("LicenseRef-")


def test_a_doi_or_address_that_the_schema_refuses_is_cited_by_address() -> None:
    assert cff(sample_about(doi="10.5555/a<b>c"))["url"] == "https://doi.org/10.5555/a<b>c"
    assert cff(sample_about(doi=None))["url"] == "https://fjordtext.example/data"
    alone = {"name": "Fjord Text Group"}
    assert not {"url", "doi"} & set(cff(sample_about(doi=None, contact=alone)))
    assert cite_as(full(), sample_about(doi=None, contact=alone)).endswith("Fjord Text Group.")


@pytest.mark.parametrize("text", [*HOSTILE, "a: b # c\n- d", "}, title = {x", "\\input{/etc/passwd}", "% & $ _ ^ ~ #"])
def test_hostile_text_stays_inside_its_field(text: str) -> None:
    changed = sample_about(
        title=f"Set {text}", summary=f"Set {text}", creators=[{"name": f"Set {text}"}], keywords=[f"Set {text}"]
    )
    read = cff(changed)
    assert set(read) == set(cff(sample_about()))
    fields = bib_fields(citation_bib(full(), changed))
    assert list(fields) == list(bib_fields(citation_bib(full(), sample_about())))
    assert "\\input" not in fields["title"]
    assert "\n" not in cite_as(full(), changed)


@settings(max_examples=40, deadline=None)
@given(title=TEXT, name=TEXT, licence=TEXT)
def test_any_text_gives_a_valid_file_and_an_entry_that_ends(title: str, name: str, licence: str) -> None:
    about = under(licence).model_copy(update={"title": title, "creators": (Creator(name=name),)})
    cff(about)
    assert len(bib_fields(citation_bib(full(), about))) == 10


def test_letters_of_any_script_stay_as_they_are() -> None:
    about = sample_about(title="Hafenmeldungen für Tromsø 港", creators=[{"name": "Ærlig Ødegård"}])
    assert cff(about)["title"] == "Hafenmeldungen für Tromsø 港"
    assert "{{Ærlig Ødegård}}" in citation_bib(full(), about)


def test_names_with_and_and_commas_stay_one_name() -> None:
    about = sample_about(creators=[{"name": "Sons and Daughters, Ltd"}, {"name": "Jonas Vik"}])
    assert bib_fields(citation_bib(full(), about))["author"] == "{Sons and Daughters, Ltd} and {Jonas Vik}"


def test_the_key_is_made_of_name_version_and_year_and_letters_that_bibtex_takes() -> None:
    assert key(full()) == "pages-1.0.0-2026"
    assert key(full() | {"name": "pagès, x{y}"}) == "pages-x-y-1.0.0-2026"


def test_one_line_names_people_year_title_version_and_address() -> None:
    assert cite_as(full(), sample_about()) == (
        "Ada Holm and Jonas Vik (2026). Harbour notices, cleaned, version 1.0.0 [dataset]. Fjord Text Group. "
        "https://doi.org/10.5555/harbour-notices"
    )


def test_the_same_input_gives_the_same_bytes() -> None:
    assert citation_cff(full(), sample_about()) == citation_cff(full(), sample_about())
    assert citation_bib(full(), sample_about()) == citation_bib(full(), sample_about())
