"""croissant.json: what it says, without and with about.yaml; valid for mlcroissant, whatever stands in the version.

Loading rows with it is in test_croissant_records.py. The golden documents are those of `golden_croissant/`; one that
has to change is written anew by `python -m tests.test_croissant NAME`, and its diff read line by line.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.documents.about import About
from dataset_cards.documents.croissant import croissant
from dataset_cards.documents.croissant_context import identifiers
from dataset_cards.documents.croissant_license import license_node
from tests.about_sample import sample_about
from tests.sample_agreement import comparisons, judged
from tests.sample_agreement import hostile as hostile_agreement
from tests.sample_version import HOSTILE, few_facts, full, hostile_version

# mlcroissant and rdflib's own reader of JSON-LD use what rdflib wants to drop.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

GOLDEN = Path(__file__).resolve().parent / "golden_croissant"
PROV = rdflib.Namespace("http://www.w3.org/ns/prov#")


def golden(name: str) -> str:
    """The document of a golden file, as it is written now."""
    match name:
        case "documents":
            return croissant(with_ancestors(), None)
        case "preferences":
            return croissant(preferences(), sample_about())
    raise ValueError(f"there is no {name!r}")


def preferences() -> dict[str, Any]:
    messages = "list<element: struct<role: string, content: string>>"
    votes = "list<element: struct<annotator: string, choice: string>>"
    types = {"id": "string", "prompt": messages, "chosen": messages, "rejected": messages, "votes": votes}
    files = [
        *(
            {"path": f"data/train-0000{n}-of-00002.parquet", "rows": 240, "bytes": 99, "sha256": "12" * 32}
            for n in "01"
        ),
        {"path": "ledger/judgements.parquet", "rows": 1500, "bytes": 999, "sha256": "34" * 32},
    ]
    columns = [{"name": name, "type": kind} for name, kind in types.items()]
    return judged(comparisons()) | {"schema": columns, "files": files, "license": "CC-BY-4.0"}


def with_ancestors() -> dict[str, Any]:
    """raw and lists went into pages, seed into raw; quiz was only held against it, and rest only against raw."""
    record = full()
    (raw,) = record["parents"]
    quiz = {"name": "quiz", "version": "1.0.0", "digest": digest("quiz")}
    told = [
        ancestor("raw", "0.9", ["seed@1", "rest@1"], digest=raw["digest"], only_read=["rest@1"], recipe="plain_text"),
        *(ancestor(name, "1", [], source="A disk") for name in ("rest", "seed")),
        ancestor("quiz", "1.0.0", ["seed@1"], kind="verifiable"),
    ]
    return record | {"parents": [raw, quiz], "ancestors": told}


def ancestor(name: str, version: str, parents: list[str], **others: Any) -> dict[str, Any]:
    told = {"name": name, "version": version, "kind": "documents", "digest": digest(name), "rows": 5, "bytes": 55}
    more = {"created": "2026-01-02T03:04:05Z", "license": "MIT", "source": None, "recipe": None, "parents": parents}
    return told | more | others


def digest(name: str) -> str:
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def said(record: dict[str, Any], about: About | None = None) -> dict[str, Any]:
    """The document, which has to be valid without a warning."""
    document: dict[str, Any] = json.loads(croissant(record, about))
    assert complaints(document) == ""
    return document


def complaints(document: dict[str, Any]) -> str:
    return str(mlcroissant.Dataset(jsonld=document).metadata.issues.report())


def graph(document: dict[str, Any]) -> rdflib.Graph:
    return rdflib.Graph().parse(data=json.dumps(document), format="json-ld")


@pytest.mark.parametrize("name", ["documents", "preferences"])
def test_the_document_is_the_golden_one(name: str) -> None:
    assert golden(name) == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("about", [None, sample_about()], ids=["facts", "about"])
@pytest.mark.parametrize("record", [few_facts(), full(), with_ancestors(), preferences()], ids=lambda one: one["kind"])
def test_it_is_valid_without_a_warning(record: dict[str, Any], about: About | None) -> None:
    document = said(record, about)
    assert mlcroissant.Dataset(jsonld=document).metadata.ctx.is_v1_1()
    assert document["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]


def test_a_label_that_is_no_semantic_version_is_kept_and_is_the_only_warning() -> None:
    document = json.loads(croissant(few_facts() | {"version": "draft"}, None))
    assert document["version"] == "draft"
    assert document["isLiveDataset"] is True
    assert complaints(document).count("  -  ") == 1
    assert "MAJOR.MINOR.PATCH: draft" in complaints(document)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(text: str) -> None:
    about = sample_about(title=f"T {text}", summary=f"S {text}", keywords=[f"K {text}"], funding=f"F {text}")
    for record in (hostile_version(text), judged(hostile_agreement(text)) | {"license": text, "source": text}):
        for document in (said(record), said(record, about)):
            assert set(document) <= set(said(full(), sample_about())) | {"rai:dataAnnotationProtocol"} | {
                "rai:dataAnnotationAnalysis",
                "rai:annotationsPerItem",
            }


@given(st.text(), st.text(min_size=1))
@settings(max_examples=30)
def test_any_text_gives_a_valid_document(text: str, name: str) -> None:
    record = full() | {
        "source": text,
        "license": text,
        "languages": {text: 1},
        "schema": [{"name": name, "type": text}],
    }
    croissant(record | {"schema": [{"name": name, "type": "string"}]}, None).encode()
    said(record)


def test_about_adds_what_only_a_person_can_say_and_takes_no_fact_away() -> None:
    alone, with_about = said(full()), said(full(), sample_about())
    assert {name for name in alone if name.startswith("rai:")} == {
        *("rai:dataCollectionRawData", "rai:dataPreprocessingProtocol", "rai:dataManipulationProtocol"),
        *("rai:machineAnnotationTools", "rai:dataLimitations", "rai:personalSensitiveInformation"),
    }
    assert with_about.keys() - alone.keys() == {
        *("creator", "publisher", "alternateName", "funding", "creditText", "url", "prov:hadPrimarySource"),
        *("rai:dataCollection", "rai:dataCollectionType", "rai:dataCollectionMissingData", "rai:dataUseCases"),
        *("rai:dataCollectionTimeframe", "rai:dataBiases", "rai:dataSocialImpact", "rai:dataReleaseMaintenancePlan"),
        "prov:wasAttributedTo",
    }
    for name in ("rai:dataLimitations", "rai:personalSensitiveInformation", "rai:dataPreprocessingProtocol"):
        assert set(alone[name]) <= set(with_about[name])
    assert alone["description"] in with_about["description"]


def test_what_was_measured_in_rows_is_a_bias_and_the_state_of_a_version_a_limit() -> None:
    document = json.loads(croissant(preferences() | {"version": "draft", "tainted": ["a fake model"]}, None))
    assert document["rai:dataLimitations"][:2] == [
        "This is a draft. Its rows may change at any time; do not cite it or train a release from it.",
        "This version is tainted and can only be a draft: a fake model.",
    ]
    assert "rai:dataBiases" not in document
    assert any("lies below 0.667" in text for text in document["rai:dataAnnotationAnalysis"])


def test_stages_are_told_with_their_counts_and_limits() -> None:
    assert said(full())["rai:dataPreprocessingProtocol"][1] == (
        "gopher-quality: 1,998 rows read, 1,248 kept, dropped: too-short 750 (words < 50)."
    )


def test_agreement_is_the_analysis_of_annotation() -> None:
    document = said(preferences())
    assert document["rai:dataAnnotationProtocol"].startswith("Task: comparisons.")
    assert "they agree on 71 % (68 to 74)" in document["rai:dataAnnotationAnalysis"][0]
    assert document["rai:annotationsPerItem"] == ("3.00 on average: 1,500 judgements by 3 annotators on 500 pairs.")
    assert "rai:annotatorDemographics" not in document


def test_properties_of_rai_are_those_of_the_vocabulary() -> None:
    """docs/croissant_rai.ttl of the specification; mlcroissant spells two of them otherwise."""
    vocabulary = {
        *("dataCollection", "dataCollectionType", "dataCollectionMissingData", "dataCollectionRawData"),
        *("dataCollectionTimeframe", "dataPreprocessingProtocol", "dataImputationProtocol", "dataManipulationProtocol"),
        *("dataReleaseMaintenancePlan", "personalSensitiveInformation", "dataAnnotationProtocol"),
        *("dataAnnotationPlatform", "dataAnnotationAnalysis", "annotationsPerItem", "annotatorDemographics"),
        *("machineAnnotationTools", "dataSocialImpact", "dataBiases", "dataLimitations", "dataUseCases"),
    }
    for record in (full(), preferences()):
        names = {name.removeprefix("rai:") for name in said(record, sample_about()) if name.startswith("rai:")}
        assert names <= vocabulary


def test_parents_and_what_is_behind_them_are_entities_of_prov() -> None:
    triples = graph(said(with_ancestors()))
    (own,) = triples.subjects(PROV.wasGeneratedBy)
    raw, seed, quiz = (address(name) for name in (("raw", "0.9", "77" * 32), ("seed", "1"), ("quiz", "1.0.0")))
    assert own == address(("pages", "1.0.0", "ab" * 32))
    assert list(triples.objects(own, PROV.wasDerivedFrom)) == [raw]
    assert list(triples.objects(own, PROV.wasInfluencedBy)) == [seed]
    assert [str(one) for one in triples.objects(raw, PROV.wasDerivedFrom)] == [str(seed)]
    (activity,) = triples.objects(own, PROV.wasGeneratedBy)
    assert list(triples.objects(activity, PROV.used)) == [quiz]


def address(parts: tuple[str, ...]) -> rdflib.URIRef:
    name, version, *rest = parts
    return rdflib.URIRef(f"urn:dataset:{name}:{version}:{(rest or [digest(name).removeprefix('sha256:')])[0]}")


def test_the_recipe_is_the_plan_of_the_activity() -> None:
    activity = said(full())["prov:wasGeneratedBy"]
    plan = activity["prov:qualifiedAssociation"]["prov:hadPlan"]
    assert activity["prov:label"] == "web_text"
    assert plan["prov:label"] == "curation.recipes:web_text"
    assert {one["name"]: json.loads(one["value"]) for one in plan["additionalProperty"]} == {
        "language": "en",
        "input": "pages/*.warc.gz",
    }
    assert [one["text"] for one in plan["step"]] == ["Screen, fingerprint 0123456789abcdef"]
    assert {one["prov:label"]: one["softwareVersion"] for one in activity["prov:wasAssociatedWith"]} == {
        **{"gristmill": "0.1.0", "Python": "3.11.7", "polars": "2.1.0"}
    }


def test_a_long_line_of_versions_that_share_ancestors_stays_small() -> None:
    """Each of 40 is made from the two before it, so that there are 165,580,141 ways from the last to the first."""
    names = [f"v{n}" for n in range(40)]
    told = [ancestor(name, "1", [f"{one}@1" for one in names[max(0, n - 2) : n]]) for n, name in enumerate(names)]
    parents = [{"name": name, "version": "1", "digest": digest(name)} for name in names[-2:]]
    document = said(few_facts() | {"ancestors": told, "parents": parents})
    entities = document["prov:wasDerivedFrom"] + document["prov:wasInfluencedBy"]
    assert sorted(one["prov:label"] for one in entities) == sorted(f"{name}@1" for name in names)


def test_a_thousand_parts_are_one_set_and_a_small_document() -> None:
    files = [
        {"path": f"data/train-{n:05d}-of-01000.parquet", "rows": 10, "bytes": 12345, "sha256": f"{n:064x}"}
        for n in range(1000)
    ]
    text = croissant(few_facts() | {"files": files}, None)
    assert len(text) < 450_000
    assert json.loads(text)["distribution"][-1]["includes"] == "data/train-*-of-01000.parquet"


def test_files_beside_the_rows_are_distributed_and_are_no_records() -> None:
    document = said(preferences())
    beside = {one["@id"]: one for one in document["distribution"]}["ledger/judgements.parquet"]
    assert beside["sha256"] == "34" * 32
    assert beside["contentSize"] == "999 B"
    assert [one["@id"] for one in document["recordSet"]] == ["default"]
    assert "judgements" not in json.dumps(document["recordSet"])


@pytest.mark.parametrize(
    ("stated", "node"),
    [
        ("MIT", "https://spdx.org/licenses/MIT"),
        ("cc by 4.0", "https://spdx.org/licenses/CC-BY-4.0"),
        ("MIT OR Apache-2.0", {"@type": "sc:CreativeWork", "name": "MIT OR Apache-2.0"}),
        ("my own <terms>", {"@type": "sc:CreativeWork", "name": "my own <terms>"}),
        *((none, "NOASSERTION") for none in (None, "", "unknown")),
    ],
)
def test_a_licence_is_an_address_or_a_work_with_its_name(stated: str | None, node: Any) -> None:
    found = license_node(stated)
    assert (found["name"] if node == "NOASSERTION" and isinstance(found, dict) else found) == node


def test_a_record_from_before_ancestors_were_told_has_its_parents() -> None:
    record = full()
    assert "ancestors" not in record
    assert [one["prov:label"] for one in said(record)["prov:wasDerivedFrom"]] == ["raw@0.9"]


@given(st.lists(st.text(min_size=1), unique=True))
def test_different_names_have_different_ids(names: list[str]) -> None:
    assert len(set(identifiers(names))) == len(names)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        (GOLDEN / f"{name}.json").write_text(golden(name), encoding="utf-8")
