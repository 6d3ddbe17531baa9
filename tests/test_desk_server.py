"""A running desk: who gets in, who hears of it, twenty people at once, jobs and webhooks without Redis.

How it is started and stopped is in test_desk_home.py, what a search finds in test_desk_engine.py, and what a browser
runs in test_desk_pages.py.
"""

import json
import os
import stat
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from annotation.desk.home import Running
from annotation.desk.owner import owner
from tests.desk_server import Client, answer, dataset, responses, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("desk") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Client:
    return Client.owner(server)


def test_credentials_are_made_are_nobody_elses_to_read_and_are_in_no_log(server: Running) -> None:
    who = owner(server.home)
    assert stat.S_IMODE(server.home.stat().st_mode) == 0o700
    for path in server.home.iterdir():
        assert not path.stat().st_mode & 0o077 or path.stat().st_size == 0, path
    secret = (server.home / "secret").read_text()
    logged = (server.home / "server.log").read_text() + (server.home / "server.json").read_text()
    for private in (who["password"], who["api_key"], secret):
        assert len(private) >= 20
        assert private not in logged
    assert who["api_key"] not in repr(server)
    with open(f"/proc/{server.pid}/cmdline") as command, open(f"/proc/{server.pid}/environ") as environment:
        assert not any(private in command.read() + environment.read() for private in (who["api_key"], secret))


def test_the_owner_gets_in_and_nobody_else_does(server: Running) -> None:
    nobody = Client(url=server.url)
    who = owner(server.home)
    assert nobody.sign_in(who["username"], who["password"]).get("/me")["role"] == "owner"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for name, password in (("argilla", "12345678"), ("argilla", "1234"), (who["username"], "12345678")):
        assert nobody.ask("POST", "/token", text=f"username={name}&password={password}", headers=form).status == 401
    assert Client(url=server.url, headers={"X-Argilla-Api-Key": "argilla.apikey"}).ask("GET", "/me").status == 401
    person = {"first_name": "x", "username": "x", "password": "password"}
    assert nobody.ask("POST", "/users", person).status == 401
    assert nobody.ask("GET", "/oauth2/providers").body == {"items": []}


def test_other_web_sites_are_told_nothing_and_the_pages_come_with_their_policy(server: Running) -> None:
    site = Client(url=server.url, headers={"Origin": "https://example.com"})
    for said in (site.ask("GET", "/version"), site.ask("GET", "/", prefix="")):
        assert said.status == 200
        assert "access-control-allow-origin" not in said.headers
        assert "default-src 'self'" in said.headers["content-security-policy"]
    preflight = site.ask("OPTIONS", "/me", headers={"Access-Control-Request-Method": "GET"})
    assert "access-control-allow-origin" not in preflight.headers
    assert "<title>Argilla</title>" in site.ask("GET", "/", prefix="").body


def test_the_server_listens_in_one_place_on_this_machine_and_calls_nobody(server: Running, client: Client) -> None:
    dataset(client, records=2, answers=1)
    mine = {os.readlink(one) for one in _links(Path(f"/proc/{server.pid}/fd"))}
    port = int(server.url.rsplit(":", 1)[1])
    listening, calls = [], []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{server.pid}/net/{table}").read_text().splitlines()[1:]:
            place, other, state, inode = (line.split()[column] for column in (1, 2, 3, 9))
            if f"socket:[{inode}]" not in mine:
                continue
            if table == "tcp" and state == "0A":
                listening.append(place)
            elif not place.endswith(f":{port:04X}"):  # else somebody who asked us
                calls.append((table, place, other))
    assert listening == [f"0100007F:{port:04X}"]
    assert calls == []
    assert not Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()


def _links(folder: Path) -> Iterator[Path]:
    for one in folder.iterdir():
        if one.is_symlink():
            yield one


def test_twenty_people_at_once_lose_nothing_and_nothing_is_there_twice(client: Client) -> None:
    at, ids = dataset(client, records=4, answers=20)
    workspace = client.get(at)["workspace_id"]
    people = []
    for number in range(20):
        name = f"p{number}"
        body = {"first_name": name, "username": name, "password": f"{name}-password", "role": "annotator"}
        user = client.post("/users", body)
        client.post(f"/workspaces/{workspace}/users", {"user_id": user["id"]})
        people.append(Client(url=client.url, headers={"X-Argilla-Api-Key": user["api_key"]}))
    wrong: list[str] = []

    def work(person: Client, first: int) -> None:
        for step in range(4):
            for value in "ab" if step == 0 else "b":  # a second thought replaces the first
                if error := answer(person, ids[(first + step) % 4], value):
                    wrong.append(error)

    threads = [threading.Thread(target=work, args=(one, number)) for number, one in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    found = responses(client, at)
    assert len(found) == 4
    for one in found:
        assert len({each["user_id"] for each in one}) == len(one) == 20
        assert {each["values"]["q"]["value"] for each in one} == {"b"}
    progress = client.get(at + "/progress")
    assert (progress["completed"], progress["total"]) == (4, 4)


def test_a_changed_number_of_answers_is_worked_off_by_a_job(client: Client) -> None:
    at, ids = dataset(client, records=3, answers=2)
    assert answer(client, ids[0]) is None
    assert client.get(at + "/progress")["completed"] == 0
    client.ask("PATCH", at, {"distribution": {"strategy": "overlap", "min_submitted": 1}}).good()
    until = time.monotonic() + 30
    while client.get(at + "/progress")["completed"] == 0 and time.monotonic() < until:
        time.sleep(0.05)
    assert client.get(at + "/progress")["completed"] == 1
    assert client.ask("GET", "/jobs/nope").status == 404


class Hook(BaseHTTPRequestHandler):
    """Remembers the events it is sent."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        self.server.events.append(json.loads(content)["type"])  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


def test_a_webhook_hears_of_answers_without_redis(client: Client) -> None:
    at, ids = dataset(client, records=1, answers=1)
    with HTTPServer(("127.0.0.1", 0), Hook) as listener:
        listener.events = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{listener.server_port}/hear"
        made = client.post(
            "/webhooks", {"url": url, "events": ["response.created", "record.completed"], "description": "t"}
        )
        time.sleep(1.1)  # webhooks are looked for once a second
        assert answer(client, ids[0]) is None
        until = time.monotonic() + 30
        while len(listener.events) < 2 and time.monotonic() < until:  # type: ignore[attr-defined]
            time.sleep(0.05)
        client.ask("DELETE", f"/webhooks/{made['id']}").good()
        listener.shutdown()
        thread.join()
    assert sorted(listener.events) == ["record.completed", "response.created"]  # type: ignore[attr-defined]
    assert at
