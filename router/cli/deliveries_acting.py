"""`hookyard deliveries retry|drop`: some by their ids, or all that a filter finds."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from router.cli.audit import done as audited
from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import changed_options, data_option, json_option, option
from router.cli.output import result_json, status, table
from router.cli.parts import redis_of, store_of
from router.cli.start import prepare, run_async
from router.core.again import give_up, send_again
from router.core.clock import epoch_ms, rfc3339_of_ms, utc_now
from router.core.settings import Settings
from router.core.store import audit
from router.core.store.audit import Action
from router.core.store.deliveries import (
    DeliveryFilter,
    count_deliveries,
    get_deliveries,
    oldest_ids,
)
from router.core.store.engine import Store
from router.core.store.present import delivery_json
from router.core.store.retries import MAX_EXTERNAL_ID, MAX_REASON, UNCERTAIN, Handled

_IN_TROUBLE = ("failed", "held", "uncertain")
_CHOICES = (*_IN_TROUBLE, "retrying", "pending", "dropped")
_AT_ONCE = 200
_NAMED = 5
_EVERYWHERE = "all"
"""What the audit log says was acted on where no destination was named."""
_REFUSED = {
    "not-found": "there is no such delivery",
    "is-current": "the copy is as it is wanted",
    "in-hand": "a request for it is under way",
    "has-copy": "it has a copy already",
}

Handle = Callable[[Store, Sequence[str]], Awaitable[Handled]]


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which deliveries: those with these ids, else all that the filters find."""

    ids: tuple[str, ...]
    filters: tuple[DeliveryFilter, ...]


def _selecting(command: Any) -> Any:
    """Declare what selects deliveries."""
    for declare in (
        option("--yes", is_flag=True, help="Do not ask before many are changed."),
        changed_options,
        option("--destination", metavar="NAME", help="All of one destination instead of IDs."),
        option(
            "--state",
            type=click.Choice(_CHOICES),
            help="All in one state instead of IDs; without it those failed, held or uncertain.",
        ),
        click.argument("delivery_ids", nargs=-1, metavar="[ID]..."),
    ):
        command = declare(command)
    return command


@click.command("retry")
@_selecting
@option(
    "--found",
    metavar="EXTERNAL_ID",
    help="It is there already, under this id: take that for the copy and make it current.",
)
@data_option
@json_option
@click.pass_context
def retry(
    ctx: click.Context,
    /,
    delivery_ids: tuple[str, ...],
    state: str | None,
    destination: str | None,
    since_ms: int | None,
    until_ms: int | None,
    found: str | None,
    *,
    yes: bool,
    as_json: bool,
    **flags: object,
) -> None:
    """Send deliveries again at once: those with these IDs, or those of a destination or in a state.

    They have all their attempts before them again, and a destination that was paused for its credentials
    goes on. One that is held because it may have been created is created: look there first. Exit
    code 1 if one was left as it is.
    """
    selection = _selection(ctx, delivery_ids, state, destination, since_ms, until_ms)
    if found is not None:
        if len(delivery_ids) != 1:
            raise click.UsageError("--found says what one delivery is: name it by its ID", ctx)
        if not found.strip() or len(found) > MAX_EXTERNAL_ID or not found.isprintable():
            raise click.UsageError(f"--found is an id of 1 to {MAX_EXTERNAL_ID} characters", ctx)
    settings, _ = prepare(**flags)
    if not (delivery_ids or yes) and not _is_wanted(
        settings, selection, "Send them again?", "they are created, and may be there already"
    ):
        ctx.exit(PROBLEMS_FOUND)
    handled = run_async(_retry(settings, selection, found))
    done = "due at once" if found is None else "taken up with the copy that was found"
    _tell(ctx, handled, done, as_json=as_json)


@click.command("drop")
@_selecting
@option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the delivery.")
@data_option
@json_option
@click.pass_context
def drop(
    ctx: click.Context,
    /,
    delivery_ids: tuple[str, ...],
    state: str | None,
    destination: str | None,
    since_ms: int | None,
    until_ms: int | None,
    reason: str,
    *,
    yes: bool,
    as_json: bool,
    **flags: object,
) -> None:
    """Give deliveries up: nothing is sent for them any more, also when their tasks change.

    What is at the destination stays as it is; `retry` takes it back. Exit code 1 if one was left as it is.
    """
    selection = _selection(ctx, delivery_ids, state, destination, since_ms, until_ms)
    why = reason.strip()
    if not why or len(why) > MAX_REASON or not why.isprintable():
        raise click.UsageError(f"--reason is a line of 1 to {MAX_REASON} characters", ctx)
    settings, _ = prepare(**flags)
    if not (delivery_ids or yes) and not _is_wanted(
        settings, selection, "Give them up?", "what may be there is not looked after any more"
    ):
        ctx.exit(PROBLEMS_FOUND)
    handled = run_async(_drop(settings, selection, why))
    _tell(ctx, handled, "dropped", as_json=as_json)


def _selection(
    ctx: click.Context,
    delivery_ids: tuple[str, ...],
    state: str | None,
    destination: str | None,
    since_ms: int | None,
    until_ms: int | None,
) -> _Selection:
    by_filter = (state, destination, since_ms, until_ms) != (None, None, None, None)
    if bool(delivery_ids) == by_filter:
        raise click.UsageError(
            "name deliveries by their IDs, or by --destination, --state, --since", ctx
        )
    # What changes from now on is no part of it: it would never end.
    until_ms = epoch_ms(utc_now()) + 1 if until_ms is None else until_ms
    states = _IN_TROUBLE if state is None else (state,)
    filters = (DeliveryFilter(one, destination, None, since_ms, until_ms) for one in states)
    return _Selection(delivery_ids, tuple(filters))


