"""The batch API of the local model server: files that are uploaded, batches that are done after a while."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.llm_server import Model


class Batches:
    """Files and batches in memory; the faults of prompts hold here too (a 500 is a line of the error file)."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.files: dict[str, dict[str, Any]] = {}
        self.batches: dict[str, dict[str, Any]] = {}

    def handle(self, method: str, path: str, head: str, body: bytes) -> tuple[int, Any]:
        """The status and what to send for anything under /files and /batches."""
        parts = path.strip("/").split("/")
        match method, *parts:
            case "POST", "files":
                return 200, self.upload(head, body)
            case "GET", "files":
                return 200, {"object": "list", "data": [self.shown(file) for file in self.files], "has_more": False}
            case "GET", "files", name, "content" if name in self.files:
                return 200, self.files[name]["content"]
            case "POST", "batches":
                return self.create(json.loads(body))
            case "GET", "batches":
                found = [self.state(name) for name in reversed(self.batches)]
                return 200, {"object": "list", "data": found, "has_more": False}
            case "GET", "batches", name if name in self.batches:
                return 200, self.state(name)
        return 404, {"error": {"message": f"no {method} {path} here"}}

    def upload(self, head: str, body: bytes) -> dict[str, Any]:
        boundary = re.search(r'boundary="?([^\s";]+)', head)
        assert boundary
        for part in body.split(b"--" + boundary[1].encode()):
            top, _, content = part.partition(b"\r\n\r\n")
            if name := re.search(rb'filename="([^"]*)"', top):
                return self.shown(self.keep(name[1].decode(), content.removesuffix(b"\r\n")))
        raise AssertionError("no file in the upload")

    def keep(self, filename: str, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = {"filename": filename, "content": content}
        return name

    def shown(self, name: str) -> dict[str, Any]:
        file = self.files[name]
        about = {"bytes": len(file["content"]), "created_at": 0, "purpose": "batch", "status": "processed"}
        return {"id": name, "object": "file", "filename": file["filename"], **about}

    def create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        if asked["input_file_id"] not in self.files:
            return 400, {"error": {"message": "no such file"}}
        name = f"batch-{len(self.batches)}"
        self.batches[name] = {
            "id": name,
            "object": "batch",
            "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"],
            "completion_window": asked["completion_window"],
            "metadata": asked.get("metadata"),
            "created_at": int(time.time()),
            "status": "in_progress",
            "ready": time.monotonic() + self.model.plan.batch_seconds,
        }
        return 200, self.state(name)

    def state(self, name: str) -> dict[str, Any]:
        batch = self.batches[name]
        if batch["status"] == "in_progress" and time.monotonic() >= batch["ready"]:
            self.finish(batch)
        return {key: value for key, value in batch.items() if key != "ready"}

    def finish(self, batch: dict[str, Any]) -> None:
        answers, errors = [], []
        for line in self.files[batch["input_file_id"]]["content"].splitlines():
            asked = json.loads(line)
            body = json.dumps(asked["body"]).encode()
            prompt = asked["body"]["messages"][-1]["content"]
            fault = self.model.fault(body, prompt)
            self.model.prompts[body] = prompt
            if fault == "expired":
                batch["status"] = "expired"
                continue
            if fault.isdigit():
                response = {"status_code": int(fault), "body": {"error": {"message": f"asked for {fault}"}}}
                errors.append({"custom_id": asked["custom_id"], "response": response, "error": None})
                continue
            self.model.answered[body] += 1
            response = {"status_code": 200, "body": self.model.completion(asked["body"], fault)}
            answers.append({"custom_id": asked["custom_id"], "response": response, "error": None})
        if batch["status"] != "expired":
            batch["status"] = "completed"
        for field, lines in (("output_file_id", answers), ("error_file_id", errors)):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            batch[field] = self.keep(f"{field}.jsonl", text.encode()) if lines else None
