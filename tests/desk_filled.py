"""A small dataset on a real annotation server, and short ways to ask it."""

import uuid
from typing import Any

from tests.desk_server import Client

TEXTS = (
    "the quick brown fox",
    "Quick silver Ärger",
    "slow brown bear",
    "lazy dog, quick brown nap",
    'say "hi" now',
    "100% sure_thing",
)
METADATA = {"entity": "metadata", "metadata_property": "k"}
TERMS = {"entity": "metadata", "metadata_property": "t"}


class Filled:
    """A published dataset with six records, r0 to r5, and who talks to it."""

    def __init__(self, owner: Client, *, order: bool = False) -> None:
        self.owner = owner
        name = f"d{uuid.uuid4().hex[:8]}"
        self.workspace = owner.post("/workspaces", {"name": name})["id"]
        distribution = {"strategy": "overlap", "min_submitted": 1}
        made = owner.post("/datasets", {"name": name, "workspace_id": self.workspace, "distribution": distribution})
        self.at = f"/datasets/{made['id']}"
        for field, kind, needed in (("p", "text", True), ("chat", "chat", False)):
            settings = {"type": kind, "use_markdown": False}
            owner.post(self.at + "/fields", {"name": field, "title": field, "required": needed, "settings": settings})
        kinds: dict[str, dict[str, Any]] = {
            "label": {"type": "label_selection", "options": [{"value": v, "text": v} for v in "ab"]},
            "many": {"type": "multi_label_selection", "options": [{"value": v, "text": v} for v in "xyz"]},
            "rate": {"type": "rating", "options": [{"value": n} for n in range(1, 6)]},
            "text": {"type": "text"},
        }
        self.questions = {
            one: owner.post(
                self.at + "/questions", {"name": one, "title": one, "required": one == "label", "settings": settings}
            )["id"]
            for one, settings in kinds.items()
        }
        self.terms = self.property("t", "terms")
        self.property("k", "integer")
        self.property("hidden", "terms", roles=[])
        if order:
            self.property("order", "integer")
        owner.post(self.at + "/vectors-settings", {"name": "v", "title": "v", "dimensions": 2})
        self.unpublished = owner.get(self.at + "/progress")["total"]
        owner.ask("PUT", self.at + "/publish").good()
        logged = owner.post(self.at + "/records/bulk", {"items": [self.record(n) for n in range(6)]})["items"]
        self.ids = {one["external_id"]: one["id"] for one in logged}

    def property(self, name: str, kind: str, roles: list[str] | None = None) -> str:
        visible = ["annotator"] if roles is None else roles
        body = {"name": name, "title": name, "settings": {"type": kind}, "visible_for_annotators": bool(visible)}
        made: str = self.owner.post(self.at + "/metadata-properties", body)["id"]
        return made

    def record(self, n: int) -> dict[str, Any]:
        odd = n % 2
        return {
            "external_id": f"r{n}",
            "fields": {"p": TEXTS[n], "chat": [{"role": "user", "content": f"chatword{n} hello"}]},
            "metadata": {"k": n, "t": ["u", "v"] if n == 0 else "v", "order": (n * 5 + 2) % 6, "hidden": "gold"},
            "vectors": {"v": [1.0, float(n)]},
            "suggestions": [
                {
                    "question_id": self.questions["many"],
                    "value": ["x", "y"] if odd else ["z"],
                    "score": [0.1, 0.9] if odd else [0.5],
                    "agent": "m",
                    "type": "model",
                }
            ],
        }

    def find(self, body: dict[str, Any], who: Client | None = None, **page: Any) -> tuple[list[str], int]:
        """Names of a page of records in order, and how many match."""
        path = self.at + "/records/search" if who is None else f"/me{self.at}/records/search"
        said = (who or self.owner).post(path, body, **{"limit": 50, **page})
        return [one["record"]["external_id"] for one in said["items"]], said["total"]

    def text(self, q: str, field: str | None = None) -> list[str]:
        return sorted(self.find({"query": {"text": {"q": q} | ({"field": field} if field else {})}})[0])

    def where(self, *filters: dict[str, Any], who: Client | None = None) -> list[str]:
        return sorted(self.find({"filters": {"and": list(filters)}}, who)[0])

    def answer(self, n: int, status: str, **values: Any) -> dict[str, Any]:
        given = {name: {"value": value} for name, value in values.items()}
        one = {"record_id": self.ids[f"r{n}"], "status": status, "values": given or None}
        said = self.owner.post("/me/responses/bulk", {"items": [one]})["items"][0]
        assert said["error"] is None
        item: dict[str, Any] = said["item"]
        return item

    def annotator(self) -> Client:
        name = f"a{uuid.uuid4().hex[:8]}"
        body = {"first_name": name, "username": name, "password": f"{name}-password", "role": "annotator"}
        user = self.owner.post("/users", body)["id"]
        self.owner.post(f"/workspaces/{self.workspace}/users", {"user_id": user})
        return self.owner.sign_in(name, f"{name}-password")


def terms(scope: dict[str, Any], *values: str) -> dict[str, Any]:
    return {"type": "terms", "scope": scope, "values": list(values)}


def between(scope: dict[str, Any], **bounds: Any) -> dict[str, Any]:
    return {"type": "range", "scope": scope, **bounds}


def record(name: str) -> dict[str, Any]:
    return {"entity": "record", "property": name}


def response(**what: str) -> dict[str, Any]:
    return {"entity": "response", **what}


def suggestion(question: str, what: str = "value") -> dict[str, Any]:
    return {"entity": "suggestion", "question": question, "property": what}


def by(scope: dict[str, Any], order: str = "asc") -> dict[str, Any]:
    return {"sort": [{"scope": scope, "order": order}]}
