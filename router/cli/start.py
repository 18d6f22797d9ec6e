"""What every sub-command does first: read the settings, set up the log, forget the secrets."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
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


def on_hangup(call: Callable[[], None]) -> None:
    """Have SIGHUP call something, where it does not mean that the terminal is gone; inside the loop."""
    if not _has_terminal():
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, call)


def _has_terminal() -> bool:
    """Tell whether a terminal controls this process: one that is closed sends SIGHUP to say so."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


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
