"""Each command of docker-compose.yml, run as a process with the environment the file gives it.

Where a container would find another by name, the test puts a Redis and a PostgreSQL of its own on
loopback; where it would find a mount, a directory.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.cli.tokens import new_token
from router.core.settings import environment
from tests.support.programs import free_port, redis_program
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until_sync

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
COMMAND = (sys.executable, "-m", "router.cli.main")
SECRETS = ("shop_webhook", "code_webhook", "alerts_token")


class Deployment:
    """What the containers of docker-compose.yml would find around them, on this machine."""

    def __init__(self, folder: Path, redis_url: str, database_url: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.worker_port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self._redis_url = redis_url
        secrets = folder / "secrets"
        (secrets / "connectors").mkdir(parents=True)
        (secrets / "database_url").write_text(database_url + "\n")
        (secrets / "admin_token").write_text(new_token() + "\n")
        for name in SECRETS:
            (secrets / "connectors" / name).write_text(f"canary-{name}\n")

    def environment(self, service: str) -> dict[str, str]:
        """Return the environment of a service: that of the file, with this machine's places."""
        outside = environment(self.folder)
        kept = {name: outside[name] for name in ("PATH", "HOME", "LANG") if name in outside}
        places = {
            "/run/secrets/": f"{self.folder}/secrets/",
            "/etc/hookyard/secrets": f"{self.folder}/secrets/connectors",
            "/etc/hookyard/routes": str(ROOT / "examples" / "routes"),
            "redis://redis:6379/0": self._redis_url,
            "0.0.0.0": "127.0.0.1",  # noqa: S104  replaced, not bound
            "${HOOKYARD_PUBLIC_URL:-http://127.0.0.1:8080}": f"http://127.0.0.1:{self.port}",
            "${HOOKYARD_TRUSTED_PROXIES:-}": "",
            "8080": str(self.port),
            "9090": str(self.worker_port),
        }
        found = {}
        for name, value in SERVICES[service]["environment"].items():
            for there, here in places.items():
                if value == there or (there.endswith("/") and value.startswith(there)):
                    found[name] = value.replace(there, here)
            found.setdefault(name, value)
        return kept | found | {"PYTHONPATH": str(ROOT), "HOOKYARD_DATA": str(self.folder / "data")}

    def start(self, service: str, **changed: str) -> subprocess.Popen[bytes]:
        """Start the command of a service."""
        log = (self.folder / f"{service}.log").open("ab")
        with log:
            process = subprocess.Popen(
                [*COMMAND, *SERVICES[service]["command"]],
                cwd=self.folder,
                env=self.environment(service) | changed,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def healthy(self, service: str) -> bool:
        """Run the health check of a service, here where its port is another."""
        _, python, *rest = SERVICES[service]["healthcheck"]["test"]
        assert python == "python"
        here = [
            word.replace(":8080", f":{self.port}").replace(":9090", f":{self.worker_port}")
            for word in rest
        ]
        done = subprocess.run([sys.executable, *here], capture_output=True, check=False, timeout=20)
        return done.returncode == 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command in the receiver's environment."""
        routes = {"HOOKYARD_ROUTES": str(ROOT / "examples" / "routes")}
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment("serve") | routes,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def log(self, service: str) -> str:
        """Return what a service wrote."""
        return (self.folder / f"{service}.log").read_text("utf-8", "replace")

    def stop(self) -> None:
        """End whatever still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def deployment(
    tmp_path: Path, redis_server: RedisServer, database_url: str
) -> Iterator[Deployment]:
    made = Deployment(tmp_path / "deployment", redis_server.url, database_url)
    yield made
    made.stop()


def test_the_services_take_a_webhook_to_a_task_and_stop_in_time(deployment: Deployment) -> None:
    migrate = deployment.start("migrate")
    assert migrate.wait(60) == 0, deployment.log("migrate")

    serve = deployment.start("serve")
    workers = [
        deployment.start("work"),
        deployment.start("work", HOOKYARD_WORKER_PORT=str(free_port())),
    ]
    for service in ("work", "serve"):
        _until_healthy(deployment, service)

    payload = ROOT / "examples" / "payloads" / "shopify" / "orders-create.json"
    sent = deployment.run("send", "shop", "--event", str(payload), "--wait", "20")
    assert sent.returncode == 0, sent.stderr
    answer = json.loads(sent.stdout)
    assert answer["status"] == "routed"
    assert [task["action"] for task in answer["tasks"]] == ["created"]
    listed = json.loads(deployment.run("tasks", "list", "--json").stdout)
    assert [task["title"] for task in listed["data"]] == ["Fulfil order #9999"]
    doctor = deployment.run("doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr

    for process in (serve, *workers):
        process.terminate()
    assert [process.wait(30) for process in (serve, *workers)] == [0, 0, 0]
    everything = "".join(deployment.log(service) for service in ("migrate", "serve", "work"))
    assert "canary-" not in everything
    assert "Traceback" not in everything


def _until_healthy(deployment: Deployment, service: str) -> None:
    try:
        wait_until_sync(lambda: deployment.healthy(service), f"{service} is healthy", within_s=60)
    except AssertionError as error:
        error.add_note(deployment.log(service)[-4000:])
        raise


@pytest.mark.usefixtures("_redis_there")
def test_the_redis_command_keeps_what_it_is_given(tmp_path: Path) -> None:
    port = free_port()
    _, *words = SERVICES["redis"]["command"]
    command = [redis_program(), *words, "--port", str(port), "--bind", "127.0.0.1"]

    def ask(*question: str) -> str:
        said = subprocess.run(
            [sys.executable, "-c", _ASK, str(port), *question],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        return said.stdout.strip()

    for round_ in range(2):
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
            try:
                wait_until_sync(lambda: ask("PING") == "True", "Redis answers", within_s=20)
                if round_ == 0:
                    assert ask("SET", "kept", "1") == "True"
                else:
                    assert ask("GET", "kept") == "b'1'"
                    assert "'always'" in ask("CONFIG", "GET", "appendfsync") or "always" in ask(
                        "CONFIG", "GET", "appendfsync"
                    )
            finally:
                process.kill()


_ASK = """
import sys, redis
try:
    print(redis.Redis(port=int(sys.argv[1])).execute_command(*sys.argv[2:]))
except redis.ConnectionError:
    print("away")
"""


def test_health_checks_of_others_name_programs_of_their_images() -> None:
    assert SERVICES["redis"]["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"]
    kind, line = SERVICES["postgres"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    assert shlex.split(line)[0] == "pg_isready"
    user = SERVICES["postgres"]["environment"]["POSTGRES_USER"]
    assert f"--username {user}" in line


def test_every_command_of_ours_is_one(tmp_path: Path) -> None:
    for service in ("migrate", "serve", "work"):
        words = [word for word in SERVICES[service]["command"] if not word.startswith("-")]
        names = [word for word in words if not word.isdigit()]
        done = subprocess.run(
            [*COMMAND, *names, "--help"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},  # noqa: TID251  a child's environment
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
