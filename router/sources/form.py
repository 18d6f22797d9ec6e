"""Forms on web pages: what browsers send, proven by nothing.

https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#form-submission-2

Anybody may fill in a form, so there is no secret. What keeps machines out is where the page is from,
a field that people do not see, and the connector's limits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from router.sources.fields import Origin, WebAddress
from router.sources.options import PlainOptions
from router.sources.preset import FORMS, JSON, Answer, NoProof, Origins, SourcePreset


class _Options(PlainOptions):
    """What may stand beside `preset: form`."""

    origins: Annotated[list[Origin], Field(min_length=1)] | None = None
    honeypot: Annotated[str, Field(pattern=r"\S")] | None = None
    then: WebAddress | None = None

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset with what keeps machines out, and with where people are sent."""
        if self.origins is not None:
            preset = replace(preset, proof=Origins(tuple(dict.fromkeys(self.origins))))
        if self.then is not None:
            preset = replace(preset, answer=Answer(303, headers={"Location": self.then}))
        return replace(preset, honeypot=self.honeypot)


PRESET = SourcePreset(
    name="form",
    title="Forms on web pages",
    proof=NoProof(),
    docs="https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#form-submission-2",
    certainty="documented",
    dedupe_why="Browsers number nothing: nothing is a duplicate, not even what somebody sends twice by a double click.",
    retries="A browser never tries again; people press the button again.",
    waits="as long as people do",
    setup=(
        'Let the form post to the address of the connector: <form method="post" action="…">; add enctype="multipart/form-data" if files go with it.',
        "Put a field into it that people do not see, name it as honeypot, and never fill it in.",
        "Name the sites that the page is on as origins, and the page that people see afterwards as then.",
    ),
    content_types=JSON | FORMS,
    remark="needs no secret: whoever knows the address can send",
    options=_Options,
)
