"""Fingerprints: equal values are equal in every process, different ones differ, and what has no identity is refused."""

import enum
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_cards.versions.fingerprint import Unfingerprintable, fingerprint

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    revision: ClassVar[int] = 1
    words: int = 5


@dataclass(frozen=True, kw_only=True)
class Revised:
    revision: ClassVar[int] = 2
    words: int = 5


class Side(enum.Enum):
    LEFT = "left"


@pytest.mark.parametrize(
    "bad", [lambda: 1, object(), float("nan"), float("inf"), Path("a"), b"x", {1: 2}, int, Sample, 1j, iter([])]
)
def test_what_has_no_stable_identity_is_refused(bad: Any) -> None:
    with pytest.raises(Unfingerprintable):
        fingerprint({"x": [bad]})


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(Unfingerprintable, match=r"value\['a'\]\[1\].*object"):
        fingerprint({"a": [1, object()]})


@given(JSON, JSON)
def test_different_values_have_different_fingerprints(a: Any, b: Any) -> None:
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (fingerprint(a) == fingerprint(b)) == same


@pytest.mark.parametrize(("a", "b"), [(1, "1"), (1, True), (1, 1.0), (0, False), (None, "None"), ([], {}), ("", None)])
def test_values_that_look_alike_differ(a: Any, b: Any) -> None:
    assert fingerprint(a) != fingerprint(b)


def test_fields_and_revision_are_identity() -> None:
    assert fingerprint(Sample()) == fingerprint(Sample(words=5))
    assert fingerprint(Sample()) != fingerprint(Sample(words=6))
    assert fingerprint(Sample()) != fingerprint(Revised())


def test_sets_and_enums_have_an_identity_whatever_the_hash_seed() -> None:
    code = (
        "from dataset_cards.versions.fingerprint import fingerprint\n"
        "print(fingerprint({'s': frozenset(['a', 'b', 'c', 'd']), 'm': {'y': 1, 'x': 2}}))"
    )
    seen = set()
    for seed in ("0", "1", "2"):
        run = [sys.executable, "-c", code]
        seen.add(subprocess.run(run, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout)
    assert len(seen) == 1
    assert fingerprint(Side.LEFT) != fingerprint("left")
