"""What `hookyard events replay` does where Redis does not do its part."""

from __future__ import annotations

from typing import cast

import fakeredis
import pytest

from router.cli import replaying
from router.cli.failures import CommandError
from router.cli.replaying import Queued
from router.core import keys
from router.core.errors import NotDurableError
from router.core.event import IncomingEvent
from router.core.intake import Intake
from router.core.intake_table import publish
from router.core.replay import replay_of
from tests.support.rows import event_row
from tests.support.site import SHOP, table


class _Flaky:
    """An intake that stores the first event and then fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.stored: list[IncomingEvent] = []

    async def put(self, event: IncomingEvent) -> None:
        if self.stored:
            raise self._error
        self.stored.append(event)


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (NotDurableError(), CommandError, "Redis did not confirm all replays, 1 of them"),
        (RuntimeError("ours"), RuntimeError, "ours"),
    ],
)
async def test_what_redis_does_not_confirm_is_said(
    error: Exception, raised: type[Exception], words: str
) -> None:
    rows = [event_row(replays=0, type=None, delivery_id=None, remote=None) for _ in range(3)]
    flaky = _Flaky(error)

    with pytest.raises(raised, match=words):
        await replaying._put(
            cast("Intake", flaky), [replay_of(row) for row in rows], Queued(events=list(rows))
        )

    assert [event.id for event in flaky.stored] == [rows[0]["id"]]


async def test_which_connectors_there_are_is_known_from_a_table_that_can_be_read() -> None:
    redis = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer())
    assert await replaying._connectors(redis) is None

    await publish(redis, table(SHOP))
    assert list(await replaying._connectors(redis) or ()) == ["shop"]

    await redis.set(keys.INTAKE_TABLE, b"{}")
    assert await replaying._connectors(redis) is None
    await redis.aclose()
