"""What a back-test found: for people, for a pull request, for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from router.cli.output import plain
from router.core.clock import from_epoch_ms, rfc3339
from workers.backtest import Difference, Kind

_SIGNS: Final[dict[Kind, str]] = {"added": "+", "lost": "-", "changed": "~"}
_MAX_SHOWN: Final = 80


@dataclass(slots=True)
class Findings:
    """All that a back-test found; `undecided` counts what became undecided, refused or failed."""

    live: str
    new: str
    events: int = 0
    differences: list[Difference] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Difference]:
        """Return the differences of one kind."""
        return [each for each in self.differences if each.kind == kind]

    @property
    def unsettled(self) -> int:
        """How many events have another status because a rule could not decide, or refuses."""
        return sum("status" in each.fields for each in self.differences)


def as_json(found: Findings) -> dict[str, Any]:
    """Return everything, in the shape of decision X8."""
    return {
        "live": found.live,
        "new": found.new,
        "events": found.events,
        **{kind: [_one_json(each) for each in found.of(kind)] for kind in _SIGNS},
    }


def _one_json(each: Difference) -> dict[str, Any]:
    return {
        "event_id": each.event_id,
        "connector": each.connector,
        "type": each.type,
        "received_at": _instant(each),
        "rule": each.rule,
        "item": each.item,
        "action": each.action,
        "title": each.title,
        "fields": each.fields,
    }


def as_text(found: Findings, *, most: int | None, details: bool) -> str:
    """Return the summary, then a line a difference; with `details` what each field was and is."""
    lines = [*_summary(found), ""] if found.differences else list(_summary(found))
    shown = found.differences if most is None else found.differences[:most]
    for each in shown:
        lines.append(_line(each))
        if details:
            lines += [f"      {name}: {_change(change)}" for name, change in each.fields.items()]
    hidden = len(found.differences) - len(shown)
    if hidden:
        lines.append(f"… and {hidden:,} more: --all shows them")
    return "".join(f"{line}\n" for line in lines)


def _summary(found: Findings) -> Iterable[str]:
    yield f"{_count(found.events)}, live {found.live} against new {found.new}"
    if not found.differences:
        yield "no difference"
        return
    counts = {kind: len(found.of(kind)) for kind in _SIGNS}
    yield ", ".join(f"{_SIGNS[kind]} {count:,} {kind}" for kind, count in counts.items()) + (
        f"; {found.unsettled:,} with another status" if found.unsettled else ""
    )
    for (connector, rule), by_kind in _by_rule(found.differences):
        figures = "  ".join(f"{_SIGNS[kind]}{by_kind[kind]:,}" for kind in _SIGNS if by_kind[kind])
        yield f"  {plain(connector)} / {plain(rule or 'no rule')}: {figures}"


def _count(events: int) -> str:
    return "1 event" if events == 1 else f"{events:,} events"


def _by_rule(
    differences: Sequence[Difference],
) -> list[tuple[tuple[str, str | None], Counter[Kind]]]:
    """Return the counts of each rule, the most concerned first."""
    counts: dict[tuple[str, str | None], Counter[Kind]] = {}
    for each in differences:
        counts.setdefault((each.connector, each.rule), Counter())[each.kind] += 1
    return sorted(counts.items(), key=lambda pair: (-pair[1].total(), str(pair[0])))


def _line(each: Difference) -> str:
    what = f"{each.connector} / {each.rule or 'event'}"
    if each.item is not None:
        what += f" [{each.item}]"
    about = f'"{_cut(each.title)}"' if each.title else each.type or ""
    changed = ", ".join(each.fields) if each.kind == "changed" else each.action
    if "status" in each.fields:
        changed = f"{each.fields['status']['from']} -> {each.fields['status']['to']}"
    words = (_SIGNS[each.kind], each.event_id, what, about, changed)
    return "  ".join(plain(word) for word in words if word)


def as_markdown(found: Findings, *, most: int | None) -> str:
    """Return a summary and a table for a pull request; long tables are folded away."""
    verdict = (
        "no difference"
        if not found.differences
        else ", ".join(f"**{len(found.of(kind)):,}** {kind}" for kind in _SIGNS)
    )
    lines = ["### Back-test of the rules", "", f"{_count(found.events)}: {verdict}.", ""]
    if not found.differences:
        return "\n".join(lines)
    lines += ["| connector / rule | added | lost | changed |", "|---|---:|---:|---:|"]
    for (connector, rule), by_kind in _by_rule(found.differences):
        figures = " | ".join(f"{by_kind[kind]:,}" for kind in _SIGNS)
        rule_of = f"{connector} / {rule or 'no rule'}"
        lines.append(f"| {_cell(rule_of)} | {figures} |")
    shown = found.differences if most is None else found.differences[:most]
    title = f"{len(shown):,} of {len(found.differences):,} differences"
    lines += ["", f"<details><summary>{title}</summary>", ""]
    lines += ["| | event | rule | title | what differs |", "|---|---|---|---|---|"]
    for each in shown:
        differs = "<br>".join(
            f"{_cell(name)}: {_cell(_change(change))}" for name, change in each.fields.items()
        )
        cells = (_SIGNS[each.kind], f"`{each.event_id}`", _cell(each.rule or ""), _cell(each.title))
        lines.append(f"| {' | '.join(cells)} | {differs or _cell(each.action)} |")
    return "\n".join([*lines, "", "</details>", ""])


def _cell(text: str) -> str:
    """Return a text for a cell of a table: what a sender wrote is no markup."""
    words = plain(_cut(text))
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "\\`"), ("@", "@\u200b")):
        words = words.replace(sign, safe)
    return words


def _change(change: Any) -> str:
    return f"{_value(change['from'])} -> {_value(change['to'])}"


def _value(value: Any) -> str:
    return "unset" if value is None else _cut(plain(value))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _instant(each: Difference) -> str:
    return rfc3339(from_epoch_ms(each.received_ms))
