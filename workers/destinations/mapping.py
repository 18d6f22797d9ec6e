"""What adapters share in turning a task into a vendor's: ids, dates, links, and which rule is at fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from pydantic import AfterValidator

from router.core import jsonio
from rules.due import DueError, on_day, read_clock, zone_of
from workers.destinations.destination import Vendor
from workers.destinations.request import BuildError, Copy, NameKind, Request
from workers.destinations.templates import render_extra
from workers.shown import FIELDS

C = TypeVar("C", bound=Vendor)


def _clock_time(value: str) -> str:
    try:
        return read_clock(value).strftime("%H:%M")
    except DueError as error:
        raise ValueError(str(error)) from None


ClockTime = Annotated[str, AfterValidator(_clock_time)]
"""A time of day in a configuration, as `HH:MM`."""
ALL_BUT_STATUS = tuple(name for name in FIELDS if name != "status")
"""What a request that only closes a copy leaves as it is."""
CLOSED = frozenset({"done", "cancelled"})
"""The kinds of statuses in which nothing is left to do."""


def is_closed(copy: Copy) -> bool:
    """Tell whether the task is done or cancelled."""
    return copy.task.get("status_kind") in CLOSED


def fault(copy: Copy, field: str, message: str, code: str = "missing") -> BuildError:
    """Return the error for a field of a task; it names the rule that made the task."""
    source = copy.task.get("source") or {}
    rule, at = source.get("rule"), source.get("at")
    of_rule = f" of rule `{rule}`" if rule else ""
    place = f" ({at})" if rule and at else ""
    return BuildError(code, f"`{field}`{of_rule}{place}: {message}")


def ids_of(copy: Copy, kind: NameKind, field: str) -> list[str]:
    """Return the ids of the names in a field of the task (V12).

    Raises:
        BuildError: One of them has none here.
    """
    given = copy.task.get(field) or []
    names = [given] if isinstance(given, str) else given
    try:
        return [copy.id_of(kind, name) for name in names]
    except BuildError as error:
        raise fault(copy, field, str(error), error.code) from None


def assignees(copy: Copy, default: str | None) -> list[str]:
    """Return the ids of the assignees where the vendor demands one (V11).

    Raises:
        BuildError: There is none, or one of them has no id here.
    """
    found = ids_of(copy, "people", "assignees")
    if found:
        return found
    if default is None:
        raise fault(
            copy,
            "assignees",
            f"{copy.destination} wants at least one; set it in the rule, or `default_assignee` at "
            "the destination",
        )
    return [copy.id_of("people", default)]


def link(copy: Copy, objects: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the vendor's word and the id of the first link to one of these objects.

    `objects` maps what may be written, in the singular, to the vendor's word (V15).
    """
    for each in copy.task.get("links") or []:
        written = str(each.get("object", "")).strip().lower()
        word = objects.get(written) or objects.get(written.removesuffix("s"))
        if word is None and written.endswith("ies"):
            word = objects.get(f"{written[:-3]}y")
        if word is not None:
            return word, str(each["id"])
    return None


def custom(copy: Copy, prefix: str) -> dict[str, Any]:
    """Return the fields of `custom` that are the vendor's own by their names (V16)."""
    given = copy.task.get("custom") or {}
    return {name: value for name, value in given.items() if name.startswith(prefix)}


def day_start(copy: Copy) -> str:
    """Return the instant at which the day that the task is due on begins in its zone."""
    return due_at_clock(copy, time())


def due_at_clock(copy: Copy, clock: time) -> str:
    """Return the instant of a time of day on the day that the task is due on, in its zone."""
    zone = copy.task.get("timezone") or "UTC"
    try:
        return on_day(date.fromisoformat(copy.task["due_date"]), clock, zone_of(zone)).at
    except (DueError, ValueError) as error:
        raise fault(copy, "due_date", str(error), "date") from None


def moment(words: str) -> datetime | None:
    """Return the instant a text in RFC 3339 gives, to the microsecond; None if it gives none."""
    try:
        read = datetime.fromisoformat(words.strip().replace(" ", "T", 1))
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def made_at(copy: Copy) -> datetime:
    """Return when the task was made: no copy of it is older."""
    found = moment(str(copy.task.get("created_at", "")))
    return found or datetime.fromtimestamp(0, UTC)


def merged(config: Vendor, copy: Copy, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with those of `extra` over them (V17)."""
    return {**fields, **render_extra(config.extra, copy)}


def as_sent(copy: Copy, made: Callable[[], Request | None]) -> Any:
    """Return the body of the creation that is looked for: as it was sent, else as it is `made` now.

    None if it cannot be made.
    """
    try:
        request = copy.sent or made()
    except BuildError:
        return None
    return None if request is None else jsonio.loads(request.body)


def shows_count(config: Vendor) -> bool:
    """Tell whether a copy shows `occurrences` of its task: only by `extra` (Q8)."""
    return any(made.shows_count() for made in config.extra.values())


def id_there(copy: Copy) -> str:
    """Return the id of a copy that exists.

    Raises:
        BuildError: It is not known: no request may be about all tasks, or none.
    """
    if not copy.external_id:
        message = f"{copy.destination} never gave an id for the copy; change or delete it there"
        raise BuildError("no-external-id", message)
    return copy.external_id


def place_of(copy: Copy, tasks: str) -> str:
    """Return the path of a copy that exists, below that of all tasks.

    Raises:
        BuildError: Its id is not known.
    """
    return f"{tasks}/{quote(id_there(copy), safe='')}"


def call(
    config: Vendor,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, tuple[str, ...]],
    query: Iterable[tuple[str, str]] = (),
) -> Request:
    """Return a request of a vendor's API; `headers` are those that carry secrets."""
    asked = urlencode(list(query))
    return Request(
        method,
        f"{config.base_url}{path}{'?' if asked else ''}{asked}",
        headers={} if body is None else {"Content-Type": "application/json"},
        body=b"" if body is None else jsonio.dump_bytes(body),
        secret_headers=dict(headers),
    )


@dataclass(frozen=True, slots=True)
class Caller(Generic[C]):
    """Makes the requests of a vendor's API that takes one key in one header, below the path `under`.

    `key` gives the header, what stands before the secret, and the secret's name.
    """

    key: Callable[[C], tuple[str, str, str]]
    under: str = ""

    def __call__(
        self,
        config: C,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Iterable[tuple[str, str]] = (),
    ) -> Request:
        """Return a request."""
        header, before, secret = self.key(config)
        headers = {header: (before, secret)}
        return call(config, method, f"{self.under}{path}", body, headers=headers, query=query)
