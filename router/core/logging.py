"""Logs: structlog to stderr, for people on a terminal, one JSON object a line elsewhere.

Lines of the standard library's loggers (aiohttp, arq, SQLAlchemy, Alembic) go through the same
processors, so nothing reaches the log without redaction. docs/reference/logs.md lists the events.
"""

from __future__ import annotations

import logging
import sys
from typing import IO, Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from router.core import jsonio
from router.core.redaction import redact_fields

Format = Literal["console", "json"]

_TALKATIVE = ("aiohttp.access", "alembic", "sqlalchemy", "aiosqlite", "asyncio", "watchfiles")
"""Loggers of others whose `info` is noise; they speak from `warning` on, from `debug` when asked."""


def configure(
    format: Format | None = None,  # noqa: A002  the setting's name
    level: str = "info",
    stream: IO[str] | None = None,
    *,
    colors: bool = True,
) -> None:
    """Set up logging for this process; calling it again replaces what was set up.

    `format` None means `console` where the stream is a terminal and `json` elsewhere; `level` is
    the least level that is written: `debug`, `info`, `warning` or `error`. `colors` False keeps a
    terminal free of them (NO_COLOR).
    """
    target = sys.stderr if stream is None else stream
    chosen: Format = format or ("console" if target.isatty() else "json")
    shared = _shared_processors()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_final_processors(chosen, colors=colors and target.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    logging.captureWarnings(capture=True)


def redact(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    """Take secrets out of a log line (a structlog processor)."""
    del logger, method
    return redact_fields(event_dict)


def _shared_processors() -> list[Processor]:
    """What every line goes through, whoever wrote it.

    Tracebacks become text before the redaction sees them; structlog's own console traceback
    would print local variables, and with them secrets.
    """
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _final_processors(chosen: Format, *, colors: bool) -> list[Processor]:
    if chosen == "json":
        return [redact, structlog.processors.JSONRenderer(serializer=_to_json)]
    return [redact, _console(colors=colors)]


def _console(*, colors: bool) -> Processor:
    """Return what renders a line for people; problems, where they are listed, a line each below it."""
    render = structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="at", pad_event_to=0)

    def processor(logger: WrappedLogger, method: str, event_dict: EventDict) -> str:
        listed = isinstance(event_dict.get("problems"), list)
        below = [f"  {problem}" for problem in event_dict.pop("problems")] if listed else []
        return "\n".join([render(logger, method, event_dict), *below])

    return processor


def _to_json(event_dict: EventDict, **_: Any) -> str:
    return jsonio.dumps(event_dict)
