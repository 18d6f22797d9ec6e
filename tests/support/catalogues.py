"""Senders and destination types for tests of the rules: few, and they do not change with releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rules.catalogues import Catalogues, Demands, SourceInfo, SourceProblem
from rules.names import SecretName

PRESETS = ("shopify", "github", "alertmanager", "task", "none")


class Retry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first: str = "5s"


class SecretHeader(BaseModel):
    model_config = ConfigDict(extra="forbid")

    secret: SecretName


class Crm(BaseModel):
    """A destination type with what configurations hold: choices, numbers, secrets, mappings."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["crm"]
    token: SecretName
    url: str = "https://crm.example"
    method: Literal["POST", "PUT"] = "POST"
    concurrency: int = Field(8, ge=1)
    headers: dict[str, SecretHeader | str] = Field(default_factory=dict)
    retry: Retry = Field(default_factory=Retry)
    demanding: bool = False
    default_assignee: str | None = None
    on_delete: Literal["leave"] = Field("leave", description="there is no call for it")


def _demands(config: Crm) -> Demands:
    if not config.demanding:
        return Demands()
    ids = frozenset({"assignees", "labels", "project", "status"})
    return Demands(ids, assignee=True, default_assignee=config.default_assignee)


def catalogues() -> Catalogues:
    return Catalogues(
        source_names=PRESETS,
        check_source=_check_source,
        source_info=_source_info,
        destinations={"crm": Crm},
        demands={"crm": _demands},
    )


def _check_source(source: Mapping[str, Any]) -> Sequence[SourceProblem]:
    if "preset" in source:
        if source["preset"] not in PRESETS:
            expected = f"one of {', '.join(PRESETS)}"
            return [SourceProblem(("preset",), "is not a preset", expected, PRESETS)]
        known = ("preset", "tolerance")
        return [
            SourceProblem((key,), "is not known here", " or ".join(known), known)
            for key in source
            if key not in known
        ]
    if "header" in source:
        return []
    known = ("preset", "header")
    message = "does not say how the sender proves itself"
    return [SourceProblem((), message, f"one of {', '.join(known)}", known)]


def _source_info(source: Mapping[str, Any]) -> SourceInfo:
    name = source.get("preset", "header")
    identified = name in {"shopify", "github"}
    key = "{{ event.delivery_id }}" if identified else None
    return SourceInfo(str(name), identified, key, needs_secret=name != "none")
