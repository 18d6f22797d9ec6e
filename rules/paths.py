"""Paths into an event: `body.line_items[0].sku`, `headers["X-Topic"]`, `item.labels.alertname`.

Grammar (decision C9): a root, then any number of `.name`, `[n]` (`[-1]` is the last) and
`["any text"]`. A name is made of letters, digits, `_` and `-` of any alphabet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rules.scope import Scope

Key = str | int


class _Missing:
    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()
"""What a path leads to where there is nothing; null is something."""

_NAME = re.compile(r"[\w-]+")
_INDEX = re.compile(r"\[\s*(-?[0-9]{1,9})\s*\]", re.ASCII)
_QUOTED = re.compile(r"""\[\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\]""", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class PathError(ValueError):
    """A text is no path; `position` is where it stops being one, counted from 0."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.message = message


class Path:
    """A parsed path: where to start (`root`) and which keys to follow from there."""

    __slots__ = ("keys", "root", "text")

    def __init__(self, root: str, keys: tuple[Key, ...], text: str) -> None:
        self.root = root
        self.keys = keys
        self.text = text

    def __repr__(self) -> str:
        return f"Path({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and (self.root, self.keys) == (other.root, other.keys)

    def __hash__(self) -> int:
        return hash((self.root, self.keys))

    def get(self, scope: Scope) -> Any:
        """Return the value it leads to in `scope`, or MISSING.

        Raises:
            RenderError: It leads to a variable that cannot be evaluated.
        """
        value = scope.roots.get(self.root, MISSING)
        for key in self.keys:
            if type(value) is dict and type(key) is str:  # nearly always, and told without a call
                value = value.get(key, MISSING)
            else:
                value = step(value, key)
        return value


def step(value: Any, key: Any) -> Any:
    """Return what `value` holds under `key`, or MISSING: keys of mappings, positions of lists."""
    kind = type(value)
    if kind is dict:
        return value.get(key, MISSING) if type(key) is str else MISSING
    if kind is list or kind is tuple:
        if type(key) is int and -len(value) <= key < len(value):
            return value[key]
        return MISSING
    follow = getattr(kind, "follow", None)
    return MISSING if follow is None or type(key) is not str else follow(value, key)


def parse_path(text: str) -> Path:
    """Parse a path.

    Raises:
        PathError: It is none; says where and what was expected.
    """
    start = _NAME.match(text)
    if start is None:
        raise PathError(0, "a path starts with a name such as `body`")
    position = start.end()
    keys: list[Key] = []
    while position < len(text):
        key, position = _parse_key(text, position)
        keys.append(key)
    return Path(start[0], tuple(keys), text)


def _parse_key(text: str, position: int) -> tuple[Key, int]:
    if text[position] == ".":
        name = _NAME.match(text, position + 1)
        if name is None:
            raise PathError(position + 1, "expected a name after `.`")
        return name[0], name.end()
    index = _INDEX.match(text, position)
    if index is not None:
        return int(index[1]), index.end()
    quoted = _QUOTED.match(text, position)
    if quoted is not None:
        inner = quoted[1] if quoted[1] is not None else quoted[2]
        return _ESCAPED.sub(r"\1", inner), quoted.end()
    if text[position] == "[":
        raise PathError(position, 'expected a position such as [0] or a key such as ["any text"]')
    raise PathError(position, "expected `.`, `[` or the end")


def path_text(root: str, keys: tuple[Key, ...]) -> str:
    """Return a path as people write it."""
    parts = [root]
    for key in keys:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        elif _NAME.fullmatch(key):
            parts.append(f".{key}")
        else:
            escaped = key.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'["{escaped}"]')
    return "".join(parts)
