"""How much a running server holds, asked of its API."""

import json
import urllib.request
from typing import Any

from annotation.desk.desk import DeskError
from annotation.desk.home import DIRECT, Running


def held(running: Running) -> dict[str, int]:
    """Numbers of users, datasets, records and completed records.

    Raises:
        DeskError: the server did not answer, or not to the key in owner.json.
    """
    users = _asked(running, "/users")["items"]
    datasets = _asked(running, "/me/datasets")["items"]
    progress = [_asked(running, f"/datasets/{one['id']}/progress") for one in datasets]
    return {
        "users": len(users),
        "datasets": len(datasets),
        "records": sum(one["total"] for one in progress),
        "completed": sum(one["completed"] for one in progress),
    }


def _asked(running: Running, path: str) -> Any:
    request = urllib.request.Request(f"{running.url}/api/v1{path}", headers={"X-Argilla-Api-Key": running.owner_key})
    try:
        with DIRECT.open(request, timeout=60) as answer:
            return json.load(answer)
    except OSError as error:
        raise DeskError(
            f"{running.url} did not answer {path}: {error}; if it stays so, stop the desk and serve it again"
        ) from error
