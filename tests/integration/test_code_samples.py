"""Programs that make tasks, run as they are printed, with names of a directory that means harm."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web

from router.core.code_samples import LANGUAGES, sample_for
from router.core.intake_table import ConnectorIntake
from router.core.store.migrate import upgrade
from tests.support.hookyard import Hookyard
from tests.support.programs import free_port
from tests.support.routes import write_routes
from tests.support.samples import run_sample
from tests.support.servers import RedisServer

KEY = "key-of-the-support-form-0d1f"
TRACE = "somebody-was-here"
Interpreters = Callable[[str], Path]

HOSTILE = [
    f"`touch {TRACE}` $(touch {TRACE}) ${{HOME}}",
    f"?> <?php touch('{TRACE}'); ?>",
    f"*/ touch('{TRACE}'); /*",
    f"\nTASK\ntouch {TRACE}\n",
    f"\nTASK;\ntouch('{TRACE}');\n//",
    f"'; touch {TRACE}; '",
    f'"; require("fs").writeFileSync("{TRACE}", ""); "',
    f"\u2028require('fs').writeFileSync('{TRACE}', '')\u2029",
    f"${{require('fs').writeFileSync('{TRACE}', '')}}",
    f"coding: utf-7 +AAo-open('{TRACE}', 'w')+AAo-",
    f"""{chr(39) * 3}\nopen('{TRACE}', 'w')\n{chr(39) * 3}""",
    "</script> <!-- --> # // %s %n \\ \\' \\\" \x00 \x1b[2J \u202e",
    "Zoë Ōhara 名前 🦊",
    "@/etc/hostname",
    "-o/etc/hostname",
]
"""Names that want out of their quotes, each by a way that one of the languages has."""


class Receiver:
    """A server that keeps what it is sent, and answers as a task endpoint that is content."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.port = free_port()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.bodies.append(json.loads(await request.read()))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.paths.append(request.raw_path)
        return web.json_response({"status": "routed"}, status=201)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    runner = web.ServerRunner(web.Server(made.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", made.port).start()
    yield made
    await runner.cleanup()


def written(lang: str, directory: Path, intake: ConnectorIntake, base_url: str) -> Path:
    """Write the program to a directory in which nothing else is."""
    sample = sample_for(intake, base_url)
    assert sample is not None
    directory.mkdir()
    program = directory / "program"
    program.write_text(LANGUAGES[lang](sample), "utf-8")
    return program


@pytest.mark.parametrize("lang", list(LANGUAGES))
async def test_no_name_gets_out_of_its_quotes_and_each_arrives_as_it_is(
    lang: str, tmp_path: Path, receiver: Receiver, interpreter_of: Interpreters
) -> None:
    body = {"title": "x".join(HOSTILE), "labels": HOSTILE, "contact": {"name": HOSTILE[0]}}
    for number, name in enumerate(HOSTILE):
        # Each comes first once: what a first line may do, a later one may not.
        choices = {"labels": [name, *HOSTILE], "type": [name]}
        intake = ConnectorIntake(
            name="form", source={"preset": "task"}, sample={"body": body, "choices": choices}
        )
        base_url = f"http://127.0.0.1:{receiver.port}"
        program = written(lang, tmp_path / str(number), intake, base_url)

        done = await run_sample(interpreter_of(lang), program, KEY)

        assert (done.returncode, done.stderr) == (0, ""), name
        assert json.loads(done.stdout) == {"status": "routed"}, name
        assert [each.name for each in program.parent.iterdir()] == ["program"], name
        assert receiver.bodies == [body] * (number + 1), name


@pytest.mark.parametrize("lang", list(LANGUAGES))
async def test_odd_headers_and_addresses_are_those_that_the_request_has(
    lang: str, tmp_path: Path, receiver: Receiver, interpreter_of: Interpreters
) -> None:
    header, path = "X-'$HOME`id`", "/a'b$(id)`id`{c,d}?e=[1-2]&f=%27"
    intake = ConnectorIntake(
        name="form",
        source={"preset": "task", "header": header},
        sample={"body": {"title": "x"}, "choices": {}},
        public_url=f"http://127.0.0.1:{receiver.port}{path}",
    )
    program = written(lang, tmp_path / "odd", intake, "")

    done = await run_sample(interpreter_of(lang), program, KEY)

    assert (done.returncode, done.stderr) == (0, "")
    assert [unquote(path) for path in receiver.paths] == [unquote(path)]
    assert receiver.headers[0][header.lower()] == KEY
    assert "authorization" not in receiver.headers[0]


@pytest.mark.parametrize("lang", list(LANGUAGES))
async def test_without_a_key_nothing_is_sent_and_what_is_missing_is_said(
    lang: str, tmp_path: Path, receiver: Receiver, interpreter_of: Interpreters
) -> None:
    intake = ConnectorIntake(
        name="form", source={"preset": "task"}, sample={"body": {"title": "x"}, "choices": {}}
    )
    program = written(lang, tmp_path / "a", intake, f"http://127.0.0.1:{receiver.port}")

    done = await run_sample(interpreter_of(lang), program, None)

    assert done.returncode != 0
    assert "TASK_KEY" in done.stderr + done.stdout
    assert receiver.bodies == []


@pytest.mark.parametrize("lang", list(LANGUAGES))
async def test_a_server_that_is_not_there_is_an_error(
    lang: str, tmp_path: Path, interpreter_of: Interpreters
) -> None:
    intake = ConnectorIntake(
        name="form", source={"preset": "task"}, sample={"body": {"title": "x"}, "choices": {}}
    )
    program = written(lang, tmp_path / "a", intake, f"http://127.0.0.1:{free_port()}")

    done = await run_sample(interpreter_of(lang), program, KEY)

    assert done.returncode != 0
    assert KEY not in done.stderr + done.stdout


MANY = {f"{number:03} {HOSTILE[number % len(HOSTILE)]}": None for number in range(200)}
DIRECTORY: dict[str, Any] = {
    "directory": {
        "people": {
            name: {"name": name, "email": f"p{number}@in-house.example"}
            for number, name in enumerate(HOSTILE)
            if name.isprintable() and "@" not in name
        },
        "labels": {name: None for name in MANY if name.isprintable()},
        "clients": {HOSTILE[0]: None},
        "projects": {HOSTILE[1]: {"client": HOSTILE[0]}},
        "task_types": [HOSTILE[2]],
    }
}
FORM = """\
connector: form
source: {preset: task, header: X-Form-Key}
secrets: [form_key]
reply: routed
dedupe: off
contact: {email: "{{ body.contact.email }}", unknown: reject}
fixed: {priority: low, due: tomorrow}
defaults: {type: "*/ touch('somebody-was-here'); /*"}
"""


@pytest.mark.redis
async def test_a_directory_that_means_harm_makes_programs_that_make_their_task(
    tmp_path: Path, redis_server: RedisServer, sqlite_url: str, interpreter_of: Interpreters
) -> None:
    routes = write_routes(
        tmp_path / "routes", form=FORM, people=json.dumps(DIRECTORY, ensure_ascii=False)
    )
    hookyard = Hookyard(
        tmp_path / "hookyard",
        routes=routes,
        redis_url=redis_server.url,
        database_url=sqlite_url,
        secret_form_key=KEY,
    )
    await upgrade(sqlite_url)
    async with hookyard:
        await hookyard.serve()
        hookyard.work()
        await hookyard.ready()
        for lang in LANGUAGES:
            printed = hookyard.run("connectors", "code", "form", "--lang", lang)
            assert printed.returncode == 0, printed.stderr
            program = tmp_path / lang / "program"
            program.parent.mkdir()
            program.write_text(printed.stdout, "utf-8")

            done = await run_sample(interpreter_of(lang), program, KEY)

            assert (done.returncode, done.stderr) == (0, ""), done.stdout
            (made,) = json.loads(done.stdout)["tasks"]
            task = await hookyard.get(f"/tasks/{made['id']}")
            assert task["labels"] == [min(DIRECTORY["directory"]["labels"])]
            assert task["project"] == HOSTILE[1]
            assert task["creator"]["type"] == "person"
            assert [each.name for each in program.parent.iterdir()] == ["program"]
            wrong = await run_sample(interpreter_of(lang), program, "another key")
            assert wrong.returncode != 0
            assert json.loads(wrong.stdout)["code"] == "not-proven"
