"""Secrets: what is found, what is left alone, that nothing found survives the mask, that hostile text ends.

How good the rules are on other people's samples is measured in benchmarks/secrets.py.
"""

import itertools
import signal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.marks import verdicts
from curation.secrets.find import anchored, random_looking, secrets
from curation.secrets.gold import sentences
from curation.secrets.rules import RULES
from curation.secrets.stage import KINDS, Secrets, masked
from curation.stage import Docs

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
PASSWORD = "Xk9!vTq2#mLw"


def found(text: str) -> list[tuple[str, str]]:
    """Kind and content of every secret in a text."""
    (offsets,) = anchored(pl.Series([text], dtype=pl.String)).to_list()
    return [(one.kind, text[one.start : one.end]) for one in secrets(text, offsets or [])]


def scored(stage: Secrets, *texts: str) -> pl.DataFrame:
    return stage.score(Docs(pl.DataFrame({"text": texts}, schema={"text": pl.String})))


def test_a_token_is_masked_by_its_kind_and_the_rest_of_the_text_stays() -> None:
    scores = scored(Secrets(), f"Größe: {TOKEN}, 日本", "nothing here")
    assert scores["text"].to_list() == ["Größe: [GITHUB_TOKEN], 日本", None]
    assert scores["secrets"].to_list() == [1, 0]
    assert scores["spans"].to_list() == [
        [{"type": "github-token", "start": 7, "end": 7 + len(TOKEN), "score": 1.0, "action": "mask"}],
        None,
    ]


def test_the_spans_hold_no_content() -> None:
    assert TOKEN not in str(scored(Secrets(), TOKEN)["spans"].to_list())


def test_a_document_goes_when_it_holds_a_kind_to_be_dropped_and_only_then() -> None:
    stage = Secrets(drop_kinds=("private-key",))
    block = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIBx7f/Qp+K3zLw9TnVhYc2\n" * 4 + "-----END RSA PRIVATE KEY-----"
    scores = scored(stage, block, TOKEN, "plain")
    assert verdicts(stage, scores).to_list() == ["secrets/unwanted", None, None]
    assert [spans[0]["action"] if spans else None for spans in scores["spans"].to_list()] == ["drop", "mask", None]


def test_a_kind_that_nobody_knows_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no kind github; there are .*github-token"):
        Secrets(drop_kinds=("github",))


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_that_nothing_can_have_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="min_score"):
        Secrets(min_score=score)


@pytest.mark.parametrize(
    "text",
    [one.text for one in sentences() if one.secrets]
    + [f"https://u:{TOKEN}@x.org/?token={PASSWORD}", "https://u:[EMAIL_ADDRESS]@x.org", f"{TOKEN} '{PASSWORD}'"],
)
def test_what_was_masked_is_not_found_again(text: str) -> None:
    """Or a corpus that was made with `secrets=mask` would lose its documents to `secrets=drop`."""
    (once,) = scored(Secrets(), text)["text"].to_list()
    assert scored(Secrets(), once or text)["secrets"].item() == 0


BEGIN, LINE = "-----BEGIN RSA PRIVATE KEY-----", "MIIBx7f/Qp+K3zLw9TnVhYc2"


@pytest.mark.parametrize(
    "key",
    [
        f"\n{LINE}" * 2000,
        "\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0F6E9F\n" + f"\n{LINE}" * 4,
        f"\r\n> {LINE}" * 4,
        f"\\n{LINE}" * 4,
        f'\\n" +\n  "{LINE}' * 4,
    ],
)
def test_a_private_key_without_an_end_is_masked_to_its_last_line_and_no_further(key: str) -> None:
    (hidden,) = scored(Secrets(), f"{BEGIN}{key}\nAnd then some prose follows, in plain words")["text"].to_list()
    assert hidden == f"{BEGIN}[PRIVATE_KEY]\nAnd then some prose follows, in plain words"
    assert scored(Secrets(), f"{BEGIN}{key}\nQp+K3z")["text"].item() == f"{BEGIN}[PRIVATE_KEY]"


def test_a_large_private_key_is_masked_whole() -> None:
    block = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n" + f"{LINE}\n" * 4000 + "-----END PGP PRIVATE KEY BLOCK-----"
    assert LINE not in scored(Secrets(), block)["text"].item()


def test_prose_about_private_keys_is_left_alone() -> None:
    assert found(f"A line {BEGIN} and then all the words that nobody punctuates follow it without an end") == []


