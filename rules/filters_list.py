"""Filters for lists and mappings. Null is neither: it is an error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jinja2 import filters as jinja
from jinja2 import pass_context, pass_environment
from jinja2.runtime import Context

from rules.arithmetic import calculate
from rules.scope import RenderError
from rules.template_env import RulesEnvironment, settled
from rules.values import MAX_TEXT, Number, shown, text

_MAX_BATCH = 1_000


def items_of(value: Any) -> list[Any]:
    """Return the items of a list, the keys of a mapping.

    Raises:
        RenderError: It is neither.
    """
    if isinstance(value, list | tuple | dict):
        return list(value)
    raise RenderError(f"{shown(value)} is not a list")


def length(value: Any) -> int:
    """Return how many items a list or mapping has, or characters a text."""
    return len(value) if isinstance(value, str) else len(items_of(value))


@pass_environment
def first(environment: RulesEnvironment, value: Any) -> Any:
    """Return the first item of a list or character of a text; undefined if there is none."""
    found = value if isinstance(value, str) else items_of(value)
    return found[0] if found else environment.undefined("there is no first item")


@pass_environment
def last(environment: RulesEnvironment, value: Any) -> Any:
    """Return the last item of a list or character of a text; undefined if there is none."""
    found = value if isinstance(value, str) else items_of(value)
    return found[-1] if found else environment.undefined("there is no last item")


@pass_environment
def join(
    environment: RulesEnvironment, value: Any, separator: Any = "", attribute: Any = None
) -> str:
    """Return the texts of the items of a list with a separator between them."""
    parts = [text(settled(item)) for item in _taken(environment, items_of(value), attribute)]
    between = text(separator)
    if sum(map(len, parts)) + len(between) * len(parts) > MAX_TEXT:
        raise RenderError(f"a text has at most {MAX_TEXT} characters")
    return between.join(parts)


def _taken(environment: RulesEnvironment, values: Iterable[Any], attribute: Any) -> Iterable[Any]:
    if attribute is None:
        return values
    return map(jinja.make_attrgetter(environment, attribute), values)


def as_list(value: Any) -> list[Any]:
    """Return a list of what can be gone through: items, keys, characters."""
    return list(value) if isinstance(value, str) else items_of(value)


def reverse(value: Any) -> Any:
    """Return a list or a text from its end to its start."""
    return value[::-1] if isinstance(value, str) else items_of(value)[::-1]


@pass_environment
def sort(
    environment: RulesEnvironment,
    value: Any,
    reverse: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
    case_sensitive: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
    attribute: Any = None,
) -> list[Any]:
    """Return a list in order."""
    return jinja.do_sort(environment, items_of(value), reverse, case_sensitive, attribute)


@pass_environment
def unique(
    environment: RulesEnvironment,
    value: Any,
    case_sensitive: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
    attribute: Any = None,
) -> list[Any]:
    """Return a list without doubles, the first of each kept."""
    return list(jinja.do_unique(environment, items_of(value), case_sensitive, attribute))


@pass_environment
def smallest(
    environment: RulesEnvironment,
    value: Any,
    case_sensitive: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
    attribute: Any = None,
) -> Any:
    """Return the smallest item of a list; undefined if it is empty."""
    return jinja.do_min(environment, items_of(value), case_sensitive, attribute)


@pass_environment
def largest(
    environment: RulesEnvironment,
    value: Any,
    case_sensitive: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
    attribute: Any = None,
) -> Any:
    """Return the largest item of a list; undefined if it is empty."""
    return jinja.do_max(environment, items_of(value), case_sensitive, attribute)


@pass_environment
def total(
    environment: RulesEnvironment, value: Any, attribute: Any = None, start: Number = 0
) -> Number:
    """Return the sum of a list of numbers, exactly."""
    result = start
    for item in _taken(environment, items_of(value), attribute):
        result = calculate("+", result, settled(item))
    return result


@pass_context
def mapped(context: Context, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """Return what a filter or an attribute makes of each item."""
    return list(jinja.sync_do_map(context, items_of(value), *args, **kwargs))


@pass_context
def select(context: Context, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """Return the items a test holds for."""
    return list(jinja.sync_do_select(context, items_of(value), *args, **kwargs))


@pass_context
def reject(context: Context, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """Return the items a test does not hold for."""
    return list(jinja.sync_do_reject(context, items_of(value), *args, **kwargs))


@pass_context
def selectattr(context: Context, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """Return the items with an attribute a test holds for."""
    return list(jinja.sync_do_selectattr(context, items_of(value), *args, **kwargs))


@pass_context
def rejectattr(context: Context, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """Return the items with an attribute a test does not hold for."""
    return list(jinja.sync_do_rejectattr(context, items_of(value), *args, **kwargs))


@pass_environment
def groupby(
    environment: RulesEnvironment,
    value: Any,
    attribute: Any,
    default: Any = None,
    case_sensitive: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
) -> list[tuple[Any, list[Any]]]:
    """Return pairs of an attribute's value and the items that have it, in order."""
    groups = jinja.sync_do_groupby(environment, items_of(value), attribute, default, case_sensitive)
    return [(key, list(members)) for key, members in groups]


def pairs(value: Any) -> list[tuple[str, Any]]:
    """Return the keys of a mapping with their values."""
    if not isinstance(value, dict):
        raise RenderError(f"{shown(value)} is not a mapping")
    return list(value.items())


def dictsort(
    value: Any,
    case_sensitive: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
    by: str = "key",
    reverse: bool = False,  # noqa: FBT001, FBT002  Jinja's signature
) -> list[tuple[str, Any]]:
    """Return the keys of a mapping with their values, in order of the keys or values."""
    if by not in {"key", "value"}:
        raise RenderError("`dictsort` sorts by key or value")
    position = ("key", "value").index(by)

    def sort_key(pair: Sequence[Any]) -> Any:
        found = pair[position]
        return found.lower() if isinstance(found, str) and not case_sensitive else found

    return sorted(pairs(value), key=sort_key, reverse=reverse)


def batch(value: Any, count: int) -> list[list[Any]]:
    """Return a list cut into lists of at most `count` items."""
    if type(count) is not int or not 1 <= count <= _MAX_BATCH:
        raise RenderError(f"`batch` takes a whole number from 1 to {_MAX_BATCH}")
    values = items_of(value)
    return [values[start : start + count] for start in range(0, len(values), count)]
