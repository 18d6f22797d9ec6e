"""What may be written beside `preset:` in a connector's `source:`."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import model_validator

from router.sources.fields import Form, HeaderName, Tolerance, Word
from router.sources.preset import Certified, Hmac, InBody, PublicKey, SharedSecret, SourcePreset

_TIMED = Hmac | InBody | PublicKey
"""Proofs that may hold a time."""


class PlainOptions(Form):
    """A preset without options."""

    preset: str

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset as it is."""
        return preset


class TimedOptions(PlainOptions):
    """A preset whose sender signs a time."""

    tolerance: Tolerance | None = None

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset with the tolerance that was asked for."""
        if self.tolerance is None or not isinstance(preset.proof, _TIMED):
            return preset
        tolerance_s = self.tolerance.total_seconds()
        return replace(preset, proof=replace(preset.proof, tolerance_s=tolerance_s))


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

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset with the secret in the place that was asked for."""
        if self.header is not None:
            return replace(preset, proof=SharedSecret(header=self.header))
        if self.query is not None:
            return replace(preset, proof=SharedSecret(query=self.query))
        if self.basic is not None:
            return replace(preset, proof=SharedSecret(basic=True, user=self.basic))
        return preset


class CertifiedOptions(PlainOptions):
    """A preset whose sender signs with the key of a certificate."""

    tolerance: Tolerance | None = None
    certificates: str | None = None

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset with the tolerance and the file of certificates that were asked for."""
        proof = preset.proof
        assert isinstance(proof, Certified)  # noqa: S101  only such presets have these options
        tolerance_s = self.tolerance.total_seconds() if self.tolerance else proof.tolerance_s
        return replace(
            preset, proof=replace(proof, tolerance_s=tolerance_s, file=self.certificates)
        )


def options_of(preset: SourcePreset) -> type[PlainOptions]:
    """Return the model of what may be written beside `preset:`."""
    if preset.options is not None:
        return preset.options
    proof = preset.proof
    if isinstance(proof, SharedSecret):
        return SharedOptions
    if isinstance(proof, _TIMED) and proof.tolerance_s is not None:
        return TimedOptions
    return PlainOptions
