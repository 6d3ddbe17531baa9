"""What can be seen of an answer without reading it: lengths, marks, first words; and how alike two answers are."""

from collections.abc import Mapping

import polars as pl

OPENING = 200  # characters in which first words are looked for

_START = r"(?i)^\W*(?:(?:oh|ah|well|wow|hmm|hi|hello|yes|yeah)\W+)?"
_GOOD = "(?:great|good|excellent|wonderful|fantastic|interesting|thoughtful|brilliant|lovely|amazing|awesome|perfect)"

# Regular expressions of the first words of an answer. In version.json as they stand here, so that a figure can be read.
OPENINGS: Mapping[str, str] = {
    "agreement": _START
    + r"(?:you(?:['’]re| are)(?: \w+){0,2} (?:right|correct)\b"
    + r"|you make an? (?:\w+ )?(?:good|great|valid|excellent) point"
    + rf"|(?:that(?:['’]s| is)|what)(?: an?)?(?: \w+)? {_GOOD}\b"
    + rf"|{_GOOD} (?:question|point|idea|thought|thinking|choice|observation|catch|job|work|plan|news)\b"
    + r"|i (?:\w+ )?agree\b|i could(?: not|n['’]t) agree more|exactly\b|absolutely right\b|congratulations"
    + r"|(?:i apologi[sz]e|(?:i(?:['’]m| am) )?(?:\w+ )?sorry|my apologies|apologies)"
    + r" for (?:the|my|any|that) (?:\w+ )?(?:confusion|mistakes?|errors?|oversight|misunderstanding)"
    + r"|my (?:mistake|bad)\b)",
    "apology": _START
    + r"(?:i(?:['’]m| am)(?: \w+)? sorry|sorry\b|(?:i )?(?:\w+ )?apologi[sz]e|(?:my )?apologies|pardon me|forgive me)",
    "compliance": _START
    + r"(?:sure\b|of course\b|certainly\b|absolutely\b|definitely\b|ok(?:ay)?\b|no problem\b|gladly\b|happy to\b"
    + r"|i(?:['’]d| would) be (?:happy|glad) to)",
    "refusal-opening": _START
    + r"(?:i(?:['’]m| am)(?: \w+)? sorry|sorry\b|i apologi[sz]e|unfortunately\b|as an? (?:ai|language model)\b"
    + r"|i (?:can(?:['’]?t|not| not)|won['’]?t|will not|could(?:n['’]t| not))"
    + r"|i(?:['’]m| am) (?:unable|not able|not comfortable|not going to)|i (?:don['’]t|do not) feel comfortable"
    + r"|i(?:['’]d| would) (?:rather|prefer) not)",
}

# What is counted anywhere in an answer.
COUNTED: Mapping[str, str] = {
    "characters": "",
    "words": r"\S+",
    "lists": r"(?m)^[ \t]{0,3}(?:[-*+•]|\d{1,3}[.)])[ \t]",
    "headings": r"(?m)^#{1,6}[ \t]",
    "bold": r"\*\*[^*\n]+\*\*",
    "code": r"(?m)^[ \t]{0,3}```",
    "questions": "[?？؟]",
    "exclamations": "[!！]",
    "hedges": r"(?i)(?-u:\b)(?:maybe|perhaps|possibly|probably|presumably|might|could|seems?|seemingly|appears?"
    r"|apparently|likely|unlikely|generally|usually|typically|often|sometimes|somewhat|roughly"
    r"|i (?:think|believe|guess|suppose|assume)|not (?:sure|certain)|it depends|in my opinion)(?-u:\b)",
    "capitals": r"\p{Lu}{3,}",
}
MARKDOWN = ("lists", "headings", "bold", "code")


def answer(name: str) -> pl.Expr:
    """What the assistant says in a column of messages, as one text."""
    element = pl.element()
    said = pl.col(name).list.eval(
        element.struct.field("content").filter(element.struct.field("role") == "assistant").fill_null("")
    )
    return said.list.join("\n\n").fill_null("")


def asked(name: str) -> pl.Expr:
    """The last thing that the user says in a column of messages."""
    element = pl.element()
    said = pl.col(name).list.eval(element.struct.field("content").filter(element.struct.field("role") == "user"))
    return said.list.last().fill_null("")


def turns(name: str) -> pl.Expr:
    """How many messages are the user's."""
    return pl.col(name).list.eval(pl.element().struct.field("role") == "user").list.sum().fill_null(0)


def looks(texts: pl.Series, prompts: pl.Series) -> pl.DataFrame:
    """What COUNTED and OPENINGS name, `markdown` and `echo`, one Int64 column each; openings and `echo` are 0 or 1."""
    text, opening = pl.col("text"), pl.col("text").str.slice(0, OPENING)
    found = pl.DataFrame({"text": texts, "prompt": prompts}).select(
        text.str.len_chars().alias("characters"),
        *(text.str.count_matches(pattern).alias(name) for name, pattern in COUNTED.items() if pattern),
        *(opening.str.contains(pattern).alias(name) for name, pattern in OPENINGS.items()),
        ((_first_words("text") == _first_words("prompt")) & (_first_words("text") != "")).alias("echo"),
    )
    return found.cast(pl.Int64).with_columns(pl.sum_horizontal(MARKDOWN).alias("markdown"))


def _first_words(name: str) -> pl.Expr:
    """The first three words in small letters, with what stands between them; empty where there are fewer."""
    return pl.col(name).str.slice(0, OPENING).str.to_lowercase().str.extract(r"^\W*(\w+\W+\w+\W+\w+)").fill_null("")


NEARLY = 0.9  # of the different words of both


def nearly_the_same(chosen: pl.Series, rejected: pl.Series) -> pl.Series:
    """Whether two texts are made of nearly the same words, without being the same (Boolean).

    They share at least NEARLY of their different words, and so does the shorter one's length in characters make of the
    longer one's. Only such lengths are looked at closer, which spares most of the work.
    """
    both = pl.DataFrame({"one": chosen, "other": rejected}).with_row_index("row")
    lengths = [pl.col(name).str.len_chars() for name in ("one", "other")]
    close = both.filter(
        (pl.min_horizontal(lengths) >= NEARLY * pl.max_horizontal(lengths)) & (pl.col("one") != pl.col("other"))
    )
    words = close.select(
        "row", *(pl.col(name).str.to_lowercase().str.extract_all(r"\S+").list.unique() for name in ("one", "other"))
    )
    shared = pl.col("one").list.set_intersection("other").list.len().cast(pl.Int64)
    together = pl.col("one").list.len().cast(pl.Int64) + pl.col("other").list.len().cast(pl.Int64) - shared
    like = words.filter((shared >= NEARLY * together) & (together > 0)).get_column("row")
    return both.select(pl.col("row").is_in(like.implode())).to_series()
