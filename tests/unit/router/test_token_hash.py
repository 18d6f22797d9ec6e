"""What is kept of a token: known again by nobody who has not the installation's key."""

from __future__ import annotations

import hashlib

from router.core.token_hash import digest_of, keyed

KEY = bytes(32)


def test_what_is_stored_is_made_with_the_key_of_the_tokens_sha_256() -> None:
    digest = hashlib.sha256(b"abc").digest()

    assert digest_of("abc") == digest_of(b"abc") == digest
    assert keyed(digest, KEY) == hashlib.blake2b(digest, key=KEY, digest_size=32).hexdigest()
    assert len({keyed(digest, key) for key in (KEY, b"x" * 32, None)}) == 3


def test_without_a_key_it_is_the_sha_256_as_before() -> None:
    stored = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    assert keyed(digest_of("abc"), None) == stored


def test_a_token_that_is_no_text_has_a_hash_too() -> None:
    assert digest_of("\udcff") != digest_of("?")
