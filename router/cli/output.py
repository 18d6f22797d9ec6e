r"""What the command prints: results to stdout, status to stderr, tables that fit the terminal.

Texts from webhooks may hold anything, also sequences that steer a terminal: control characters
are shown as `\x1b` and the like, never sent.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.widths import GAP, widths
from router.core import jsonio
from router.core.redaction import scrub
from router.core.settings import environment

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")
_PIPE_WIDTH = 1000


def plain(value: Any) -> str:
    """Return a value as one line of text without control characters; None is empty."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else jsonio.dumps(value)
    return _CONTROL.sub(_escape, text)


def status(message: str) -> None:
    """Say to stderr what is going on."""
    click.echo("\n".join(plain(line) for line in scrub(message).splitlines()), err=True)


def result(text: str) -> None:
    """Print a result to stdout."""
    click.echo(text)


def result_json(value: Any) -> None:
    """Print a result as JSON on one line."""
    click.echo(jsonio.dumps(value))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print rows to stdout; on a terminal they are folded to its width, in a pipe never.

    On a terminal instants are shown to the second, with a blank where they may be folded.
    """
    terminal = sys.stdout.isatty()
    size = shutil.get_terminal_size()
    cells = [[plain(cell) for cell in row] for row in rows]
    if terminal:
        cells = [[_INSTANT.sub(r"\1 \2Z", cell) for cell in row] for row in cells]
    fitted = widths([*zip(columns, *cells, strict=True)], size.columns) if terminal else None
    console = Console(
        width=size.columns if terminal else _PIPE_WIDTH,
        height=size.lines,
        force_terminal=terminal,
        no_color="NO_COLOR" in environment(),
        highlight=False,
        emoji=False,
        markup=False,
    )
    grid = Table(
        box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold", title=title or None
    )
    for at, column in enumerate(columns):
        grid.add_column(Text(column), overflow="fold", width=None if fitted is None else fitted[at])
    for row in cells:
        grid.add_row(*map(Text, row))
    with console.capture() as capture:
        console.print(grid)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


def _escape(match: re.Match[str]) -> str:
    return " " if match[0] in "\t\n\r" else match[0].encode("unicode_escape").decode()
