"""`hookyard serve --processes N`: one port, N processes, one sum of metrics."""

from __future__ import annotations

import re

import psutil
import pytest

from tests.support.hookyard import Hookyard
from tests.support.senders import order, shopify
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(180)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_processes_share_port_and_metrics_and_are_started_again(hookyard: Hookyard) -> None:
    parent = await hookyard.serve("--processes", "3")
    hookyard.work()
    await hookyard.ready()
    children = psutil.Process(parent.pid).children()
    assert len(children) == 3

    statuses = [(await hookyard.send(shopify(order(n), f"id-{n}")))[0] for n in range(30)]
    async with hookyard.session.get("/metrics") as answer:
        text = await answer.text()
    counted = re.search(r'requests_total\{connector="shop",outcome="accepted"\} (\S+)', text)

    assert statuses == [202] * 30
    assert counted is not None
    assert float(counted[1]) == 30

    children[0].kill()
    await wait_until(
        lambda: (
            len([c for c in psutil.Process(parent.pid).children() if c.is_running()]) == 3
            and children[0].pid not in {c.pid for c in psutil.Process(parent.pid).children()}
        ),
        "the killed process is started again",
        within_s=30,
    )
    parent.terminate()
    assert parent.wait() == 0
    assert [child.pid for child in children if child.is_running()] == []
