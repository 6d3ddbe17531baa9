"""Take the main text out of web pages and leave menus, notices and advertisements behind."""

import logging
import re
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl
from lxml.etree import XMLSyntaxError, _Element
from trafilatura import bare_extraction, load_html
from trafilatura.settings import DEFAULT_CONFIG, Document, Extractor
from trafilatura.utils import line_processing, trim

from ..rule import Rule, flagged
from ..stage import Docs, Stage
from .main_text import main_text, parse

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
_LONG = 100_000
_LONG_TAG = re.compile(rf"<[a-zA-Z][^<>]{{{_LONG}}}[^<>]*")
_TAG = re.compile(r"<[a-zA-Z][a-zA-Z0-9]*[\s/>]")

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
    """The main text of each HTML page.

    Rows whose `html` is not true pass unchanged. A page that cannot be read, or that holds no main text, keeps its
    HTML as its text, so that a person can look at it. Paragraphs, list items and table rows are lines of the text.

    `rules` looks for the main text by the rules in main_text.py, at four times the speed of trafilatura, and asks
    trafilatura (Barbaresi 2021, ACL system demonstration 15) only about pages in which it finds less than 250
    characters; `trafilatura` asks it about all. `favor` and `fast` are its own settings. benchmarks/extraction.py says
    what each costs and gains.

    The limits bound the work on a hostile page, since no clock may: a page's result must not depend on how busy the
    machine is. `max_bytes` is of UTF-8, `max_elements` of the parsed page, and `max_inline` bounds the links, spans and
    emphasised words inside one element, on whose number trafilatura spends its square.

    Signals: `html_bytes`; `characters` of the text found; `title` and `date` (ISO 8601 day) as the page states them in
    its head, else null; `no_content`; `failed` and `error`, the class of the error.
    """

    revision: ClassVar[int] = 2
    method: Literal["rules", "trafilatura"] = "rules"
    favor: Literal["precision", "balance", "recall"] = "recall"
    fast: bool = True
    tables: bool = True
    max_bytes: int = 2_000_000
    max_elements: int = 50_000
    max_inline: int = 10_000

    def __post_init__(self) -> None:
        if self.method not in ("rules", "trafilatura"):
            raise ValueError(f"Extract: method is {self.method!r}; it must be 'rules' or 'trafilatura'")
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
            text = main_text(tree, self.tables) if self.method == "rules" else ""
            text = text or self._by_trafilatura(html, options)
        except Exception as error:  # any page may set off any error; it is recorded and counted
            return facts | {"failed": True, "error": type(error).__name__}
        return facts | ({"text": text, "characters": len(text)} if text else {"no_content": True})

    def _tree(self, html: str, size: int) -> _Element:
        if size > self.max_bytes:
            raise TooLarge(f"{size} bytes, over {self.max_bytes}")
        if not _TAG.search(html):
            raise NotHtml("there is no tag in it")
        # libxml2 compares every attribute of a tag with every other.
        if _may_hold_long_tag(html) and any(tag[0].count(" ") > self.max_inline for tag in _LONG_TAG.finditer(html)):
            raise TooLarge(f"a tag of more than {self.max_inline} words")
        try:
            tree = parse(html)
        except XMLSyntaxError as error:
            raise NotHtml(str(error)) from None
        if tree is None:
            raise NotHtml("there is no element in it")
        if (elements := int(tree.xpath("count(//*)"))) > self.max_elements:
            raise TooLarge(f"{elements} elements, over {self.max_elements}")
        return tree

    def _by_trafilatura(self, html: str, options: Extractor) -> str:
        tree = load_html(html)
        if tree is None:
            raise NotHtml("no HTML was found")
        siblings = Counter(element.getparent() for element in tree.iter(*_INLINE))
        if sum(count * count for count in siblings.values()) > self.max_inline**2:
            raise TooLarge(f"more than {self.max_inline} links, spans or emphasised words in one element")
        document = bare_extraction(tree, options=options)
        if not isinstance(document, Document):
            raise GaveUp("trafilatura discarded the page")
        return (document.text or "").strip()


def _may_hold_long_tag(html: str) -> bool:
    """Whether there is half as much text without a `<` as the shortest long tag has, at a multiple of that."""
    step = _LONG // 2
    return any(html.find("<", start, start + step) < 0 for start in range(0, len(html) - step + 1, step))


def stated(tree: _Element) -> dict[str, str]:
    """The `title` and the ISO `date` of publication that the head of a page states, where it does."""
    said: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop")
        if name and (content := " ".join((meta.get("content") or "").split())):
            said.setdefault(name.lower(), content)
    titles = [said[name] for name in _TITLE if name in said]
    if not titles and (element := tree.find(".//title")) is not None:
        titles = [" ".join("".join(element.itertext()).split())]
    dates = [day.group() for name in _DATE if (day := _ISO_DATE.match(said.get(name, "")))]
    return {key: values[0] for key, values in (("title", titles), ("date", dates)) if values and values[0]}
