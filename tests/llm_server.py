"""A local model server that speaks the OpenAI protocol, misbehaves as it is told, and counts every answer it gave.

    with ModelServer(latency=0.2, rate=200, faults={"500": 0.2, "drop": 0.02}) as server:
        ... ask server.url ...
        server.counts()["answered"]

It runs in a process of its own on a free port of 127.0.0.1, so it outlives a client that is killed. The answer to a
chat is `echo: ` and the last message. Which try fails is decided by the request and the number of the try, never by
chance. A prompt may ask for its own trouble: `<<500*2>>` fails twice and then answers, `<<empty>>` is always empty.
"""

import argparse
import asyncio
import hashlib
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tests.llm_server_batches import Batches

ASKED_FOR = re.compile(r"<<([a-z0-9-]+)(?:\*(\d+))?>>")
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How the server behaves. Times in seconds, faults as shares of the requests that were let in.

    Faults: 500, 503, 400, 402, drop (closes before a word), cut (closes in the middle), malformed (200, no JSON),
    shape (200, other JSON), hang (never answers), empty, refusal, filtered, length, no-usage.
    `structured` False refuses requests that want a JSON schema. `key` is the API key that must be sent.
    """

    latency: float = 0.0
    rate: float | None = None  # requests let in per second
    burst: float = 1.0  # what the bucket holds, in seconds of `rate`
    whole_seconds: bool = False  # Retry-After as RFC 9110 has it; else with decimals
    faults: dict[str, float] = field(default_factory=dict)
    structured: bool = True
    key: str | None = None
    model: str | None = None  # the only model there is
    batch_seconds: float = 0.0  # until a batch is done


class Model:
    """What the server remembers: who asked what how often, and what became of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self.tries: Counter[bytes] = Counter()
        self.answered: Counter[bytes] = Counter()
        self.prompts: dict[bytes, str] = {}
        self.level, self.filled = (plan.rate or 0.0) * plan.burst, time.monotonic()
        self.first = self.last = 0.0
        self.busy = self.most = 0
        self.batches = Batches(self)

    def wait(self) -> float | None:
        """Seconds after which to come again; None lets the request in."""
        if self.plan.rate is None:
            return None
        now = time.monotonic()
        self.level = min(self.plan.rate * self.plan.burst, self.level + (now - self.filled) * self.plan.rate)
        self.filled = now
        if self.level >= 1:
            self.level -= 1
            return None
        return max((1 - self.level) / self.plan.rate, 0.05)

    def fault(self, body: bytes, prompt: str) -> str:
        """What goes wrong with this try, or nothing."""
        number = self.tries[body]
        self.tries[body] += 1
        if asked := ASKED_FOR.search(prompt):
            return asked[1] if asked[2] is None or number < int(asked[2]) else ""
        share = int.from_bytes(hashlib.sha256(body + b"%d" % number).digest()[:4]) / 2**32
        for name, part in self.plan.faults.items():
            if share < part:
                return name
            share -= part
        return ""

    def completion(self, asked: dict[str, Any], fault: str) -> dict[str, Any]:
        """A chat completion."""
        prompt = asked["messages"][-1]["content"]
        text: str | None = f"echo: {prompt}"
        if "response_format" in asked:
            text = json.dumps({"answer": prompt})
        text = {"empty": "", "refusal": None, "filtered": ""}.get(fault, text)
        finish = {"length": "length", "filtered": "content_filter"}.get(fault, "stop")
        words = (text or "").split()
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": "I will not." if fault == "refusal" else None},
            "finish_reason": finish,
        }
        if k := asked.get("top_logprobs"):
            choice["logprobs"] = {
                "content": [
                    {
                        "token": word,
                        "logprob": -0.25,
                        "top_logprobs": [{"token": f"{word}{n}", "logprob": -0.25 - n} for n in range(k)],
                    }
                    for word in words
                ]
            }
        usage = {
            "prompt_tokens": sum(len(message["content"].split()) for message in asked["messages"]),
            "completion_tokens": len(words),
        }
        answer = {"id": "chat-1", "object": "chat.completion", "model": asked["model"], "choices": [choice]}
        return answer if fault == "no-usage" else {**answer, "usage": usage}

    def report(self) -> dict[str, Any]:
        twice = [self.prompts[body] for body, n in self.answered.items() if n > 1]
        return {
            **self.counts,
            "answered": self.answered.total(),
            "different": len(self.answered),
            "twice": twice,
            "seconds": self.last - self.first,
            "most": self.most,
            "batches": len(self.batches.batches),
        }


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection that is kept alive; parsed by hand because the client's CPU is what is measured."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1")
            found = re.search(r"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
            size = int(found[1]) if found else 0
            if len(self.buffer) < end + 4 + size:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + size], self.buffer[end + 4 + size :]
            method, path, _ = head.split(" ", 2)
            self.handle(method, path.split("?")[0].removeprefix("/v1"), head, body)

    def handle(self, method: str, path: str, head: str, body: bytes) -> None:
        key = self.model.plan.key
        if path == "/counts":
            self.send(200, self.model.report())
        elif path == "/answers":
            self.send(200, {self.model.prompts[asked]: n for asked, n in self.model.answered.items()})
        elif key is not None and f"authorization: bearer {key}".lower() not in head.lower():
            self.send(401, {"error": {"message": f"Incorrect API key provided: {key}"}})
        elif path == "/models":
            self.send(200, {"object": "list", "data": [{"id": "m", "object": "model"}]})
        elif path == "/chat/completions" and method == "POST":
            self.chat(body)
        else:
            self.send(*self.model.batches.handle(method, path, head, body))

    def chat(self, body: bytes) -> None:
        model = self.model
        if not model.first:
            model.first = time.monotonic()
        asked = json.loads(body)
        prompt = asked["messages"][-1]["content"]
        if (wait := model.wait()) is not None:
            model.counts["throttled"] += 1
            after = f"{-(-wait // 1):.0f}" if model.plan.whole_seconds else f"{wait:.3f}"
            self.send(429, {"error": {"message": "Rate limit reached"}}, f"Retry-After: {after}\r\n")
            return
        model.counts["let in"] += 1
        if model.plan.model is not None and asked["model"] != model.plan.model:
            self.send(404, {"error": {"message": f"The model `{asked['model']}` does not exist."}})
            return
        if not model.plan.structured and "response_format" in asked:
            self.send(400, {"error": {"message": "response_format of type json_schema is not supported"}})
            return
        fault = model.fault(body, prompt)
        model.prompts[body] = prompt
        model.busy += 1
        model.most = max(model.most, model.busy)
        if fault == "hang":
            return
        asyncio.get_running_loop().call_later(model.plan.latency, self.finish, fault, body, asked)

    def finish(self, fault: str, body: bytes, asked: dict[str, Any]) -> None:
        model = self.model
        model.busy -= 1
        model.last = time.monotonic()
        if self.transport.is_closing():
            model.counts["gave up"] += 1
            return
        if fault:
            model.counts[fault] += 1
        if fault.isdigit():
            self.send(int(fault), {"error": {"message": f"asked for {fault}", "code": "fault"}})
        elif fault == "drop":
            self.transport.abort()
        elif fault == "cut":
            self.transport.write(b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"choices": [{"mess')
            self.transport.close()
        elif fault == "malformed":
            self.raw(200, b'{"choices": [{"message": {"content": "half')
        elif fault == "shape":
            self.send(200, {"choices": []})
        else:
            model.answered[body] += 1
            self.send(200, model.completion(asked, fault))

    def send(self, status: int, value: Any, headers: str = "") -> None:
        self.raw(status, value if isinstance(value, bytes) else json.dumps(value).encode(), headers)

    def raw(self, status: int, body: bytes, headers: str = "") -> None:
        head = f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\nContent-Type: application/json\r\n{headers}"
        self.transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


class ModelServer:
    """The server as a context manager; keywords are those of Plan. Entered again, it comes back at its old address."""

    def __init__(self, **plan: Any) -> None:
        self.plan = Plan(**plan)
        self.port = 0

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.llm_server", json.dumps(asdict(self.plan)), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def counts(self) -> dict[str, Any]:
        """What was served: let in, throttled, answered, different, twice (prompts), seconds, and each fault."""
        return self._told("counts")

    def answers(self) -> dict[str, int]:
        """How often each prompt was answered."""
        return self._told("answers")

    def _told(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/{what}", timeout=30) as reply:
            told: dict[str, Any] = json.load(reply)
        return told


async def serve(plan: Plan, port: int) -> None:
    model = Model(plan)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(model), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", nargs="?", default="{}", help="the fields of Plan as JSON")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(serve(Plan(**json.loads(given.plan)), given.port))
