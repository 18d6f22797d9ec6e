"""No proof: whoever knows the address can send. Only for what may come from anyone."""

from __future__ import annotations

from router.sources.preset import FORMS, JSON, NoProof, SourcePreset

PRESET = SourcePreset(
    name="none",
    title="Anyone",
    proof=NoProof(),
    docs="",
    certainty="verified",
    content_types=JSON | FORMS,
)
