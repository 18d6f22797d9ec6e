from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from router.core import redaction
from router.core.logging import configure
from router.core.redaction import forget_value


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_secrets_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(redaction, "_known_pattern", None)


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_level_logger_and_instant() -> None:
    stream = io.StringIO()
    configure("json", "info", stream)

    structlog.get_logger("router.x").info("event_accepted", connector="shop", count=2)

    (line,) = _lines(stream)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "event_accepted",
        "level": "info",
        "logger": "router.x",
        "connector": "shop",
        "count": 2,
    }


def test_lines_of_other_libraries_look_the_same() -> None:
    stream = io.StringIO()
    configure("json", "info", stream)

    logging.getLogger("arq.worker").info("%s of %s", "job", "queue")

    (line,) = _lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("job of queue", "info", "arq.worker")


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    configure("json", "warning", stream)

    structlog.get_logger("router.x").info("unheard")
    logging.getLogger("arq.worker").info("unheard")
    structlog.get_logger("router.x").warning("heard")

    assert [line["event"] for line in _lines(stream)] == ["heard"]


def test_talkative_loggers_speak_from_warning_on_until_debug_is_asked_for() -> None:
    quiet, loud = io.StringIO(), io.StringIO()

    configure("json", "info", quiet)
    logging.getLogger("alembic.runtime.migration").info("unheard")
    configure("json", "debug", loud)
    logging.getLogger("alembic.runtime.migration").info("heard")

    assert _lines(quiet) == []
    assert [line["event"] for line in _lines(loud)] == ["heard"]


def test_no_secret_reaches_the_log_by_field_text_or_traceback() -> None:
    stream = io.StringIO()
    configure("json", "info", stream)
    forget_value("canary-value")
    log = structlog.get_logger("router.x")

    log.info("told canary-value", token="abc", deep={"n": ["canary-value"]})
    logging.getLogger("aiohttp").warning("failed for redis://:pw@host with canary-value")
    try:
        raise ValueError("canary-value")  # noqa: TRY301  the traceback is what is looked at
    except ValueError:
        log.exception("broke")

    written = stream.getvalue()
    assert "canary-value" not in written
    assert "abc" not in written
    assert ":pw@" not in written
    assert "Traceback" in _lines(stream)[-1]["exception"]


def test_a_terminal_gets_text_and_a_pipe_json() -> None:
    terminal, pipe = _Terminal(), io.StringIO()

    configure(None, "info", terminal, colors=False)
    structlog.get_logger("router.x").info("hello", connector="shop")
    configure(None, "info", pipe)
    structlog.get_logger("router.y").info("hello")

    assert "[info     ] hello" in terminal.getvalue()
    assert "connector=shop" in terminal.getvalue()
    assert "\x1b[" not in terminal.getvalue()
    assert _lines(pipe)[0]["event"] == "hello"


def test_a_terminal_gets_colours_unless_it_says_no() -> None:
    terminal = _Terminal()
    configure("console", "info", terminal)

    structlog.get_logger("router.z").info("hello")

    assert "\x1b[" in terminal.getvalue()


def test_setting_up_again_replaces_and_never_doubles(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("json", "info", first)
    configure("json", "info", second)

    logging.getLogger("x").warning("once")

    assert first.getvalue() == ""
    assert len(_lines(second)) == 1
    assert capsys.readouterr().err == ""


def test_stderr_is_where_lines_go_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    structlog.get_logger("router.x").info("hello")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "hello"


def test_problems_have_a_line_each_for_people_and_a_list_for_programs() -> None:
    people, programs = io.StringIO(), io.StringIO()
    forget_value("canary-value")
    problems = ["a.yaml:1:1: R002 no", "b.yaml:2:3: R011 canary-value"]

    configure("console", "info", people)
    structlog.get_logger("workers.x").error("rules_not_loaded", count=2, problems=problems)
    structlog.get_logger("workers.x").error("table_unreadable", problems=2)
    configure("json", "info", programs)
    structlog.get_logger("workers.y").error("rules_not_loaded", count=2, problems=problems)

    first, *below, last = people.getvalue().splitlines()
    assert "rules_not_loaded" in first
    assert "count=2" in first
    assert below == ["  a.yaml:1:1: R002 no", "  b.yaml:2:3: R011 [redacted]"]
    assert "problems=2" in last
    assert _lines(programs)[0]["problems"] == [
        "a.yaml:1:1: R002 no",
        "b.yaml:2:3: R011 [redacted]",
    ]
