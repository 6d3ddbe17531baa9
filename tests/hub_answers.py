"""What the stand-in of the Hub answers: repositories of commits, and the endpoints that the client calls."""

import base64
import fnmatch
import hashlib
import itertools
import json
import re
import urllib.parse
import uuid
from typing import Any, Protocol

import yaml

from tests.hub_repos import Blob, Repo, is_lfs, new_repo

SIGNATURE = "X-Amz-Signature=c1gn3d"
PAGE = 3  # files in one page of a listing; the Hub has 1,000


class Hub(Protocol):
    """What the answers need of the server."""

    url: str
    storage: str  # another host than the Hub, as a CDN is
    part: int
    token: str
    repos: dict[tuple[str, str], Repo]
    objects: dict[str, bytes]
    parts: dict[tuple[str, str], bytes]
    lock: Any


Answer = tuple[int, Any, dict[str, str]]
_REPO = r"/api/(dataset|model)s/(?P<name>[\w.-]+/[\w.-]+)"


def answered(hub: Hub, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
    path, _, query = target.partition("?")
    path = urllib.parse.unquote(path)
    asked = dict(urllib.parse.parse_qsl(query))
    if path.startswith("/lfs/"):  # a signed link; it must not be given the token
        return _stored(hub, path, query, headers, body)
    said = headers.get("Authorization") or headers.get("authorization")
    if said not in (None, f"Bearer {hub.token}"):
        return _refused(401, "Invalid credentials in Authorization header")
    known = said is not None
    with hub.lock:
        if path == "/api/whoami-v2":
            return (
                (200, {"name": "org", "type": "user", "orgs": []}, {})
                if known
                else _refused(401, "Invalid username or password.")
            )
        if path == "/api/validate-yaml":
            return _validated(json.loads(body)["content"])
        if path == "/api/repos/create":
            return _created(hub, json.loads(body), known)
        if found := re.fullmatch(r"/(datasets/)?([\w.-]+/[\w.-]+)\.git/info/lfs/objects/(batch|verify)", path):
            return _batch(hub, found[3], json.loads(body), known)
        if found := re.fullmatch(r"/(datasets/)?([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)", path):
            repo = _seen(hub, "dataset" if found[1] else "model", found[2], known)
            return _resolved(hub, repo, found[3], found[4]) if repo else _unknown()
        if found := re.fullmatch(_REPO + r"(?P<rest>/.*)?", path):
            repo = _seen(hub, found[1], found["name"], known)
            if repo is None:
                return _unknown()
            if method == "POST" and not known:
                return _refused(401, "Invalid username or password.")
            return _of_repo(hub, repo, found[1], found["name"], method, found["rest"] or "", asked, body)
    return _refused(404, "Not Found")


def _of_repo(
    hub: Hub, repo: Repo, kind: str, name: str, method: str, rest: str, asked: dict[str, str], body: bytes
) -> Answer:
    _, verb, revision, *_ = [*rest.split("/"), "", "", ""]
    if verb == "refs":
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repo.head}
        tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": oid} for tag, oid in repo.tags.items()]
        return 200, {"branches": [main], "tags": tags, "converts": []}, {}
    commit = repo.resolve(revision or "main")
    if commit is None:
        return _refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    match method, verb:
        case "GET", "" | "revision":
            files = [{"rfilename": path} for path in repo.commits[commit]]
            told = {"id": name, "sha": commit, "private": repo.private, "gated": False, "siblings": files, "tags": []}
            return 200, told, {}
        case "GET", "tree":
            return _listed(hub, repo.commits[commit], f"/api/{kind}s/{name}{rest}", asked)
        case "POST", "preupload":
            return _modes(repo, json.loads(body))
        case "POST", "commit":
            return _commit(hub, repo, f"{hub.url}/{kind}s/{name}", body)
        case "POST", "tag":
            tag = json.loads(body)["tag"]
            if tag in repo.tags:
                return _refused(409, f"Tag reference exists already: {tag}")
            repo.tags[tag] = commit
            return 200, {}, {}
    return _refused(404, "Not Found")


def _seen(hub: Hub, kind: str, name: str, known: bool) -> Repo | None:
    repo = hub.repos.get((kind, name))
    return repo if repo and (known or not repo.private) else None


def _unknown() -> Answer:
    return _refused(404, "Repository not found", "RepoNotFound")


def _refused(status: int, why: str, code: str = "") -> Answer:
    return status, {"error": why}, {"X-Error-Message": why, **({"X-Error-Code": code} if code else {})}


