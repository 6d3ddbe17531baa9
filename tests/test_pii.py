"""Personal data: what each policy makes of a text, pseudonyms and their key, agreement with presidio on real e-mails.

That the compiled scan loses nothing is in test_pii_windows.py and test_pii_phones.py.
"""

import json
import logging
import signal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from curation.marks import verdicts
from curation.pii.gold import sentences
from curation.pii.pseudonyms import VARIABLE, pseudonym
from curation.pii.recognise import KINDS, Span, find
from curation.pii.stage import TYPES, Pii, clusters
from curation.stage import Docs
from dataset_cards.versions.errors import Misuse

KEY = "a key for tests, no secret at all"
VALUES = {
    "CREDIT_CARD": ("4111 1111 1111 1111", "4111111111111111"),
    "CRYPTO": ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    "EMAIL_ADDRESS": ("Alice@example.com", "alice@EXAMPLE.com"),
    "IBAN_CODE": ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
    "IP_ADDRESS": ("2001:db8::1", "2001:0DB8:0:0::1"),
    "MAC_ADDRESS": ("00:00:5E:00:53:01", "0000.5e00.5301"),
    "PHONE_NUMBER": ("(212) 555-0123", "+1 212 555 0123"),
    "US_SSN": ("912-34-5678", "912 34 5678"),
}


def scored(stage: Pii, *texts: str) -> pl.DataFrame:
    return stage.score(Docs(pl.DataFrame({"text": texts}, schema={"text": pl.String})))


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(VARIABLE, KEY)
    return KEY


def test_each_type_is_masked_by_its_name_and_the_rest_of_the_text_stays() -> None:
    for type_, (value, _) in VALUES.items():
        scores = scored(Pii(), f"Größe 日本: {value}, thanks")
        assert scores["text"].to_list() == [f"Größe 日本: [{type_}], thanks"]
        assert scores[type_.lower()].to_list() == [1]


def test_spans_say_where_and_what_was_done_and_hold_no_content() -> None:
    scores = scored(Pii(), "日本 alice@example.com", "nothing here")
    assert scores["spans"].to_list() == [
        [{"type": "EMAIL_ADDRESS", "start": 3, "end": 20, "score": 1.0, "action": "mask"}],
        None,
    ]
    assert scores["text"].to_list() == ["日本 [EMAIL_ADDRESS]", None]
    assert "alice" not in str(scores["spans"].to_list())


def test_a_document_goes_with_a_type_to_be_dropped_and_its_text_is_masked_all_the_same() -> None:
    stage = Pii(mask_types=("EMAIL_ADDRESS",), drop_types=("US_SSN", "CREDIT_CARD"))
    scores = scored(stage, "912-34-5678 of alice@example.com", "alice@example.com", "4111 1111 1111 1111", "plain")
    assert verdicts(stage, scores).to_list() == ["pii/us-ssn", None, "pii/credit-card", None]
    assert scores["text"][0] == "[US_SSN] of [EMAIL_ADDRESS]"
    assert [span["action"] for span in scores["spans"][0].to_list()] == ["drop", "mask"]


def test_a_type_in_no_list_is_not_looked_for() -> None:
    scores = scored(Pii(mask_types=("IP_ADDRESS",)), "alice@example.com 192.0.2.1")
    assert scores["text"].to_list() == ["alice@example.com [IP_ADDRESS]"]
    assert scores.columns == ["text", "spans", "ip_address"]


def test_overlapping_spans_are_replaced_once_and_nothing_of_them_stays() -> None:
    spans = [
        Span(0, 8, "PHONE_NUMBER", 0.4),
        Span(4, 12, "US_SSN", 0.5),
        Span(11, 14, "CRYPTO", 0.4),
        Span(14, 15, "CRYPTO", 1.0),
    ]
    found = [(first, last, chief.type, len(members)) for first, last, chief, members in clusters(spans)]
    assert found == [(0, 14, "US_SSN", 3), (14, 15, "CRYPTO", 1)]
    assert list(clusters([])) == []


