"""What is wrong with a connector's `source:`, for `rules check` to point at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError


@dataclass(frozen=True, slots=True)
class SourceIssue:
    """What is wrong with a `source:`; `path` leads from the mapping to the culprit.

    `known` lists what could have been meant, for a suggestion.
    """

    path: tuple[str | int, ...]
    message: str
    expected: str = ""
    known: tuple[str, ...] = ()


def issues_of(model: type[BaseModel], source: Mapping[str, Any]) -> list[SourceIssue]:
    """Return what is wrong with a mapping that should be of a form."""
    try:
        model.model_validate(source)
    except ValidationError as error:
        return [_issue(model, found) for found in error.errors(include_url=False)]
    return []


def _issue(model: type[BaseModel], found: Any) -> SourceIssue:
    path = tuple(step for step in found["loc"] if isinstance(step, str))
    in_list = len(path) < len(found["loc"])
    context = found.get("ctx", {})
    match found["type"]:
        case "extra_forbidden":
            known = tuple(_fields_at(model, path[:-1]))
            return SourceIssue(path, "is not known here", " or ".join(known), known)
        case "missing":
            return SourceIssue(path[:-1], f"{path[-1]} is missing", f"{path[-1]}: …")
        case "literal_error":
            known = tuple(re.findall(r"'([^']*)'", context["expected"]))
            message = "holds what is not" if in_list else "is not"
            return SourceIssue(path, f"{message} one of the choices", context["expected"], known)
        case "list_type":
            return SourceIssue(path, "is no list", "a list, also with one member")
        case "bool_type":
            return SourceIssue(path, "is not true or false", "true or false")
        case "value_error":
            message = f"holds what {context['error']}" if in_list else str(context["error"])
            return SourceIssue(path, message)
        case "greater_than":
            return SourceIssue(path, "is not more than nothing", "a span such as 10m")
        case _:
            return SourceIssue(path, found["msg"][0].lower() + found["msg"][1:])


def _fields_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Return the keys that a form knows at a path; on the way there every field is a form."""
    for step in path:
        inner: Any = model.model_fields[str(step)].annotation
        model = inner
    return list(model.model_fields)