def test_kinds_can_be_left_alone_and_named_secrets_can_be_left_to_a_higher_score() -> None:
    text = f"{TOKEN} password = '{PASSWORD}'"
    assert scored(Secrets(ignore_kinds=("github-token",)), text)["secrets"].item() == 1
    assert scored(Secrets(min_score=0.9), text)["text"].item() == f"[GITHUB_TOKEN] password = '{PASSWORD}'"


def test_look_alikes_are_left_alone() -> None:
    for one in sentences():
        if not one.secrets:
            assert found(one.text) == [], one.text


def test_every_made_up_secret_is_found_under_its_own_kind() -> None:
    wrong = []
    for one in sentences():
        for kind, start, end in one.secrets:
            spans = [secret for secret in secrets(one.text, _offsets(one.text)) if secret.start <= start]
            if not any(span.kind == kind and span.end >= end for span in spans):
                wrong.append((kind, one.text, found(one.text)))
    assert wrong == []


def _offsets(text: str) -> list[int]:
    return anchored(pl.Series([text], dtype=pl.String)).to_list()[0] or []


def test_the_card_gets_precision_recall_and_what_is_not_covered() -> None:
    (entry,) = Secrets().gold()
    assert entry["stage"] == "secrets"
    assert entry["results"][-1]["label"] == "all"
    assert entry["results"][-1]["support"] >= 150
    assert entry["not_covered"]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (f"DB_PASSWORD={PASSWORD}", PASSWORD),
        (f'val password: String = "{PASSWORD}"', PASSWORD),
        (f"the password is {PASSWORD}", PASSWORD),
        (f'#define PASSWORD "{PASSWORD}"', PASSWORD),
        ("mongodb+srv://app:hunter2x@db.example.com/x", "hunter2x"),
    ],
)
def test_a_password_is_known_by_the_name_it_is_given_to(text: str, content: str) -> None:
    assert [secret for _, secret in found(text)] == [content]


@pytest.mark.parametrize(
    "value",
    [
        "correcthorse",
        "changeme123!",
        "os.environ",
        "settings.SECRET",
        "call_once",
        "12345678",
        "${PASSWORD}",
        "std::env",
    ],
)
def test_words_places_to_fill_in_and_code_do_not_look_random(value: str) -> None:
    assert not random_looking(value.encode())


def test_where_two_kinds_overlap_the_surer_one_is_named() -> None:
    assert found(f"token = '{TOKEN}'") == [("github-token", TOKEN)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nothing_that_was_found_survives_the_mask_and_nothing_else_changes(data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.sampled_from([one.text for one in sentences()]) | st.text(max_size=40), max_size=8))
    text = "\n".join(pieces)
    spans = secrets(text, _offsets(text))
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    hidden = masked(text, spans)
    rest = "".join(text[a:b] for a, b in _between(spans, len(text)))
    for kind in KINDS:
        hidden = hidden.replace(f"[{kind.upper().replace('-', '_')}]", "")
    assert hidden == rest or "[" in rest
    for span in spans:
        assert text[span.start : span.end] not in rest or len(text[span.start : span.end]) < 8


def _between(spans: list, length: int) -> list[tuple[int, int]]:
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), length]
    return list(zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize(
    "piece",
    [
        *("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----A", "PuTTY-User-Key-File-2: ", "eyJ-", "eyJ."),
        *("password=", "password", "token is ", "://a:", "://a:b@", "sk-", "secret.", "github_pat_", '"d":"', "SG."),
        *("api_key=aB3$aB3$", "otpauth://totp/", "LLM|", "password: \t", "ghs_a_eyJ-", "authorization: Bearer "),
    ],
)
def test_a_text_made_of_nothing_but_beginnings_ends(piece: str) -> None:
    """A pattern that runs away would need hours for this; the alarm is there so that it fails instead of hanging."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(120)
    try:
        found(piece * (2_000_000 // len(piece)))
    finally:
        signal.alarm(0)


def test_every_rule_can_be_told_from_the_others_by_an_anchor_its_pattern_begins_with() -> None:
    for rule in RULES:
        assert rule.anchors
        assert all(anchor.isascii() for anchor in rule.anchors), rule.kind


def test_the_result_does_not_depend_on_the_texts_around() -> None:
    texts = [one.text for one in sentences()][:60]
    together = scored(Secrets(), *texts)
    alone = pl.concat([scored(Secrets(), text) for text in texts])
    assert together.equals(alone)