def _validated(content: str) -> Answer:
    found = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
    try:
        said = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError as error:
        return 400, {"errors": [{"message": f"YAML: {error}"}], "warnings": []}, {}
    if not isinstance(said, dict):
        return 200, {"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]}, {}
    if not isinstance(said.get("license"), str | None):
        return 400, {"errors": [{"message": '"license" must be a string'}], "warnings": []}, {}
    return 200, {"errors": [], "warnings": []}, {}


def _created(hub: Hub, asked: dict[str, Any], known: bool) -> Answer:
    if not known:
        return _refused(401, "Invalid username or password.")
    if asked.get("organization") == "others":
        return _refused(403, 'You don\'t have the rights to create a dataset under the namespace "others"')
    kind, name = asked.get("type", "model"), f"{asked['organization']}/{asked['name']}"
    url = f"{hub.url}/{'datasets/' if kind == 'dataset' else ''}{name}"
    if (kind, name) in hub.repos:
        return 409, {"error": f"You already created this {kind} repo", "url": url}, {}
    hub.repos[kind, name] = new_repo(private=asked.get("visibility") == "private" or bool(asked.get("private")))
    return 200, {"url": url, "id": name, "name": name}, {}


def _modes(repo: Repo, asked: dict[str, Any]) -> Answer:
    there = repo.commits[repo.head]
    ignored = there[".gitignore"].data.decode().split() if ".gitignore" in there else []
    files = []
    for one in asked["files"]:
        path, old = one["path"], there.get(one["path"])
        mode = "lfs" if is_lfs(path, one["size"]) else "regular"
        told = {"path": path, "uploadMode": mode, "shouldIgnore": any(fnmatch.fnmatch(path, rule) for rule in ignored)}
        files.append({**told, **({"oid": old.sha256 if old.lfs else old.oid} if old else {})})
    return 200, {"files": files, "commitOid": repo.head}, {}


def _batch(hub: Hub, verb: str, asked: dict[str, Any], known: bool) -> Answer:
    if not known:
        return _refused(401, "Invalid username or password.")
    if verb == "verify":
        held = hub.objects.get(asked["oid"])
        good = held is not None and len(held) == asked["size"]
        return (200, {}, {}) if good else _refused(400, "The object is not there, or of another size")
    objects = []
    for one in asked["objects"]:
        oid, told = one["oid"], {"oid": one["oid"], "size": one["size"]}
        if oid not in hub.objects:
            link = f"{hub.storage}/lfs/{oid}"
            upload: dict[str, Any] = {"href": f"{link}?{SIGNATURE}"}
            if one["size"] > hub.part:
                count = -(-one["size"] // hub.part)
                link += f"/{uuid.uuid4().hex}"  # each upload has parts of its own
                parts = {f"{number:05d}": f"{link}/{number}?{SIGNATURE}" for number in range(1, count + 1)}
                upload = {"href": f"{link}/complete?{SIGNATURE}", "header": {"chunk_size": str(hub.part), **parts}}
            told["actions"] = {"upload": upload}
            if "header" not in upload:
                told["actions"]["verify"] = {"href": f"{hub.url}/datasets/org/any.git/info/lfs/objects/verify"}
        objects.append(told)
    return 200, {"transfer": "basic", "objects": objects}, {"Content-Type": "application/vnd.git-lfs+json"}


def _stored(hub: Hub, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
    _, _, oid, *number = path.split("/")
    if query != SIGNATURE or "Authorization" in headers or "authorization" in headers:
        return _refused(403, "SignatureDoesNotMatch")
    if number[1:] == ["complete"]:
        told = json.loads(body)
        body = b"".join(hub.parts[number[0], str(part["partNumber"])] for part in told["parts"])
    elif number:
        hub.parts[number[0], number[1]] = body
        return 200, b"", {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}
    elif not body and oid in hub.objects:
        return 200, hub.objects[oid], {"Content-Type": "binary/octet-stream", "ETag": f'"{oid}"'}
    if hashlib.sha256(body).hexdigest() != oid:
        return _refused(400, "BadDigest")
    with hub.lock:
        hub.objects[oid] = body
    return 200, b"", {}


def _commit(hub: Hub, repo: Repo, url: str, body: bytes) -> Answer:
    lines = [json.loads(line) for line in body.decode().splitlines()]
    header, files = lines[0]["value"], dict(repo.commits[repo.head])
    if header.get("parentCommit") not in (None, repo.head):
        return _refused(412, "A commit has happened since. Please refresh and try again.")
    for line in lines[1:]:
        value = line["value"]
        match line["key"]:
            case "file":
                files[value["path"]] = Blob(base64.b64decode(value["content"]))
            case "lfsFile":
                if value["oid"] not in hub.objects:
                    return _refused(400, f"LFS pointer pointed to a file that does not exist: {value['path']}")
                files[value["path"]] = Blob(hub.objects[value["oid"]], lfs=True)
            case "deletedFile":
                if files.pop(value["path"], None) is None:
                    return _refused(404, "A file with this name doesn't exist", "EntryNotFound")
    oid = repo.commit(files, header["summary"])
    return 200, {"success": True, "commitOid": oid, "commitUrl": f"{url}/commit/{oid}", "hookOutput": ""}, {}


def _listed(hub: Hub, files: dict[str, Blob], path: str, asked: dict[str, str]) -> Answer:
    entries: dict[str, dict[str, Any]] = {}
    for name, blob in sorted(files.items()):
        for folder in itertools.accumulate(name.split("/")[:-1], lambda a, b: f"{a}/{b}"):
            entries[folder] = {
                "type": "directory",
                "path": folder,
                "oid": hashlib.sha1(folder.encode()).hexdigest(),
                "size": 0,
            }
        large = {"lfs": {"oid": blob.sha256, "size": len(blob.data), "pointerSize": 134}} if blob.lfs else {}
        entries[name] = {"type": "file", "path": name, "oid": blob.oid, "size": len(blob.data), **large}
    start = int(asked.get("cursor", "0"))
    page = list(entries.values())[start : start + PAGE]
    more = urllib.parse.urlencode({**asked, "cursor": str(start + PAGE)})
    follows = {"Link": f'<{hub.url}{path}?{more}>; rel="next"'} if start + PAGE < len(entries) else {}
    return 200, page, follows


def _resolved(hub: Hub, repo: Repo, revision: str, path: str) -> Answer:
    commit = repo.resolve(revision)
    if commit is None:
        return _refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    blob = repo.commits[commit].get(path)
    if blob is None:
        return _refused(404, "Entry not found", "EntryNotFound")
    told = {"X-Repo-Commit": commit, "Content-Type": "application/octet-stream"}
    if not blob.lfs:
        return 200, blob.data, {**told, "ETag": f'"{blob.oid}"'}
    linked = {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.data))}
    hub.objects.setdefault(blob.sha256, blob.data)
    return 302, b"", {**told, **linked, "Location": f"{hub.storage}/lfs/{blob.sha256}?{SIGNATURE}"}
