"""How the command ends when something goes wrong: one plain line a cause, and an exit code.

0 is fine, 1 means that problems were found, 2 that the command could not do its work. A traceback
is for `-v`; everyone else gets the chain of causes, the nearest first, without secrets.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import click
from click.exceptions import NoArgsIsHelpError

from router.cli.output import status

PROBLEMS_FOUND = 1
COULD_NOT_RUN = 2


class CommandError(Exception):
    """The command could not do its work; the message says what to do."""

    def __init__(self, message: str, *, exit_code: int = COULD_NOT_RUN) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def report(error: BaseException, *, verbose: bool) -> int:
    """Say what went wrong on stderr and return the exit code."""
    if isinstance(error, NoArgsIsHelpError):
        status(error.format_message())
        return COULD_NOT_RUN
    if isinstance(error, click.ClickException):
        _usage(error)
        return COULD_NOT_RUN
    if verbose:
        status("".join(traceback.format_exception(error)).rstrip())
    lines = list(_lines(error))
    status("\n".join([f"hookyard: {lines[0]}", *(f"  because: {line}" for line in lines[1:])]))
    expected = isinstance(error, CommandError | OSError) or _is_ours(error)
    if not (expected or verbose):
        status("  -v shows where it happened.")
    return error.exit_code if isinstance(error, CommandError) else COULD_NOT_RUN


def _usage(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    status(f"hookyard: {error.format_message()}")
    if context is not None:
        status(f"  see: {context.command_path} --help")


def _lines(error: BaseException) -> Iterator[str]:
    """Yield one text for each error of the chain of causes, without repeating any."""
    seen: set[str] = set()
    link: BaseException | None = error
    while link is not None:
        message, kind = str(link).strip(), type(link).__name__
        if not any(message in earlier for earlier in seen):
            seen.add(message)
            ours = isinstance(link, CommandError) or _is_ours(link)
            yield message if ours and message else f"{kind}: {message}" if message else kind
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _is_ours(error: BaseException) -> bool:
    return type(error).__module__.split(".")[0] in {"router", "workers", "rules"}
