"""Real servers in temporary directories on loopback ports: to be used, killed and restarted.

Both keep what they acknowledged: Redis appends with fsync always, PostgreSQL has fsync on unless it is
one that nobody kills.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.support.programs import free_port, pin, postgresql_programs, redis_program
from tests.support.waiting import wait_until_sync

_START_WITHIN_S = 30
_STOP_WITHIN_S = 20
_SUPERUSER = "postgres"


class Server:
    """A server process that can be killed and started again on the same data and port."""

    name = "server"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id; only while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """All that the server wrote to its log."""
        path = self.directory / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def start(self, cores: Sequence[int] | None = None) -> None:
        """Start the server and return when it answers; it runs on the given cores only, if any are."""
        assert self._process is None
        with (self.directory / "log").open("ab") as log:
            self._process = self._launch(log.fileno())
        if cores:
            pin(self.pid, cores)
        wait_until_sync(self._answers, f"{self.name} answers", within_s=_START_WITHIN_S)

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL, to its children too."""
        assert self._process is not None
        children = psutil.Process(self.pid).children(recursive=True)
        self._process.kill()
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        psutil.wait_procs(children, timeout=_STOP_WITHIN_S)
        self._process = None

    def restart(self) -> None:
        """Start it again on what it has on disk."""
        self.start()

    def stop(self) -> None:
        """End it in an orderly way; nothing happens if it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def _launch(self, log: int) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _ask(self) -> bool:
        raise NotImplementedError

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"{self.name} did not start; its log ends: {self.log[-2000:]}")
        return self._ask()


class RedisServer(Server):
    """A redis-server with its append-only file on and fsync always."""

    name = "redis-server"

    @property
    def url(self) -> str:
        """Its URL, database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _launch(self, log: int) -> subprocess.Popen[bytes]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return subprocess.Popen([redis_program(), *words], stdout=log, stderr=log)

    def _ask(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")  # -LOADING while it reads its file
        except OSError:
            return False


class PostgresServer(Server):
    """A private PostgreSQL cluster; the directory is that of `new_cluster`.

    Without `durable` it loses what it acknowledged if it is killed, and is many times as fast at making
    databases.
    """

    name = "PostgreSQL"

    def __init__(
        self, directory: Path, *, durable: bool = True, shared_buffers: str = "64MB"
    ) -> None:
        super().__init__(directory)
        self._durable = durable
        self._shared_buffers = shared_buffers

    def url(self, database: str = "postgres") -> str:
        """The URL of one of its databases."""
        return f"postgresql://{_SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def _launch(self, log: int) -> subprocess.Popen[bytes]:
        _, postgres = postgresql_programs()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "on" if self._durable else "off",
            "max_connections": "60",
            "shared_buffers": self._shared_buffers,
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [str(postgres), "-D", str(self.directory / "data"), *words]
        user = _postgres_user()
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=self.directory,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=user and [],
        )

    def _ask(self) -> bool:
        """Ask for the answer to an SSLRequest: one byte, also while it recovers; then for the log's word."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
                return connection.recv(1) in {b"N", b"S"} and self._is_ready()
        except OSError:
            return False

    def _is_ready(self) -> bool:
        status = self.directory / "data" / "postmaster.pid"
        lines = status.read_text().splitlines()
        return len(lines) > 7 and lines[7].strip() == "ready"


def new_cluster(directory: Path) -> None:
    """Make a PostgreSQL cluster in `directory/data`; connections on loopback need no password."""
    initdb, _ = postgresql_programs()
    give_to_postgres(directory)
    user = _postgres_user()
    subprocess.run(
        [
            str(initdb),
            *("-D", str(directory / "data"), "-U", _SUPERUSER, "-A", "trust"),
            *("-E", "UTF8", "--locale=C", "--no-sync"),
        ],
        check=True,
        capture_output=True,
        cwd=directory,
        user=user and user.pw_uid,
        group=user and user.pw_gid,
        extra_groups=user and [],
    )


def copy_cluster(source: Path, directory: Path) -> None:
    """Make a cluster from one that does not run: quicker than initdb."""
    shutil.copytree(source / "data", directory / "data")
    give_to_postgres(directory)


def give_to_postgres(directory: Path) -> None:
    """Let the user that PostgreSQL runs as have a directory and all in it."""
    user = _postgres_user()
    if user is None:
        return
    for path in (directory, *directory.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)


def temporary_directory(purpose: str) -> Path:
    """Return a new directory that another user may be let into, unlike pytest's own."""
    return Path(tempfile.mkdtemp(prefix=f"hookyard-{purpose}-"))


def _postgres_user() -> pwd.struct_passwd | None:
    """Return the user PostgreSQL is to run as; None if that is ourselves. It refuses to be root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None
