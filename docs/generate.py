"""Writes the reference pages that follow from the code: `python -m docs.generate [--check]`.

`docs/reference/settings.md` comes from `router.core.settings.Settings`, `docs/reference/commands.md`
from the commands' own `--help`, `docs/reference/api.md` from the routes. Text above the marker of a page is written by hand and kept.
"""

# ruff: noqa: INP001  the pages are no package; `make docs` runs this from the root
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from router.cli.main import cli
from router.core.settings import PREFIX, Settings
from router.web.api.openapi import operations
from router.web.api.routes import PREFIX as PREFIX_OF_API

REFERENCE = Path(__file__).parent / "reference"
MARKER = "<!-- Below this line the page is generated: make docs -->"


def settings_table() -> str:
    """Return all settings as a table."""
    lines = ["| name | default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        description = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{PREFIX}{name.upper()}` | {_default(name)} | {description} |")
    return "\n".join(lines)


def _default(name: str) -> str:
    words = {
        "routes": "`rules/routes` if it exists, else `./routes`",
        "redis_url": "embedded",
        "database_url": "SQLite in the data directory",
        "admin_token": "made at the first start of `up`",
        "log_format": "`console` on a terminal, else `json`",
        "public_url": "from host and port",
        "retention": "`30d`",
        "trusted_proxies": "none",
    }
    if name in words:
        return words[name]
    value = Settings.model_fields[name].default
    return "" if value is None else f"`{value}`"


def command_pages() -> str:
    """Return the help of each command."""
    return "\n\n".join(
        f"## {context.command_path}\n\n```text\n{context.command.get_help(context)}\n```"
        for context in commands()
    )


def commands() -> Iterator[click.Context]:
    """Yield a context for each command that does something, in the order of `--help`."""
    yield from _below(_context(cli, "hookyard", None))


def _below(context: click.Context) -> Iterator[click.Context]:
    if not isinstance(context.command, click.Group):
        yield context
        return
    if context.command.invoke_without_command:
        yield context
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        if command is not None:
            yield from _below(_context(command, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    settings = {**command.context_settings, "terminal_width": 100}
    return command.context_class(command, info_name=name, parent=parent, **settings)


def api_table() -> str:
    """Return all that the API can do, by what it is about."""
    by_tag: dict[str, list[str]] = {}
    for one in operations():
        described = one.described
        asked = ", ".join(f"`{name}`" for name in described.query)
        query = f" Filters: {asked}." if asked else ""
        row = f"| `{one.method} {PREFIX_OF_API}{one.path}` | `{one.scope}` | {one.summary}{query} |"
        by_tag.setdefault(described.tag, []).append(row)
    head = "| address | scope | |\n|---|---|---|"
    return "\n\n".join("\n".join((f"## {tag}\n", head, *rows)) for tag, rows in by_tag.items())


PAGES = {"settings.md": settings_table, "commands.md": command_pages, "api.md": api_table}


def write(*, check: bool) -> list[str]:
    """Write each page anew, or only compare; return the names of those that were out of date."""
    stale = []
    for name, generate in PAGES.items():
        path = REFERENCE / name
        before = path.read_text("utf-8")
        by_hand, _, _ = before.partition(MARKER)
        after = f"{by_hand}{MARKER}\n\n{generate()}\n"
        if after != before:
            stale.append(name)
            if not check:
                path.write_text(after, "utf-8")
    return stale


def main(arguments: list[str]) -> int:
    """Write or check; exit code 1 if a page was out of date and only checked."""
    check = "--check" in arguments
    stale = write(check=check)
    for name in stale:
        click.echo(f"{name} {'is out of date: run make docs' if check else 'was written anew'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
