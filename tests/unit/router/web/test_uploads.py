from __future__ import annotations

import asyncio

import pytest

from router.web.problems import ProblemError
from router.web.uploads import Uploads
from tests.support.site import OPEN, Site
from tests.support.waiting import wait_until

HEAD = b"POST /hooks/open HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


def test_bytes_on_their_way_are_counted_until_they_are_freed() -> None:
    uploads = Uploads(10)
    uploads.take(6)

    with pytest.raises(ProblemError):
        uploads.take(5)
    uploads.take(4)
    uploads.free(10)
    uploads.take(10)


async def test_bodies_on_their_way_share_the_memory_they_may_take(site: Site) -> None:
    await site.use(OPEN)
    uploads = Uploads(10)
    object.__setattr__(site.receiver._services, "uploads", uploads)

    async with asyncio.timeout(10), site.connection() as (slow, first):
        first.write(HEAD + b"Content-Length: 8\r\n\r\n" + b'{"a": 1')
        await wait_until(lambda: uploads._bytes == 7, "the first body is on its way")
        async with site.connection() as (quick, second):
            second.write(HEAD + b"Content-Length: 8\r\n\r\n" + b'{"b": 2')
            refused = await quick.readline()
        first.write(b"}")
        taken = await slow.readline()

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert taken.startswith(b"HTTP/1.1 202 ")
    assert uploads._bytes == 0
