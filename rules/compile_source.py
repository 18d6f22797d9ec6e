"""Checks how a connector's sender is proven, and how its events are known again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rules.catalogues import Catalogues, SourceInfo, SourceProblem
from rules.compiled import DEDUPE_WITHIN_S
from rules.document import Node
from rules.models import ConnectorModel, DedupeModel
from rules.problems import Report, Span, did_you_mean
from rules.scope import ScopeSpec
from rules.shape import check_shape, found
from rules.template import Value, compile_value

OFF: Final = "off"
_SOURCE_FORMS: Final = "the name of a preset, a mapping, or `none`"


def compile_source(
    root: Node, catalogues: Catalogues, report: Report
) -> tuple[dict[str, Any], SourceInfo] | None:
    """Return a connector's `source:` as receivers know it, and what it brings; None with problems."""
    node = root.get("source")
    if (node is None or node.value is None) and _is_near(root, "source"):
        return None
    if node is None or node.value is None:
        place = root.key("connector").span if node is None else root.key("source").span
        report.add(
            "R030",
            place,
            "nothing says how the sender is proven",
            expected=f"source: {_SOURCE_FORMS}",
            hint="write `source: none` if anybody may send",
        )
        return None
    source = _normalised(node)
    if source is None:
        report.add(
            "R030", node.span, "this is no source", found=found(node), expected=_SOURCE_FORMS
        )
        return None
    problems = catalogues.check_source(source)
    for problem in problems:
        _report(problem, node, report)
    if problems:
        return None
    info = catalogues.source_info(source)
    _check_secrets(root, node, info, report)
    return source, info


def _is_near(root: Node, key: str) -> bool:
    """Tell whether a key is there, but with a slip of the pen, which is a problem already."""
    unknown = [name for name in root.entries if name not in ConnectorModel.model_fields]
    return any(did_you_mean(name, [key]) for name in unknown)


def _normalised(node: Node) -> dict[str, Any] | None:
    """Return `{"preset": NAME, …}` or `{"hmac": {…}}` and so on; None if it is neither."""
    if node.is_text:
        return {"preset": node.value}
    if node.kind != "mapping":
        return None
    source = dict(node.value)
    if "bearer" in source and source["bearer"] is None:
        source["bearer"] = True
    return source


def _report(problem: SourceProblem, node: Node, report: Report) -> None:
    place, words = node, problem.path
    if node.kind == "mapping":
        for at, step in enumerate(problem.path):
            inner = place.get(step) if isinstance(step, str) else None
            if inner is None:
                words = problem.path[: at + 1]
                break
            place = inner
    unknown = problem.message == "is not known here" and bool(problem.path)
    subject = f"`{words[-1]}`" if words and node.kind == "mapping" else "the source"
    span = _key_span(node, problem.path) if unknown else place.span
    is_preset = problem.path == ("preset",)
    word = str(problem.path[-1]) if unknown else place.value if place.is_text else ""
    report.add(
        "R030",
        span,
        f"{subject} {problem.message}",
        found=found(place) if is_preset else None,
        expected=problem.expected or None,
        hint=did_you_mean(word, problem.known) if problem.known else None,
    )


def _key_span(node: Node, path: tuple[str | int, ...]) -> Span:
    for step in path[:-1]:
        inner = node.get(str(step))
        if inner is None:
            return node.span
        node = inner
    last = str(path[-1])
    return node.key(last).span if last in node.entries else node.span


def _check_secrets(root: Node, source: Node, info: SourceInfo, report: Report) -> None:
    if info.remark is not None:
        report.add("R031", source.span, f"{info.name} {info.remark}", severity="note")
    secrets = root.get("secrets")
    named = secrets is not None and bool(secrets.value)
    if info.needs_secret and not named and not _is_near(root, "secrets"):
        name = str(root.entries["connector"].value.value).replace("-", "_")
        report.add(
            "R031",
            source.span if secrets is None else secrets.span,
            f"{info.name} proves itself with a secret, and none is named",
            hint=f"write secrets: [{name}_webhook], say",
        )
    elif named and secrets is not None and not info.needs_secret:
        report.add(
            "R030",
            secrets.span,
            f"`{info.name}` takes no secret, so these would protect nothing",
            hint="remove them, or name the source that they belong to",
        )


def compile_dedupe(
    root: Node, info: SourceInfo | None, spec: ScopeSpec, report: Report
) -> tuple[Value | None, int]:
    """Return the deduplication key, None if nothing is a duplicate, and how many seconds it holds."""
    node = root.get("dedupe")
    key_of_preset = None if info is None else info.dedupe_key
    if node is None or node.value == OFF:
        key = key_of_preset if node is None else None
        place = root.key("connector").span
        value = None if key is None else compile_value(key, place, report, spec)
        return value, DEDUPE_WITHIN_S
    if node.kind != "mapping":
        report.add(
            "R013",
            node.span,
            "this is no deduplication",
            found=found(node),
            expected="`off`, or {key: …, within: 48h}",
            hint=None
            if node.kind == "sequence"
            else "write `dedupe: off` if that is what you mean",
        )
        return None, DEDUPE_WITHIN_S
    shape = check_shape(DedupeModel, node, report)
    within = DEDUPE_WITHIN_S if shape is None else shape.within
    return _dedupe_key(node, info, key_of_preset, spec, report), within


def _dedupe_key(
    node: Node,
    info: SourceInfo | None,
    key_of_preset: str | None,
    spec: ScopeSpec,
    report: Report,
) -> Value | None:
    key = node.get("key")
    if key is not None and key.value is not None:
        return compile_value(key, key.span, report, spec) if key.kind == "scalar" else None
    if key_of_preset is not None:
        return compile_value(key_of_preset, node.span, report, spec)
    if info is not None:
        report.add(
            "R032",
            node.span,
            f"{info.name} gives its events no id, so a key is needed",
            expected="key: what is the same when the sender sends an event again",
        )
    return None


def intake_of(shape: ConnectorModel, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the receiver must know of a connector."""
    intake: dict[str, Any] = {
        "name": shape.connector,
        "source": dict(source),
        "secrets": list(map(str, shape.secrets)),
        "reply": shape.reply,
    }
    if shape.public_url is not None:
        intake["public_url"] = shape.public_url
    if shape.allow is not None:
        intake["allow"] = shape.allow
    limits = shape.limits
    if limits.body is not None:
        intake["body_limit"] = limits.body
    if limits.rate is not None:
        count, span = limits.rate
        intake["rate"] = {"count": count, "span_ms": span, "burst": limits.burst or count}
    return intake
