"""Laws of putting licences together, and the charts of Creative Commons that they have to agree with."""

from itertools import combinations_with_replacement, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_cards.documents.about import About, Licensing
from dataset_cards.documents.licensing.fit import becomes, clash, least, taken, together
from dataset_cards.documents.licensing.mix import mix
from dataset_cards.documents.licensing.names import OPENRAIL, RESERVED
from dataset_cards.documents.licensing.spdx import UNKNOWN, spdx
from dataset_cards.documents.licensing.terms import TABLE, terms
from tests.about_sample import sample_about
from tests.sample_version import few_facts

COMMONS = tuple(
    f"CC-BY{kind}-{version}"
    for kind in ("", "-NC", "-ND", "-SA", "-NC-SA", "-NC-ND")
    for version in ("1.0", "2.0", "2.5", "3.0", "4.0")
)
PORTS = ("CC-BY-SA-3.0-DE", "LicenseRef-CC-BY-SA-3.0-ES", "CC-BY-NC-SA-2.0-FR")
LICENCES = (*TABLE, *COMMONS, *PORTS, "LicenseRef-Ours", "Artistic-2.0")
SETS = st.sets(st.sampled_from(LICENCES), min_size=1, max_size=7)
STATED = st.dictionaries(
    st.sampled_from((*LICENCES, "our own terms", "see the site", "MIT OR CC-BY-SA-4.0")),
    st.integers(1, 9),
    min_size=1,
    max_size=6,
)

# What may be remixed with what, after https://wiki.creativecommons.org/wiki/Wiki/cc_license_compatibility; written from
# memory of that chart.
ORDER = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0")
REMIXED = {
    "CC0-1.0": "yes yes yes yes no yes no",
    "CC-BY-4.0": "yes yes yes yes no yes no",
    "CC-BY-SA-4.0": "yes yes yes no no no no",
    "CC-BY-NC-4.0": "yes yes no yes no yes no",
    "CC-BY-ND-4.0": "no no no no no no no",
    "CC-BY-NC-SA-4.0": "yes yes no yes no yes no",
    "CC-BY-NC-ND-4.0": "no no no no no no no",
}
# https://creativecommons.org/faq, "If I derive or adapt material": which licences an adaptation may go under.
ADAPTED = {
    "CC-BY-4.0": {*ORDER} - {"CC0-1.0"},
    "CC-BY-NC-4.0": {"CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0"},
    "CC-BY-SA-4.0": {"CC-BY-SA-4.0"},
    "CC-BY-NC-SA-4.0": {"CC-BY-NC-SA-4.0"},
}


ABOUT = sample_about()
LETTER = "The author gave it to us by letter."


def given_under(license_: str, decisions: list[dict[str, str]]) -> About:
    said = {"license": license_, "reason": "It keeps what all of them ask.", "decisions": decisions}
    return ABOUT.model_copy(update={"licensing": Licensing.model_validate(said)})


def version(counts: dict[str, int], **others: Any) -> dict[str, Any]:
    """A version whose rows state licences."""
    told = {"counts": counts, "different": len(counts), "others": 0, "missing": 0}
    return few_facts() | {"rows": sum(counts.values()), "facts": {"content": {"licenses": told}}} | others


@pytest.mark.parametrize(("one", "other"), [*product(ORDER, ORDER)])
def test_remixing_agrees_with_the_chart_of_creative_commons(one: str, other: str) -> None:
    fixed = any((told := terms(each)) and told.no_derivatives for each in (one, other))
    allowed = dict(zip(ORDER, REMIXED[one].split(), strict=True))[other] == "yes"
    assert (not fixed and not clash(one, other)) == allowed


