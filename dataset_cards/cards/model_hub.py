"""The front matter of a model's card: what the Hugging Face Hub reads before anything else."""

import re
from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from .account import facts
from .hub import hub_license
from .model_account import measures, training
from .plain import one_line

_TRL = ("sft", "reward", "dpo", "kto", "grpo", "distill")


def front_matter(version: Mapping[str, Any]) -> str:
    """YAML between two lines of dashes, without the dashes.

    The Hub takes only ids of its own form under `datasets` and `base_model`, where name@version is refused: there
    stands name-version. Exact names, roles and digests stand under `gristmill`.
    """
    run = training(version)
    inputs = run.get("inputs") or []
    license_id, license_name = hub_license(version.get("license") or "unknown")
    stage = [one_line(run["stage"], 40)] if run else []
    tags = ["gristmill", *stage, *(["trl"] if stage and stage[0] in _TRL else [])]
    optional: dict[str, Any] = {
        "license_name": license_name,
        "base_model": _one([hub_id(one["ref"]) for one in inputs if one["role"] == "model"]),
        "datasets": list(
            dict.fromkeys(found for one in inputs if one["kind"] != "model" and (found := hub_id(one["ref"])))
        ),
        "gristmill": {
            "version": f"{version['name']}@{version['version']}",
            "digest": str(version.get("digest", "")),
            "ate": [{key: str(one[key]) for key in ("role", "ref", "digest")} for one in inputs],
        },
    }
    name = hub_id(f"{version['name']}@{version['version']}") or "model"
    if results := _results(version):
        optional |= {"eval_results": results, "model_name": name}
    card = ModelCardData(
        library_name="peft" if adapter(version) else "transformers",
        pipeline_tag="text-classification" if scorer(version) else "text-generation",
        license=license_id,
        tags=tags,
        **{key: value for key, value in optional.items() if value},
    )
    return str(card.to_yaml())


def scorer(version: Mapping[str, Any]) -> bool:
    """Whether the model gives scores instead of text."""
    kinds = (facts(version).get("model") or {}).get("architectures") or []
    return training(version).get("stage") == "reward" or any("SequenceClassification" in str(one) for one in kinds)


def adapter(version: Mapping[str, Any]) -> bool:
    """Whether the weights are an adapter that needs its base model."""
    return any(file["path"] == "adapter_config.json" for file in version.get("files") or [])


def hub_id(ref: str) -> str | None:
    """`name@version` in a form the Hub takes as an id; None if there is none."""
    plain = re.sub(r"[^\w.-]|_{2,}", "-", ref.replace("@", "-"), flags=re.ASCII)
    plain = re.sub(r"-{2,}", "-", re.sub(r"\.{2,}", ".", plain)).strip("-.")[:96].strip("-.")
    try:
        validate_repo_id(plain)
    except HFValidationError:
        return None
    return plain


def _one(found: list[str | None]) -> str | None:
    return found[0] if found else None


def _results(version: Mapping[str, Any]) -> list[EvalResult]:
    """The measures of the trained model, where the rows they are on have a name."""
    inputs = {one["role"]: one for one in training(version).get("inputs") or []}
    rows = inputs.get("held_out") or inputs.get("data")
    where = hub_id(rows["ref"]) if rows else None
    if rows is None or where is None:
        return []
    return [
        EvalResult(
            task_type="text-classification" if scorer(version) else "text-generation",
            dataset_type=where,
            dataset_name=f"{one_line(rows['ref'])} ({one['rows']} held-out rows)",
            metric_type=re.sub(r"[^a-z0-9]+", "_", str(one["name"]).lower()).strip("_") or "measure",
            metric_name=f"{one_line(one['name'], 80)} ({one_line(one['unit'], 40)})",
            metric_value=one["after"][0],
        )
        for one in measures(version)
    ]
