"""What goes in comes out: digits, order, odd characters, and numbers no database could hold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from router.core import jsonio
from router.core.errors import StoreError
from router.core.store.engine import Store
from router.core.store.events import get_event
from router.core.store.present import task_json
from router.core.store.routing import Writes, claims_of, tasks_of_keys, write
from router.core.store.schema import Row
from router.core.store.tasks import get_task, get_tasks
from tests.support.rows import claim_row, event_row, new_id, task_row


async def _stored(store: Store, task: Row) -> Row:
    async with store.begin() as conn:
        await write(conn, Writes(new_tasks=[task]))
    async with store.connect() as conn:
        found = await get_task(conn, task["id"])
    assert found is not None
    return found


@pytest.mark.parametrize(
    "digits",
    ["19.90", "0.10", "-0.0", "1E+3", "1.5e-7", "1e400000", "123456789012345678901234567890"],
)
async def test_numbers_keep_their_digits_through_the_database(store: Store, digits: str) -> None:
    custom = jsonio.loads(f'{{"price": {digits}}}')
    stored = await _stored(store, task_row(custom=custom))
    shown = jsonio.dumps(task_json(stored)["custom"])
    assert shown == jsonio.dumps(custom)
    assert str(stored["custom"]["price"]) == str(custom["price"])


async def test_a_price_is_shown_as_it_came(store: Store) -> None:
    stored = await _stored(store, task_row(custom={"price": Decimal("19.90")}))
    assert jsonio.dumps(task_json(stored)["custom"]) == '{"price":19.90}'


async def test_mappings_keep_their_order(store: Store) -> None:
    custom = {"zebra": 1, "a": {"y": 1, "bb": 2}, "mm": [3]}
    stored = await _stored(store, task_row(custom=custom))
    assert jsonio.dumps(stored["custom"]) == jsonio.dumps(custom)


async def test_characters_no_database_holds_stop_no_batch(store: Store) -> None:
    odd, shown = "a\x00b\ud800c", "a\ufffdb\ufffdc"
    event = event_row(
        type=odd, delivery_id=odd, headers={odd: odd}, decisions=[{"found": odd, odd: [odd, (1,)]}]
    )
    task = task_row(title=odd, key=odd, labels=[odd], assignees=["\x00"], custom={"k": [odd]})
    good = event_row()
    async with store.begin() as conn:
        claim = claim_row(odd, event["id"])
        await write(conn, Writes(events=[event, good], claims=[claim], new_tasks=[task]))
        assert set(await claims_of(conn, [("shop", odd)])) == {("shop", shown)}
        assert set(await tasks_of_keys(conn, [("shop", odd)])) == {("shop", shown)}
    async with store.connect() as conn:
        stored = await get_event(conn, event["id"])
        assert await get_event(conn, good["id"]) is not None
        tasks = await get_tasks(conn, [task["id"], odd])
    assert stored is not None
    assert (stored["type"], stored["delivery_id"]) == (shown, shown)
    assert stored["headers"] == {shown: shown}
    assert stored["decisions"] == [{"found": shown, shown: [shown, [1]]}]
    row = tasks[task["id"]]
    assert (row["title"], row["labels"], row["assignees"]) == (shown, [shown], ["\ufffd"])
    assert row["custom"] == {"k": [shown]}


async def test_text_of_every_alphabet_comes_back(store: Store) -> None:
    text = "Ärger — 東京 🛒 \u202e ' \" \\ \\u0000 %s {} $1 ? :x"
    stored = await _stored(
        store, task_row(title=text, key=text, labels=[text], custom={text: text})
    )
    assert (stored["title"], stored["key"]) == (text, text)
    assert (stored["labels"], stored["custom"]) == ([text], {text: text})


async def test_null_and_empty_json_are_told_apart(store: Store) -> None:
    stored = await _stored(store, task_row(contact=None, reminder={}, custom={"a": None, "b": []}))
    assert (stored["contact"], stored["reminder"]) == (None, {})
    assert stored["custom"] == {"a": None, "b": []}


async def test_a_number_too_large_for_its_column_is_an_error_without_the_number(
    store: Store,
) -> None:
    with pytest.raises(StoreError) as refused:
        await _stored(store, task_row(duration_minutes=2**70 + 12345))
    assert "12345" not in str(refused.value)
    assert refused.value.__cause__ is None
    await _stored(store, task_row())


async def test_ids_that_cannot_be_find_nothing(store: Store) -> None:
    async with store.connect() as conn:
        for odd in ("", "1", "\x00", new_id().upper(), "../etc", "\ud800"):
            assert await get_task(conn, odd) is None
            assert await get_event(conn, odd) is None
