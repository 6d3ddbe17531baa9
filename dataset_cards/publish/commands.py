"""The commands of those who publish: card new, check, render and publish."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..cards.plain import plural, size, visible
from ..facts.instruments import Instruments
from ..options import STORE, JsonOption, RefArgument, StoreOption, open_store
from ..said import here, say
from ..versions.errors import Misuse
from ..versions.job import Refused
from ..versions.version import DatasetVersion

if TYPE_CHECKING:
    from .hub_plan import Plan
    from .package import Package
    from .refusals import Readiness

card = typer.Typer(no_args_is_help=True, help="The documents of a version, and publishing it.")

AboutOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What only a person can say; else the about.yaml in the folder of the version."),
]


@card.command()
def new(ref: RefArgument, store: StoreOption = STORE) -> None:
    """Print an about.yaml with everything to be answered, and what is known already beside it."""
    from ..documents.template import template

    typer.echo(visible(template(open_store(store).version(ref).json)), nl=False)


@card.command()
def check(ref: RefArgument, about: AboutOption = None, store: StoreOption = STORE, as_json: JsonOption = False) -> None:
    """Every gap in about.yaml at once, each with its place; exit code 1 if there is one."""
    from ..documents.check import check as gaps_of

    version = open_store(store).version(ref)
    text, name = _about(version, about)
    gaps = gaps_of(version.json, text, name)
    lines = [str(gap) for gap in gaps] or [f"{name} says everything that the documents of {version.ref} need"]
    say([{"place": gap.place, "what": gap.what, "mend": gap.mend} for gap in gaps], "\n".join(lines), as_json)
    if gaps:
        raise typer.Exit(1)


@card.command()
def render(
    ref: RefArgument,
    about: AboutOption = None,
    to: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Write there, for a store that cannot be written.")
    ] = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Write the documents into the folder of the version; rows and version.json stay as they are."""
    from .package import collect, documents_of
    from .write import write_beside, write_inside

    shelf = open_store(store)
    version = shelf.version(ref)
    text, name = _about(version, about)
    if text is None:
        raise Misuse(f"{name} is not there; `gristmill card new {version.ref} > about.yaml` writes the questions")
    package = collect(version, documents_of(version, text, name))
    written = write_inside(shelf, package) if to is None else write_beside(package, to)
    where = here(version.folder) if to is None else to
    say({"folder": where, "written": written}, "\n".join(f"{where}/{path}" for path in written), as_json)


