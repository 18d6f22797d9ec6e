"""Putting a worker together: settings it cannot use end it, what is away is waited for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from router.cli.catalogues import catalogues
from router.core.errors import SettingsError
from router.core.settings import Secrets, load_settings
from tests.support.programs import free_port
from tests.support.waiting import wait_until
from workers.main import work


async def test_without_a_redis_there_is_no_worker(database_url: str) -> None:
    settings = load_settings(database_url=SecretStr(database_url))

    with pytest.raises(SettingsError, match="HOOKYARD_REDIS_URL"):
        await work(settings, Secrets(settings, {}), catalogues())


async def test_a_database_url_that_is_none_ends_the_worker() -> None:
    settings = load_settings(
        redis_url=SecretStr("redis://127.0.0.1:1"), database_url=SecretStr("mysql://a/b")
    )

    with pytest.raises(SettingsError, match="sqlite"):
        await work(settings, Secrets(settings, {}), catalogues())


async def test_a_worker_without_its_tables_waits_until_it_is_stopped(tmp_path: Path) -> None:
    settings = load_settings(
        redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}"),
        database_url=SecretStr(f"sqlite:///{tmp_path / 'empty.db'}"),
    )
    stop = asyncio.Event()
    with capture_logs() as logs:
        working = asyncio.create_task(
            work(settings, Secrets(settings, {}), catalogues(), stop=stop)
        )
        await wait_until(lambda: logs, "it says what it waits for")
        stop.set()
        await working

    assert [entry["event"] for entry in logs] == ["waiting", "worker_stopped"]
    assert "hookyard db upgrade" in logs[0]["reason"]
