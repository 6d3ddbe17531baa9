"""about.yaml: read whole or refused with every gap at once, each in its line; safe against whatever the file holds."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from dataset_cards.documents.about import About, Provider
from dataset_cards.documents.load import Gaps, load, needed, part_of
from dataset_cards.documents.questions import QUESTIONS
from dataset_cards.documents.unfilled import filled
from tests.about_sample import SAMPLE, abouts, changed, sample_about, sample_bytes

GOLDEN = (Path(__file__).parent / "golden_about" / "gaps.txt").read_text(encoding="utf-8")
MISTAKES: dict[str, bytes] = {
    "an empty file": b"",
    "only comments": b"# to come\n\n---\n",
    "a colon inside a text": b"title: Harbours: notices\n",
    "a tab": b"title: Harbours\ncontact:\n\tname: Ada\n",
    "a quotation that nobody closes": b"title: 'Harbours\nsummary: Notices\n",
    "a bracket that nobody closes": b"title: Harbours\nkeywords: [a, b\nsummary: Notices\n",
    "a text that begins with a mark": b"title: @harbours\n",
    "an item out of line": b"title: Harbours\nuses:\n    known:\n      - a\n  intended:\n    - b\n",
    "no UTF-8": b"title: Harbours\nsummary: \xe9\n",
    "a character that no text holds": b"title: Harbours\nsummary: a\x00b\n",
    "a list of nothing but texts": b"- Harbours\n- Notices\n",
    "one text": b"Harbours\n",
    "two documents": b"title: Harbours\n---\ntitle: Notices\n",
    "an alias": b"title: &name Harbours\nsummary: *name\n",
    "a bomb of aliases": b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "a Python type": b"title: !!python/object/apply:os.system [ls]\n",
    "nested without end": b"title: " + b"[" * 500,
    "too large": b"title: " + b"x" * 300_000,
    "a quotation mark inside a quotation": b"title: 'It's Harbours'\n",
    "a text beside its mark": b"title: >- Harbours\n",
    "what documents would cut, and what holds nothing": SAMPLE.read_bytes()
    .replace(b"title: Harbour", b"title: " + b"Har" * 70)
    .replace(b"funding: Paid by", b"funding: " + b"Paid " * 5000)
    .replace(b"  known:\n", b'  known:\n    - "half \\ud83d"\n')
    .replace(b"  intended:\n", b"  intended: []\n  intended_too:\n"),
    "what is wrong with single fields": SAMPLE.read_bytes()
    .replace(b"title: Harbour", b"titel: Harbour")
    .replace(b"funding: Paid by", b"funding: TODO\ncomments: Paid by")
    .replace(
        b"begin: 2026-01-12\n  end: 2026-03-30\n  ongoing: false",
        b"begin: 12.1.2026\n  end: 2026-02-30\n  ongoing: maybe",
    )
    .replace(b"kind: web-crawl", b"kind: crawl")
    .replace(b"concerned: yes", b"concerned: some")
    .replace(b"email: data@fjordtext.example", b"email: fjordtext.example")
    .replace(b"limits:\n", b"limits: none\nlimits:\n")
    .replace(b"  intended:\n", b"  intended: Pretraining\n  intended_too:\n")
    .replace(b"  review: The", b"  review:\n    - The")
    .replace(b"  by: Fjord Text Group\n", b"  by:\n")
    .replace(b"doi: 10.5555/", b"doi: doi.org/"),
}


def gaps(content: bytes) -> list[str]:
    with pytest.raises(Gaps) as caught:
        load(content, "about.yaml")
    return [str(gap) for gap in caught.value.gaps]


def golden() -> dict[str, str]:
    return {
        block.partition("\n")[0]: block.partition("\n")[2].strip() for block in re.split(r"^# ", GOLDEN, flags=re.M)[1:]
    }


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_in_these_words(mistake: str) -> None:
    assert "\n".join(gaps(MISTAKES[mistake])) == golden()[mistake]


def test_the_golden_file_has_no_other_mistakes() -> None:
    assert list(golden()) == list(MISTAKES)


def test_a_complete_file_is_read_whole() -> None:
    about = load(SAMPLE.read_bytes(), "about.yaml")
    assert about == sample_about()
    assert about.collection.sources[1].model == "Qwen2.5-7B-Instruct"
    assert load(b"\xef\xbb\xbf" + SAMPLE.read_bytes().replace(b"\n", b"\r\n"), "about.yaml") == about


def test_answers_may_be_written_as_yaml_writes_truth() -> None:
    about = load(SAMPLE.read_bytes().replace(b"ongoing: false", b"ongoing: yes"), "about.yaml")
    assert about.collection.ongoing is True
    assert about.people.concerned == "yes"
    assert about.collection.sources[0].licensed == "no"


def test_an_empty_list_of_documents_asks_for_none() -> None:
    assert load(re.sub(rb"documents:(\n  - .*)*", b"documents: []", SAMPLE.read_bytes()), "about.yaml").documents == ()


def test_an_empty_file_lacks_every_needed_field_and_nothing_else() -> None:
    assert [place(gap) for gap in gaps(b"")] == [dotted(path) for path in needed(About)]


@pytest.mark.parametrize("path", [*needed(About), *needed(Provider, ("provider",))], ids=lambda path: dotted(path))
def test_a_field_that_is_missing_is_the_only_gap(path: tuple[str | int, ...]) -> None:
    fields: Any = changed({})
    inside = fields
    for part in path[:-1]:
        inside = inside[part]
    del inside[path[-1]]
    with pytest.raises(Gaps) as caught:
        load(sample_bytes(**fields, **{part: None for part in changed({}) if part not in fields}), "about.yaml")
    assert [place(str(gap)) for gap in caught.value.gaps] == [dotted(path)]


def test_a_gap_is_in_the_line_of_its_field_or_of_the_section_around_it() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    line = text[: text.index("people:\n")].count("\n") + 1
    cut = re.sub(r"  consent: .*\n", "", text)
    assert gaps(cut.encode())[0].startswith(f"about.yaml:{line} people.consent: is empty")
    emptied = re.sub(r"(  consent:) .*\n", r"\1\n", text)
    assert gaps(emptied.encode())[0].startswith(f"about.yaml:{line + 2} people.consent: is empty")


def test_every_field_has_a_question_and_every_question_a_field() -> None:
    def fields(model: type[BaseModel], above: str = "") -> list[str]:
        found = []
        for name, field in model.model_fields.items():
            part, _ = part_of(field.annotation)
            found += [f"{above}{name}", *(fields(part, f"{above}{name}.") if part else [])]
        return found

    assert list(QUESTIONS) == fields(About)


@pytest.mark.parametrize(
    "text",
    [
        "TODO",
        "tbd",
        "To do: TODO later",
        "N/A",
        "none.",
        "Unknown",
        "...",
        "<name>",
        "[who]",
        "[More Information Needed]",
        "XXX",
        "\u200b",
        "Lorem ipsum dolor",
    ],
)
def test_a_place_for_a_text_is_no_text(text: str) -> None:
    with pytest.raises(ValueError, match="says nothing"):
        filled(text)
    assert "about.yaml:1 title" in gaps(sample_bytes(title=text))[0]


@pytest.mark.parametrize(
    "text",
    ["Todo el texto es nuestro.", "None of it is about people.", "Unknown rivers of Chad", "No", "\u6e2f", "C++"],
)
def test_short_and_foreign_texts_are_texts(text: str) -> None:
    assert filled(text) == text
    assert load(sample_bytes(title=text), "about.yaml").title == text


MANGLED = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.sampled_from(["", "- ", "  ", "\t", "a: ", "'", "{", "&x ", "? ", "!!", "\x00", "\u2028", ": "]),
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=25)
@given(MANGLED)
def test_a_mangled_file_is_read_or_refused_with_reasons(marks: list[tuple[int, str]]) -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    for at, mark in marks:
        lines[at % len(lines)] = mark + lines[at % len(lines)]
    read_or_refused("\n".join(lines).encode())


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=60) | st.text("abt:- \n\t{}[],&*!?|>'\"#%@`~<=\\0", max_size=60).map(str.encode))
@example(b"title: {a: {b: c}}\n1: 2\n~: 3\n? [x]\n: y\n")
@example(b"<<: {title: a}\ncreators:\n  - <<: [b]\n")
@example(b"documents: [a, datasheet]\nkeywords: {a: b}\nprovider: [x]\ncreators: {name: Ada}\ncontact: [a]\n")
@example(b'title: "\\ud800"\n')
@example("\u0085title: a\u2028b\n".encode())
def test_any_file_is_read_or_refused_with_reasons(content: bytes) -> None:
    read_or_refused(content)


def read_or_refused(content: bytes) -> None:
    try:
        load(content, "about.yaml")
        return
    except Gaps as error:
        refused = error.gaps
    assert refused
    for gap in refused:
        assert re.match(r"about\.yaml:\d+( |$)", gap.place)
        assert gap.what
        assert gap.mend
        assert str(gap).isprintable()


@settings(deadline=None, max_examples=20)
@given(abouts())
def test_what_validates_is_the_same_when_it_comes_from_a_file(about: About) -> None:
    said = about.model_dump(mode="json", exclude_none=True)
    assert About.model_validate(said) == about


def place(gap: str) -> str:
    return gap.partition(": ")[0].partition(" ")[2]


def dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
