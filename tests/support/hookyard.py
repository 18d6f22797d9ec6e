"""The `hookyard` command as real processes: started with an environment, killed, stopped, read."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from router.core.settings import Secrets, environment
from tests.support.programs import free_port, pin
from tests.support.senders import ADMIN_TOKEN, SECRETS, Request
from tests.support.waiting import wait_until

_ROOT = Path(__file__).resolve().parents[2]
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


class Process:
    """One `hookyard` command that runs; what it says goes to a file."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        directory: Path,
        *,
        module: str = "router.cli.main",
    ) -> None:
        self.arguments = list(arguments)
        self._module = module
        self._env = dict(env)
        self._directory = directory
        self._log = (
            directory / f"{'-'.join(arguments[:1])}-{len(list(directory.glob('*.log')))}.log"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id; of the last one if it has ended."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """All it wrote to stdout and stderr, over all its starts."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @property
    def returncode(self) -> int | None:
        """Its exit code; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def start(self, cores: Sequence[int] | None = None) -> Self:
        """Start it, on the given cores only if any are; it may not answer yet when this returns."""
        assert self._process is None or self._process.poll() is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, *self.arguments],
                env=self._env,
                cwd=self._directory,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        if cores:
            pin(self.pid, cores)
        return self

    def kill(self) -> None:
        """SIGKILL: no chance to clean up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """SIGTERM; returns at once."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, within_s: float = 30) -> int:
        """Wait for its end and return the exit code."""
        assert self._process is not None
        return self._process.wait(within_s)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that was not enough; nothing if it has ended."""
        if self._process is None or self._process.poll() is not None:
            return
        self.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()


class Hookyard:
    """An installation: settings shared by receiver and workers, and an API to ask.

    Use it as an asynchronous context manager; what is still running at its end is stopped.
    """

    def __init__(
        self, directory: Path, *, routes: Path, redis_url: str, database_url: str, **settings: str
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        outside = environment(directory)
        self.env = {name: outside[name] for name in _PASSED_ON if name in outside} | {
            "PYTHONPATH": str(_ROOT),
            "HOOKYARD_ROUTES": str(routes),
            "HOOKYARD_DATA": str(directory / "data"),
            "HOOKYARD_REDIS_URL": redis_url,
            "HOOKYARD_DATABASE_URL": database_url,
            "HOOKYARD_PORT": str(self.port),
            "HOOKYARD_ADMIN_TOKEN": ADMIN_TOKEN,
            "HOOKYARD_LOG_FORMAT": "json",
            **{Secrets.variable(name): value for name, value in SECRETS.items()},
            **{f"HOOKYARD_{name.upper()}": value for name, value in settings.items()},
        }
        self.processes: list[Process] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=30)
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(self.url, timeout=timeout, connector=connector)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.close()
        # All at once, and beside the servers of the test: what is under way with them can end.
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in self.processes))

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP client; its base is the receiver's address."""
        assert self._session is not None
        return self._session

    def run(self, *arguments: str, within_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and return what it said."""
        return subprocess.run(
            [sys.executable, "-m", "router.cli.main", *arguments],
            env=self.env,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def upgrade(self) -> None:
        """Make the tables."""
        done = self.run("db", "upgrade")
        assert done.returncode == 0, done.stderr

    def process(self, *arguments: str, module: str = "router.cli.main", **env: str) -> Process:
        """Return a command of this installation that is not started yet."""
        made = Process(arguments, self.env | env, self.directory, module=module)
        self.processes.append(made)
        return made

    async def serve(self, *arguments: str, cores: Sequence[int] | None = None) -> Process:
        """Start a receiver and return when it answers."""
        process = self.process("serve", *arguments).start(cores)
        await self.healthy(process)
        return process

    def work(self, *, cores: Sequence[int] | None = None) -> Process:
        """Start a worker."""
        return self.process("work").start(cores)

    async def healthy(self, process: Process | None = None, *, within_s: float = 30) -> None:
        """Return when the receiver answers."""

        async def answers() -> bool:
            if process is not None and process.returncode is not None:
                raise AssertionError(f"{process.arguments} ended: {process.log[-3000:]}")
            async with self.session.get("/healthz") as answer:
                return answer.status == 200

        await wait_until(
            answers,
            "the receiver answers",
            within_s=within_s,
            ignoring=(aiohttp.ClientError, OSError),
        )

    async def ready(self, *, within_s: float = 30) -> None:
        """Return when Redis, the database and the rules are all there."""

        async def is_ready() -> bool:
            async with self.session.get("/readyz") as answer:
                if answer.status != 200:
                    raise LookupError(await answer.text())
                return True

        await wait_until(
            is_ready,
            "everything is ready",
            within_s=within_s,
            ignoring=(aiohttp.ClientError, LookupError, OSError),
        )

    async def send(self, request: Request, **headers: str) -> tuple[int, dict[str, Any]]:
        """Post a webhook; return status and parsed answer."""
        async with self.session.post(
            request.path, data=request.body, headers=request.headers | headers
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str, **query: str) -> Any:
        """Ask the API as its administrator; the answer must be a 200."""
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with self.session.get(f"/api/v1{path}", params=query, headers=headers) as answer:
            assert answer.status == 200, (path, answer.status, await answer.text())
            return await answer.json()

    async def outcome(self, event_id: str, *, within_s: float = 15) -> dict[str, Any]:
        """Return an event once it is decided."""

        async def decided() -> dict[str, Any] | None:
            event: dict[str, Any] = await self.get(f"/events/{event_id}")
            return event if event["status"] != "accepted" else None

        return await wait_until(decided, f"event {event_id} is decided", within_s=within_s)

    def logs(self) -> str:
        """What all processes wrote."""
        return "\n".join(f"--- {' '.join(one.arguments)}\n{one.log}" for one in self.processes)
