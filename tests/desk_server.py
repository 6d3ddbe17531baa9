"""What tests of the annotation server share: a real one on a free port, and a client that hides nothing.

    @pytest.fixture(scope="module")
    def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
        with serving(tmp_path_factory.mktemp("desk") / "home") as running:
            yield running

The server's environment is the machine's own, in the cache folder; the first test on a new machine installs it.
"""

import http.client
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from annotation.desk.home import Running, serve, stop


@contextmanager
def serving(home: Path) -> Iterator[Running]:
    """A server on a port the machine gives, stopped at the end."""
    try:
        yield serve(home, 0, print)
    finally:
        stop(home)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: Any

    def good(self) -> Any:
        assert 200 <= self.status < 300, (self.status, self.body)
        return self.body


@dataclass(frozen=True, kw_only=True)
class Client:
    """Somebody who talks to the server's API, with a key or a token."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def owner(cls, running: Running) -> "Client":
        return cls(url=running.url, headers={"X-Argilla-Api-Key": running.owner_key})

    def sign_in(self, name: str, password: str) -> "Client":
        form = urlencode({"username": name, "password": password})
        said = self.ask("POST", "/token", text=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
        return Client(url=self.url, headers={"Authorization": f"Bearer {said.good()['access_token']}"})

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        text: str | None = None,
        headers: Mapping[str, str] | None = None,
        prefix: str = "/api/v1",
        **query: Any,
    ) -> Answered:
        address = urlsplit(self.url)
        assert address.hostname is not None
        wire = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        try:
            sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
            content = text if text is not None else None if body is None else json.dumps(body)
            target = f"{prefix}{path}" + (f"?{urlencode(query)}" if query else "")
            wire.request(method, target, content.encode() if content is not None else None, sent)
            answer = wire.getresponse()
            raw = answer.read().decode()
        finally:
            wire.close()
        kind = answer.headers.get("content-type", "")
        said = json.loads(raw) if raw and "json" in kind else raw
        return Answered(status=answer.status, headers={k.lower(): v for k, v in answer.headers.items()}, body=said)

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, **query).good()

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.ask("POST", path, body, **query).good()


def dataset(client: Client, *, records: int, answers: int) -> tuple[str, list[str]]:
    """A published dataset with one label to give; its path, and the ids of its records."""
    name = f"d{uuid.uuid4().hex}"
    workspace = client.post("/workspaces", {"name": name})["id"]
    distribution = {"strategy": "overlap", "min_submitted": answers}
    made = client.post("/datasets", {"name": name, "workspace_id": workspace, "distribution": distribution})["id"]
    at = f"/datasets/{made}"
    text = {"name": "p", "title": "p", "required": True, "settings": {"type": "text", "use_markdown": False}}
    client.post(at + "/fields", text)
    options = [{"value": value, "text": value} for value in "ab"]
    label = {"name": "q", "title": "q", "required": True, "settings": {"type": "label_selection", "options": options}}
    client.post(at + "/questions", label)
    client.ask("PUT", at + "/publish").good()
    items = [{"external_id": str(number), "fields": {"p": f"text {number}"}} for number in range(records)]
    logged = client.post(at + "/records/bulk", {"items": items})["items"]
    return at, [one["id"] for one in logged]


def answer(client: Client, record: str, value: str = "a") -> str | None:
    """Submit; what went wrong, or None."""
    given = {"record_id": record, "status": "submitted", "values": {"q": {"value": value}}}
    said = client.ask("POST", "/me/responses/bulk", {"items": [given]})
    if said.status != 200:
        return f"{said.status} {said.body}"
    error = said.body["items"][0]["error"]
    return None if error is None else str(error)


def responses(client: Client, at: str) -> list[list[dict[str, Any]]]:
    """The responses to every record."""
    found = client.post(at + "/records/search", {}, limit=1000, include="responses")
    return [one["record"]["responses"] for one in found["items"]]
