"""Take the main text out of a web page and leave menus, notices and advertisements behind."""

import logging
import re
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
from lxml.html import HtmlElement
from trafilatura import bare_extraction, load_html
from trafilatura.settings import DEFAULT_CONFIG, Document, Extractor
from trafilatura.utils import line_processing, trim

from .rule import Rule, flagged
from .stage import Docs, Stage

SCHEMA = {
    "text": pl.String,
    "title": pl.String,
    "date": pl.String,
    "characters": pl.Int64,
    "no_content": pl.Boolean,
    "failed": pl.Boolean,
    "error": pl.String,
}

# Elements that trafilatura dissolves into the text around them one by one, each time past all their siblings.
_INLINE = (
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "mark", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "template", "thead", "tt",
    "u", "var", "wbr",
)  # fmt: skip
_TITLE = ("og:title", "twitter:title", "dc.title")
_DATE = ("article:published_time", "datepublished", "dc.date.issued", "dc.date", "date", "pubdate")
_ISO_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?!\d)")
_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{100000}[^<>]*")

# Whatever trafilatura would complain of is in the signals; a line on the terminal for each bad page helps nobody.
logging.getLogger("trafilatura").addHandler(logging.NullHandler())


class NotHtml(ValueError):
    """The page holds no HTML that could be read."""


class TooLarge(ValueError):
    """The page is over one of the limits."""


class GaveUp(ValueError):
    """The extractor met an error that it does not tell."""


@dataclass(frozen=True, kw_only=True)
class Extract(Stage):
    """The main text of each HTML page, by trafilatura (Barbaresi 2021, ACL system demonstration 15).

    Rows whose `html` is not true pass unchanged. A page that cannot be read, or that holds no main text, keeps its
    HTML as its text, so that a person can look at it. Paragraphs, list items and table rows are lines of the text.

    `favor` and `fast` are trafilatura's; benchmarks/extraction.py says what they cost and gain. The limits bound the
    work on a hostile page, since no clock may: a page's result must not depend on how busy the machine is.
    `max_bytes` is of UTF-8, `max_elements` of the parsed page, and `max_inline` bounds the links, spans
    and emphasised words inside one element, on whose number trafilatura spends its square.

    Signals: `html_bytes`; `characters` of the text found; `title` and `date` (ISO 8601 day) as the page states them in
    its head, else null; `no_content`; `failed` and `error`, the class of the error.
    """

    favor: Literal["precision", "balance", "recall"] = "recall"
    fast: bool = True
    tables: bool = True
    max_bytes: int = 2_000_000
    max_elements: int = 50_000
    max_inline: int = 10_000

    def __post_init__(self) -> None:
        if self.favor not in ("precision", "balance", "recall"):
            raise ValueError(f"Extract: favor is {self.favor!r}; it must be 'precision', 'balance' or 'recall'")

    def score(self, docs: Docs) -> pl.DataFrame:
        """`text` where a page was read, else null, and the signals above; all null where `html` is not true."""
        frame = docs.frame.select(
            text="text",
            html=pl.col("html").fill_null(False) if "html" in docs.frame.columns else pl.lit(False),
            html_bytes=pl.col("text").str.len_bytes().cast(pl.Int64),
        )
        if not frame.get_column("html").any():
            return pl.DataFrame(schema=SCHEMA | {"html_bytes": pl.Int64}).clear(docs.frame.height)
        options = self._options()
        rows = [self._page(html, size or 0, options) if wanted else {} for html, wanted, size in frame.iter_rows()]
        # Each keeps the last 1,024 lines of text, of any length. trafilatura.meta.reset_caches clears them too, but it
        # collects garbage as well, which takes longer than a page.
        line_processing.cache_clear()
        trim.cache_clear()
        found = pl.DataFrame(rows, schema=SCHEMA)
        return found.with_columns(html_bytes=frame.select(pl.when("html").then("html_bytes")).to_series())

    def drop(self) -> Mapping[str, Rule]:
        """`unparsable`: the page could not be read; `no-content`: it was, and holds no main text."""
        return {"unparsable": flagged("failed"), "no-content": flagged("no_content")}

    def _options(self) -> Extractor:
        config = deepcopy(DEFAULT_CONFIG)
        # Below this size trafilatura returns nothing, as it does after an error it swallowed; at 0 the two differ.
        config["DEFAULT"]["MIN_OUTPUT_SIZE"] = "0"
        return Extractor(
            config=config,
            output_format="python",
            fast=self.fast,
            precision=self.favor == "precision",
            recall=self.favor == "recall",
            comments=False,
            tables=self.tables,
            dedup=False,  # it compares with the pages before, so a result would depend on their order
        )

    def _page(self, html: str | None, size: int, options: Extractor) -> dict[str, Any]:
        facts: dict[str, Any] = {"characters": 0, "no_content": False, "failed": False}
        if not html or html.isspace():
            return facts | {"no_content": True}
        try:
            tree = self._tree(html, size)
            facts |= stated(tree)
            document = bare_extraction(tree, options=options)
            if not isinstance(document, Document):
                raise GaveUp("trafilatura discarded the page")
            text = (document.text or "").strip()
        except Exception as error:  # any page may set off any error; it is recorded and counted
            return facts | {"failed": True, "error": type(error).__name__}
        return facts | ({"text": text, "characters": len(text)} if text else {"no_content": True})

    def _tree(self, html: str, size: int) -> HtmlElement:
        if size > self.max_bytes:
            raise TooLarge(f"{size} bytes, over {self.max_bytes}")
        # libxml2 compares every attribute of a tag with every other.
        if any(tag.group().count(" ") > self.max_inline for tag in _LONG_TAG.finditer(html)):
            raise TooLarge(f"a tag of more than {self.max_inline} words")
        tree = load_html(html)
        if tree is None:
            raise NotHtml("no HTML was found")
        if (elements := int(tree.xpath("count(//*)"))) > self.max_elements:
            raise TooLarge(f"{elements} elements, over {self.max_elements}")
        if elements > self.max_inline:
            siblings = Counter(element.getparent() for element in tree.iter(*_INLINE))
            if sum(count * count for count in siblings.values()) > self.max_inline**2:
                raise TooLarge(f"more than {self.max_inline} links, spans or emphasised words in one element")
        return tree


def stated(tree: HtmlElement) -> dict[str, str]:
    """The `title` and the ISO `date` of publication that the head of a page states, where it does."""
    said: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop")
        if name and (content := " ".join((meta.get("content") or "").split())):
            said.setdefault(name.lower(), content)
    titles = [said[name] for name in _TITLE if name in said]
    if not titles and (element := tree.find(".//title")) is not None:
        titles = [" ".join(element.text_content().split())]
    dates = [day.group() for name in _DATE if (day := _ISO_DATE.match(said.get(name, "")))]
    return {key: values[0] for key, values in (("title", titles), ("date", dates)) if values and values[0]}
