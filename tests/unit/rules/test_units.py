from __future__ import annotations

import pytest

from rules.units import rate_per_ms, size_bytes, span_ms


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("250ms", 250),
        ("5s", 5_000),
        ("90m", 5_400_000),
        ("48h", 172_800_000),
        ("7d", 604_800_000),
        ("2w", 1_209_600_000),
        (" 10 s ", 10_000),
        ("0s", 0),
    ],
)
def test_spans_are_a_number_and_a_unit(text: str, milliseconds: int) -> None:
    assert span_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "5 days", "5S", "-5s", "1.5h", "5s5", "\u0665s", "1y"]
)
def test_what_is_no_span_is_none(text: str) -> None:
    assert span_ms(text) is None


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50/s", (50, 1_000)),
        ("10/5s", (10, 5_000)),
        ("1/30h", (1, 108_000_000)),
        ("1 / 2 m", (1, 120_000)),
        ("3/ms", (3, 1)),
    ],
)
def test_rates_are_a_number_in_a_span(text: str, rate: tuple[int, int]) -> None:
    assert rate_per_ms(text) == rate


@pytest.mark.parametrize(
    "text", ["", "50", "50/", "/s", "50/sec", "50s", "1.5/s", "50/s/s", "-1/s"]
)
def test_what_is_no_rate_is_none(text: str) -> None:
    assert rate_per_ms(text) is None


@pytest.mark.parametrize(
    ("text", "size"), [("1B", 1), ("64KiB", 65_536), ("1MiB", 1_048_576), (" 2 MiB ", 2_097_152)]
)
def test_sizes_are_a_number_and_a_unit(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "1", "1MB", "1kib", "1GiB", "-1B", "1.5MiB", "MiB"])
def test_what_is_no_size_is_none(text: str) -> None:
    assert size_bytes(text) is None
