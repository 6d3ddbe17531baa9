"""How long a desk with 20,000 records takes to log, to hand out a queue, to search, and to take answers of 20 people.

    python -m benchmarks.desk_server [--records 20000] [--people 20]

A real server in a folder of its own; every figure is wall time seen by the client, and CPU seconds of the server.
"""

import argparse
import json
import random
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotation.desk.home import DIRECT, Running, serve, stop

BATCH = 500
ROUNDS = 10
WORDS = [f"w{number}" for number in range(5000)]


@dataclass(frozen=True, kw_only=True)
class Client:
    """Somebody with a key."""

    url: str
    key: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Argilla-Api-Key": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        with DIRECT.open(request, timeout=300) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None


def cpu(running: Running) -> float:
    """CPU seconds the server has used."""
    fields = Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def timed(name: str, running: Running) -> Iterator[None]:
    wall, used = time.perf_counter(), cpu(running)
    yield
    print(f"{name:44} {time.perf_counter() - wall:8.2f} s wall {cpu(running) - used:8.2f} s CPU", flush=True)


def logged(owner: Client, running: Running, records: int) -> tuple[str, str]:
    """A dataset of pairs of 2 KB each; its path and its workspace."""
    workspace = owner.ask("POST", "/workspaces", {"name": "big"})["id"]
    overlap = {"strategy": "overlap", "min_submitted": 2}
    body = {"name": "big", "workspace_id": workspace, "distribution": overlap}
    at = f"/datasets/{owner.ask('POST', '/datasets', body)['id']}"
    for name in ("prompt", "a", "b"):
        settings = {"type": "text", "use_markdown": False}
        owner.ask("POST", at + "/fields", {"name": name, "title": name, "required": True, "settings": settings})
    options = [{"value": value, "text": value} for value in ("a", "b", "tie")]
    settings = {"type": "label_selection", "options": options}
    owner.ask("POST", at + "/questions", {"name": "q", "title": "q", "required": True, "settings": settings})
    owner.ask("POST", at + "/metadata-properties", {"name": "order", "title": "o", "settings": {"type": "integer"}})
    owner.ask("PUT", at + "/publish")
    rng = random.Random(0)
    with timed(f"log {records:,} records", running):
        for start in range(0, records, BATCH):
            items = [
                {
                    "external_id": str(number),
                    "fields": {name: " ".join(rng.choices(WORDS, k=120)) for name in ("prompt", "a", "b")},
                    "metadata": {"order": (number * 7919) % records},
                }
                for number in range(start, min(start + BATCH, records))
            ]
            owner.ask("POST", at + "/records/bulk", {"items": items})
    return at, workspace


def pending() -> dict[str, Any]:
    """What the web page asks for when somebody opens their queue."""
    mine = {"type": "terms", "scope": {"entity": "response", "property": "status"}, "values": ["pending"]}
    open_ = {"type": "terms", "scope": {"entity": "record", "property": "status"}, "values": ["pending"]}
    return {"filters": {"and": [mine, open_]}}


def people(owner: Client, workspace: str, many: int) -> list[Client]:
    found = []
    for number in range(many):
        body = {"first_name": "p", "username": f"p{number}", "password": f"p{number}-password", "role": "annotator"}
        user = owner.ask("POST", "/users", body)
        owner.ask("POST", f"/workspaces/{workspace}/users", {"user_id": user["id"]})
        found.append(Client(url=owner.url, key=user["api_key"]))
    return found


def work(person: Client, at: str, waits: list[float], wrong: list[str]) -> None:
    """Take the next record and answer it, ROUNDS times."""
    for _ in range(ROUNDS):
        began = time.perf_counter()
        record = person.ask("POST", f"/me{at}/records/search?limit=1", pending())["items"][0]["record"]["id"]
        given = {"record_id": record, "status": "submitted", "values": {"q": {"value": "a"}}}
        error = person.ask("POST", "/me/responses/bulk", {"items": [given]})["items"][0]["error"]
        if error:
            wrong.append(str(error))
        waits.append(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        began = time.perf_counter()
        running = serve(home, 0, print)
        print(f"from nothing to the first answer: {time.perf_counter() - began:.1f} s, {cpu(running):.1f} s CPU")
        try:
            measure(running, given.records, given.people)
        finally:
            stop(home)
        print(f"argilla.db: {(home / 'argilla.db').stat().st_size / 1e6:.0f} MB")


def measure(running: Running, records: int, many: int) -> None:
    owner = Client(url=running.url, key=running.owner_key)
    at, workspace = logged(owner, running, records)
    crowd = people(owner, workspace, many)
    with timed("queue of one annotator, first page", running):
        crowd[0].ask("POST", f"/me{at}/records/search?limit=10", pending())
    with timed("queue of one annotator, in the middle", running):
        crowd[0].ask("POST", f"/me{at}/records/search?limit=10&offset={records // 2}", pending())
    with timed("progress of everybody", running):
        owner.ask("GET", f"{at}/progress")
    for text in ({"q": "w7"}, {"q": "w7 w9", "field": "prompt"}, {"q": '"w7 w9"'}):
        with timed(f"search {text}", running):
            owner.ask("POST", f"{at}/records/search?limit=10", {"query": {"text": text}})
    waits: list[float] = []
    wrong: list[str] = []
    threads = [threading.Thread(target=work, args=(one, at, waits, wrong)) for one in crowd]
    with timed(f"{many} people take and answer {ROUNDS} records each", running):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    waits.sort()
    print(
        f"  refused {len(wrong)}; half wait {waits[len(waits) // 2]:.2f} s, 95 % {waits[len(waits) * 95 // 100]:.2f} s"
    )
    submitted = {"type": "terms", "scope": {"entity": "response", "property": "status"}, "values": ["submitted"]}
    body = {"filters": {"and": [submitted]}}
    found = owner.ask("POST", f"{at}/records/search?limit=1000&include=responses", body)["items"]
    kept = sum(len(one["record"]["responses"]) for one in found)
    odd = [one for one in found if (len(one["record"]["responses"]) >= 2) != (one["record"]["status"] == "completed")]
    print(f"  answers given {len(waits)}, answers there {kept}, records with a wrong status {len(odd)}")


if __name__ == "__main__":
    main()
