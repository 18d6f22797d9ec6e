"""How every flag is declared: with its environment twin, shown in `--help`.

A flag that stands for a setting (`--port`) has the setting's variable as its twin; the settings
read it, with its `_FILE` form and `.env`. Any other flag has `HOOKYARD_<COMMAND>_<FLAG>`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from router.core.clock import epoch_ms, utc_now
from router.core.settings import PREFIX, environment, parse_span
from router.core.when import instant_ms

F = TypeVar("F", bound=Callable[..., Any])


class TwinOption(click.Option):
    """An option whose environment twin is read through `router.core.settings` and shown in help."""

    def __init__(self, *args: Any, setting: str | None = None, **attributes: Any) -> None:
        self.setting = setting
        super().__init__(*args, **attributes)

    def twin(self, ctx: click.Context) -> str:
        """Return the name of the environment variable that stands for this flag."""
        if self.setting is not None:
            return f"{PREFIX}{self.setting.upper()}"
        command = "_".join(ctx.command_path.split()[1:])
        flag = next(name for name in self.opts if name.startswith("--")).removeprefix("--")
        return f"{PREFIX}{command}_{flag}".upper().replace("-", "_")

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the twin's value; that of a setting is left for the settings to read."""
        if self.setting is not None:
            return None
        return environment().get(self.twin(ctx)) or None

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return flag and description, the twin behind it."""
        record = super().get_help_record(ctx)
        if record is None or self.name == "help":
            return record
        return record[0], f"{record[1]}  [env: {self.twin(ctx)}]"


class Span(click.ParamType[timedelta]):
    """A span of time such as `7d`."""

    name = "span"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the span."""
        try:
            span = parse_span(value)
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)
        return span if isinstance(span, timedelta) else self.fail("expected a span", param, ctx)


def option(*names: str, setting: str | None = None, **attributes: Any) -> Callable[[F], F]:
    """Declare a flag; `setting` names the field of `Settings` it stands for."""
    return click.option(*names, cls=TwinOption, setting=setting, **attributes)


def json_option(command: F) -> F:
    """Declare `--json`, as every listing has it."""
    return option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def _milliseconds(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return the instant a text names, or that of so long ago, in milliseconds since the epoch."""
    try:
        return None if value is None else instant_ms(value, utc_now)
    except ValueError as error:
        raise click.BadParameter(f"{error}; found {value!r}", ctx, param) from None


def expiry_ms(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return the instant a text names, `90d` from now on, in milliseconds; it must be to come."""
    if value is None:
        return None
    now_ms = epoch_ms(utc_now())
    try:
        found = instant_ms(value, utc_now)
    except ValueError:
        message = f"expected a span such as 90d, a day, or an RFC 3339 instant; found {value!r}"
        raise click.BadParameter(message, ctx, param) from None
    with suppress(ValueError):
        found = now_ms + int(parse_span(value).total_seconds() * 1000)
    if found <= now_ms:
        raise click.BadParameter("it would have expired already", ctx, param)
    return found


def _span(words: str) -> Callable[[F], F]:
    """Return a decorator that declares `--since` and `--until`, with what they are about."""

    def declare(command: F) -> F:
        since = option(
            "--since",
            "since_ms",
            callback=_milliseconds,
            metavar="WHEN",
            help=f"Only {words} from then on: 7d for seven days ago, or an RFC 3339 instant.",
        )
        until = option(
            "--until",
            "until_ms",
            callback=_milliseconds,
            metavar="WHEN",
            help=f"Only {words} before then.",
        )
        return since(until(command))

    return declare


time_options = _span("those received")
done_options = _span("what was done")
changed_options = _span("those that changed last")
sorted_options = _span("those made (with --sort updated, changed; with --sort due, due)")


def data_option(command: F) -> F:
    """Declare `--data`."""
    return option(
        "--data",
        setting="data",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Directory of the embedded Redis and SQLite; .hookyard by default.",
    )(command)


def routes_option(command: F) -> F:
    """Declare `--routes`."""
    return option(
        "--routes",
        setting="routes",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Directory of rule files; rules/routes if it exists, else ./routes.",
    )(command)


def address_options(command: F) -> F:
    """Declare `--host` and `--port`."""
    host = option(
        "--host", setting="host", metavar="ADDRESS", help="Address to listen on; 127.0.0.1."
    )
    port = option(
        "--port",
        setting="port",
        type=click.IntRange(0, 65535),
        metavar="N",
        help="Port to listen on; 8080 by default, 0 takes a free one.",
    )
    return host(port(command))
