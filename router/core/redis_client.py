"""Connections to Redis by URL: `redis://`, `rediss://`, `unix://` and `redis+sentinel://`."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel

from router.core.errors import SettingsError

_SENTINEL = "redis+sentinel"
_SENTINEL_PORT = 26379
_ANSWER_S = 10.0
_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": 2.0,
    "socket_keepalive": True,
    "health_check_interval": 30,
}


def connect(url: str, *, answer_s: float | None = _ANSWER_S) -> Redis:
    """Return a client for the Redis a URL names; it connects at its first command, and again when lost.

    `answer_s` is how many seconds an answer may take; None where the caller sees to that.

    A sentinel URL is `redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/db]`;
    user and password are those of the service.

    Raises:
        SettingsError: The URL is none of these; its text is not shown, it may hold a password.
    """
    try:
        if urlsplit(url).scheme == _SENTINEL:
            return _behind_sentinels(url, {**_OPTIONS, "socket_timeout": answer_s})
        return _direct(url, {**_OPTIONS, "socket_timeout": answer_s})
    except ValueError:  # its message may quote the URL
        raise SettingsError(
            "HOOKYARD_REDIS_URL: expected redis://, rediss://, unix:// or redis+sentinel://"
        ) from None


def _direct(url: str, options: dict[str, Any]) -> Redis:
    if urlsplit(url).scheme == "unix":
        del options["socket_keepalive"]
    client: Redis = Redis.from_url(url, **options)
    return client


def _behind_sentinels(url: str, options: dict[str, Any]) -> Redis:
    """Return a client for the service the URL names; raises ValueError if it names none."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    service, _, db = parts.path.strip("/").partition("/")
    if not hosts or not service:
        raise ValueError("a sentinel URL names hosts and a service")
    user, _, password = credentials.partition(":")
    addresses = [_host(text) for text in hosts.split(",")]
    sentinel = Sentinel(addresses, sentinel_kwargs=options)  # type: ignore[no-untyped-call]  # not annotated there
    client: Redis = sentinel.master_for(
        service,
        db=int(db or 0),
        username=unquote(user) or None,
        password=unquote(password) or None,
        **options,
    )
    return client


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return host, int(port or _SENTINEL_PORT)
