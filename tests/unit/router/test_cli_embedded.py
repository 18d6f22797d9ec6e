from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import stat
from pathlib import Path

import pytest
from redis.asyncio import Redis

from router.cli import embedded, marks
from router.cli.embedded import Server, choose_server, command, servers, socket_path, tail, url
from router.cli.failures import CommandError

OLD = Server(Path("/bundled/redis-server"), "redis", (6, 2, 14))
NEW = Server(Path("/usr/bin/redis-server"), "redis", (7, 4, 0))
VALKEY = Server(Path("/usr/bin/valkey-server"), "valkey", (8, 0, 1))


def _have(monkeypatch: pytest.MonkeyPatch, *found: Server) -> None:
    monkeypatch.setattr(embedded, "servers", lambda: iter(found))


def _written_by(data: Path, product: str, *version: int) -> None:
    (data / "redis").mkdir()
    note = {"product": product, "version": version}
    (data / "redis" / "server.json").write_text(json.dumps(note))


def test_the_first_server_is_taken_for_a_new_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _have(monkeypatch, OLD, NEW)

    assert choose_server(tmp_path) == OLD


@pytest.mark.parametrize(
    ("written", "have", "taken"),
    [
        (("redis", 6, 2, 14), (OLD, NEW), OLD),
        (("redis", 7, 0, 1), (OLD, NEW), NEW),
        (("redis", 7, 0, 1), (OLD, VALKEY), VALKEY),
        (("valkey", 8, 0, 0), (OLD, NEW, VALKEY), VALKEY),
    ],
)
def test_no_server_is_started_on_files_that_it_cannot_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: tuple[str, int, int, int],
    have: tuple[Server, ...],
    taken: Server,
) -> None:
    _written_by(tmp_path, *written)
    _have(monkeypatch, *have)

    assert choose_server(tmp_path) == taken


def test_an_older_server_alone_is_refused_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _written_by(tmp_path, "redis", 7, 4, 9)
    _have(monkeypatch, OLD, NEW, VALKEY)

    with pytest.raises(CommandError, match=r"last used by redis 7\.4\.9.*Put that server on PATH"):
        choose_server(tmp_path)


def test_without_any_server_it_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _have(monkeypatch)

    with pytest.raises(CommandError, match="HOOKYARD_REDIS_URL"):
        choose_server(tmp_path)


def test_a_note_that_cannot_be_read_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "server.json").write_text("{}")
    _have(monkeypatch, OLD)

    assert choose_server(tmp_path) == OLD


def test_programs_that_are_no_redis_or_too_old_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "redis-server": "Redis server v=5.0.7 sha=0 malloc=jemalloc",
        "valkey-server": "Valkey server v=8.0.1 sha=0 malloc=jemalloc",
        "broken": "",
    }
    for name, words in said.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{words}'\n")
        program.chmod(0o755)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")

    assert [(server.product, server.version) for server in servers()] == [("valkey", (8, 0, 1))]
    assert embedded._ask_version(tmp_path / "missing") is None
    assert embedded._ask_version(tmp_path / "broken") is None


def test_the_socket_is_under_the_data_directory_or_where_its_path_is_short(tmp_path: Path) -> None:
    near = Path("/srv/hookyard")
    far = tmp_path / ("x" * 120)

    assert socket_path(near) == near / "run" / "redis.sock"
    assert len(os.fsencode(socket_path(far))) < 104
    assert socket_path(far) != socket_path(tmp_path / ("y" * 120))
    assert url(Path("/srv/a b")) == "unix:///srv/a%20b/run/redis.sock"


def test_a_socket_directory_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4242)

    with pytest.raises(CommandError, match="belongs to another user"):
        command(tmp_path, OLD)


def test_the_server_keeps_all_and_listens_to_this_user_alone(tmp_path: Path) -> None:
    words = command(tmp_path, OLD)

    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert words[0] == "/bundled/redis-server"
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--save"] == ""
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--port"] == "0"
    assert options["--unixsocketperm"] == "700"
    assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n".join(str(number) for number in range(10)))

    assert tail(tmp_path / "log", 2) == "8\n9"
    assert tail(tmp_path / "missing") == ""


async def test_a_server_that_ends_before_it_answers_is_reported_with_its_log(
    tmp_path: Path,
) -> None:
    log = tmp_path / "redis.log"
    log.write_text("Fatal config error\n")

    with pytest.raises(CommandError, match="Fatal config error"):
        await embedded.wait_until_ready(tmp_path, lambda: False, log=log)


async def test_nobody_on_the_socket_is_as_it_should_be(tmp_path: Path) -> None:
    await embedded.end_unmarked(tmp_path)


@pytest.mark.redis
async def test_what_was_written_is_there_after_a_kill_and_an_unmarked_server_is_ended(
    tmp_path: Path,
) -> None:
    server = next(servers(), None)
    if server is None:
        pytest.skip("no redis-server here")
    log = tmp_path / "redis.log"
    for round_ in range(2):
        process = await asyncio.create_subprocess_exec(*command(tmp_path, server))
        try:
            await embedded.wait_until_ready(tmp_path, lambda: True, log=log)
            embedded.remember_server(tmp_path, server)
            redis = Redis.from_url(url(tmp_path))
            if round_ == 0:
                await redis.set("kept", "1")
                marks.put(tmp_path, "redis", process.pid)
                assert embedded.is_running(tmp_path)
                process.kill()
            else:
                assert await redis.get("kept") == b"1"
                await embedded.end_unmarked(tmp_path)
            await redis.aclose()
            async with asyncio.timeout(20):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
    assert not embedded.is_running(tmp_path)
    assert choose_server(tmp_path).version >= server.version
