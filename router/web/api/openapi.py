"""`/openapi.json` (OpenAPI 3.1): made of the routes, of what describes them, and of the models."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from router.web import problems
from router.web.api import models
from router.web.api.described import (
    DESCRIBED,
    HEADERS,
    PARAMETERS,
    SHOWN,
    SHOWN_WITH,
    STATUS_OF,
    Described,
)
from router.web.api.endpoint import Act, Change, Read
from router.web.api.routes import ACTIONS, CHANGES, ENDPOINTS, PREFIX
from router.web.problems import CONTENT_TYPE, Problem

_SCHEMAS: Final = "#/components/schemas/"
_ANYTHING: Final = Described("Other", None)
_ALWAYS: Final = (
    problems.TOKEN_MISSING,
    problems.TOKEN_INVALID,
    problems.SCOPE_MISSING,
    problems.UNAVAILABLE,
)
_WITH_BODY: Final = (
    problems.UNPARSEABLE,
    problems.BAD_BODY,
    problems.TOO_LARGE,
    problems.UNSUPPORTED_TYPE,
    problems.NOT_VALID,
)


class Operation(NamedTuple):
    """A method of an address, its scope and its handler."""

    method: str
    path: str
    scope: str
    handler: Read | Act | Change

    @property
    def described(self) -> Described:
        """What is said of it."""
        return DESCRIBED.get((self.method, self.path), _ANYTHING)

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return inspect.getdoc(self.handler) or ""


def operations() -> Iterator[Operation]:
    """Yield everything that the API can do, in the order of its addresses."""
    for path, scope, read in ENDPOINTS:
        yield Operation("GET", path, scope, read)
        for method, changed, wanted, change in CHANGES:
            if changed == path:
                yield Operation(method, path, wanted, change)
    read_at = {path for path, _, _ in ENDPOINTS}
    for method, path, scope, change in CHANGES:
        if path not in read_at:
            yield Operation(method, path, scope, change)
    for path, scope, act in ACTIONS:
        yield Operation("POST", path, scope, act)


def document(base_url: str) -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    shown: dict[str, type[BaseModel]] = {"Problem": models.Problem}
    for one in operations():
        paths.setdefault(PREFIX + one.path, {})[one.method.lower()] = _operation(one)
        for model in (one.described.answer, one.described.body):
            if model is not None:
                shown[model.__name__] = model
    pairs = [(model, "validation") for model in shown.values()]
    _, schemas = models_json_schema(pairs, ref_template=_SCHEMAS + "{model}")  # type: ignore[arg-type]  # the word is one of its modes
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hookyard",
            "version": "1",
            "description": "Tasks that came of webhooks, and what came of them.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "made by `hookyard keys create NAME --scope …`",
                }
            },
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    described = one.described
    found: dict[str, Any] = {
        "operationId": _id_of(one),
        "tags": [described.tag],
        "summary": one.summary.partition("\n")[0],
        "description": f"Needs the scope `{one.scope}`.",
        "parameters": list(_parameters(one)),
        "responses": _answers(one),
    }
    if described.body is not None:
        schema = {"$ref": _SCHEMAS + described.body.__name__}
        found["requestBody"] = {
            "required": described.needs_body,
            "content": {kind: {"schema": schema} for kind in described.types},
        }
    return found


def _id_of(one: Operation) -> str:
    words = one.path.replace("{id}", "one").replace("-", "_").strip("/").split("/")
    return "_".join((one.method.lower(), *words))


def _parameters(one: Operation) -> Iterator[dict[str, Any]]:
    described = one.described
    for part in one.path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}")
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    listing = ("limit", "cursor") if described.lists else ()
    for name in (*described.query, *listing):
        schema = dict(PARAMETERS[name])
        if name == "status":
            schema = dict(STATUS_OF.get(one.path, schema))
        about = schema.pop("description", None)
        yield {
            "name": name,
            "in": "query",
            **({"description": about} if about else {}),
            "schema": schema,
        }
    for name in described.headers:
        schema = dict(HEADERS[name])
        yield {
            "name": name,
            "in": "header",
            "description": schema.pop("description"),
            "schema": schema,
        }


def _answers(one: Operation) -> dict[str, Any]:
    described = one.described
    found: dict[str, Any] = {}
    for status in (described.status, *described.also):
        found[str(status)] = {
            "description": _WORDS[status],
            **_headers(described.shows),
            **_content(described),
        }
    by_status: dict[int, list[Problem]] = {}
    for problem in _problems(one):
        by_status.setdefault(problem.status, []).append(problem)
    for status, its in sorted(by_status.items()):
        found[str(status)] = {
            "description": "; ".join(f"`{problem.code}`: {problem.title}" for problem in its),
            **_headers(SHOWN_WITH.get(status, ())),
            "content": {CONTENT_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}}},
        }
    return found


_WORDS: Final = {200: "Done", 201: "Made", 202: "It will be done", 204: "Done"}


def _headers(names: Collection[str]) -> dict[str, Any]:
    if not names:
        return {}
    found = {}
    for name in names:
        about, pattern = SHOWN[name]
        schema = {"type": "string", "pattern": pattern}
        found[name] = {"description": about, "required": True, "schema": schema}
    return {"headers": found}


def _content(described: Described) -> dict[str, Any]:
    if described.answer is None:
        return {}
    schema: dict[str, Any] = {"$ref": _SCHEMAS + described.answer.__name__}
    if described.lists:
        schema = {
            "type": "object",
            "required": ["data", "next_cursor"],
            "additionalProperties": False,
            "properties": {
                "data": {"type": "array", "items": schema},
                "next_cursor": {"type": ["string", "null"]},
            },
        }
    return {"content": {"application/json": {"schema": schema}}}


def _problems(one: Operation) -> Iterator[Problem]:
    described = one.described
    yield from _ALWAYS
    if "{" in one.path:
        yield problems.NOT_FOUND
    # What is not known in a query is refused, so that no misspelt filter shows everything.
    if described.lists or described.query or one.method != "GET":
        yield problems.BAD_FILTER
    if described.lists:
        yield problems.BAD_CURSOR
    if described.body is not None:
        yield from _WITH_BODY
    yield from described.problems
