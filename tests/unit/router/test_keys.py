from __future__ import annotations

from router.core import keys


def test_every_key_begins_with_the_versioned_prefix() -> None:
    fixed = [keys.QUEUE, keys.PENDING, keys.PENDING_EVENTS, keys.INTAKE_TABLE, keys.NUDGE]
    made = [keys.batch("b"), keys.lease("b"), keys.worker("w"), keys.outcomes("r"), keys.rate("c")]

    assert all(key.startswith("hookyard:v1:") for key in [*fixed, *made])


def test_no_two_keys_are_one() -> None:
    made = [keys.batch("x"), keys.lease("x"), keys.worker("x"), keys.outcomes("x"), keys.rate("x")]
    fixed = [keys.QUEUE, keys.PENDING, keys.PENDING_EVENTS, keys.INTAKE_TABLE, keys.NUDGE]

    assert len(set(made + fixed)) == len(made + fixed)
