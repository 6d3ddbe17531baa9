"""Answers on disk, by the request exactly as sent: what was answered once is never paid for again.

One SQLite file, shared by all runs and processes of this machine. Every answer is committed as it arrives and before
anybody sees it, so `kill -9` loses at most the requests that were under way. Failures are never kept.
"""

import hashlib
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.files import Folder

from .llm import Choice, Reply, Request, Token

NAME = "answers.sqlite"
LARGE = 4096  # bytes from which an answer is stored compressed

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, model TEXT, reply BLOB, crc INTEGER, characters INTEGER,
    prompt_tokens INTEGER, completion_tokens INTEGER, run TEXT, at REAL);
CREATE TABLE IF NOT EXISTS runs (run TEXT, model TEXT, counts TEXT, PRIMARY KEY (run, model));
CREATE TABLE IF NOT EXISTS batches (intent TEXT PRIMARY KEY, address TEXT, model TEXT, batch TEXT, state TEXT, at REAL);
CREATE TABLE IF NOT EXISTS asked (key BLOB, intent TEXT, state TEXT, detail TEXT, PRIMARY KEY (key, intent));
"""


def place(store: Folder) -> Path:
    """The file for a store: inside it where it lies on this machine, else in the user's cache folder.

    SQLite needs a disk of this machine; answers for a store on `s3://...` are shared by the runs of one machine only.
    """
    if store.local:
        return Path(store.path) / "llm" / NAME
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "gristmill" / "llm" / hashlib.sha256(str(store).encode()).hexdigest()[:16] / NAME


class Answer(NamedTuple):
    """What is kept: the key of the request as sent, its model, the characters of its messages, and the answer."""

    key: str
    model: str
    characters: int
    reply: Reply


def answer(request: Request, reply: Reply) -> Answer:
    """An answer to be kept."""
    characters = sum(len(message.content) for message in request.messages)
    return Answer(request.key, request.sampling.model, characters, reply)


class Cache:
    """The open file. One object per thread.

    Raises:
        Damaged: the file is no database, or a row of it is not what was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._sound():
            self._db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
            try:
                _prepare(self._db)
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _sound(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            # A full or read-only disk is no damage.
            raise OSError(f"{self.path}: {error}; the answers of language models are kept there") from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, what: str) -> Damaged:
        return Damaged(
            f"{self.path} is damaged ({what}): it holds answers of language models; move it away and run again, and "
            "what it held is asked again"
        )

    def get(self, key: str) -> Reply | None:
        """The answer to the request with this key; None if there is none yet."""
        with self._sound():
            row = self._db.execute("SELECT reply, crc FROM answers WHERE key = ?", (bytes.fromhex(key),)).fetchone()
        if row is None:
            return None
        blob, crc = row
        if not isinstance(blob, bytes) or zlib.crc32(blob) != crc:
            raise self._damaged("an answer does not match its checksum")
        return _reply(blob)

    def keep(
        self, answers: Iterable[Answer], run: str = "", counts: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Commit answers to the requests as they were sent, and what this run counted so far by model."""
        with self.transaction() as db:
            put(db, answers, run, counts or {})

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A block whose writes become durable together or not at all."""
        with self._sound():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The result of a query over the tables above."""
        with self._sound():
            return self._db.execute(sql, values).fetchall()

    def measured(self, model: str) -> tuple[int, int, int, int]:
        """Of a model's answers with counted tokens: how many, characters asked, prompt tokens, completion tokens."""
        found = self.rows(
            "SELECT count(*), total(characters), total(prompt_tokens), total(completion_tokens) FROM answers "
            "WHERE model = ? AND prompt_tokens > 0",
            model,
        )[0]
        return int(found[0]), int(found[1]), int(found[2]), int(found[3])


def _prepare(db: sqlite3.Connection) -> None:
    for left in range(60, -1, -1):
        try:
            # WAL with NORMAL: a killed process loses nothing, a power cut the last moments, neither damages the file.
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            # Changing the mode does not wait for others who open the file at the same moment.
            if "locked" not in str(error) or not left:
                raise
            time.sleep(0.05)
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(_TABLES)


def put(db: sqlite3.Connection, answers: Iterable[Answer], run: str, counts: Mapping[str, Mapping[str, Any]]) -> None:
    """Write answers and counts within a transaction."""
    rows = [_row(answer, run) for answer in answers]
    totals = [(run, model, orjson.dumps(count).decode()) for model, count in counts.items()]
    db.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", totals)


def _row(answer: Answer, run: str) -> tuple[Any, ...]:
    blob = _blob(answer.reply)
    tokens = answer.reply.prompt_tokens, answer.reply.completion_tokens
    about = (answer.model, blob, zlib.crc32(blob), answer.characters, *tokens)
    return (bytes.fromhex(answer.key), *about, run, time.time())


def _blob(reply: Reply) -> bytes:
    tokens = reply.logprobs and [[t.text, t.logprob, [list(c) for c in t.top], t.id] for t in reply.logprobs]
    counts = [reply.prompt_tokens, reply.completion_tokens]
    data = orjson.dumps([reply.text, reply.finish, *counts, tokens, reply.reasoning])
    return zlib.compress(data, 1) if len(data) > LARGE else data


def _reply(blob: bytes) -> Reply:
    text, finish, asked, answered, tokens, reasoning = orjson.loads(zlib.decompress(blob) if blob[:1] != b"[" else blob)
    logprobs = None
    if tokens is not None:
        logprobs = tuple(Token(t, value, tuple(Choice(*c) for c in top), number) for t, value, top, number in tokens)
    return Reply(
        text=text,
        finish=finish,
        prompt_tokens=asked,
        completion_tokens=answered,
        logprobs=logprobs,
        reasoning=reasoning,
        cached=True,
    )
