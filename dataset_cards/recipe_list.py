"""Recipes as a person or a program reads them: what they make, and what they take."""

import inspect
from collections.abc import Mapping
from typing import Any

from . import terminal
from .versions.recipe import Recipe


def described(found: Mapping[str, Recipe], *, in_full: bool) -> tuple[dict[str, Any], str]:
    """The recipes as JSON and as text.

    Args:
        in_full: all that a recipe says about itself, with its parameters; else one line each.
    """
    values: dict[str, Any] = {
        one: {
            "what": recipe.summary(),
            "parameters": {
                key: {"write": parameter.usage(), "default": parameter.default_text(), "needed": parameter.needed}
                for key, parameter in recipe.parameters().items()
            },
        }
        for one, recipe in sorted(found.items())
    }
    if not in_full:
        listed = terminal.table(("recipe", "what it makes"), [(one, value["what"]) for one, value in values.items()])
        return values, f"{listed}\n\n`gristmill recipes RECIPE` shows the parameters of one"
    texts = []
    for one, value in values.items():
        rows = [(parameter["write"], parameter["default"]) for parameter in value["parameters"].values()]
        texts.append(f"{inspect.getdoc(found[one].function) or ''}\n\n{terminal.table(('-p', 'default'), rows)}")
    return values, "\n\n".join(texts)
