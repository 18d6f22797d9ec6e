"""Templates give a value or a `RenderError`, the same each time, with and without Jinja."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules import template as template_module
from rules.problems import Report
from rules.scope import RenderError, Scope
from rules.template import Value, compile_text
from rules.template_pipes import PipedText, PipeValue
from rules.template_values import ENVIRONMENT, ExpressionValue, PathValue, TemplateValue, TextValue
from rules.values import json_text
from tests.support.rule_parts import ITEM_SPEC, SPAN, scope
from tests.support.rule_values import json_values, paths, templates


def outcome(value: Value, seen: Scope) -> tuple[Any, ...]:
    try:
        return ("value", value.render(seen))
    except RenderError as error:
        return ("error", error.code, error.reason)


def with_jinja(source: str) -> Value:
    """Compile a text as if nothing could be done without Jinja."""
    tree = ENVIRONMENT.parse(source.removesuffix("\n"))
    single = template_module._single_expression(tree)
    if single is not None:
        return ExpressionValue(template_module._result_of(single), "", frozenset())
    return TemplateValue(tree, "", frozenset())


@given(
    st.lists(
        st.one_of(st.text("ab \n", max_size=4), paths.map(lambda p: f"{{{{ {p} }}}}")), max_size=4
    ),
    json_values,
    json_values,
)
def test_text_and_plain_paths_come_out_as_jinja_would_have_them(
    parts: list[str], body: Any, item: Any
) -> None:
    source = "".join(parts)
    report = Report()
    fast = compile_text(source, SPAN, report, ITEM_SPEC)
    assert not report.problems
    if isinstance(fast, PathValue | TextValue):
        seen = scope(body, item=item, headers={"x-a": "1", "a": "2"}, query={"a": "3"})
        assert outcome(fast, seen) == outcome(with_jinja(source), seen)


FILTERED = st.sampled_from(
    [
        "length",
        "upper",
        "number",
        "default('x')",
        "default(1.50)",
        "default(none)",
        "d('', true)",
        "first",
        "join(', ')",
        "shorten(3)",
        "date('%Y')",
        "tojson",
        "string",
        "slug",
        "money('EUR')",
        "regex('a(.)')",
    ]
)


@given(
    st.lists(
        st.one_of(
            st.text("ab ", max_size=3),
            st.tuples(paths, st.lists(FILTERED, min_size=1, max_size=3)).map(
                lambda pipe: f"{{{{ {' | '.join([pipe[0], *pipe[1]])} }}}}"
            ),
            paths.map(lambda p: f"{{{{ {p} }}}}"),
        ),
        min_size=1,
        max_size=3,
    ),
    json_values,
    json_values,
)
def test_paths_through_filters_come_out_as_jinja_would_have_them(
    parts: list[str], body: Any, item: Any
) -> None:
    source = "".join(parts)
    report = Report()
    fast = compile_text(source, SPAN, report, ITEM_SPEC)
    if isinstance(fast, PipeValue | PipedText):
        seen = scope(body, item=item, headers={"x-a": "1", "a": "2"}, query={"a": "3"})
        assert outcome(fast, seen) == outcome(with_jinja(source), seen)


@given(templates, json_values)
def test_a_template_gives_a_json_value_or_a_render_error_and_always_the_same(
    source: str, body: Any
) -> None:
    report = Report()
    compiled = compile_text(source, SPAN, report, ITEM_SPEC)
    first = outcome(compiled, scope(body, item={}))
    assert first == outcome(compiled, scope(body, item={}))
    if first[0] == "value":
        assert isinstance(json_text(first[1]), str)


@given(st.text(st.sampled_from("{}%#|.()[]'\"abody0123 ~*/-+=<>\n\\"), max_size=30))
def test_any_text_is_compiled_or_its_problems_are_reported(source: str) -> None:
    report = Report()
    compiled = compile_text(source, SPAN, report, ITEM_SPEC)
    assert isinstance(compiled, Value)
    assert outcome(compiled, scope({"a": 1}))
