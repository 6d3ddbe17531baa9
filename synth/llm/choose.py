"""From what a user typed behind `--llm` to the model that a run is given."""

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder

from .batch import Batch
from .budget import Purse, parse_budget
from .cache import Cache, place
from .courier import Books, Limits
from .fake import Fake, read_rules
from .http import Http
from .ledger import Ledger
from .llm import LLM
from .local import Local
from .prices import read_prices

FORMS = (
    "http://HOST:PORT/v1, batch:URL, local:MODEL, local:NAME=FOLDER, fake, fake:RULES.toml, or env for OPENAI_BASE_URL"
)


def open_books(
    store: Folder, *, prices: str | None = None, budget: str | None = None, batch: bool = False, fake: bool = False
) -> Books:
    """The cache of a store, and a new ledger and purse for one run.

    Raises:
        Misuse: the prices or the budget cannot be read.
        Damaged: the cache is damaged.
    """
    known = read_prices(prices) if prices is not None else None
    purse = Purse(parse_budget(budget) if budget is not None else None, known, batch)
    cache = None if fake else Cache(place(store))
    return Books(ledger=Ledger(known), purse=purse, cache=cache)


def open_llm(
    address: str,
    store: Folder,
    *,
    prices: str | None = None,
    budget: str | None = None,
    revision: str | None = None,
    in_flight: int = 256,
    timeout: float = 600.0,
    structured: str = "auto",
) -> tuple[LLM, Books]:
    """The model at `address` (one of FORMS) and the books it writes into. Keys come from OPENAI_API_KEY only.

    Raises:
        Misuse: naming the forms there are, or what is missing.
    """
    kind, _, rest = address.partition(":")
    books = open_books(store, prices=prices, budget=budget, batch=kind == "batch", fake=kind == "fake")
    limits = Limits(in_flight=in_flight)
    if kind == "fake":
        return Fake(books=books, rules=read_rules(rest) if rest else (), limits=limits), books
    if kind == "local" and rest:
        name, _, folder = rest.rpartition("=")
        return Local(folder, books=books, name=name or None, revision=revision), books
    if kind == "batch":
        return Batch(books=books, url=rest or None), books
    if kind in ("http", "https") or address == "env":
        url = None if address == "env" else address
        return Http(books=books, url=url, limits=limits, timeout=timeout, structured=structured), books
    raise Misuse(f"--llm {address!r} is no model; write {FORMS}")