def test_an_account_number_with_a_card_number_inside_is_one_account_number() -> None:
    scores = scored(Pii(), "IBAN AT61 1904 3002 3457 3201, please")
    assert scores["text"].to_list() == ["IBAN [IBAN_CODE], please"]
    assert {span["type"] for span in scores["spans"][0].to_list()} == {"IBAN_CODE", "CREDIT_CARD"}


def test_years_are_no_telephone_numbers_though_presidio_takes_some_for_german_pagers() -> None:
    text = "In 1699 and 1702, call 030 23125000."
    assert scored(Pii(), text)["text"].to_list() == ["In 1699 and 1702, call [PHONE_NUMBER]."]
    as_presidio = scored(Pii(min_phone_digits=0), text)
    assert as_presidio["text"].to_list() == ["In [PHONE_NUMBER] and 1702, call [PHONE_NUMBER]."]


def test_a_higher_least_score_finds_fewer() -> None:
    text = "call (212) 555-0123, ssn 912345678, mail alice@example.com"
    found = {score: scored(Pii(min_score=score), text)["text"][0] for score in (0.01, 0.4, 0.5)}
    assert found[0.01] == "call [PHONE_NUMBER], ssn [US_SSN], mail [EMAIL_ADDRESS]"
    assert found[0.4] == "call [PHONE_NUMBER], ssn 912345678, mail [EMAIL_ADDRESS]"
    assert found[0.5] == "call (212) 555-0123, ssn 912345678, mail [EMAIL_ADDRESS]"


@pytest.mark.parametrize("type_", TYPES)
def test_a_pseudonym_is_the_same_however_a_value_is_written_and_no_value_itself(type_: str, key: str) -> None:
    stage = Pii(mask_types=(), pseudonym_types=(type_,))
    one, other = VALUES[type_]
    texts = scored(stage, f"<{one}>", f"again <{other}>")["text"].to_list()
    made = texts[0][1:-1]
    assert texts[1] == f"again <{made}>"
    assert made not in (one, other)
    again = {one.type for one in find(pl.Series([f"<{made}>"]), (type_,), 0.4).get(0, [])}
    # Addresses at example.com, in reserved networks and of local devices are still addresses.
    assert again == ({type_} if type_ in ("EMAIL_ADDRESS", "IP_ADDRESS", "MAC_ADDRESS") else again)
    assert again <= {type_}


def test_pseudonyms_are_what_they_were(key: str) -> None:
    assert {type_: pseudonym(type_, value, KEY.encode()) for type_, (value, _) in VALUES.items()} == {
        "CREDIT_CARD": "0000 9817 7243 3709",
        "CRYPTO": "bc1qfakecd1d2390e1f8756f675c5e0e3b60dd3e",
        "EMAIL_ADDRESS": "user-5ce578d6f449@example.com",
        "IBAN_CODE": "XX00 0080 7458 1392 1115",
        "IP_ADDRESS": "2001:db8:2d51:e7ca:f90d:ccd5:79f2:6656",
        "MAC_ADDRESS": "02:00:c0:60:ec:50",
        "PHONE_NUMBER": "(367) 555-0138 x81730",
        "US_SSN": "000-41-1673",
    }


def test_another_key_makes_other_pseudonyms_and_another_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for secret in (KEY, KEY[::-1]):
        monkeypatch.setenv(VARIABLE, secret)
        stage = Pii(mask_types=(), pseudonym_types=TYPES)
        made.append((stage.key, scored(stage, "alice@example.com")["text"][0]))
        assert secret not in repr(stage)
    assert made[0][0] != made[1][0]
    assert made[0][1] != made[1][1]
    assert Pii().key == ""


def test_pseudonyms_without_the_key_they_were_planned_with_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(Misuse, match=f"there is none. Set the environment variable {VARIABLE}"):
        Pii(mask_types=(), pseudonym_types=("US_SSN",))
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(Misuse, match="it is too short"):
        Pii(mask_types=(), pseudonym_types=("US_SSN",))
    monkeypatch.setenv(VARIABLE, KEY)
    stage = Pii(mask_types=(), pseudonym_types=("US_SSN",))
    monkeypatch.setenv(VARIABLE, KEY[::-1])
    with pytest.raises(Misuse, match="another key than the one this was planned with") as refused:
        scored(stage, "912-34-5678")
    assert KEY not in str(refused.value)
    assert KEY[::-1] not in str(refused.value)


