"""Reading what a request that changes something brings: its body by a model, its version, its keys."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from typing import Any, Final, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from router.core.by_hand import Mistake
from router.web import problems
from router.web.api.endpoint import body_of, not_valid
from router.web.api.models import Task
from router.web.problems import ProblemError

M = TypeVar("M", bound=BaseModel)

MAX_BODY: Final = 1024 * 1024
JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
MAX_KEY: Final = 255

_ETAG = re.compile(r'(W/)?"([^"]*)"')
_CODES: Final = {
    "missing": "missing",
    "literal_error": "not-a-choice",
    "string_too_long": "too-long",
    "too_long": "too-long",
}
_MOST_NAMED: Final = 64


async def read_body(
    request: web.Request,
    model: type[M],
    types: Collection[str] = (JSON,),
    *,
    needed: bool = False,
) -> M:
    """Return a request's body as a model; no body is an empty one, unless one is needed.

    Raises:
        ProblemError: It is none: everything that is wrong with it, each with its field's name.
    """
    typed = request.body_exists and hdrs.CONTENT_TYPE in request.headers
    if typed and request.content_type not in types:
        raise ProblemError(problems.UNSUPPORTED_TYPE, f"{' or '.join(types)} is taken")
    value = await body_of(request, MAX_BODY, needed=needed)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise not_valid([_mistake(one, model) for one in found]) from None


def given_of(model: BaseModel) -> dict[str, Any]:
    """Return the fields that a request named, null ones too."""
    return model.model_dump(exclude_unset=True)


def _mistake(error: Any, model: type[BaseModel]) -> Mistake:
    names = [_named(part) for part in error["loc"] if part != "__root__"]
    field = ".".join(names) or "body"
    if error["type"] != "extra_forbidden":
        code = _CODES.get(error["type"], "wrong-type")
        return Mistake(field, code, f"{field}: {error['msg']}")
    top = len(names) == 1
    if (top and names[0] in Task.model_fields) or names == ["history"]:
        return Mistake(field, "read-only", f"{field} cannot be set here")
    near = difflib.get_close_matches(names[-1], model.model_fields, 1) if top else []
    hint = f"; did you mean {near[0]}?" if near else ""
    return Mistake(field, "unknown-field", f"{field} is not known{hint}")


def _named(part: str | int) -> str:
    """Return a part of a place: a client's own key may be of any length."""
    words = str(part).encode("utf-8", "replace").decode()
    return words if len(words) <= _MOST_NAMED else f"{words[:_MOST_NAMED]}…"


def etag(version: int) -> str:
    """Return the ETag of a version."""
    return f'"{version}"'


def versions_of(request: web.Request) -> frozenset[int] | None:
    """Return the versions that `If-Match` names; None where any will do.

    Weak tags and others than ours match nothing, as RFC 9110 has it.
    """
    values = request.headers.getall(hdrs.IF_MATCH, [])
    if not values or any(value.strip() == "*" for value in values):
        return None
    tags = _ETAG.findall(", ".join(values))
    return frozenset(
        int(tag) for weak, tag in tags if not weak and re.fullmatch("[0-9]{1,10}", tag)
    )


def idempotency_key(request: web.Request) -> str | None:
    """Return the `Idempotency-Key` of a request.

    Raises:
        ProblemError: It is blank or too long.
    """
    value = request.headers.get("Idempotency-Key")
    if value is None:
        return None
    if not value.strip() or len(value) > MAX_KEY or not value.isprintable():
        message = f"Idempotency-Key has 1 to {MAX_KEY} printable characters"
        raise not_valid([Mistake("Idempotency-Key", "not-a-key", message)])
    return value.encode("utf-8", "replace").decode()


def no_query(request: web.Request) -> None:
    """Refuse a query where there is nothing to ask for."""
    for name in request.query:
        raise ProblemError(problems.BAD_FILTER, f"{name[:_MOST_NAMED]} is not known here")
