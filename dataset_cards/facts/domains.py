"""Which sites rows come from: the part of each address that somebody registered, as `example.co.uk`."""

import re
from typing import Any

import polars as pl
import tldextract

from .batch import Batch
from .tally import Tally

MOST_TOLD = 1000  # a summary for the public may have to list many
_MOST_KNOWN = 500_000  # hosts whose domain is kept in memory
# Up to the first slash, question mark or hash: who may enter, @, then the host, in brackets where it is an IPv6 one.
_HOST = (
    r"(?i)^\s*(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/?#@\s]*@)?(\[[0-9a-f:.]+\]|[^/?#@:\s\[\]]+)(?::\d*)?(?:[/?#]|\s*$)"
)
_PLAUSIBLE = r"^(?:\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)+|localhost)$"
_ADDRESS = re.compile(r"[\d.]+|\[.*")


class Domains:
    """`domains`: rows by registered domain, after the public suffix list that tldextract carries.

    An address of numbers stands for itself. `unreadable` are addresses without a host; they are among the missing.
    """

    def __init__(self, column: str) -> None:
        self.column, self.tally, self.unreadable = column, Tally(), 0
        # Of its own accord it fetches the list from the network, and answers would change with it.
        self.suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        self.known: dict[str, str] = {}

    def add(self, batch: Batch) -> None:
        urls = batch.column(self.column)
        hosts = urls.str.extract(_HOST).str.to_lowercase().str.strip_chars_end(".")
        hosts = hosts.set(~hosts.str.contains(_PLAUSIBLE).fill_null(False), None)
        self.unreadable += int(hosts.null_count() - urls.null_count())
        different = hosts.drop_nulls().unique()
        for host in different.to_list():
            if host not in self.known:
                self.known[host] = self._registered(host)
        self.tally.add(
            hosts.replace_strict(different, pl.Series([self.known[host] for host in different]))
            if len(different)
            else hosts
        )
        if len(self.known) > _MOST_KNOWN:
            self.known.clear()

    def _registered(self, host: str) -> str:
        if _ADDRESS.fullmatch(host):
            return host
        return self.suffixes(host).top_domain_under_public_suffix or host

    def json(self) -> dict[str, Any]:
        return {"domains": {**self.tally.json(MOST_TOLD), "unreadable": self.unreadable}}
