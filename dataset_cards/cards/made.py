"""What a version holds and how it was made: lengths, languages, sources, columns, recipe, software."""

import json
from collections.abc import Mapping
from typing import Any

from .account import facts, held_against, made_from, title
from .charts import bars, histogram
from .page import code, folded, line, passage, table
from .plain import one_line

LONGEST_RECIPE = 60_000  # characters of JSON; version.json has it whole


def inside(version: Mapping[str, Any]) -> str:
    drawn = ""
    lengths = (facts(version).get("text") or {}).get("lengths") or {}
    if lengths.get("counts"):
        chart = histogram("Length in characters", lengths["edges"], lengths["counts"])
        drawn += (
            f'<div class="grid"><figure><figcaption><h3>Length in characters</h3></figcaption>{chart}</figure></div>'
        )
    for caption, counts in (
        ("Languages", version.get("languages")),
        ("Licences", facts(version).get("licenses")),
        ("Sources", facts(version).get("sources")),
    ):
        if counts:
            heading = caption.lower().removesuffix("s")
            drawn += bars(caption, counts, heading=heading, rows=int(version.get("rows") or 0))
    if schema := version.get("schema"):
        rows = [(code(column["name"]), code(column["type"], 400)) for column in schema[:200]]
        drawn += table("Columns", ("column", "type"), rows)
    return drawn


def recipe(version: Mapping[str, Any]) -> str:
    made_by = version.get("recipe") or {}
    drawn = ""
    if made_by.get("parameters"):
        rows = [
            (code(key), code(json.dumps(value, ensure_ascii=False), 400))
            for key, value in made_by["parameters"].items()
        ]
        drawn += table(
            f"Parameters of {one_line(made_by.get('function') or made_by.get('name'))}", ("name", "value"), rows
        )
    for step in made_by.get("steps") or []:
        text = json.dumps(step.get("fields"), indent=2, ensure_ascii=False)
        if len(text) > LONGEST_RECIPE // len(made_by["steps"]):
            text = text[: LONGEST_RECIPE // len(made_by["steps"])] + "\n\u2026 version.json has it whole"
        said = f"{line(step.get('op', ''))} {line(step.get('fingerprint', ''))}"
        drawn += folded(f"{code(step.get('name', ''))} <small>{said}</small>", passage(text))
    for caption, parents in (("Made from", made_from(version)), ("Held against", held_against(version))):
        if parents:
            rows = [(code(title(one)), code(one.get("digest", ""))) for one in parents]
            drawn += table(caption, ("version", "digest"), rows)
    environment = version.get("environment") or {}
    made = [("gristmill", version.get("gristmill")), ("python", environment.get("python"))]
    made += [("platform", environment.get("platform")), *sorted((environment.get("packages") or {}).items())]
    drawn += table("Made with", ("software", "version"), [(code(key), code(value)) for key, value in made if value])
    if version.get("source"):
        drawn += f"<p>Source: {line(version['source'], 2000)}</p>"
    if version.get("digest"):
        drawn += f"<p>Digest: {code(version['digest'])}</p>"
    return drawn + f"<p>Check every byte with {code('gristmill verify ' + title(version))}.</p>"
