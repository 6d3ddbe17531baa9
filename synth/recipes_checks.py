"""Recipes that look at rows without asking a model."""

from dataset_cards.versions.errors import BadRecipe
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .audited import Audited


def audit(rows: DatasetVersion, verifier: str | None = None) -> Step:
    """The verifiable rows whose answers can be checked; the others are left out, each with the reason.

    Args:
        rows: a version of verifiable rows.
        verifier: checks rows that name no verifier; see docs/verify.md for those there are.
    """
    if rows.kind != "verifiable":
        raise BadRecipe(f"{rows.ref} holds {rows.kind}; an audit is of verifiable rows")
    op = Audited(verifier=verifier, license=rows.json["license"], source=rows.json.get("source"))
    return Step("audit/audit", op, (rows,))
