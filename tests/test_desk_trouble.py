"""The client of a desk without a desk: what is no Argilla, what is refused before it is sent, how texts are cut up."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.desk import forms, records
from annotation.desk.argilla import ArgillaDesk
from annotation.desk.desk import DeskError
from tests.desk_people import items, queue

PAGE = b"<html><title>Sign in</title></html>"


@given(st.lists(st.integers(1, 400_000), max_size=30), st.integers(0, 500))
def test_batches_hold_every_record_once_in_order_and_keep_below_the_limits(sizes: list[int], small: int) -> None:
    sent = [
        {"external_id": str(number), "fields": {"a": "x" * size}} for number, size in enumerate([*sizes, *[1] * small])
    ]
    found = list(records.batches(sent))
    assert [one for batch in found for one in batch] == sent
    for batch in found:
        assert 0 < len(batch) <= records.MOST_RECORDS
        assert len(batch) == 1 or len(json.dumps(batch)) <= records.MOST_BYTES + 2 * len(batch)


@given(st.text(max_size=400), st.text(max_size=400))
def test_what_became_of_a_text_is_told_where_it_differs(one: str, other: str) -> None:
    said = forms.apart("=" * 300 + one, "=" * 300 + other)
    assert len(said) < 12 * forms.SHOWN  # every character escaped as \\Uxxxxxxxx at worst, twice
    if one != other:
        ours, theirs = said.split(" became ", 1) if said.count(" became ") == 1 else ("", said)
        assert ours != theirs


def test_without_the_sdk_the_commands_load_and_the_error_says_how_to_install_it() -> None:
    without = (
        "import sys; sys.modules['argilla'] = None; import annotation.people_commands\n"
        "try:\n import annotation.desk.argilla\nexcept Exception as error:\n print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert "pip install 'gristmill[annotate]'" in done.stdout, done.stderr


def test_only_one_file_imports_the_sdk() -> None:
    root = Path(__file__).parent.parent / "annotation"
    using = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any(
            line.split()[:2] in (["import", "argilla"], ["from", "argilla"]) for line in path.read_text().splitlines()
        )
    ]
    assert using == [os.path.join("desk", "client.py")]


@pytest.mark.parametrize("key", ["", "with space", "new\nline", "ümlaut"])
def test_what_cannot_be_a_key_is_refused_unprinted(key: str) -> None:
    with pytest.raises(DeskError, match="API key of the desk is empty or has") as error:
        ArgillaDesk("http://127.0.0.1:1", key)
    assert not key or key not in str(error.value)


@pytest.mark.parametrize("url", ["", "localhost:6900", "ftp://x", "http://"])
def test_what_cannot_be_an_address_is_refused(url: str) -> None:
    with pytest.raises(DeskError, match="is no address of a desk"):
        ArgillaDesk(url, "key")


def test_a_password_in_the_address_is_not_printed() -> None:
    desk = ArgillaDesk("http://me:hunter2@127.0.0.1:1/argilla", "key", patience=0.1)
    with pytest.raises(DeskError) as error:
        desk.put(queue("a1"), [])
    assert "hunter2" not in str(error.value)
    assert "http://127.0.0.1:1/argilla" in str(error.value)


@pytest.mark.parametrize(
    ("status", "kind", "body", "says"),
    [
        (200, "text/html", PAGE, "does not answer as Argilla does"),
        (302, "text/html", b"", "does not answer as Argilla does"),
        (403, "text/html", PAGE, "does not answer as Argilla does"),
        (404, "application/json", b'{"detail": "Not Found"}', "does not answer as Argilla does"),
        (502, "text/html", PAGE, "failed with HTTP 502"),
        (429, "application/json", b"{}", "failed with HTTP 429"),
        (200, "application/json", b'{"username": "x"', "does not answer as Argilla does"),
    ],
)
def test_whatever_else_answers_is_told_from_argilla(status: int, kind: str, body: bytes, says: str) -> None:
    with answering(lambda _: (status, kind, body)) as url:
        desk = ArgillaDesk(url, "some-secret-key", patience=0.2)
        with pytest.raises(DeskError, match=says) as error:
            desk.put(queue("a1"), items(1))
    assert "some-secret-key" not in str(error.value)


@pytest.mark.parametrize("version", ["1.29.0", "2.3.1", "3.0.0", "none"])
def test_another_version_of_argilla_is_refused_by_its_number(version: str) -> None:
    me = b'{"id": "00000000-0000-0000-0000-000000000000", "username": "x", "role": "owner", "first_name": "x"}'

    def answer(path: str) -> tuple[int, str, bytes]:
        return 200, "application/json", f'{{"version": "{version}"}}'.encode() if path.endswith("version") else me

    with answering(answer) as url, pytest.raises(DeskError, match=f"runs Argilla {version}, and this needs 2.8"):
        ArgillaDesk(url, "key", patience=0.2).put(queue("a1"), items(1))


def test_a_server_that_hangs_up_or_never_answers_is_a_sentence() -> None:
    with listening(hang_up=True) as url, pytest.raises(DeskError, match="broke the connection off"):
        ArgillaDesk(url, "key", patience=0.2).put(queue("a1"), items(1))
    with listening(hang_up=False) as url, pytest.raises(DeskError, match="did not answer in time"):
        ArgillaDesk(url, "key", patience=0.2, timeout=1).put(queue("a1"), items(1))


@contextmanager
def answering(answer: Callable[[str], tuple[int, str, bytes]]) -> Iterator[str]:
    """Something on a free port that is no Argilla."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answer(self.path)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            if status == 302:
                self.send_header("location", "/sign-in")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def listening(hang_up: bool) -> Iterator[str]:
    """A port that takes connections and then either closes them or says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    one, _ = server.accept()
                    if hang_up:
                        one.close()
                    else:
                        held.append(one)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in held:
                one.close()
