"""Lets the web pages run their own scripts and reach this server, and nothing else.

Texts under annotation come from anywhere. The pages clean them before they show them; this is the second wall: the
browser itself refuses scripts that are not argilla-server's own, and fetches nothing from other machines, so that a
text cannot act, call home, or tell anybody that it was read.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def guard(app: Any) -> None:
    """Add the headers to every answer of the application."""
    import argilla_server

    pages = sorted((Path(argilla_server.__file__).parent / "static").rglob("*.html"))
    # As they are served: at the root of the address, where the base is empty.
    policy = content_policy(page.read_text().replace("@@baseUrl@@", "") for page in pages)
    headers = [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
    ]
    app.add_middleware(_Headers, headers=headers)


def content_policy(pages: Iterable[str]) -> str:
    """The policy under which the scripts inside these pages may run, by their hashes."""
    inside = {script for page in pages for script in _INLINE.findall(page)}
    hashes = sorted(base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in inside)
    scripts = " ".join(f"'sha256-{one}'" for one in hashes)
    return "; ".join(
        [
            "default-src 'self'",
            # Vue, with which the pages are made, builds functions from its own templates.
            f"script-src 'self' 'unsafe-eval' {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


class _Headers:
    """ASGI: adds headers to what the application answers."""

    def __init__(self, app: Any, headers: list[tuple[bytes, bytes]]) -> None:
        self.app, self.headers = app, headers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.headers]
            await send(message)

        await self.app(scope, receive, send_with_headers)