def test_masking_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert scored(Pii(), "alice@example.com")["text"].to_list() == ["[EMAIL_ADDRESS]"]


def test_a_type_that_nobody_knows_or_that_is_listed_twice_is_refused() -> None:
    with pytest.raises(Misuse, match=r"no type PERSON; there are CREDIT_CARD, .*US_SSN"):
        Pii(mask_types=("PERSON",))
    with pytest.raises(Misuse, match="US_SSN is listed twice"):
        Pii(drop_types=("US_SSN",))


def test_recognisers_log_nothing_of_a_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scored(Pii(), "DE8937040044053201300ſ, alice@example.com")
    assert "8937" not in caplog.text
    assert "alice" not in caplog.text


HOSTILE = [
    "a-" * 100_000 + "@",
    "a-" * 100_000 + "a@b",
    "a@b.c/" + ".a-" * 100_000,
    "a.@" * 50_000 + "b.com",
    "@a" * 50_000 + ".com",
    "a@" + "b-" * 100_000,
    "1 " * 100_000,
    "1:" * 100_000,
    "::" * 50_000,
    "1." * 100_000,
    "fe80::%" + "a" * 100_000 + ":",
    "1" * 200_000,
    "AB12 " * 40_000,
    "(" * 100_000 + "1",
    "+1 " * 30_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_ends(text: str) -> None:
    """Quadratic time would take minutes to hours here; the alarm only ends a hang."""
    signal.alarm(120)
    try:
        assert scored(Pii(min_score=0.0), text).height == 1
    finally:
        signal.alarm(0)


def test_the_gold_set_is_always_the_same_and_has_every_type() -> None:
    assert {one.type for one in sentences()} == {*KINDS, None}
    assert all(one.text[one.start : one.end] for one in sentences() if one.type)
    (entry,) = Pii().gold()
    assert entry["rows"] == len(sentences())
    assert [result["label"] for result in entry["results"]] == [*sorted(KINDS), "all"]
    everything = entry["results"][-1]
    assert 0.95 < everything["f1"][0] < 1, "some forms are known not to be found, and the card has to show it"
    assert any("Names" in sentence for sentence in entry["not_covered"])
    assert Pii().gold() == [entry]
    assert [one["label"] for one in Pii(mask_types=("US_SSN",)).gold()[0]["results"]] == ["US_SSN", "all"]


def analyzer() -> Any:
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.nlp = {"en": spacy.blank("en")}
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    return AnalyzerEngine(registry=registry, nlp_engine=engine)


@pytest.mark.slow
def test_presidio_called_per_document_says_the_same_of_real_emails(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS", "")
    with zstandard.open(shared_data / "quality" / "spamassassin_emails.jsonl.zst", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["raw"][:3000] for line, _ in zip(file, range(150), strict=False)]
    stock = analyzer()
    found = find(pl.Series(texts), TYPES, 0.0)
    for row, text in enumerate(texts):
        answer = stock.analyze(text, language="en", entities=list(TYPES), score_threshold=0.0)
        expected = sorted(Span(one.start, one.end, one.entity_type, one.score) for one in answer)
        assert found.get(row, []) == expected
    assert len({span.type for spans in found.values() for span in spans}) >= 4


def test_what_is_masked_for_a_stronger_reason_does_not_drop_the_document() -> None:
    number = "Her number is 078-05-1121 there."  # also a telephone number in Germany
    found = scored(Pii(min_score=0.0), number)["spans"][0].to_list()
    assert {span["type"] for span in found} == {"US_SSN", "PHONE_NUMBER"}
    masked = tuple(type_ for type_ in TYPES if type_ != "PHONE_NUMBER")
    one = Pii(mask_types=masked, drop_types=("PHONE_NUMBER",))
    assert verdicts(one, scored(one, number)).to_list() == [None]
    every = Pii(mask_types=(), drop_types=TYPES)
    assert verdicts(every, scored(every, number)).to_list() == ["pii/us-ssn"]
