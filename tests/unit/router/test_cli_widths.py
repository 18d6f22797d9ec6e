"""Tables on a terminal: whole words where there is room, and never wider than it is."""

from __future__ import annotations

import re
import shutil
import sys
from os import terminal_size

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from router.cli.output import table
from router.cli.widths import GAP, widths

AT = "2026-11-25 23:26:49Z"
ID = "01a21508-843a-7000-b17f-8fc5fc1863f9"
WHY = '"ada(at)x" is no e-mail address; due is fixed by the connector: leave it out; a task needs a title'
ACTIVITY = [("received", AT), ("status", "refused"), ("task", "#1 created"), ("why", WHY), ("event", ID)]  # fmt: skip


def test_what_fits_is_as_wide_as_it_is() -> None:
    assert widths([("a", "bb"), ("ccc", "d")], 80) == [2, 3]
    assert widths([("x" * 40,), ("y" * 38,)], 80) == [40, 38]
    assert widths([(), ("a",)], 80) == [1, 1]


def test_at_80_columns_ids_and_instants_are_folded_where_they_can_be_read() -> None:
    received, status, task, why, event = widths(ACTIVITY, 80)

    assert received == len("2026-11-25")
    assert event == len("01a21508-843a-7000-")
    assert (status, task) == (len("refused"), len("created"))
    assert why == 80 - 4 * GAP - received - event - status - task


def test_at_120_columns_the_text_alone_is_folded() -> None:
    received, status, task, why, event = widths(ACTIVITY, 120)

    assert (received, status, task, event) == (len(AT), 7, len("#1 created"), len(ID))
    assert why >= 32


@given(
    st.lists(
        st.lists(st.text(alphabet="ab #-名", max_size=60), min_size=1, max_size=4),
        min_size=1,
        max_size=9,
    ),
    st.integers(min_value=50, max_value=200),
)
def test_columns_fit_and_none_is_wider_than_what_stands_in_it(
    cells: list[list[str]], available: int
) -> None:
    found = widths(cells, available)

    assert sum(found) + GAP * (len(found) - 1) <= available
    for column, width in zip(cells, found, strict=True):
        assert 0 <= width <= max(1, *map(cell_len, column))


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_a_table_on_a_terminal_is_never_wider_than_it_and_loses_nothing(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: terminal_size((columns, 24)))
    monkeypatch.setenv("TERM", "dumb")
    names, cells = zip(*ACTIVITY, strict=True)
    table(names, [[AT.replace(" ", "T").replace("Z", ".401Z"), *cells[1:]]])

    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in capsys.readouterr().out.splitlines()]
    assert max(map(len, lines)) <= columns
    for name in (*names, *WHY.split(), "2026-11-25", "23:26:49Z"):
        assert any(name in line for line in lines), name
    assert any(len(line) > columns - 8 for line in lines) or columns == 200, "it uses the room"
