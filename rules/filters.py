"""The filters and tests of templates, by name: ours, and of Jinja's those that are safe and exact.

Every one of them is called through `_guarded`: what is undefined is an error before the filter
sees it (save for `default`), and looking at a value is counted. `docs/reference/filters.md` has a
line and a tested example of each.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import wraps
from typing import Any, Final, Literal

from jinja2.runtime import Undefined

from rules import filters_list as lists
from rules import filters_number as numbers
from rules import filters_text as texts
from rules.arithmetic import exact_number, ordered
from rules.filters_json import fromjson
from rules.paths import MISSING
from rules.template_env import contains, settled
from rules.template_meter import charge, size
from rules.values import is_integer, json_equal

_CONTEXTUAL = "jinja_pass_arg"


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:  # noqa: FBT001, FBT002  Jinja's signature
    """Return a value, or another one where it is undefined (with `boolean`: or null, empty, 0)."""
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    position = 1 if hasattr(function, _CONTEXTUAL) else 0

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        for value in (*args[position:], *kwargs.values()) if kwargs else args[position:]:
            if isinstance(value, Undefined):
                settled(value)
        charge(size(args[position]))
        result = function(*args, **kwargs)
        charge(size(result))
        return result

    return guarded


_FILTERS: dict[str, Callable[..., Any]] = {
    "abs": numbers.absolute,
    "batch": lists.batch,
    "capitalize": texts.capitalize,
    "count": lists.length,
    "date": numbers.date,
    "dictsort": lists.dictsort,
    "e": texts.escape,
    "escape": texts.escape,
    "first": lists.first,
    "float": numbers.read_number,
    "fromjson": fromjson,
    "groupby": lists.groupby,
    "hash": texts.digest,
    "indent": texts.indent,
    "int": numbers.whole,
    "items": lists.pairs,
    "join": lists.join,
    "last": lists.last,
    "length": lists.length,
    "list": lists.as_list,
    "lookup": texts.lookup,
    "lower": texts.lower,
    "map": lists.mapped,
    "markdown_escape": texts.markdown_escape,
    "max": lists.largest,
    "min": lists.smallest,
    "money": numbers.money,
    "number": numbers.read_number,
    "regex": texts.regex,
    "reject": lists.reject,
    "rejectattr": lists.rejectattr,
    "replace": texts.replace,
    "reverse": lists.reverse,
    "round": numbers.rounded,
    "select": lists.select,
    "selectattr": lists.selectattr,
    "shorten": texts.shorten,
    "slug": texts.slug,
    "sort": lists.sort,
    "split": texts.split,
    "string": texts.string,
    "striptags": texts.striptags,
    "sum": lists.total,
    "title": texts.title,
    "tojson": texts.tojson,
    "trim": texts.trim,
    "truncate": texts.truncate,
    "unique": lists.unique,
    "upper": texts.upper,
    "urlencode": texts.urlencoded,
    "wordcount": texts.wordcount,
    "wordwrap": texts.wordwrap,
}

FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "default": default,
    "d": default,
    **{name: _guarded(function) for name, function in _FILTERS.items()},
}


_FOREIGN: Final = {
    "date": ("strftime", "format_date", "date_format", "datetimeformat", "to_date", "datetime"),
    "escape": ("html_escape", "forceescape", "xmlescape"),
    "hash": ("md5", "sha1", "sha256", "digest", "checksum"),
    "int": ("to_int", "integer", "tointeger"),
    "length": ("len", "size", "count_items"),
    "lower": ("downcase", "lowercase", "tolower", "to_lower"),
    "map": ("pluck", "map_attribute"),
    "money": ("currency", "money_format"),
    "number": ("to_number", "tonumber", "num", "decimal"),
    "regex": ("regex_search", "regex_findall", "match", "regexp", "extract"),
    "replace": ("gsub", "sub", "regex_replace"),
    "selectattr": ("where",),
    "shorten": ("truncatechars", "ellipsis", "limit"),
    "slug": ("slugify", "parameterize", "kebabcase", "handleize"),
    "split": ("explode",),
    "string": ("str", "to_s", "tostring", "to_string"),
    "title": ("titlecase", "title_case", "titleize", "capwords"),
    "tojson": ("json", "to_json", "jsonify", "dump"),
    "trim": ("strip", "lstrip", "rstrip", "chomp"),
    "unique": ("uniq", "distinct"),
    "upper": ("upcase", "uppercase", "toupper", "to_upper"),
    "urlencode": ("url_encode", "urlescape", "quote"),
}
FOREIGN: Final = {word: name for name, words in _FOREIGN.items() for word in words}
"""Words that other template languages have for a filter."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal | float) and not isinstance(value, bool)


def _divisible(value: Any, by: Any) -> bool:
    return not exact_number(value) % exact_number(by)


Order = Literal["lt", "lteq", "gt", "gteq"]


def _order(operator: Order) -> Callable[[Any, Any], bool]:
    return lambda value, other: ordered(operator, value, other)


_TESTS: dict[str, Callable[..., bool]] = {
    "!=": lambda value, other: not json_equal(value, other),
    "<": _order("lt"),
    "<=": _order("lteq"),
    "==": json_equal,
    ">": _order("gt"),
    ">=": _order("gteq"),
    "eq": json_equal,
    "equalto": json_equal,
    "boolean": lambda value: isinstance(value, bool),
    "divisibleby": _divisible,
    "even": lambda value: _divisible(value, 2),
    "false": lambda value: value is False,
    "ge": _order("gteq"),
    "greaterthan": _order("gt"),
    "gt": _order("gt"),
    "in": lambda value, container: contains(container, value),
    "integer": is_integer,
    "le": _order("lteq"),
    "lessthan": _order("lt"),
    "lower": lambda value: isinstance(value, str) and value.islower(),
    "lt": _order("lt"),
    "mapping": lambda value: isinstance(value, dict),
    "ne": lambda value, other: not json_equal(value, other),
    "none": lambda value: value is None,
    "number": _is_number,
    "odd": lambda value: not _divisible(value, 2),
    "sequence": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
    "upper": lambda value: isinstance(value, str) and value.isupper(),
}

TESTS: Final[Mapping[str, Callable[..., bool]]] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    **{name: _guarded(function) for name, function in _TESTS.items()},
}


def argument_problem(name: str, positional: int, keywords: list[str]) -> str | None:
    """Return what is wrong with the number and names of a filter's arguments, None if nothing is."""
    function = _FILTERS.get(name, default)
    given = [MISSING] * (positional + 1 + hasattr(function, _CONTEXTUAL))
    try:
        inspect.signature(function).bind(*given, **dict.fromkeys(keywords))
    except TypeError as error:
        return str(error)
    return None
