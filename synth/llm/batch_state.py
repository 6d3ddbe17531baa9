"""What is remembered about batches, in the file of the cache: what was meant to be submitted, what was, what came."""

import os
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from .budget import Purse
from .cache import Answer, Cache, put
from .fault import Fault
from .ledger import Ledger
from .llm import Failed, Reply, Request
from .wire import reply_of, status_fault

URL = "/v1/chat/completions"


class Spool:
    """The lines of a batch on their way to disk; `intent` names the batch before it has a name of the provider's."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.intent = uuid.uuid4().hex
        self.path = folder / f"{self.intent}.jsonl"
        self.keys: list[str] = []
        self.model = ""
        self.size = 0
        self._file = self.path.open("wb")

    def add(self, request: Request) -> None:
        """One line: the body byte for byte as it is sent over HTTP."""
        fields = {"custom_id": request.key, "method": "POST", "url": URL, "body": orjson.Fragment(request.body)}
        self.size += self._file.write(orjson.dumps(fields) + b"\n")
        self.keys.append(request.key)
        self.model = request.sampling.model

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class BatchState:
    """Batches of one provider. An intent is `intended`, then `sent`, then `done`; a key `waiting`, `again`, `final`."""

    def __init__(self, cache: Cache, ledger: Ledger, purse: Purse, address: str, secret: str) -> None:
        self._cache, self._ledger, self._purse = cache, ledger, purse
        self._address, self._secret = address, secret
        self._fresh: set[str] = set()  # collected by this run: paid for now, so no cached answers

    def file(self, intent: str) -> Path:
        return self._cache.path.parent / "batches" / f"{intent}.jsonl"

    def reply(self, request: Request) -> Reply | None:
        """The answer, if there is one by now."""
        if (reply := self._cache.get(request.key)) is None:
            return None
        if request.key in self._fresh:
            return Reply(**{**reply.__dict__, "cached": False})
        self._ledger.of(request.sampling.model).cached += 1
        return reply

    def waits(self, key: str) -> bool:
        sql = "SELECT 1 FROM asked WHERE key = ? AND state = 'waiting'"
        return bool(self._cache.rows(sql, bytes.fromhex(key)))

    def failed(self, key: str, most: int) -> Failed | None:
        """What a request that is not to be asked again ended with; telling it once forgets it."""
        rows = self._cache.rows("SELECT state, detail FROM asked WHERE key = ? ORDER BY rowid", bytes.fromhex(key))
        if not rows or (rows[-1][0] != "final" and len(rows) < most):
            return None
        with self._cache.transaction() as db:
            db.execute("DELETE FROM asked WHERE key = ?", (bytes.fromhex(key),))
        reason, _, detail = rows[-1][1].partition(": ")
        return Failed(reason=reason, detail=detail, tries=len(rows))

    def intend(self, spool: Spool) -> None:
        """Write down what is about to be submitted."""
        with self._cache.transaction() as db:
            batch = (spool.intent, self._address, spool.model, None, "intended", time.time())
            db.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", batch)
            asked = [(bytes.fromhex(key), spool.intent, "waiting", "") for key in spool.keys]
            db.executemany("INSERT INTO asked VALUES (?, ?, ?, ?)", asked)

    def sent(self, intent: str, batch: str) -> None:
        with self._cache.transaction() as db:
            db.execute("UPDATE batches SET state = 'sent', batch = ? WHERE intent = ?", (batch, intent))

    def forget(self, intent: str) -> None:
        """An intent that came to nothing: its requests may be asked again."""
        with self._cache.transaction() as db:
            db.execute("DELETE FROM asked WHERE intent = ?", (intent,))
            db.execute("DELETE FROM batches WHERE intent = ?", (intent,))
        self.file(intent).unlink(missing_ok=True)

    def intended(self) -> Iterator[tuple[str, float]]:
        sql = "SELECT intent, at FROM batches WHERE state = 'intended' AND address = ?"
        yield from ((str(intent), float(at)) for intent, at in self._cache.rows(sql, self._address))

    def open(self) -> list[tuple[str, str]]:
        """Intent and provider's name of every batch that is submitted and not collected."""
        sql = "SELECT intent, batch FROM batches WHERE state = 'sent' AND address = ? ORDER BY at"
        return [(str(intent), str(batch)) for intent, batch in self._cache.rows(sql, self._address)]

    def open_text(self) -> str:
        sql = "SELECT count(DISTINCT intent), count(*), min(at) FROM asked JOIN batches USING (intent) "
        batches, requests, at = self._cache.rows(sql + "WHERE asked.state = 'waiting' AND address = ?", self._address)[
            0
        ]
        if not batches:
            return f"no batch is open at {self._address}"
        hours = (time.time() - at) / 3600
        name = "one batch" if batches == 1 else f"{batches:,} batches"
        return f"{requests:,} requests are at {self._address} in {name}, for {hours:.1f} hours"

    def collect(self, intent: str, files: Sequence[bytes], status: str) -> None:
        """Take in the files of a batch that is over, in one transaction with the word that it is done."""
        asked = self._bodies(intent)
        answers: list[Answer] = []
        faults: dict[str, Fault] = {}
        for line in (line for file in files for line in file.splitlines() if line.strip()):
            try:
                value = orjson.loads(line)
                key = value["custom_id"]
            except (ValueError, LookupError, TypeError):
                continue  # whoever it was for is found missing below, and asked again
            if key not in asked:
                continue
            try:
                reply = _line_reply(value)
            except Fault as fault:
                faults[key] = fault
                continue
            model, characters = asked[key]
            answers.append(Answer(key, model, characters, reply))
            self._fresh.add(key)
            self._settle(model, reply)
        found = {answer.key for answer in answers}
        missing = "expired" if status in ("expired", "cancelled") else "unreadable"
        for key in asked.keys() - found - faults.keys():
            faults[key] = Fault(missing, f"the batch ended as {status} without an answer")
        marks: defaultdict[str, list[tuple[str, bytes, str]]] = defaultdict(list)
        for key, wrong in faults.items():
            self._ledger.of(asked[key][0]).faults[wrong.reason] += 1
            detail = str(wrong).replace(self._secret, "***") if len(self._secret) > 4 else str(wrong)
            marks["again" if wrong.again else "final"].append((detail, bytes.fromhex(key), intent))
        with self._cache.transaction() as db:
            put(db, answers, self._ledger.run, self._ledger.counts())
            db.executemany("DELETE FROM asked WHERE key = ?", [(bytes.fromhex(answer.key),) for answer in answers])
            for state, rows in marks.items():
                sql = f"UPDATE asked SET state = '{state}', detail = ? WHERE key = ? AND intent = ?"
                db.executemany(sql, rows)
            db.execute("UPDATE batches SET state = 'done' WHERE intent = ?", (intent,))
        self.file(intent).unlink(missing_ok=True)

    def _settle(self, model: str, reply: Reply) -> None:
        self._ledger.of(model).tries += 1
        self._ledger.answered(model, reply, batch=True)
        self._purse.pay(model, reply)

    def _bodies(self, intent: str) -> dict[str, tuple[str, int]]:
        """Model and characters of each request of a batch, by key."""
        rows = self._cache.rows(
            "SELECT asked.key, model FROM asked JOIN batches USING (intent) WHERE intent = ?", intent
        )
        sizes: dict[str, int] = {}
        if self.file(intent).exists():
            for line in self.file(intent).read_bytes().splitlines():
                value = orjson.loads(line)
                sizes[value["custom_id"]] = sum(len(message["content"]) for message in value["body"]["messages"])
        return {key.hex(): (str(model), sizes.get(key.hex(), 0)) for key, model in rows}


def _line_reply(value: Any) -> Reply:
    response = value.get("response") or {}
    status, body = response.get("status_code"), response.get("body")
    if status != 200:
        error = body if body is not None else value.get("error")
        fault = status_fault(int(status or 500), orjson.dumps(error), {})
        fault.fatal = False  # one line of many
        raise fault
    return reply_of(body)
