"""`hookyard up` as people run it: one command, killed at will, started again."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from router.core.settings import environment
from tests.support.programs import free_port
from tests.support.routes import ALERTS, SHOP, write_routes
from tests.support.senders import SECRETS, order, shopify
from tests.support.waiting import wait_until_sync

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "router.cli.main")
PARTS = ("redis", "worker", "receiver")


class Up:
    """`hookyard up` in a directory of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        write_routes(folder / "routes", shop=SHOP, alerts=ALERTS)
        outside = environment(folder)
        self.env = {name: outside[name] for name in ("PATH", "HOME", "LANG") if name in outside} | {
            "PYTHONPATH": str(ROOT),
            "HOOKYARD_PORT": str(self.port),
            "HOOKYARD_DATA": str(self.data),
            **{f"HOOKYARD_SECRET_{name.upper()}": value for name, value in SECRETS.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it and return what it printed once it was up."""
        with (self.folder / "out").open("wb") as out, (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "up"],
                cwd=self.folder,
                env=self.env,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )
        wait_until_sync(self._is_up, "hookyard up is up", within_s=60)
        return self.out

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log[-4000:]
        return "Ctrl-C stops it." in self.log.split("--- start\n")[-1] and "is up" in self.out

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text("utf-8")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def mark(self) -> None:
        """Draw a line in the log, so that a later start is told from an earlier one."""
        with (self.folder / "log").open("a") as log:
            log.write("--- start\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def send(self, number: int, topic: str = "orders/create") -> dict[str, Any]:
        """Send an order and return the outcome."""
        event = self.folder / "event.json"
        headers = {"X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": f"delivery-{number}"}
        event.write_text(json.dumps({"headers": headers, "body": {"id": number}}))
        done = self.run("send", "shop", "--event", str(event), "--wait", "20")
        assert done.returncode == 0, done.stderr + self.log[-4000:]
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def pid(self, part: str) -> int:
        return int(json.loads((self.data / "run" / f"{part}.json").read_text())["pid"])

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def clean_up(self) -> None:
        """End all that a test left running."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        for part in PARTS:
            try:
                process = psutil.Process(self.pid(part))
            except (FileNotFoundError, psutil.NoSuchProcess):
                continue
            process.kill()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    made = Up(tmp_path / "up")
    yield made
    made.clean_up()


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_all_says_where_and_stops_all(up: Up, number: int) -> None:
    first = up.start()
    pids = [up.pid(part) for part in PARTS]
    token = re.search(r"admin token +(hky_[\w-]+)", first)

    assert f"http://127.0.0.1:{up.port}" in first
    assert token is not None
    request = urllib.request.Request(
        f"http://127.0.0.1:{up.port}/api/v1/tasks", headers={"Authorization": f"Bearer {token[1]}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  as above
        assert answer.status == 200
    assert up.send(1)["status"] == "routed"
    assert up.stop(number) == 0
    assert [pid for pid in pids if _runs(pid)] == []
    assert list((up.data / "run").glob("*.json")) == []
    assert token[1] not in up.log
    assert SECRETS["shop_webhook"] not in up.log


def test_started_again_it_goes_on_and_shows_no_token_again(up: Up) -> None:
    up.start()
    assert up.send(1)["tasks"][0]["number"] == 1
    up.stop()
    up.mark()

    second = up.start()

    assert "admin token" not in second
    assert up.send(1)["status"] == "duplicate"
    assert up.send(2)["tasks"][0]["number"] == 2


def test_after_a_kill_it_ends_what_was_left_behind_and_loses_nothing(up: Up) -> None:
    up.start()
    up.send(1)
    pids = [up.pid(part) for part in PARTS]
    up.kill()
    assert all(_runs(pid) for pid in pids)
    assert up.send(2)["status"] == "routed", "what was left behind still works"
    up.mark()

    up.start()

    assert "left running: receiver, worker, redis" in up.log
    assert [pid for pid in pids if _runs(pid)] == []
    assert up.send(2)["status"] == "duplicate"
    titles = [
        task["title"] for task in json.loads(up.run("tasks", "list", "--json").stdout)["data"]
    ]
    assert titles == ["Order 2", "Order 1"]


def test_after_a_kill_of_everything_it_starts_from_its_files(up: Up) -> None:
    up.start()
    worker = psutil.Process(up.pid("worker"))
    worker.suspend()
    accepted = up.run("send", "shop", "--event", str(_event(up, 7)))
    assert json.loads(accepted.stdout)["status"] == "accepted"
    up.kill()
    for part in PARTS:
        os.kill(up.pid(part), signal.SIGKILL)
    up.mark()

    up.start()

    event_id = json.loads(accepted.stdout)["event_id"]
    wait_until_sync(
        lambda: (
            json.loads(up.run("events", "show", event_id, "--json").stdout)["status"] == "routed"
        ),
        "the event that was accepted before the kill is routed",
        within_s=60,
    )


def _event(up: Up, number: int) -> Path:
    event = up.folder / f"event-{number}.json"
    headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": f"delivery-{number}"}
    event.write_text(json.dumps({"headers": headers, "body": {"id": number}}))
    return event


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_dies_is_started_again(up: Up, part: str) -> None:
    up.start()
    up.send(1)
    before = up.pid(part)

    os.kill(before, signal.SIGKILL)

    wait_until_sync(
        lambda: up.pid(part) != before,
        f"{part} runs again",
        within_s=30,
        ignoring=(FileNotFoundError, ValueError),
    )
    wait_until_sync(
        lambda: (
            up.run("send", "shop", "--event", str(_event(up, 2)), "--wait", "20").returncode == 0
        ),
        "webhooks are taken again",
        within_s=60,
    )


def test_a_second_one_on_the_same_data_is_refused(up: Up) -> None:
    up.start()

    other = up.run("up", "--port", "0")

    assert other.returncode == 2
    assert "another `hookyard up` is using" in other.stderr
    assert up.send(1)["status"] == "routed"


def test_a_taken_port_is_said_and_nothing_is_left_running(up: Up) -> None:
    up.start()

    other = up.run("up", "--data", str(up.folder / "other"))

    assert other.returncode == 2
    assert f"port {up.port} of 127.0.0.1 is taken" in other.stderr
    assert list((up.folder / "other" / "run").glob("*.json")) == []


def test_a_long_directory_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    up = Up(tmp_path / "up")
    up.data = tmp_path / ("x" * 110)
    up.env["HOOKYARD_DATA"] = str(up.data)
    try:
        up.start()
        assert up.send(1)["status"] == "routed"
        assert up.run("doctor").returncode == 0
    finally:
        up.clean_up()


def test_broken_rules_are_said_and_the_last_good_ones_stay(up: Up) -> None:
    up.start()
    up.stop()
    (up.folder / "routes" / "shop.yaml").write_text(SHOP.replace("rules:", "ruless:"))
    up.mark()

    up.start()

    assert "cannot be used" in up.log
    assert "shop.yaml:5:1" in up.log
    with closing(sqlite3.connect(up.data / "hookyard.db")) as database:
        assert database.execute("select count(*) from rule_sets").fetchone() == (1,)
    (up.folder / "routes" / "shop.yaml").write_text(SHOP)
    assert up.send(1)["status"] == "routed"


def test_edits_are_told_of_a_line_for_a_good_one_and_the_problems_of_a_broken_one(up: Up) -> None:
    up.env["HOOKYARD_LOG_FORMAT"] = "console"
    up.start()
    shop = up.folder / "routes" / "shop.yaml"

    up.mark()
    shop.write_text(SHOP.replace("rules:", "ruless:"))
    wait_until_sync(lambda: "rules_not_loaded" in _since(up), "the edit is refused")
    assert "\n  routes/shop.yaml:5:1: R011 there is no key `ruless` here; did you mean" in _since(
        up
    )
    assert up.run("doctor").returncode == 1
    order_1 = shopify(order(1), "delivery-1")
    request = urllib.request.Request(
        f"http://127.0.0.1:{up.port}{order_1.path}",
        order_1.body,
        order_1.headers | {"Prefer": "wait=20"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  as above
        assert answer.status == 201, "the last good rules stay in force"

    up.mark()
    shop.write_text(SHOP.replace("Order {{", "Sale {{"))
    wait_until_sync(lambda: "rules_in_force" in _since(up), "the edit is in force")
    assert _since(up).count("] rules_in_force [") == 1
    assert up.run("doctor").returncode == 0
    assert up.send(2)["status"] == "routed"
    titles = json.loads(up.run("tasks", "list", "--json").stdout)["data"]
    assert [task["title"] for task in titles] == ["Sale 2", "Order 1"]


def test_a_hangup_without_a_terminal_reloads_the_rules_and_stops_nothing(up: Up) -> None:
    up.start()
    assert up.process is not None
    pids = [up.pid(part) for part in PARTS]
    up.mark()

    up.process.send_signal(signal.SIGHUP)

    wait_until_sync(lambda: "reload_asked" in _since(up), "the worker is asked")
    assert [up.pid(part) for part in PARTS] == pids
    assert up.send(1)["status"] == "routed"


def _since(up: Up) -> str:
    """What was logged since the last line that the test drew."""
    return up.log.split("--- start\n")[-1]


def test_what_it_keeps_is_for_this_user_alone(up: Up) -> None:
    up.start()

    assert up.data.stat().st_mode & 0o077 == 0
    assert (up.data / "run").stat().st_mode & 0o077 == 0