@pytest.mark.parametrize(("one", "other"), [*product(ADAPTED, ORDER)])
def test_adaptations_go_where_the_chart_lets_them(one: str, other: str) -> None:
    assert becomes(one, other) == (other in ADAPTED[one])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("CC-BY-SA-3.0", "CC-BY-SA-4.0", True),  # 3.0, 4(b)(ii)
        ("CC-BY-SA-4.0", "CC-BY-SA-3.0", False),
        ("CC-BY-SA-1.0", "CC-BY-SA-2.0", False),  # 1.0, 4(b): this licence only
        ("LicenseRef-CC-BY-SA-3.0-ES", "CC-BY-SA-3.0", True),
        ("LicenseRef-CC-BY-SA-3.0-ES", "CC-BY-SA-4.0", True),
        ("CC-BY-SA-3.0", "CC-BY-NC-SA-4.0", False),
        ("CC-BY-SA-4.0", "GPL-3.0-only", True),  # one way, since 2015
        ("GPL-3.0-only", "CC-BY-SA-4.0", False),
        ("CC-BY-SA-4.0", "LAL-1.3", True),
        ("LAL-1.3", "CC-BY-SA-4.0", True),
        ("CC-BY-SA-3.0", "GPL-3.0-only", False),
        ("MIT", "Apache-2.0", True),
        ("Apache-2.0", "MIT", False),
        ("Apache-2.0", "GPL-3.0-only", True),
        ("Apache-2.0", "GPL-2.0-only", False),
        ("GPL-2.0-or-later", "GPL-3.0-only", True),
        ("GPL-2.0-only", "GPL-3.0-only", False),
        ("GPL-3.0-only", "AGPL-3.0-only", True),
        ("LGPL-2.1-only", "GPL-2.0-only", True),
        ("MPL-2.0", "GPL-2.0-or-later", True),
        ("GFDL-1.2-or-later", "GFDL-1.3-only", True),
        ("CC0-1.0", "CC-BY-ND-4.0", True),
        ("OGL-UK-3.0", "CC-BY-4.0", True),
        ("PDDL-1.0", "ODbL-1.0", True),
        ("ODbL-1.0", "ODC-By-1.0", False),
        ("Artistic-2.0", "GPL-3.0-only", False),  # not in the table: only itself
        ("Artistic-2.0", "Artistic-2.0", True),
    ],
)
def test_what_becomes_what(one: str, other: str, expected: bool) -> None:
    assert becomes(one, other) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("CC-BY-SA-4.0", "ODbL-1.0", True),
        ("CC-BY-SA-4.0", "CC-BY-NC-2.0", True),
        ("CC-BY-SA-4.0", OPENRAIL, True),
        ("CC-BY-SA-3.0", "CC-BY-SA-4.0", False),
        ("CC-BY-SA-4.0", "GPL-3.0-or-later", False),
        ("CC-BY-SA-3.0", "GFDL-1.3-only", True),
        ("CDLA-Sharing-1.0", "CC-BY-SA-4.0", True),
        ("GPL-2.0-only", "Apache-2.0", True),
        ("GPL-2.0-or-later", "Apache-2.0", False),
        ("GPL-2.0-only", "GPL-3.0-only", True),
        ("CC-BY-SA-4.0", "Apache-2.0", False),
        ("CC-BY-SA-4.0", "MIT", False),
        ("CC-BY-NC-4.0", "Apache-2.0", False),
        ("CC-BY-SA-4.0", RESERVED, False),  # a conflict of its own
    ],
)
def test_what_clashes(one: str, other: str, expected: bool) -> None:
    assert clash(one, other) == clash(other, one) == expected


@given(SETS, st.sampled_from(LICENCES))
def test_one_more_licence_is_never_less_restrictive(licences: set[str], more: str) -> None:
    fewer, whole = least(licences), least({*licences, more})
    assert all(any(becomes(one, other) for other in whole) for one in fewer)
    assert all(any(becomes(one, other) for other in whole) for one in (*licences, more))


@given(SETS)
def test_nothing_is_kept_that_another_asks_for(licences: set[str]) -> None:
    kept = least(licences)
    assert kept <= licences
    assert least(kept) == kept
    assert not any(
        becomes(one, other) and not becomes(other, one) for one in kept for other in kept if one != other
    ) or not _transitive(kept)


def _transitive(kept: frozenset[str]) -> bool:
    return all(
        becomes(one, three) for one, two, three in product(kept, repeat=3) if becomes(one, two) and becomes(two, three)
    )


@given(SETS)
def test_the_outcome_is_an_expression_that_reads_as_itself(licences: set[str]) -> None:
    outcome = together(licences)
    assert spdx(outcome) == outcome
    assert taken(outcome) == least(licences)


@given(SETS)
def test_unknown_is_above_everything(licences: set[str]) -> None:
    assert together({*licences, UNKNOWN}) == UNKNOWN
    assert together(set()) == UNKNOWN


@given(STATED, st.randoms(use_true_random=False))
def test_the_order_of_licences_and_decisions_does_not_matter(counts: dict[str, int], random: Any) -> None:
    decisions = [
        {"of": name, "license": "CC0-1.0", "reason": f"Somebody looked at {n} of them."}
        for n, name in enumerate(list(counts)[::2])
    ]
    shuffled, turned = list(counts.items()), list(decisions)
    random.shuffle(shuffled)
    if len({spdx(one["of"]) for one in decisions}) == len(decisions):
        random.shuffle(turned)
    said = [given_under("CC-BY-4.0", order) for order in (decisions, turned)]
    assert mix(version(counts), said[0]) == mix(version(dict(shuffled)), said[1])


@given(STATED, st.data())
def test_a_decision_settles_the_conflicts_of_its_part_and_no_other(counts: dict[str, int], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(counts)))
    decision = {"of": name, "license": "CC0-1.0", "reason": LETTER}
    before = mix(version(counts), given_under("CC-BY-4.0", []))
    after = mix(version(counts), given_under("CC-BY-4.0", [decision]))
    mine = f"rows that state {name}"
    settled = [one.sentence for one in before.open if one.sentence not in {each.sentence for each in after.open}]
    assert {one.sentence for one in after.open} <= {one.sentence for one in before.open}
    assert not any(mine in one.parts for one in after.open)
    assert all(mine in one.parts for one in before.open if one.sentence in settled)
    assert {one.sentence: one.by for one in after.conflicts if one.resolved} == dict.fromkeys(settled, LETTER)


@given(STATED, STATED)
def test_more_rows_under_more_licences_never_make_an_unknown_known(
    counts: dict[str, int], more: dict[str, int]
) -> None:
    fewer, whole = mix(version(counts), None).outcome, mix(version(counts | more), None).outcome
    if whole != UNKNOWN:
        assert fewer != UNKNOWN
        assert all(any(becomes(one, other) for other in taken(whole)) for one in taken(fewer))


def test_every_pair_of_the_table_has_an_answer() -> None:
    for one, other in combinations_with_replacement(LICENCES, 2):
        assert isinstance(clash(one, other), bool)
        assert clash(one, one) is False
