"""Documents of any supported file: rows of tables, web pages of archives, and files of text."""

from collections.abc import Iterator, Mapping

from dataset_cards.intake.formats import TABULAR
from dataset_cards.intake.identity import InputFile
from dataset_cards.intake.limits import DEFAULTS, Limits
from dataset_cards.intake.parts import Part, open_parts
from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.rows import part_rows

from .batches import batches
from .document import Document, text_id
from .mapping import BadMapping, Mapper
from .pages import archived_pages, whole_file

__all__ = ["BadMapping", "Document", "Limits", "Quarantined", "batches", "read_documents", "text_id"]

NO_MAPPING: Mapping[str, str] = {}


def read_documents(
    file: InputFile, mapping: Mapping[str, str] = NO_MAPPING, limits: Limits = DEFAULTS
) -> Iterator[Document | Quarantined]:
    """The documents of one file in order, and an entry for each piece that gave none.

    Every item is one or the other, so what was read is documents plus quarantined. `mapping` names the field that
    holds the text or another part of a document, e.g. `{"text": "abstract"}`; it concerns tabular files alone.

    Raises:
        BadMapping: `mapping` names something that is no field of a document. Bad input raises nothing.
        Changed: the file changed since it was found.
    """
    mapper = Mapper(mapping)
    for part in open_parts(file, limits):
        if isinstance(part, Quarantined):
            yield part
        elif part.format in TABULAR:
            yield from _mapped(part, mapper, limits)
        elif part.format in ("warc", "arc"):
            yield from archived_pages(part, limits)
        elif part.format in ("html", "text"):
            yield from whole_file(part, limits)
        else:
            # A picture or a style in an archive of pages is no bad input: it is counted as dropped.
            yield Document(text_id(part.name), "", part.name, drop="read/not-text")


def _mapped(part: Part, mapper: Mapper, limits: Limits) -> Iterator[Document | Quarantined]:
    for item in part_rows(part, limits):
        if isinstance(item, Quarantined):
            yield item
        else:
            yield mapper.document(part.name, item[0], item[1])
