"""No proof: whoever knows the address can send. Only for what may come from anyone."""

from __future__ import annotations

from router.sources.preset import FORMS, JSON, NoProof, SourcePreset

PRESET = SourcePreset(
    name="none",
    title="Anyone",
    proof=NoProof(),
    docs="",
    certainty="verified",
    dedupe_why="Nothing is known that would tell a repeated request from a new one.",
    retries="not known",
    waits="not known",
    setup=("Nothing to set up: send JSON or a form to the address of the connector.",),
    content_types=JSON | FORMS,
)
