"""From what people write to SPDX: names, addresses, expressions, and everything that must stay unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_cards.documents.licensing.spdx import LONGEST, UNKNOWN, choices, spdx
from tests.sample_version import HOSTILE


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Apache-2.0", "Apache-2.0"),
        ("apache-2.0", "Apache-2.0"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ('BSD 3-Clause "New" or "Revised" License', "BSD-3-Clause"),
        ("CC BY-SA 3.0", "CC-BY-SA-3.0"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("CC BY 4", "CC-BY-4.0"),
        ("CC BY-SA 3.0 ES", "LicenseRef-CC-BY-SA-3.0-ES"),
        ("CC BY-SA 3.0 DE", "CC-BY-SA-3.0-DE"),
        ("CC-BY-ND-NC-1.0", "CC-BY-NC-ND-1.0"),
        ("Creative Commons Attribution-ShareAlike 3.0 Unported", "CC-BY-SA-3.0"),
        ("Attribution-NonCommercial-ShareAlike 4.0 International (CC BY-NC-SA 4.0)", "CC-BY-NC-SA-4.0"),
        ("Creative Commons Attribution No Derivatives 4.0", "CC-BY-ND-4.0"),
        ("https://creativecommons.org/licenses/by-sa/3.0/", "CC-BY-SA-3.0"),
        ("http://creativecommons.org/licenses/by-sa/3.0/es/deed.es", "LicenseRef-CC-BY-SA-3.0-ES"),
        ("https://creativecommons.org/licenses/by/4.0/legalcode.txt", "CC-BY-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("CC0", "CC0-1.0"),
        ("Creative Commons Zero v1.0 Universal", "CC0-1.0"),
        ("public domain", "LicenseRef-Public-Domain"),
        ("U.S. Government Work", "LicenseRef-US-Government-Work"),
        ("All rights reserved.", "LicenseRef-All-Rights-Reserved"),
        ("odbl", "ODbL-1.0"),
        ("Open Data Commons Attribution License v1.0", "ODC-By-1.0"),
        ("PDDL 1.0", "PDDL-1.0"),
        ("CDLA Permissive 2.0", "CDLA-Permissive-2.0"),
        ("CreativeML OpenRAIL-M", "LicenseRef-OpenRAIL"),
        ("GPLv3", "GPL-3.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GNU General Public License v2.0 or later", "GPL-2.0-or-later"),
        ("GNU Affero General Public License v3.0", "AGPL-3.0-only"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("MIT or Apache-2.0", "MIT OR Apache-2.0"),
        ("MIT License and CC BY 4.0", "MIT AND CC-BY-4.0"),
        ("(gpl-2.0 or mit) and LicenseRef-foo", "(GPL-2.0-only OR MIT) AND LicenseRef-foo"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("  MIT \n", "MIT"),
    ],
)
def test_what_people_write_is_read(written: str, expected: str) -> None:
    assert spdx(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        *("", "unknown", "other", "none", "NOASSERTION", "see README", "free for research"),
        *("cc", "cc-by", "CC BY-SA", "CC-BY-SA-4.0-ES", "CC-BY-SA-3.0-XX", "CC-BY-2.1", "CC-BY-9.0"),
        *("gpl", "BSD", "GPL-9.0", "open", "Apache"),
        *("MIT / CDLA-Permissive-2.0", "PDDL 1.0 / CC0"),  # and, or or?
        *("CC BY 4.0 (MBPP)", "MIT (repo); pages (c) publishers", "Apache-2.0 (repo / P3)"),
        *("MIT AND", "(MIT", "MIT WITH MIT", "MIT MIT", "MIT\x00", "MIT" * 200, "MIT?", "M\u200bIT"),
        *HOSTILE,
    ],
)
def test_what_is_not_clear_stays_unknown(written: str) -> None:
    assert spdx(written) == UNKNOWN


def test_none_is_unknown() -> None:
    assert spdx(None) == UNKNOWN


@given(st.text(max_size=80) | st.text("()ANDORWITHmitcy-0123456789.+ ", max_size=80))
def test_any_text_is_read_or_unknown_and_reading_twice_changes_nothing(text: str) -> None:
    assert spdx(spdx(text)) == spdx(text)


@given(
    st.recursive(
        st.sampled_from(["MIT", "CC-BY-SA-3.0", "Apache-2.0+", "LicenseRef-x", "GPL-2.0 WITH Classpath-exception-2.0"]),
        lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR", "and", "or"]), inner),
        max_leaves=8,
    )
)
def test_every_expression_has_the_same_choices_in_its_canonical_form(expression: str) -> None:
    assert spdx(expression) != UNKNOWN
    assert choices(spdx(expression)) == choices(spdx(spdx(expression)))


def test_choices_multiply_out() -> None:
    assert choices("MIT AND (ISC OR Zlib)") == (frozenset({"ISC", "MIT"}), frozenset({"MIT", "Zlib"}))
    assert choices("MIT OR ISC AND Zlib") == (frozenset({"ISC", "Zlib"}), frozenset({"MIT"}))
    assert choices("GPL-2.0-only WITH Classpath-exception-2.0") == (
        frozenset({"GPL-2.0-only WITH Classpath-exception-2.0"}),
    )


def test_an_expression_with_a_million_choices_is_unknown_and_takes_no_time() -> None:
    pairs = [f"(LicenseRef-{n} OR LicenseRef-b{n})" for n in range(13)]
    assert len(" AND ".join(pairs)) <= LONGEST
    assert spdx(" AND ".join(pairs)) == UNKNOWN


def test_deep_parentheses_are_read_or_unknown() -> None:
    assert choices(spdx("(" * 90 + "MIT" + ")" * 90)) == (frozenset({"MIT"}),)
    assert spdx("(" * 240 + "MIT" + ")" * 240) == UNKNOWN
    assert spdx("(" * 240) == UNKNOWN