@card.command()
def publish(
    ctx: typer.Context,
    ref: RefArgument,
    to: Annotated[str, typer.Option(metavar="ADDRESS", help="hf://org/name, s3://bucket/prefix, or a folder.")],
    about: AboutOption = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository of the Hub private.")] = False,
    accept_secrets: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Why what looks like a secret may go; the reason is published too."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go and what stands against it.")] = False,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Publish a version to the Hugging Face Hub, to an fsspec address or to a folder, and read it back.

    Run it again after any trouble: what has arrived is not sent twice.
    """
    from .refusals import readiness

    if private and not to.startswith("hf://"):
        raise Misuse(f"--private is for repositories of the Hub; who may read {to} is decided there")
    if accept_secrets is not None and not accept_secrets.strip():
        raise Misuse("--accept-secrets is empty; write why they are none, such as 'keys of a test server that is gone'")
    version = open_store(store).version(ref)
    _can_be(to, version.kind)
    text, name = _about(version, about)
    instruments: Instruments = ctx.obj() if ctx.obj else Instruments()
    _tell(f"checking {version.ref}, {size(version.json['bytes'])}: every byte, and every text for secrets")
    ready = readiness(version, text, instruments, name, accept_secrets)
    if dry_run:
        _dry(version, to, private, ready, as_json)
        return
    if ready.refusals or ready.package is None:
        count = plural(len(ready.refusals), "reason")
        listed = "\n".join(f"  {one}" for one in ready.refusals)
        raise Refused(f"{version.ref} was not published, for {count}:\n{listed}")
    value, lines = _bring(to, ready.package, version, private)
    say({"ref": version.ref, **value}, "\n".join(lines), as_json)


def _about(version: DatasetVersion, given: Path | None) -> tuple[bytes | None, str]:
    """What about.yaml holds, and what to call it."""
    from .package import ABOUT

    if given is not None:
        try:
            return given.read_bytes(), str(given)
        except OSError as error:
            mend = f"`gristmill card new {version.ref} > about.yaml` writes the questions"
            raise Misuse(f"--about {given} cannot be read: {error.strerror or error}; {mend}") from error
    return (version.folder.read_bytes(ABOUT) if version.folder.exists(ABOUT) else None), ABOUT


def _can_be(to: str, kind: str) -> None:
    """Complain about an address that cannot be, before everything is looked through."""
    if to.startswith("hf://"):
        from .hub_plan import repository

        repository(to, kind)
    else:
        from .address import keeps

        keeps(to)


def _tell(said: str) -> None:
    typer.echo(visible(said), err=True)


def _bring(to: str, package: "Package", version: DatasetVersion, private: bool) -> tuple[dict[str, Any], list[str]]:
    if to.startswith("hf://"):
        from . import hub
        from .hub_plan import repository

        target = repository(to, version.kind)
        done = hub.publish(hub.hub_api(), target, package, private=private, tell=_tell)
        lines = [f"{version.ref} is at {done.url}, read back: {plural(len(package.items), 'file')}"]
        lines += [] if done.sent else ["nothing had to be sent: everything was there"]
        lines += _others(done.plan, version.ref)
        return {"url": done.url, "commit": done.commit, "sent": [item.path for item in done.sent]}, lines
    from . import address

    brought = address.publish(address.destination(to, package), package, _tell)
    count, before = plural(len(brought.sent), "file"), plural(len(brought.there), "file")
    lines = [f"{version.ref} is at {brought.address}, read back: {count} sent, {before} there before"]
    return {"address": brought.address, "sent": [item.path for item in brought.sent]}, lines


def _others(plan: "Plan", ref: str) -> list[str]:
    found = []
    if plan.tag is None and plan.before not in (None, ref):
        found.append(f"on the main branch it takes the place of {plan.before}, which stays behind its tag")
    if plan.replace:
        found.append(f"ours in place of what somebody else wrote: {', '.join(plan.replace)}")
    if plan.remove:
        found.append(f"no longer on the main branch: {', '.join(plan.remove)} (of {plan.before})")
    if plan.foreign:
        found.append(f"left as they are, since they are not of this version: {', '.join(plan.foreign)}")
    return found


def _dry(version: DatasetVersion, to: str, private: bool, ready: "Readiness", as_json: bool) -> None:
    """Print what would go, where, and everything that stands against it; exit code 1 if something does."""
    value: dict[str, Any] = {
        "ref": version.ref,
        "to": to,
        "files": [],
        "refusals": [vars(one) for one in ready.refusals],
    }
    lines: list[str] = []
    against = [str(one) for one in ready.refusals]
    if ready.package is not None:
        try:
            told, lines, there = _planned(to, ready.package, version, private)
            value |= told
        except OSError as error:
            against.append(str(error))
            value["refusals"].append({"place": to, "what": str(error), "mend": "see there"})
            there = frozenset()
        for item in ready.package.items:
            sent = item.path not in there
            value["files"].append({**item.json(), "sent": sent})
            lines.append(
                f"{'send ' if sent else 'there'}  {item.sha256[:12]}  {item.size:>15,}  {item.origin:<7}  {item.path}"
            )
        lines.append(
            f"{plural(len(ready.package.items), 'file')}, {size(ready.package.size)}; nothing was changed anywhere"
        )
        if ready.scanned and ready.scanned.binary:
            lines.append(f"without text, so not looked through for secrets: {', '.join(ready.scanned.binary)}")
    if against:
        lines += ["", f"would be refused, for {plural(len(against), 'reason')}:", *(f"  {one}" for one in against)]
    say(value, "\n".join(lines), as_json)
    if against:
        raise typer.Exit(1)


def _planned(
    to: str, package: "Package", version: DatasetVersion, private: bool
) -> tuple[dict[str, Any], list[str], frozenset[str]]:
    """The target as JSON and in words, and the paths that are there already."""
    if not to.startswith("hf://"):
        from . import address

        folder = address.destination(to, package)
        _, there = address.plan(folder, package)
        return {"address": str(folder)}, [f"to {folder}"], frozenset(item.path for item in there)
    from . import hub
    from .hub_calls import telling
    from .hub_plan import repository

    target = repository(to, version.kind)
    plan = hub.plan(hub.hub_api(), target, package, telling(_tell))
    if private and plan.private is False:
        raise FileExistsError(hub.public(target))
    state = "would be made" if plan.private is None else "is there, " + ("private" if plan.private else "public")
    seen = f"{state}{', private' if private and plan.private is None else ''}"
    tag = f"tag {version.version}{' is there, with these files' if plan.tag else ''}"
    lines = [f"to {target}, a {target.type} repository ({seen}), {tag}", *_others(plan, version.ref)]
    told = {"repository": target.name, "type": target.type, "tag": version.version, "tagged": plan.tag is not None}
    told |= {"remove": list(plan.remove), "replace": list(plan.replace), "foreign": list(plan.foreign)}
    return told, lines, frozenset(item.path for item in plan.there)
