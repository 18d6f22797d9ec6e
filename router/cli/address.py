"""Ports: whether one is free, which one is taken for 0, and one that several processes share."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from router.cli.failures import CommandError


def free_port(host: str, port: int) -> int:
    """Return the port to listen on: as given if it is free, for 0 a free one.

    Raises:
        CommandError: It is taken, or the address is not this machine's.
    """
    with closing(_bind(host, port, share=False)) as probe:
        return int(probe.getsockname()[1])


def local_address(host: str, port: int) -> str:
    """Return the URL under which this machine itself reaches what listens there."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  compared, not bound
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


@contextmanager
def shared_port(host: str, port: int) -> Iterator[int]:
    """Reserve a port that child processes share (SO_REUSEPORT) for as long as the context lasts.

    The reserving socket is bound but does not listen: it is sent no connection.
    """
    chosen = free_port(host, port)
    with closing(_bind(host, chosen, share=True)):
        yield chosen


def _bind(host: str, port: int, *, share: bool) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind)
    except OSError as error:
        raise CommandError(f"{host} is no address to listen on: {error.strerror}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise CommandError(_why(host, port, error)) from None
    return bound


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is taken by another program; end that, or choose another --port"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs rights this user has not; choose a --port from 1024 on"
    return f"cannot listen on port {port} of {host}: {error.strerror}"
