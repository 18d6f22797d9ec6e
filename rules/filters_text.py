"""Filters that make texts: each takes any value as its text, null as an empty one."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlencode

import re2
from jinja2 import pass_environment
from jinja2.filters import do_capitalize, do_indent, do_title, do_truncate, do_wordwrap

from rules.paths import MISSING
from rules.scope import RenderError
from rules.template_env import Broken, RulesEnvironment
from rules.values import MAX_TEXT, json_text, shown, storable, text

MAX_WIDTH: Final = 1_000
_ALGORITHMS = {"sha256": hashlib.sha256, "sha512": hashlib.sha512, "sha1": hashlib.sha1}
_NO_WORD = re.compile(r"[\W_]+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~])")


def bounded(words: str) -> str:
    """Return a text that is not too long.

    Raises:
        RenderError: It is.
    """
    if len(words) > MAX_TEXT:
        raise RenderError(f"a text has at most {MAX_TEXT} characters")
    return words


def _width(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_WIDTH:
        raise RenderError(f"a width is a whole number from 1 to {MAX_WIDTH}")
    return value


def upper(value: Any) -> str:
    """Return a text in capitals."""
    return text(value).upper()


def lower(value: Any) -> str:
    """Return a text in small letters."""
    return text(value).lower()


def capitalize(value: Any) -> str:
    """Return a text with a capital at its start, the rest in small letters."""
    return do_capitalize(text(value))


def title(value: Any) -> str:
    """Return a text with a capital at the start of each word."""
    return do_title(text(value))


def trim(value: Any, chars: str | None = None) -> str:
    """Return a text without the blanks, or the given characters, around it."""
    return text(value).strip(chars)


def replace(value: Any, old: str, new: str, count: int = -1) -> str:
    """Return a text with `new` in the place of `old`, all of them or the first `count`."""
    words = text(value)
    found = words.count(old)
    if len(words) + found * max(0, len(new) - len(old)) > MAX_TEXT:
        raise RenderError(f"a text has at most {MAX_TEXT} characters")
    return words.replace(old, new, count)


@pass_environment
def truncate(
    environment: RulesEnvironment,
    value: Any,
    length: int = 255,
    killwords: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
    end: str = "...",
    leeway: int | None = None,
) -> str:
    """Jinja's own: cut at a word, with some leeway."""
    if _width(length) < len(end):
        raise RenderError("the length of `truncate` is shorter than its end")
    return do_truncate(environment, text(value), length, killwords, end, leeway)


def shorten(value: Any, length: int = 80, end: str = "…") -> str:
    """Return a text of at most `length` characters, cut with `end` if it was longer."""
    words = text(value)
    if type(length) is not int or not len(end) <= length <= MAX_TEXT:
        raise RenderError(f"a length is a whole number from {len(end)} to {MAX_TEXT}")
    if len(words) <= length:
        return words
    return words[: length - len(end)].rstrip() + end


def indent(value: Any, width: int = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002  Jinja's signature
    """Return a text with its lines moved in."""
    words = text(value)
    bounded_lines = len(words) + words.count("\n") * _width(width)
    if bounded_lines > MAX_TEXT:
        raise RenderError(f"a text has at most {MAX_TEXT} characters")
    return do_indent(words, width, first, blank)


@pass_environment
def wordwrap(environment: RulesEnvironment, value: Any, width: int = 79) -> str:
    """Return a text in lines of at most `width` characters."""
    return bounded(do_wordwrap(environment, text(value), _width(width)))


def striptags(value: Any) -> str:
    """Return the text of some HTML: without tags and comments, entities read, blanks joined."""
    words, kept, position = text(value), [], 0
    while (start := words.find("<", position)) >= 0:
        kept.append(words[position:start])
        end = "-->" if words.startswith("<!--", start) else ">"
        stop = words.find(end, start)
        position = len(words) if stop < 0 else stop + len(end)
    kept.append(words[position:])
    return " ".join(html.unescape("".join(kept)).split())


def escape(value: Any) -> str:
    """Return a text for HTML: `&`, `<`, `>` and quotes as entities."""
    return html.escape(text(value))


def markdown_escape(value: Any) -> str:
    """Return a text that Markdown shows as it is."""
    return _MARKDOWN.sub(r"\\\1", text(value))


def urlencoded(value: Any) -> str:
    """Return a text for a URL; a mapping as a query."""
    if isinstance(value, dict):
        return urlencode({key: storable(text(item)) for key, item in value.items()})
    return quote(storable(text(value)), safe="/")


def slug(value: Any) -> str:
    """Return a text in small letters and digits, with `-` between the words and without accents."""
    plain = unicodedata.normalize("NFKD", text(value).replace("ß", "ss"))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return _NO_WORD.sub("-", unicodedata.normalize("NFC", letters).lower()).strip("-")


def digest(value: Any, algorithm: str = "sha256", length: int | None = None) -> str:
    """Return the hexadecimal digest of a text in UTF-8, its first `length` digits if given."""
    make = _ALGORITHMS.get(algorithm)
    if make is None:
        raise RenderError(f"`hash` knows {', '.join(_ALGORITHMS)}")
    return make(storable(text(value)).encode()).hexdigest()[:length]


def split(value: Any, separator: str | None = None) -> list[str]:
    """Return the parts of a text between separators; without one, its words."""
    return text(value).split(separator)


def tojson(value: Any) -> str:
    """Return a value as JSON."""
    return json_text(value)


def string(value: Any) -> str:
    """Return a value as it reads in a text."""
    return text(value)


def wordcount(value: Any) -> int:
    """Return how many words a text has."""
    return len(text(value).split())


def regex(value: Any, pattern: str, group: int | str | None = None) -> Any:
    """Return what a RE2 pattern finds first: its first group, if it has one, or all of it.

    What is not found is undefined, so that `default()` answers it.
    """
    compiled = compiled_pattern(pattern)
    found = compiled.search(storable(text(value)))
    wanted = group if group is not None else min(1, compiled.groups)
    if found is None:
        return Broken(f"what the pattern {shown(pattern)} looks for is not there")
    result = found.group(wanted)
    return (
        Broken(f"group {wanted} of the pattern {shown(pattern)} is not there")
        if result is None
        else result
    )


@lru_cache(maxsize=1_024)
def compiled_pattern(pattern: str) -> Any:
    """Return a compiled RE2 pattern.

    Raises:
        RenderError: It is none; says why.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        shown = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise RenderError(f"not a regular expression of RE2: {shown}") from None


def lookup(value: Any, table: Any, default: Any = MISSING) -> Any:
    """Return what a mapping has for a value, read as text; else the default, else undefined."""
    if not isinstance(table, dict):
        raise RenderError("`lookup` takes a mapping")
    found = table.get(text(value), default)
    return Broken(f"{shown(text(value))} is not in the table") if found is MISSING else found
