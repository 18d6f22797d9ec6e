"""Why a request was not done (RFC 9457)."""

from __future__ import annotations

from pydantic import BaseModel, Field


class FieldProblem(BaseModel):
    """Something that is wrong with a field; `pointer` (RFC 6901) leads to it in the body."""

    field: str
    pointer: str | None = None
    code: str
    message: str


class Problem(BaseModel):
    """Why a request was not done (RFC 9457); rely on `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[FieldProblem] | None = None
    version: int | None = Field(None, description="what it is now, with `version-mismatch`")
