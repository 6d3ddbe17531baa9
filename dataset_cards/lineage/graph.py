"""Which version was made from which, over everything in a store and everything its versions remember.

A version is known by its name and its bytes: another one under the same name is another node. Order is by parents
alone, since clocks may go backwards.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..cards.account import compared_with, held_against
from ..versions.ancestors import MEASURED_BY as MEASURED_BY
from ..versions.errors import Damaged
from ..versions.store import Store
from ..versions.version import DatasetVersion

Key = tuple[str, str]  # name@version, and the digest

SEARCHED, COMPARED = "looked for, nothing taken", "compared with, nothing taken"
HERE, GONE, REPLACED = "here", "gone", "replaced"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A version. `version` is None where the store does not have it as it was.

    Attributes:
        state: `here`; `gone` from the store; `replaced`, if the store has other bytes under its name.
        told: what is remembered of it, such as kind, rows and license; version.json where it is here.
        parents: what it was made from, each with what it was for, such as `data`; empty where nobody noted that.
    """

    ref: str
    digest: str
    state: str
    version: DatasetVersion | None
    told: Mapping[str, Any]
    parents: tuple[tuple[Key, str], ...]

    @property
    def key(self) -> Key:
        return self.ref, self.digest

    @property
    def kind(self) -> str | None:
        return self.told.get("kind")


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Every version that the store has, or that one of its versions remembers; `damaged` names those left out."""

    nodes: Mapping[Key, Node]
    children: Mapping[Key, tuple[Key, ...]]
    damaged: tuple[str, ...]

    @classmethod
    def of(cls, store: Store) -> "Graph":
        here, damaged = _shelf(store)
        there = {ref for ref, _ in here}
        nodes = dict(here)
        for node in here.values():
            for one in _remembered(node, there):
                nodes.setdefault(one.key, one)
        for node in list(nodes.values()):
            for key, _ in node.parents:
                nodes.setdefault(key, _missing(key, {}, (), there))
        children: dict[Key, set[Key]] = {}
        for node in nodes.values():
            for key, _ in node.parents:
                children.setdefault(key, set()).add(node.key)
        return cls(
            nodes=nodes, children={key: tuple(sorted(found)) for key, found in children.items()}, damaged=tuple(damaged)
        )

    def node(self, version: DatasetVersion) -> Node:
        """The node of a version of this store.

        Raises:
            Damaged: its version.json does not say how it was made.
        """
        found = self.nodes.get((version.ref, str(version.json["digest"])))
        return found if found is not None and found.version is not None else _node(version)

    def below(self, first: Iterable[Key]) -> list[Node]:
        """Everything that was made from `first`, parents before children."""
        return self._sorted(self._reached(first, lambda key: self.children.get(key, ())))

    def above(self, first: Iterable[Key]) -> list[Node]:
        """Everything that `first` was made from, parents before children."""
        return self._sorted(self._reached(first, lambda key: (one for one, _ in self.nodes[key].parents)))

    def twins(self, node: Node) -> list[Node]:
        """Versions that are here under another name with the very same rows; none of a version without rows."""
        if not node.told.get("rows") or node.kind == "model":
            return []
        return [
            one for key, one in sorted(self.nodes.items()) if key[1] == node.digest and key != node.key and one.version
        ]

    def _reached(self, first: Iterable[Key], following: Any) -> set[Key]:
        start = set(first)
        seen, todo = set(start), list(start)
        while todo:
            for key in following(todo.pop()):
                if key not in seen:
                    seen.add(key)
                    todo.append(key)
        return seen - start

    def _sorted(self, keys: Collection[Key]) -> list[Node]:
        """Parents first, equals by name; what a forged record puts into a circle comes last."""
        left, found = set(keys), []
        while left:
            ready = sorted(key for key in left if not any(one in left for one, _ in self.nodes[key].parents))
            ready = ready or sorted(left)
            found += [self.nodes[key] for key in ready]
            left -= set(ready)
        return found


def _shelf(store: Store) -> tuple[dict[Key, Node], list[str]]:
    """The versions that can be read, and a sentence for each that cannot."""
    found: dict[Key, Node] = {}
    damaged = []
    shelf = store.root / "versions"
    for name in shelf.names():
        for label in (shelf / name).names():
            folder = shelf / name / label
            if label.startswith(".") or not folder.exists("version.json"):
                continue
            try:
                node = _node(store.version(f"{name}@{label}"))
            except (Damaged, ValueError, OSError) as error:
                damaged.append(f"{name}@{label} cannot be read: {error}")
                continue
            found[node.key] = node
    return found, damaged


def _node(version: DatasetVersion) -> Node:
    """The node of a version.

    Raises:
        Damaged: its record is not built as a version.json is.
    """
    try:
        told = dict(version.json)
        parents = [(f"{one['name']}@{one['version']}", str(one["digest"])) for one in told["parents"]]
        roles: dict[Key, list[str]] = {}
        for one in training(told).get("inputs", ()):
            roles.setdefault((str(one["ref"]), str(one["digest"])), []).append(str(one["role"]))
        for purpose, some in ((SEARCHED, held_against(told)), (COMPARED, compared_with(told))):
            for one in some:
                roles.setdefault((f"{one['name']}@{one['version']}", str(one["digest"])), []).append(purpose)
        links = {key: ", ".join(roles.get(key, ())) for key in [*parents, *roles]}
        _steps(told)
    except (KeyError, TypeError, AttributeError) as error:
        raise Damaged(
            f"{version.folder}/version.json is damaged: what it was made from cannot be told "
            f"({type(error).__name__}: {error}); put it back from a copy"
        ) from error
    return Node(
        ref=version.ref,
        digest=str(told["digest"]),
        state=HERE,
        version=version,
        told=told,
        parents=tuple(sorted(links.items())),
    )


def _steps(told: Mapping[str, Any]) -> None:
    """Complain of steps that are none: what is said of a version is read from them."""
    for step in (told["recipe"] or {}).get("steps") or ():
        if not (isinstance(step["name"], str) and isinstance(step["fingerprint"], str)):
            raise TypeError("a step has no name")
        if not (isinstance(step.get("fields") or {}, Mapping) and isinstance(step["inputs"], list)):
            raise TypeError(f"the step {step['name']} is none")


def learns(role: str) -> bool:
    """Whether a model learns from what it was given in a role, or in several with commas between them."""
    for aside in (SEARCHED, COMPARED):
        role = role.replace(aside, MEASURED_BY[0])
    return not set(role.split(", ")) <= set(MEASURED_BY)


def training(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a model says of its training; of an adopted one, and of rows, nothing."""
    found: Mapping[str, Any] = (told.get("facts") or {}).get("training") or {}
    return found


def _remembered(node: Node, there: Collection[str]) -> Iterator[Node]:
    """The versions behind a node as its record tells of them; records from before that was written tell of none."""
    entries = node.told.get("ancestors")
    known: dict[str, list[Key]] = {}
    whole = []
    for one in entries if isinstance(entries, list) else ():
        if isinstance(one, Mapping) and all(isinstance(one.get(key), str) for key in ("name", "version", "digest")):
            key = f"{one['name']}@{one['version']}", str(one["digest"])
            known.setdefault(key[0], []).append(key)
            whole.append((key, one))
    for key, one in whole:
        refs = one.get("parents")
        names = [ref for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []
        aside = one.get("only_read")
        read = aside if isinstance(aside, list) else []
        parents = [(own, SEARCHED if ref in read else "") for ref in names for own in known.get(ref, ()) if own != key]
        yield _missing(key, one, tuple(sorted(set(parents))), there)


def _missing(key: Key, told: Mapping[str, Any], parents: tuple[tuple[Key, str], ...], there: Collection[str]) -> Node:
    state = REPLACED if key[0] in there else GONE
    return Node(ref=key[0], digest=key[1], state=state, version=None, told=told, parents=parents)
