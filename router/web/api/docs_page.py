"""`/docs`: the same as `/openapi.json` for people, one page without a script or anything from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from router.core import jsonio

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
h1,h2{line-height:1.2}h2{margin-top:3rem;border-bottom:1px solid #d0d7de}h3{font:600 1rem ui-monospace,monospace}
code,pre{font:.9em ui-monospace,monospace;background:#f3f4f6;border-radius:4px;padding:.1em .3em}
pre{padding:.8em;overflow:auto}table{border-collapse:collapse;width:100%}summary{cursor:pointer}
td,th{text-align:left;vertical-align:top;padding:.3em .6em;border-bottom:1px solid #e5e7eb}
@media(prefers-color-scheme:dark){body{background:#16181d;color:#e6e6e6}code,pre{background:#252932}
h2,td,th{border-color:#3a3f4a}a{color:#8ab4f8}}
"""

_INTRODUCTION = (
    "<p>Every request carries <code>Authorization: Bearer TOKEN</code>; a token is made by "
    "<code>hookyard keys create NAME --scope SCOPE</code>. For programs there is "
    "<a href=/openapi.json>/openapi.json</a>.</p>"
)


def page(document: dict[str, Any]) -> str:
    """Return the page of a document."""
    tags: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    schemas = document["components"]["schemas"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f"<title>Hookyard API</title><style>{_STYLE}</style><h1>Hookyard API</h1>",
        _INTRODUCTION,
    ]
    for tag, shown in tags.items():
        parts += [f"<h2>{escape(tag)}</h2>", *shown]
    parts.append("<h2>Models</h2>")
    parts += [_model(name, schema) for name, schema in sorted(schemas.items())]
    return "\n".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [
        f"<h3 id={operation['operationId']}>{method.upper()} {escape(path)}</h3>",
        f"<p>{escape(operation['summary'])} {_text(operation['description'])}</p>",
    ]
    rows = [
        (one["name"], one["in"], _type(one["schema"]), _text(one.get("description", "")))
        for one in operation["parameters"]
    ]
    if rows:
        lines.append(_table(("parameter", "in", "type", ""), rows))
    body = operation.get("requestBody")
    if body is not None:
        kinds = " or ".join(f"<code>{escape(kind)}</code>" for kind in body["content"])
        (schema, *_) = (one["schema"] for one in body["content"].values())
        lines.append(f"<p>Body ({kinds}): {_type(schema)}</p>")
    answers = [
        (status, _answer(answer), _text(answer["description"] + _shown(answer)))
        for status, answer in operation["responses"].items()
    ]
    lines.append(_table(("answer", "", ""), answers))
    return "\n".join(lines)


def _answer(answer: dict[str, Any]) -> str:
    return " ".join(_type(one["schema"]) for one in answer.get("content", {}).values())


def _shown(answer: dict[str, Any]) -> str:
    """Return the headers an answer has."""
    names = ", ".join(f"`{name}`" for name in answer.get("headers", ()))
    return f"; with {names}" if names else ""


def _model(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (
            field,
            _type(one),
            "required" if field in required else "",
            _text(one.get("description", "")),
        )
        for field, one in schema.get("properties", {}).items()
    ]
    shown = "".join(
        f"<pre>{escape(jsonio.dumps(example))}</pre>" for example in schema.get("examples", ())
    )
    about = escape(schema.get("description", ""))
    table = _table(("field", "type", "", ""), rows)
    return f"<h3 id=model-{name}>{name}</h3><p>{about}</p>{table}{shown}"


def _type(schema: dict[str, Any]) -> str:
    """Return the type a schema describes, with links to models."""
    return " or ".join(_types(schema))


def _types(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield f"<a href=#model-{name}>{name}</a>"
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _types(one)
    elif "enum" in schema:
        yield " ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    elif "const" in schema:
        yield f"<code>{escape(str(schema['const']))}</code>"
    elif schema.get("type") == "array":
        yield f"list of {_type(schema.get('items', {}))}"
    elif "data" in schema.get("properties", {}):
        yield f"page of {_type(schema['properties']['data']['items'])}"
    else:
        yield escape(str(schema.get("format") or schema.get("type", "anything")))


def _text(words: str) -> str:
    """Return a sentence in which what is between backticks is code."""
    pieces = escape(words).split("`")
    return "".join(
        f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces)
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    cells = "".join(f"<th>{name}</th>" for name in head)
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table><tr>{cells}</tr>{''.join(lines)}</table>"
