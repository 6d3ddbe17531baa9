"""Telephone numbers: the plans allow all that phonenumbers allows, and runs hold what the whole text holds."""

import random

import phonenumbers
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberMatcher
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from curation.pii.phones import LENIENCY, LONGEST, REGIONS, SHORTEST, SHORTEST_ABROAD, _regions, phone_numbers
from curation.pii.recognise import find

TYPES = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan"),
    "voicemail",
)
PIECES = st.sampled_from(
    [
        *"0123456789+-. ()/x,;:#~[]%$aé\n\t",
        *(
            "+49",
            "0049",
            "011",
            "+1",
            "1",
            "0",
            "00",
            "+44 (0)",
            "(212)",
            "555",
            "0123",
            "1699",
            "16",
            "7946",
            "20",
            "30",
        ),
        *(
            "ext. 12",
            ";ext=7",
            " int 5",
            "int",
            "доб. 3",
            "x 77",
            "xx",
            "anexo 4",
            "    ",
            "٣٤٥",
            "４１５",
            "\u2013",
            "\xa0",
        ),
        *("2002-08-22", "18:26", "31/10/96", "1-5 (2003)", "2125550123", "02079460123", "9876543210", "11987654321"),
    ]
)
TEXTS = st.lists(PIECES, max_size=18).map("".join)


def whole(text: str) -> list[tuple[int, int]]:
    """What presidio's recogniser finds in the text as it is."""
    return sorted((one.start, one.end) for one in PhoneRecognizer().analyze(text, ["PHONE_NUMBER"], None))


def windowed(text: str) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in find(pl.Series([text]), ("PHONE_NUMBER",), 0.0).get(0, [])]


@given(text=TEXTS)
@settings(max_examples=500, deadline=None)
@example("2124567 int - 1")
@example("332 int - 1")
@example("4     ~   155550123")
@example("1699, 16401 and 2002-08-22 18:26:25 +0700 (ICT)")
@example("call (212) 555-0123 x12/x34 or 1 212 555 0123abc, $2125550123, 2125550123%")
@example("+44 (0)20 7946 0123; 0800 1111; 0044 20 7946 0123; 4402079460123")
@example("0 15 11 98765-4321, 015 11 4004 0001, 9011987654321")
@example("1" * 60 + " " + "2125550123" * 9)
def test_windows_say_what_the_whole_text_says(text: str) -> None:
    assert windowed(text) == whole(text)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_an_example_of_every_country_is_found_as_before(region: str) -> None:
    for type_ in range(11):
        number = phonenumbers.example_number_for_type(region, type_)
        if number is None:
            continue
        for form in range(4):
            text = f"Tel {phonenumbers.format_number(number, form)} or so"
            assert windowed(text) == whole(text), text


def test_the_plans_allow_every_valid_string_of_digits() -> None:
    dice = random.Random(20261121)
    starts = (
        "",
        "0",
        "00",
        "00441",
        "0114",
        "1",
        "49",
        "0049",
        "44",
        "33",
        "972",
        "0",
        "91",
        "55",
        "015",
        "9015",
        "180020",
    )
    for _ in range(6000):
        digits = dice.choice(starts) + "".join(dice.choice("0123456789") for _ in range(dice.randrange(3, 12)))
        for region in REGIONS:
            if any(PhoneNumberMatcher(digits, region, leniency=LENIENCY)):
                assert len(digits) < SHORTEST or region in _regions(digits), (digits, region)


def test_no_number_has_fewer_digits_than_are_looked_for() -> None:
    shortest = {
        code: min(
            length
            for region in regions
            for type_ in TYPES
            if (kind := getattr(PhoneMetadata.metadata_for_region_or_calling_code(code, region), type_))
            and kind.national_number_pattern
            for length in (
                kind.possible_length
                or PhoneMetadata.metadata_for_region_or_calling_code(code, region).general_desc.possible_length
            )
            if length > 0
        )
        for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
    }
    assert min(len(str(code)) + length for code, length in shortest.items()) >= SHORTEST_ABROAD
    own = [phonenumbers.country_code_for_region(region) for region in REGIONS]
    assert min(shortest[code] for code in own) >= SHORTEST
    assert LONGEST >= 4 + 3 + 17


def test_regions_and_leniency_are_presidios() -> None:
    stock = PhoneRecognizer()
    assert (stock.supported_regions, stock.leniency, stock.SCORE) == (REGIONS, LENIENCY, 0.4)
    assert phone_numbers("no digits") == []
