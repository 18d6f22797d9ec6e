from __future__ import annotations

import click
import pytest

from router.cli.failures import COULD_NOT_RUN, PROBLEMS_FOUND, CommandError, report
from router.core.errors import SettingsError, StoreUnavailableError


def _raised(error: Exception, cause: Exception | None = None) -> Exception:
    """Raise an error from a cause, so that it has a traceback, and return it."""
    try:
        raise error from cause
    except type(error) as raised:
        return raised


def test_an_error_is_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = report(
        _raised(CommandError("no routes here; `hookyard init` makes some")), verbose=False
    )

    captured = capsys.readouterr()
    assert code == COULD_NOT_RUN
    assert captured.out == ""
    assert captured.err == "hookyard: no routes here; `hookyard init` makes some\n"


def test_causes_follow_one_a_line_and_none_twice(capsys: pytest.CaptureFixture[str]) -> None:
    error = _raised(
        StoreUnavailableError("the database cannot be reached"),
        _raised(CommandError("could not connect"), ConnectionRefusedError(111, "refused")),
    )

    report(error, verbose=False)

    assert capsys.readouterr().err.splitlines() == [
        "hookyard: the database cannot be reached",
        "  because: could not connect",
        "  because: ConnectionRefusedError: [Errno 111] refused",
    ]


def test_a_cause_that_says_the_same_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    report(_raised(SettingsError("no port"), SettingsError("no port")), verbose=False)

    assert capsys.readouterr().err == "hookyard: no port\n"


def test_an_unforeseen_error_names_its_kind_and_how_to_see_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report(_raised(KeyError("x")), verbose=False) == COULD_NOT_RUN

    assert capsys.readouterr().err.splitlines() == [
        "hookyard: KeyError: 'x'",
        "  -v shows where it happened.",
    ]


def test_an_error_without_words_is_named_by_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    report(_raised(TimeoutError()), verbose=True)

    assert "hookyard: TimeoutError\n" in capsys.readouterr().err


def test_verbose_shows_the_traceback_without_credentials(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report(_raised(ValueError("redis://:pw@host broke")), verbose=True)

    shown = capsys.readouterr().err
    assert "Traceback (most recent call last)" in shown
    assert ":pw@" not in shown


def test_bad_usage_says_where_the_help_is(capsys: pytest.CaptureFixture[str]) -> None:
    context = click.Context(click.Command("send"), info_name="hookyard send")

    assert report(click.UsageError("No such option: --x", context), verbose=False) == COULD_NOT_RUN

    assert capsys.readouterr().err.splitlines() == [
        "hookyard: No such option: --x",
        "  see: hookyard send --help",
    ]


def test_a_command_may_end_with_problems_found() -> None:
    assert report(CommandError("no such key", exit_code=PROBLEMS_FOUND), verbose=False) == 1
