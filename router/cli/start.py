"""What every sub-command does first: read the settings, set up the log, forget the secrets."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import uvloop
from pydantic import SecretStr

from router.core import logging
from router.core.redaction import forget_value
from router.core.settings import Secrets, Settings, environment, load_settings

T = TypeVar("T")


def prepare(**flags: Any) -> tuple[Settings, Secrets]:
    """Return settings (flags that are not None win) and secrets; set up logging to stderr.

    Raises:
        SettingsError: A setting cannot be used; one line each.
    """
    settings = load_settings(**flags)
    logging.configure(
        settings.log_format, settings.log_level, colors="NO_COLOR" not in environment()
    )
    for url in (settings.redis_url, settings.database_url):
        _forget_password(url)
    if settings.admin_token is not None:
        forget_value(settings.admin_token.get_secret_value())
    return settings, Secrets(settings)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def stop_on_signals() -> asyncio.Event:
    """Return an event that is set by SIGTERM, SIGINT or SIGHUP; call it inside the loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return stop


def _forget_password(url: SecretStr | None) -> None:
    if url is None:
        return
    try:
        password = urlsplit(url.get_secret_value()).password
    except ValueError:
        return
    if password:
        forget_value(password)
        forget_value(unquote(password))