def _is_wanted(settings: Settings, selection: _Selection, question: str, risk: str) -> bool:
    """Ask whether all that the filters find is meant, if somebody is there to be asked.

    `risk` is why nobody may be left out of it where some of them wait for a person to look.
    """
    counts, for_people = run_async(_count(settings, selection))
    if not sum(counts.values()):
        return True
    found = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    if for_people:
        found += f" ({for_people} of them wait for somebody to look there)"
    if sys.stdin.isatty():
        return click.confirm(f"{found}. {question}", err=True)
    if for_people:
        raise CommandError(f"{found}: {risk}. Say --yes if that is wanted")
    return True


async def _count(settings: Settings, selection: _Selection) -> tuple[dict[str, int], int]:
    """Return how many there are in each state, and how many wait for somebody to look."""
    async with store_of(settings) as store, store.connect() as conn:
        counts = {one.state or "": await count_deliveries(conn, one) for one in selection.filters}
        for_people = 0
        for one in selection.filters:
            after = ""
            while one.state == "held" and (
                page := await oldest_ids(conn, one, after=after, limit=_AT_ONCE)
            ):
                rows = await get_deliveries(conn, page)
                codes = [(row["reason"] or {}).get("code") for row in rows]
                for_people += codes.count(UNCERTAIN)
                after = page[-1]
    return counts, for_people


async def _retry(settings: Settings, selection: _Selection, found: str | None) -> Handled:
    async with redis_of(settings) as redis:

        async def again(store: Store, ids: Sequence[str]) -> Handled:
            return await send_again(
                store,
                redis,
                ids,
                now_ms=epoch_ms(utc_now()),
                done=audited,
                external_id=found,
                one_by_one=bool(selection.ids),
            )

        return await _all(settings, selection, again, "deliveries-retried")


async def _drop(settings: Settings, selection: _Selection, reason: str) -> Handled:
    async def let_be(store: Store, ids: Sequence[str]) -> Handled:
        now_ms, one_by_one = epoch_ms(utc_now()), bool(selection.ids)
        return await give_up(store, ids, reason, now_ms=now_ms, done=audited, one_by_one=one_by_one)

    return await _all(settings, selection, let_be, "deliveries-dropped", reason=reason)


async def _all(
    settings: Settings, selection: _Selection, handle: Handle, action: Action, **detail: Any
) -> Handled:
    result = Handled()
    async with store_of(settings) as store:
        if not selection.ids:
            await _note_all(store, selection, action, **detail)
        async for page in _pages(store, selection):
            handled = await handle(store, page)
            result.rows += handled.rows
            result.refused |= handled.refused
    return result


async def _note_all(store: Store, selection: _Selection, action: Action, **detail: Any) -> None:
    """Say in the audit log, before it begins, what is done to all that the filters find."""
    first = selection.filters[0]
    async with store.begin() as conn:
        count = sum([await count_deliveries(conn, one) for one in selection.filters])
        if not count:
            return
        asked = {
            "count": count,
            "states": [one.state for one in selection.filters],
            "since": None if first.since_ms is None else rfc3339_of_ms(first.since_ms),
            "until": None if first.until_ms is None else rfc3339_of_ms(first.until_ms),
        }
        await audit.note(conn, audited(action, first.destination or _EVERYWHERE, **asked, **detail))


async def _pages(store: Store, selection: _Selection) -> AsyncIterator[Sequence[str]]:
    for start in range(0, len(selection.ids), _AT_ONCE):
        yield selection.ids[start : start + _AT_ONCE]
    for one in () if selection.ids else selection.filters:
        after = ""
        while True:
            async with store.connect() as conn:
                page = await oldest_ids(conn, one, after=after, limit=_AT_ONCE)
            if not page:
                break
            yield page
            after = page[-1]


def _tell(ctx: click.Context, handled: Handled, done: str, *, as_json: bool) -> None:
    if as_json:
        refused = [{"id": one, "code": why} for one, why in handled.refused.items()]
        rows = [delivery_json(row) for row in handled.rows]
        result_json({"data": rows, "refused": refused, "next_cursor": None})
    else:
        _print(handled, done)
    ctx.exit(PROBLEMS_FOUND if handled.refused else 0)


def _print(handled: Handled, done: str) -> None:
    by_code: dict[str, list[str]] = {}
    for delivery_id, why in handled.refused.items():
        by_code.setdefault(why, []).append(delivery_id)
    for code, ids in by_code.items():
        few = ", ".join(ids[:_NAMED]) + (" and others" if len(ids) > _NAMED else "")
        as_is = "it is" if len(ids) == 1 else "they are"
        status(f"{len(ids)} left as {as_is} ({_REFUSED[code]}): {few}")
    if handled.rows:
        table(
            ("id", "destination", "state"),
            ((row["id"], row["destination"], row["state"]) for row in handled.rows),
        )
    count = len(handled.rows)
    status(f"{count} {'delivery is' if count == 1 else 'deliveries are'} {done}.")
