"""The JSON Schemas of rule files, for editors: made from the models that check them.

A schema sees the shape of a file; what its names and templates mean only `rules check` sees. They
are of draft 2020-12 (https://json-schema.org/draft/2020-12).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from rules.catalogues import Catalogues
from rules.model_types import PART
from rules.models import ConnectorModel, DedupeModel, DestinationsModel, DirectoryModel
from rules.schema_parts import Schema, parts

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "connector": ConnectorModel,
    "destinations": DestinationsModel,
    "directory": DirectoryModel,
}
_TITLES: Final = {
    "connector": "A connector of Hookyard",
    "destinations": "Destinations of Hookyard",
    "directory": "The directory of Hookyard",
}
_NAMED: Final = frozenset({"properties", "$defs", "definitions"})
"""Keys whose mappings hold names of the file format, which may look like keywords."""


def schemas(catalogues: Catalogues) -> dict[str, Schema]:
    """Return the schema of each kind of file."""
    return {kind: _schema(kind, catalogues) for kind in _MODELS}


def files(catalogues: Catalogues) -> dict[str, str]:
    """Return the schemas as texts, by the names of their files."""
    return {
        f"{kind}.schema.json": f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n"
        for kind, schema in schemas(catalogues).items()
    }


def _schema(kind: str, catalogues: Catalogues) -> Schema:
    made = _Maker(catalogues)
    body = made.model(_MODELS[kind])
    if kind == "connector":
        body["allOf"] = _secrets(catalogues)
    return {
        "$schema": DRAFT,
        "title": _TITLES[kind],
        **{key: value for key, value in body.items() if key != "title"},
        "$defs": dict(sorted(made.definitions.items())),
    }


def _secrets(catalogues: Catalogues) -> list[Schema]:
    """Return which sources need the name of a secret, and which have no use for one."""
    names = catalogues.source_names
    open_ones = [n for n in names if not catalogues.source_info({"preset": n}).needs_secret]
    by_preset = {
        "type": "object",
        "properties": {"preset": {"enum": open_ones}},
        "required": ["preset"],
    }
    is_open = {"properties": {"source": {"anyOf": [{"enum": open_ones}, by_preset]}}}
    return [
        {
            "if": is_open,
            "then": {"properties": {"secrets": {"maxItems": 0}}},
            "else": {"required": ["secrets"], "properties": {"secrets": {"minItems": 1}}},
        }
    ]


class _Maker:
    """Gathers definitions while it rewrites what pydantic says of the models."""

    def __init__(self, catalogues: Catalogues) -> None:
        self._parts = {
            **parts(catalogues),
            "dedupe": lambda: {"anyOf": [{"const": "off"}, self.model(DedupeModel)]},
        }
        self.definitions: dict[str, Schema] = {}

    def model(self, model: type[BaseModel]) -> Schema:
        return self._whole(model.model_json_schema(ref_template="#/$defs/{model}"))

    def _whole(self, schema: Schema) -> Schema:
        """Return a schema that pydantic made, its definitions gathered."""
        inner = dict(schema)
        own = inner.pop("$defs", {})
        for name, definition in own.items():
            if name not in self.definitions:
                self.definitions[name] = {}
                self.definitions[name] = self._tidy(definition)
        tidied: Schema = self._tidy(inner)
        return tidied

    def _tidy(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._tidy(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$defs" in node:
            return self._whole(node)
        if PART in node:
            node = {"$ref": f"#/$defs/{node[PART]}", **{k: v for k, v in node.items() if k != PART}}
        if "$ref" in node:
            return self._reference(node)
        return dict(self._tidied(node))

    def _reference(self, node: Schema) -> Schema:
        self._need(str(node["$ref"]).rpartition("/")[2])
        return {key: node[key] for key in ("description", "$ref") if key in node}

    def _need(self, name: str) -> None:
        if name in self._parts and name not in self.definitions:
            self.definitions[name] = {}
            make: Callable[[], Schema] = self._parts[name]
            self.definitions[name] = self._tidy(make())

    def _tidied(self, node: Schema) -> Iterator[tuple[str, Any]]:
        for key, value in node.items():
            if key in _NAMED and isinstance(value, dict):
                yield key, {name: self._tidy(inner) for name, inner in value.items()}
            elif key == "title" or (key == "default" and not _is_written_so(value, node)):
                continue  # names in another case, and figures in units that the file does not use
            else:
                yield key, self._tidy(value)


def _is_written_so(value: Any, node: Schema) -> bool:
    """Tell whether a default is a text that a file could hold, not one in pydantic's own units."""
    return isinstance(value, str) and re.search(node.get("pattern", ""), value) is not None
