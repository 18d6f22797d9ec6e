"""Bodies that are made to have a checksum: what a CRC-32 does not protect against."""

from __future__ import annotations

import zlib

_BITS = 32
_FILLER = b"`" * 10
"""Letters whose last four bits may be anything: they are letters all the same."""


def forged(before: bytes, after: bytes, checksum: int) -> bytes:
    """Return `before` and `after` with ten letters between, of a given CRC-32.

    A CRC is linear: what each bit of the filling changes is known, so the rest is a system of 32
    equations.
    """
    plain = zlib.crc32(before + _FILLER + after)
    effects = []
    for place in range(len(_FILLER)):
        for bit in range(4):
            letters = bytearray(_FILLER)
            letters[place] ^= 1 << bit
            effects.append((zlib.crc32(before + bytes(letters) + after) ^ plain, (place, bit)))
    chosen = _solve([effect for effect, _ in effects], plain ^ checksum)
    letters = bytearray(_FILLER)
    for number in chosen:
        place, bit = effects[number][1]
        letters[place] ^= 1 << bit
    return before + bytes(letters) + after


def _solve(effects: list[int], wanted: int) -> list[int]:
    """Return which effects make the wanted one together (by exclusive or)."""
    basis: dict[int, tuple[int, int]] = {}
    for number, effect in enumerate(effects):
        made_of = 1 << number
        while effect:
            top = effect.bit_length()
            if top not in basis:
                basis[top] = (effect, made_of)
                break
            effect, made_of = effect ^ basis[top][0], made_of ^ basis[top][1]  # noqa: PLW2901  reduced step by step
    assert len(basis) == _BITS
    chosen = 0
    while wanted:
        effect, made_of = basis[wanted.bit_length()]
        wanted, chosen = wanted ^ effect, chosen ^ made_of
    return [number for number in range(len(effects)) if chosen >> number & 1]
