"""The licence of a mix: its parts and sentences, on made-up versions and on real licences."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.cards.sheet import as_html, as_markdown
from dataset_cards.documents.licensing.mix import mix
from dataset_cards.documents.licensing.shown import ADVICE, sentences, sheets, warnings
from dataset_cards.documents.licensing.spdx import UNKNOWN, spdx
from dataset_cards.documents.licensing.terms import ASKS, TABLE, terms
from tests.licensed import given, made_of, stating, told
from tests.sample_version import HOSTILE, few_facts, full
from tests.training import frozen, store_at

GOLDEN = Path(__file__).parent / "licensing_explained.json"


def test_rows_that_state_licences_are_parts_with_their_counts() -> None:
    found = mix(stating({"CC BY-SA 3.0": 30, "mit": 60}, missing=10, license="Apache-2.0"), None)
    assert [(one.stated, one.license, one.rows, one.share, one.basis) for one in found.parts] == [
        ("mit", "MIT", 60, 0.6, "stated by the rows"),
        ("CC BY-SA 3.0", "CC-BY-SA-3.0", 30, 0.3, "stated by the rows"),
        ("Apache-2.0", "Apache-2.0", 10, 0.1, "stated for the version"),
    ]
    assert found.outcome == "Apache-2.0 AND CC-BY-SA-3.0"
    assert found.conflicts == ()


def test_counts_from_the_funnel_are_read_where_content_was_not_measured() -> None:
    found = mix(few_facts() | {"rows": 9, "facts": {"licenses": {"MIT": 5, "unknown": 4}}}, None)
    assert [(one.license, one.rows) for one in found.parts] == [("MIT", 5), (UNKNOWN, 4)]
    assert found.outcome == UNKNOWN


def test_a_version_adopted_under_one_licence_is_one_part() -> None:
    found = mix(few_facts("preferences") | {"license": "MIT", "rows": 3}, None)
    assert [(one.what, one.license, one.rows, one.share) for one in found.parts] == [("pages@1.0.0", "MIT", 3, 1.0)]
    repeated = mix(stating({"MIT": 3}, license="MIT"), None)
    assert [one.basis for one in repeated.parts] == ["stated by the rows"]


def test_a_licence_for_the_whole_that_differs_from_every_row_is_a_part_of_its_own() -> None:
    found = mix(stating({"CC-BY-4.0": 3}, license="ODC-By-1.0"), None)
    assert sorted(one.license for one in found.parts) == ["CC-BY-4.0", "ODC-By-1.0"]


def test_licences_that_version_json_does_not_list_are_unknown() -> None:
    record = stating({"MIT": 5})
    record["facts"]["content"]["licenses"]["others"] = 7
    found = mix(record | {"rows": 12}, None)
    assert found.outcome == UNKNOWN
    assert [one.rows for one in found.parts if one.license == UNKNOWN] == [7]


def test_what_versions_behind_state_is_inside_and_a_licence_on_the_way_replaces_none_of_it() -> None:
    record = made_of(
        told("raw@1", "CC-BY-SA-4.0"),
        told("own@1", "CC0-1.0"),
        told("made@1", "MIT", "raw@1", "own@1"),
        parents=("made@1",),
        license="MIT",
    )
    found = mix(record, None)
    assert sorted((one.what, one.license) for one in found.parts) == [
        ("made@1", "MIT"),
        ("own@1", "CC0-1.0"),
        ("raw@1", "CC-BY-SA-4.0"),
    ]
    assert found.outcome == "CC-BY-SA-4.0"


def test_rows_of_documents_behind_conversations_lend_their_licences() -> None:
    behind = told("pages@2", "unknown", licenses={"CC-BY-4.0": 5, "CC-BY-NC-4.0": 5}, kind="documents")
    found = mix(made_of(behind), None)
    assert [(one.license, one.rows) for one in found.parts] == [("CC-BY-4.0", None), ("CC-BY-NC-4.0", None)]
    silent = {"licenses": {"counts": {"MIT": 5}, "different": 1, "others": 0, "missing": 5}}
    assert mix(made_of(told("pages@2", "unknown", content=silent, kind="documents")), None).outcome == UNKNOWN


def test_evaluation_sets_that_were_only_held_against_are_not_inside() -> None:
    facts = {"decontamination": {"evaluations": [{"evaluation": "quiz@1", "items_found": 2}]}}
    found = mix(made_of(told("raw@1", "MIT"), told("quiz@1", "CC-BY-NC-ND-4.0"), facts=facts), None)
    assert found.outcome == "MIT"
    assert any("quiz@1" in one for one in found.remarks)


def test_rows_of_a_mixture_are_told_by_source() -> None:
    sources = [{"source": "a@1", "got_rows": 15}, {"source": "b@1", "got_rows": 5}]
    found = mix(made_of(told("a@1", "MIT"), told("b@1", "ISC"), facts={"mixture": {"sources": sources}}), None)
    assert [(one.what, one.rows, one.share) for one in found.parts] == [("a@1", 15, 0.75), ("b@1", 5, 0.25)]


def test_outputs_of_models_are_a_remark_and_no_conflict() -> None:
    record = stating({"MIT": 5})
    record["facts"]["content"]["origins"] = {"counts": {"human": 2, "gpt-4": 3}}
    found = mix(record, None)
    assert found.conflicts == ()
    assert any("gpt-4 (3 rows)" in one for one in found.remarks)


def test_notices_are_kept_for_every_part_that_asks_also_where_the_outcome_swallows_it() -> None:
    found = mix(stating({"MIT": 5, "CC-BY-SA-4.0": 5, "CC0-1.0": 5}), None)
    assert found.outcome == "CC-BY-SA-4.0"
    assert len(found.attributions) == 2


def test_everyone_is_told_once_that_this_is_no_legal_advice() -> None:
    for record in (full(), stating({"MIT": 1}), few_facts()):
        assert sentences(mix(record, None)).count(ADVICE) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_licences_stay_text(text: str) -> None:
    record = stating({text: 3, "MIT": 3}, source=text, license=text)
    record["facts"]["content"]["origins"] = {"counts": {text: 3}}
    found = mix(record, given("MIT", (text, "CC0-1.0")))
    assert found.open == ()
    shown = sheets(found)
    assert "<script" not in as_html(shown)
    assert "<img" not in as_html(shown)
    assert all("\n" not in one for one in (*sentences(found), *warnings(mix(record, None))))
    assert "\n<script" not in "\n".join(as_markdown(shown))


def test_a_hundred_licences_are_told_in_bounded_sentences() -> None:
    found = mix(stating({f"our terms {n}": 1 for n in range(100)}), None)
    assert len(found.conflicts) == 100
    assert max(map(len, found.why)) < 600


# The licence column of the pack of real data, as people wrote it, and what can be told from it.
REAL = {
    "Apache-2.0": "Apache-2.0",
    "MIT": "MIT",
    "CC BY 4.0": "CC-BY-4.0",
    "CC0-1.0": "CC0-1.0",
    "MIT or Apache-2.0": "MIT OR Apache-2.0",
    "CC BY-SA 3.0 ES": "LicenseRef-CC-BY-SA-3.0-ES",
}


def test_licences_of_real_data_are_read_or_left_to_a_person(shared_data: Path) -> None:
    lines = (shared_data / "SOURCES.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines if line.startswith("| `")]
    stated = {row[4] for row in cells if len(row) > 5}
    assert set(REAL) <= stated
    assert {text: spdx(text) for text in stated} == {text: REAL.get(text, UNKNOWN) for text in stated}


def test_a_mix_of_adopted_versions_is_told_from_its_own_version_json(tmp_path: Path) -> None:
    rows = [{"id": str(n), "text": f"Words number {n}.", "license": "CC BY-SA 3.0"} for n in range(4)]
    version = frozen(store_at(tmp_path / "store"), "wiki@1.0.0", "documents", rows, tmp_path)
    found = mix(version.json, None)
    # Adopted under CC0-1.0, which the rows do not repeat.
    assert "CC0-1.0" in {one.license for one in found.parts}
    assert found.conflicts == ()


def test_every_line_of_the_table_names_its_section_and_only_known_duties() -> None:
    for licence, line in TABLE.items():
        assert line.where, licence
        assert line.duties <= set(ASKS)
        assert all(terms(other) for other in line.becomes), licence
        assert spdx(licence) == licence


def _explained() -> dict[str, Any]:
    wiki = {"Apache-2.0": 500, "CC BY-SA 3.0": 200, "cc-by-nc-4.0": 100, "MIT or Apache-2.0": 50}
    decided = given("CC-BY-SA-3.0 AND Apache-2.0", ("cc-by-nc-4.0", "MIT"), ("unknown", "CC0-1.0"))
    nd = made_of(
        told("raw@1", "CC-BY-ND-4.0", source="Essays"), told("b@1", "unknown"), facts={"generated": {"rows": 2}}
    )
    cases = {
        "rows under four licences, nobody asked": mix(stating(wiki, missing=150), None),
        "the same, decided": mix(stating(wiki, missing=150), decided),
        "the same, given away as MIT": mix(stating(wiki, missing=150), given("MIT")),
        "no derivatives, rewritten": mix(nd, None),
    }
    return {
        name: {
            "outcome": found.outcome,
            "sentences": sentences(found),
            "conflicts": [[one.kind, one.resolved, one.sentence] for one in found.conflicts],
            "attributions": list(found.attributions),
        }
        for name, found in cases.items()
    }


def test_explanations_are_the_ones_that_were_read_and_found_right() -> None:
    assert _explained() == json.loads(GOLDEN.read_text(encoding="utf-8"))
