"""The Hugging Face Hub as its client sees it, on 127.0.0.1: what `huggingface_hub` 2.4 calls to publish and to read.

    with HubServer() as hub:
        hub.trouble("PUT", r"/lfs/", "500", times=2)
        ... HF_ENDPOINT=hub.url, HF_TOKEN=hub.token ...
        hub.asked("PUT", r"/lfs/")

Repositories are commits of files, as in git: small texts by git's SHA-1, large and binary ones as LFS objects, kept by
their SHA-256 whether a commit names them or not. A commit is refused unless it follows its parent (412), a second tag
of one name is a conflict (409), who has no token sees no private repository (404 and X-Error-Code: RepoNotFound), LFS
objects are put to signed links of another host, in parts above `part` bytes, listings come in pages, downloads of LFS
objects are redirected there. Xet is not spoken: as on a Hub without it, files have no xetHash; the client has to be
told so with HF_HUB_DISABLE_XET=1, because it asks for Xet whenever hf_xet is installed.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.hub_answers import answered
from tests.hub_repos import Blob, Repo, is_lfs, new_repo

TOKEN = "hf_StandInOfTheHubOnly0123456789abcd"


@dataclass
class Trouble:
    """What happens instead of an answer to requests that match, `times` times after the first `after` of them."""

    method: str
    path: str
    what: str
    times: int
    after: int


class HubServer:
    """The server, in a thread; everything it holds is in memory."""

    def __init__(self, part: int = 1 << 20) -> None:
        self.token, self.part = TOKEN, part
        self.repos: dict[tuple[str, str], Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, str], bytes] = {}
        self.log: list[tuple[str, str, int]] = []  # method, path with query, status; -1 where the line was cut
        self.troubles: list[Trouble] = []
        self.lock = threading.RLock()
        self.before: Callable[[str, str], None] = lambda method, path: None  # what a test does just before an answer
        server = self

        class Handler(_Handler):
            hub = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        port = self._http.server_address[1]
        self.url, self.storage = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *gone: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def trouble(self, method: str, path: str, what: str, times: int = 1, after: int = 0) -> None:
        """`what`: a status as `500`, `429:7` with Retry-After 7, `cut` in the middle of the request, or `lost`:
        everything is done, and the line breaks before the answer."""
        self.troubles.append(Trouble(method, path, what, times, after))

    def asked(self, method: str, path: str = "", status: int | None = None) -> list[str]:
        """The paths of requests so far."""
        return [
            one for how, one, answer in self.log if how == method and re.search(path, one) and status in (None, answer)
        ]

    def files(self, name: str, revision: str = "main", kind: str = "dataset") -> dict[str, bytes]:
        repo = self.repos[kind, name]
        commit = repo.resolve(revision)
        assert commit is not None, f"there is no {revision}"
        return {path: blob.data for path, blob in repo.commits[commit].items()}

    def put(self, name: str, files: dict[str, bytes], remove: tuple[str, ...] = (), kind: str = "dataset") -> str:
        """A commit that somebody makes by hand."""
        with self.lock:
            repo = self.repos.setdefault((kind, name), new_repo(private=False))
            there = {path: blob for path, blob in repo.commits[repo.head].items() if path not in remove}
            made = {path: Blob(data, lfs=is_lfs(path, len(data))) for path, data in files.items()}
            return repo.commit({**there, **made}, "by hand")

    def state(self) -> Any:
        """Everything that a run could change, to be compared."""
        repos = {name: (repo.head, repo.private, dict(repo.tags)) for name, repo in self.repos.items()}
        return repos, sorted(self.objects)

    def hit(self, method: str, path: str) -> str | None:
        with self.lock:
            for one in self.troubles:
                if one.method == method and re.search(one.path, path):
                    if one.after:
                        one.after -= 1
                    elif one.times:
                        one.times -= 1
                        return one.what
        return None


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_HEAD = do_GET

    def log_message(self, *words: object) -> None:
        """The log is `HubServer.log`."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        trouble = self.hub.hit(self.command, self.path)
        if trouble == "cut":
            self.rfile.read(length // 2)
            return self._gone()
        body = self.rfile.read(length)
        if trouble and trouble != "lost":
            status, _, seconds = trouble.partition(":")
            headers = {"Retry-After": seconds} if seconds else {}
            said = {"429": "Too many requests", "500": "Internal error, sorry"}.get(status, "No")
            return self._send(int(status), {"error": f"{said} ({self.headers.get('Authorization')})"}, headers)
        self.hub.before(self.command, self.path)
        answer = answered(self.hub, self.command, self.path, dict(self.headers.items()), body)
        if trouble == "lost":
            return self._gone()
        return self._send(*answer)

    def _gone(self) -> None:
        self.hub.log.append((self.command, self.path, -1))
        self.close_connection = True
        self.connection.shutdown(2)

    def _send(self, status: int, value: Any, headers: dict[str, str]) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.hub.log.append((self.command, self.path, status))
        self.send_response(status)
        sent = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(data)), **headers}
        for name, said in sent.items():
            self.send_header(name, said)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
