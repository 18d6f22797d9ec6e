"""What may be written beside `preset:` in a connector's `source:`."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import model_validator

from router.sources.fields import Form, HeaderName, Tolerance, Word
from router.sources.preset import Hmac, Proof, SharedSecret, SourcePreset


class PlainOptions(Form):
    """A preset without options."""

    preset: str

    def applied(self, proof: Proof) -> Proof:
        """Return the preset's own proof."""
        return proof


class TimedOptions(PlainOptions):
    """A preset whose sender signs a time."""

    tolerance: Tolerance | None = None

    def applied(self, proof: Proof) -> Proof:
        """Return the proof with the tolerance that was asked for."""
        if self.tolerance is None or not isinstance(proof, Hmac):
            return proof
        return replace(proof, tolerance_s=self.tolerance.total_seconds())


class SharedOptions(PlainOptions):
    """A preset whose sender shows a secret: at most one place other than the usual ones."""

    header: HeaderName | None = None
    basic: Word | None = None
    query: Word | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.header, self.basic, self.query)) > 1:
            raise ValueError("says more than one of header, basic and query")
        return self

    def applied(self, proof: Proof) -> Proof:
        """Return the proof with the secret in the place that was asked for."""
        if self.header is not None:
            return SharedSecret(header=self.header)
        if self.query is not None:
            return SharedSecret(query=self.query)
        if self.basic is not None:
            return SharedSecret(basic=True, user=self.basic)
        return proof


def options_of(preset: SourcePreset) -> type[PlainOptions]:
    """Return the model of what may be written beside `preset:`."""
    proof = preset.proof
    if isinstance(proof, SharedSecret):
        return SharedOptions
    if isinstance(proof, Hmac) and proof.tolerance_s is not None:
        return TimedOptions
    return PlainOptions
