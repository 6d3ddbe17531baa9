"""Labelled public texts for `benchmarks.classifiers`: each set as rows with `text`, `label` and sometimes `group`."""

import email
import email.policy
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import zstandard

Row = dict[str, str]
YES, NO = "yes", "no"
PIECE = 1_500  # characters of a piece of a long document
SHORT_EIP = 600  # characters under which a proposal only says where it moved


def lines(path: Path) -> Iterator[Row]:
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def row(text: str, yes: bool, group: str = "") -> Row:
    return {"text": text, "label": YES if yes else NO, **({"group": group} if group else {})}


def pieces(text: str, group: str) -> Iterator[Row]:
    """Good text in pieces of whole paragraphs, all of one group."""
    held = ""
    for paragraph in re.split(r"\n\s*\n", text):
        held += paragraph + "\n\n"
        if len(held) >= PIECE:
            yield row(held, True, group)
            held = ""


def toxicity(data: Path) -> dict[str, list[Row]]:
    """Tweets (offensive or hateful), forum sentences (hate), social media posts, and Wikipedia's talk pages."""
    folder = data / "toxicity"
    storm = [one for one in lines(folder / "stormfront_sentences.jsonl.zst") if one["label"] in ("hate", "noHate")]
    wiki = list(lines(folder / "wikipedia_comments.jsonl.zst"))
    return {
        "tweets": [row(one["tweet"], one["class"] != "2") for one in lines(folder / "hate_offensive_tweets.jsonl.zst")],
        "forum": [row(one["text"], one["label"] == "hate", one["file_id"].split("_")[0]) for one in storm],
        "social": [row(one["text"], one["is_toxic"] == "Toxic") for one in lines(folder / "surge_toxicity.jsonl.zst")],
        "talk": [row(one["comment"], one["toxic"] == "True", one["rev_id"]) for one in wiki],
    }


def spam(data: Path) -> dict[str, list[Row]]:
    """Text messages, and the bodies of e-mails (headers alone would give the answer away); threads stay together."""
    folder = data / "quality"
    mails = lines(folder / "spamassassin_emails.jsonl.zst")
    bodies = ((body(one["raw"]), one) for one in mails)
    return {
        "messages": [row(one["text"], one["label"] == "spam") for one in lines(folder / "sms_spam.jsonl.zst")],
        "mail": [row(text, one["label"] == "spam", one["subject_key"] or one["file"]) for text, one in bodies if text],
    }


def body(raw: str) -> str:
    """The text of an e-mail without headers and tags."""
    message = email.message_from_bytes(raw.encode("latin-1", "replace"), policy=email.policy.compat32)
    found = []
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if part.get_content_maintype() == "text" and isinstance(payload, bytes):
            text = payload.decode("latin-1")
            found.append(re.sub(r"<[^>]*>", " ", text) if part.get_content_subtype() == "html" else text)
    return "\n".join(found).strip()


def quality(data: Path) -> dict[str, list[Row]]:
    """Good kinds of text and bad ones; a set holds one kind, so that a model can be tried on kinds it never saw."""
    folder = data / "quality"
    mails = [one for one in spam(data)["mail"] if one["label"] == YES]
    headlines = [one for one in lines(folder / "clickbait_headlines.jsonl.zst") if one["label"] == "clickbait"]
    with zstandard.open(folder / "wikitext2_valid.txt.zst", "rt", encoding="utf-8") as file:
        wikitext = list(pieces(re.sub(r"\n \n", "\n\n", file.read()), ""))
    return {
        "peps": [one for pep in lines(folder / "python_peps.jsonl.zst") for one in pieces(pep["text"], pep["id"])],
        "rfcs": [one for rfc in lines(folder / "rust_rfcs.jsonl.zst") for one in pieces(rfc["text"], rfc["id"])],
        "wikipedia": wikitext,
        "books": list(books(data / "dedup" / "gutenberg_editions.tar.zst")),
        "speeches": list(speeches(folder / "nltk_inaugural.zip")),
        "web": [row(one["text"], True) for one in lines(data / "web" / "cc_en_head_documents.jsonl.zst")],
        "headlines": [row(one["text"], False) for one in headlines],
        "links": [
            {**one, "label": NO}
            for page in lines(folder / "link_lists_multilingual.jsonl.zst")
            for one in pieces(page["text"], page["file"])
        ],
        "stubs": [
            row(one["text"], False, one["id"])
            for one in lines(folder / "ethereum_eips.jsonl.zst")
            if len(one["text"]) < SHORT_EIP
        ],
        "junk": [{**one, "label": NO} for one in mails],
    }


def books(path: Path) -> Iterator[Row]:
    """One edition of each book, in pieces."""
    seen = set()
    with zstandard.open(path, "rb") as packed, tarfile.open(fileobj=BytesIO(packed.read())) as archive:
        for member in archive:
            book = member.name.split("/")[0]
            if book not in seen and (file := archive.extractfile(member)) is not None:
                seen.add(book)
                yield from pieces(file.read().decode("utf-8", "replace").replace("\r", ""), book)


def speeches(path: Path) -> Iterator[Row]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".txt") and "README" not in name:
                yield from pieces(archive.read(name).decode("latin-1"), name)
