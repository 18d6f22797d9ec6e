"""What all answers have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Shown(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(extra="forbid")


class Reason(Shown):
    """Why a copy is as it is."""

    code: str
    message: str
