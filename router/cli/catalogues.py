"""Tells `rules` which senders and destination types there are: it may not import those rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from router.sources import registry
from router.sources.generic import GENERIC
from router.sources.options import options_of
from rules.catalogues import Catalogues, SourceInfo, SourceProblem
from rules.schema_parts import Schema, choice
from workers.destinations import REGISTRY


def catalogues() -> Catalogues:
    """Return the senders and destination types of this release."""
    return Catalogues(
        source_names=registry.SOURCE_NAMES,
        check_source=_check_source,
        source_info=_source_info,
        destinations={destination.name: destination.config for destination in REGISTRY},
        source_schema=_source_schema(),
        demands={destination.name: destination.demands for destination in REGISTRY},
    )


def _check_source(source: Mapping[str, Any]) -> Sequence[SourceProblem]:
    return [
        SourceProblem(issue.path, issue.message, issue.expected, issue.known)
        for issue in registry.check_source(source)
    ]


def _source_info(source: Mapping[str, Any]) -> SourceInfo:
    info = registry.source_info(source)
    return SourceInfo(
        info.name,
        info.delivery_id,
        info.dedupe_key,
        info.needs_secret,
        info.signs_url,
        info.shows_secret,
        info.remark,
    )


def _source_schema() -> Schema:
    presets = {preset.name: options_of(preset).model_json_schema() for preset in registry.REGISTRY}
    forms = {name: form.model_json_schema() for name, form in GENERIC.items()}
    forms["preset"] = choice("preset", presets)
    alone = [name for name, schema in presets.items() if len(schema.get("required", ())) <= 1]
    return {
        "description": "a preset's name, a mapping, or none",
        "anyOf": [
            {"enum": alone},
            {"type": "object", "anyOf": [{"required": [name]} for name in forms]},
        ],
        "allOf": [
            {"if": {"type": "object", "required": [name]}, "then": form}
            for name, form in forms.items()
        ],
    }
