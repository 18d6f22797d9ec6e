"""Templates in a destination's configuration: checked when it is read, rendered from a task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from rules.model_types import is_template
from rules.problems import Report, Span
from rules.scope import RenderError, Scope, ScopeSpec
from rules.template import Value, compile_value
from workers.destinations.request import BuildError, Copy

_SPAN = Span("destinations")
_SHOWS_COUNT = re.compile(r"\boccurrences\b|\btask\b(?!\s*\.\s*\w)")


@dataclass(frozen=True, slots=True)
class Template:
    """A value whose texts may be templates: as it is written, and compiled."""

    raw: Any
    value: Value

    def render(self, scope: Scope, where: str) -> Any:
        """Return what it says of a task.

        Raises:
            BuildError: It cannot be rendered for this one; `where` says which template it was.
        """
        try:
            return self.value.render(scope)
        except RenderError as error:
            raise BuildError("template", f"{where}: {error.reason}") from None

    def texts(self) -> str:
        """Return all its texts in one, to look for names in."""
        return "\n".join(_texts(self.raw))

    def is_fixed(self) -> bool:
        """Tell whether it says the same of every task."""
        return not any(is_template(each) for each in _texts(self.raw))

    def shows_count(self) -> bool:
        """Tell whether `occurrences` of the task may be seen in it."""
        return bool(_SHOWS_COUNT.search(self.texts()))


def template(raw: Any, *, with_ids: bool = False) -> Template:
    """Compile a value whose texts may be templates; `with_ids`: they see the ids of names, too.

    Raises:
        ValueError: One of them is wrong; the message says how.
    """
    report = Report()
    value = compile_value(raw, _SPAN, report, ScopeSpec.of_destination(with_ids=with_ids))
    if report.has_errors:
        messages = [each.message for each in report.problems if each.severity == "error"]
        raise ValueError("; ".join(messages))
    return Template(raw, value)


def _text_template(raw: Any) -> Template:
    if not isinstance(raw, str):
        raise ValueError(f"expected a text, found {raw!r:.60}")  # noqa: TRY004  pydantic wants ValueError
    return template(raw)


_written = PlainSerializer(lambda made: made.raw)
AnyTemplate = Annotated[Template, PlainValidator(template), _written, WithJsonSchema({})]
TemplateWithIds = Annotated[
    Template, PlainValidator(partial(template, with_ids=True)), _written, WithJsonSchema({})
]
TextTemplate = Annotated[
    Template, PlainValidator(_text_template), _written, WithJsonSchema({"type": "string"})
]


def scope_of(copy: Copy) -> Scope:
    """Return what the templates of a body or a header see (decision Q1)."""
    return Scope(
        {
            "task": copy.task,
            "external_id": copy.external_id,
            "event": {} if copy.event is None else copy.event,
            "delivery": {"id": copy.delivery_id, "destination": copy.destination},
        }
    )


def url_scope_of(copy: Copy) -> Scope:
    """Return what the template of an address sees: the same, each text percent-encoded (Q7).

    An external id that is not known is not there, so that an address never loses a part of it.
    """
    roots = {name: _encoded(value) for name, value in scope_of(copy).roots.items()}
    if copy.external_id is None:
        del roots["external_id"]
    return Scope(roots)


def render_extra(extra: Mapping[str, Template], copy: Copy) -> dict[str, Any]:
    """Return the fields that `extra` of a vendor's destination adds to a task (V17).

    Raises:
        BuildError: One of them cannot be rendered for this task.
    """
    scope = scope_of(copy)
    return {name: made.render(scope, f"extra.{name}") for name, made in extra.items()}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return []


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return quote(value, safe="")
    if isinstance(value, dict):
        return {name: _encoded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    return value
