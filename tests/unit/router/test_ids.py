from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from router.core.clock import epoch_ms
from router.core.ids import derived_id, id_source, id_time_ms, is_id

AT = datetime(2026, 11, 23, 9, 12, 45, 120000, tzinfo=UTC)


def test_an_id_is_a_version_7_uuid_that_carries_its_millisecond() -> None:
    made = id_source(lambda: AT)()

    parsed = uuid.UUID(made)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert id_time_ms(made) == epoch_ms(AT)


def test_ids_of_one_source_rise_also_within_a_millisecond_and_past_its_counter() -> None:
    new_id = id_source(lambda: AT)

    made = [new_id() for _ in range(0x1000 + 3)]

    assert made == sorted(set(made))
    assert id_time_ms(made[-1]) == epoch_ms(AT) + 1


def test_ids_do_not_go_back_when_the_clock_does() -> None:
    instants = iter([AT, AT - timedelta(seconds=5), AT + timedelta(seconds=1)])
    new_id = id_source(lambda: next(instants))

    made = [new_id() for _ in range(3)]

    assert made == sorted(made)
    assert id_time_ms(made[1]) == epoch_ms(AT)


def test_randomness_is_the_callers() -> None:
    first = id_source(lambda: AT, lambda count: b"\x01" * count)()
    again = id_source(lambda: AT, lambda count: b"\x01" * count)()
    other = id_source(lambda: AT, lambda count: b"\x02" * count)()

    assert first == again != other


def test_a_derived_id_is_the_same_each_time_and_keeps_the_time() -> None:
    origin = id_source(lambda: AT)()

    task = derived_id(origin, "big order", "0")

    assert task == derived_id(origin, "big order", "0")
    assert id_time_ms(task) == id_time_ms(origin)
    assert uuid.UUID(task).version == 7


def test_parts_are_kept_apart() -> None:
    origin = id_source(lambda: AT)()

    assert derived_id(origin, "ab", "c") != derived_id(origin, "a", "bc")
    assert derived_id(origin, "a") != derived_id(id_source(lambda: AT)(), "a")


@pytest.mark.parametrize(
    ("text", "can_be"),
    [
        ("01930000-0000-7000-8000-000000000000", True),
        ("0193000000007000800000000000000", False),
        ("01930000-0000-7000-8000-00000000000A", False),
        ("", False),
        ("x", False),
    ],
)
def test_only_the_written_form_is_an_id(text: str, can_be: bool) -> None:  # noqa: FBT001  a parameter
    assert is_id(text) is can_be
