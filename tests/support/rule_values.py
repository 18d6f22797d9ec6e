"""Strategies: JSON values, conditions and templates, as wild as they come."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "b", " 5 ", "5", "5.0", "1e3", "true", "null", "2026-11-23T09:00:00Z", "10.0.0.1"]
    ),
    st.text(max_size=8),
)
NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([Decimal("5.0"), Decimal("1E+999999"), Decimal("0E-999999"), 10**3000]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
KEYS = st.one_of(st.sampled_from(["a", "b", "c", "items", "keys", "0"]), st.text(max_size=4))

json_values: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)

_PATHS = st.sampled_from(
    ["body.a", "body.b", "body.c", "body.a.b", "body.a[0]", "body.c[-1].a", "body.keys", "event"]
)
_LITERALS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "a", "b", "5", "5.0"])
)
_LISTS = st.lists(_LITERALS, min_size=1, max_size=3)
_OPERATORS = st.one_of(
    st.builds(lambda value: {"eq": value}, st.one_of(_LITERALS, _LISTS)),
    st.builds(lambda value: {"ne": value}, _LITERALS),
    st.builds(lambda value: {"in": value}, _LISTS),
    st.builds(lambda value: {"not_in": value}, _LISTS),
    st.builds(
        lambda name, value: {name: value},
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        st.sampled_from([0, "5", "2026-11-23T09:00:00Z"]),
    ),
    st.builds(lambda value: {"has": value}, _LITERALS),
    st.builds(lambda name, value: {name: value}, st.sampled_from(["has_any", "has_all"]), _LISTS),
    st.sampled_from(
        [
            {"matches": "^[0-9]+$"},
            {"starts_with": "a"},
            {"ends_with": "0"},
            {"exists": True},
            {"exists": False},
            {"type": "integer"},
            {"type": "object"},
            {"cidr": "10.0.0.0/8"},
            {"between_times": ["22:00", "06:00"]},
        ]
    ),
)
_EXPRESSIONS = st.sampled_from(
    [
        "body.a == body.b",
        "body.a | number > 3",
        "body.a.b is defined",
        "body.c | default(false)",
        "'a' in body.a",
        "not body.b",
    ]
)
_LEAF = st.one_of(st.builds(lambda path, test: {path: test}, _PATHS, _OPERATORS), _EXPRESSIONS)
_TREES: st.SearchStrategy[Any] = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)

leaves = _LEAF.map(json.dumps)
"""Conditions of one operator or one expression, as YAML."""

conditions = _TREES.map(json.dumps)
"""Conditions of any shape, as YAML."""

paths = st.builds(
    lambda root, keys: root + "".join(keys),
    st.sampled_from(["body", "headers", "query", "event", "item"]),
    st.lists(
        st.sampled_from([".a", ".b", ".c", ".items", ".keys", "[0]", "[-1]", "['0']", "['X-A']"]),
        min_size=1,
        max_size=3,
    ),
).filter(lambda path: not path.startswith("event"))
"""Plain paths, as templates write them."""

templates = st.one_of(
    st.lists(
        st.one_of(st.text("ab {}\n%#", max_size=5), paths.map(lambda path: f"{{{{ {path} }}}}")),
        max_size=4,
    ).map("".join),
    st.sampled_from(
        [
            "{{ body }}",
            "{{ body | tojson }}",
            "{{ body.a | number * 2 }}",
            "{{ body.a / body.b }}",
            "{{ body.a ** body.b }}",
            "{{ body.a * body.b }}",
            "{{ body.a ~ body.b }}",
            "{{ body.a % body.b }}",
            "{{ body.a | sort | join(',') }}",
            "{{ body.a | slug }}-{{ body.b | hash }}",
            "{{ body.a | regex('[0-9]+') }}",
            "{{ body.a | date }}",
            "{{ body.a | money('EUR') }}",
            "{{ body.a | round(2) }}",
            "{{ body.a | int }}",
            "{{ body[body.a] }}",
            "{{ body.a[body.b] }}",
            "{{ body.a[1:] }}",
            "{{ body.a == body.b or body.a < body.b }}",
            "{% for x in body.a %}{{ x }}{{ loop.index }}{% endfor %}",
            "{% for k, v in body.a | items %}{{ k }}={{ v }}{% endfor %}",
            "{{ body.a | default(body.b) | default('x') }}",
            "{{ body.a | groupby('a') }}",
            "{{ body.a | map(attribute='b') | list }}",
            "{{ body.a | unique | length }}",
            "{{ range(body.a) }}",
            "{{ 'x' * body.a }}",
        ]
    ),
)
"""Templates, most of them right, as texts."""
