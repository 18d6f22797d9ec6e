"""The fault matrix: what goes wrong between us and a vendor, what it comes to, and what a look then finds.

Run it alone with `-s` to see the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.support.vendors.faults import (
    CUT,
    HANG_AFTER,
    HANG_BEFORE,
    RESET_AFTER,
    RESET_BEFORE,
    SLOW,
    Fault,
    status,
)
from tests.support.vendors.offices import OFFICES
from tests.support.vendors.visiting import Visit, visit
from workers.destinations import BY_NAME
from workers.destinations.outcome import Kind

DELIVERED, RETRY, LIMITED = Kind.DELIVERED, Kind.RETRY, Kind.RATE_LIMITED
UNCERTAIN, AUTH, REJECTED, GONE = Kind.UNCERTAIN, Kind.AUTH, Kind.REJECTED, Kind.GONE
FAILED_CALL = {"Status": "Error", "ExceptionType": "MXInvalidInputException"}


@dataclass(frozen=True, slots=True)
class Case:
    """A fault while a copy is created, and what it comes to; `but` holds the vendors where it differs."""

    fault: Fault | None
    kind: Kind
    made: int = 0
    but: Mapping[str, Kind] = field(default_factory=dict)


CASES: dict[str, Case] = {
    "nothing": Case(None, DELIVERED, 1),
    "reset before the effect": Case(RESET_BEFORE, UNCERTAIN),
    "reset after the effect": Case(RESET_AFTER, UNCERTAIN, 1),
    "no answer, no effect": Case(HANG_BEFORE, UNCERTAIN),
    "no answer after the effect": Case(HANG_AFTER, UNCERTAIN, 1),
    "answer breaks off": Case(CUT, UNCERTAIN, 1),
    "slow answer": Case(SLOW, DELIVERED, 1),
    "200 without a body": Case(status(200, done=True), UNCERTAIN, 1),
    "200 with an error in it": Case(
        status(200, FAILED_CALL), UNCERTAIN, but={"leadsquared": REJECTED}
    ),
    "500 before the effect": Case(status(500), UNCERTAIN),
    "500 after the effect": Case(status(500, done=True), UNCERTAIN, 1),
    "500 with an MX exception": Case(
        status(500, FAILED_CALL), UNCERTAIN, but={"leadsquared": REJECTED}
    ),
    "502": Case(status(502), UNCERTAIN),
    "503, Retry-After": Case(status(503, headers={"Retry-After": "3"}), UNCERTAIN),
    "429, Retry-After": Case(status(429, headers={"Retry-After": "3"}), LIMITED),
    "429, a date by its clock": Case(
        status(
            429,
            headers={
                "Date": "Fri, 01 Jan 2021 00:00:00 GMT",
                "Retry-After": "Fri, 01 Jan 2021 00:00:30 GMT",
            },
        ),
        LIMITED,
    ),
    "429, RateLimit-Reset": Case(status(429, headers={"RateLimit-Reset": "3"}), LIMITED),
    "429 and no hint": Case(status(429), LIMITED),
    "401": Case(status(401), AUTH),
    "403": Case(status(403), AUTH),
    "400": Case(status(400), REJECTED),
    "404": Case(status(404), REJECTED),
    "409": Case(status(409), RETRY, but={"heffl": REJECTED}),
    "302": Case(status(302, headers={"Location": "http://127.0.0.1:9/"}), REJECTED),
}


async def test_the_fault_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {what: [await cell(name, case) for name in OFFICES] for what, case in CASES.items()}

    with capsys.disabled():
        print_table(rows)


async def cell(name: str, case: Case) -> str:
    """Create a copy with a fault in the way, see that it comes to what it should, look; return a word on it."""
    async with visit(name, timeout="150ms") as there:
        there.faults.script.append(case.fault)
        task = there.office.full()

        outcome = await there.change("create", there.copy(task))

        assert outcome.kind is case.but.get(name, case.kind), (name, case, outcome)
        assert len(there.simulator.tasks_now()) == case.made, (name, case)
        if outcome.kind is DELIVERED:
            assert outcome.external_id in there.shown()
        if outcome.kind is UNCERTAIN:
            return f"{outcome.kind}, {await looked(there, case)}"
    wait_s = outcome.retry_after_s
    return str(outcome.kind) if wait_s is None else f"{outcome.kind}, {wait_s:g} s"


async def looked(there: Visit, case: Case) -> str:
    """Look for a copy that may exist: what is found is what is there."""
    if there.kind.find is None:
        return "held"
    there.faults.script.clear()
    found = await there.find(there.copy(there.office.full()))
    assert len(found.ids) == case.made
    assert found.complete
    return "found" if found.ids else "not there"


DELETING = [name for name in OFFICES if "delete" in BY_NAME[name].changes]
LIES = {"200 with an error in it", "404"}
"""What is answered is not what was done: nobody can see from here that the copy is still there."""
OTHER = "0193573a-6e5c-7000-8000-0000000000c2"


@pytest.mark.parametrize("name", DELETING)
@pytest.mark.parametrize("what", [what for what in CASES if what not in LIES])
async def test_a_deletion_that_is_sent_until_it_is_answered_deletes_that_copy_and_no_other(
    name: str, what: str
) -> None:
    async with visit(name, timeout="150ms") as there:
        task = there.office.full()
        external_id, other = await there.create(task), await there.create(task, OTHER)
        copy = there.copy(task, external_id=external_id)
        there.faults.script.append(CASES[what].fault)

        outcome = await there.change("delete", copy)
        if outcome.kind not in {DELIVERED, GONE}:
            there.faults.script.clear()
            outcome = await there.change("delete", copy)

        assert outcome.kind in {DELIVERED, GONE}, outcome
        assert there.shown().keys() == {other}


def print_table(rows: Mapping[str, list[str]]) -> None:
    lines = [["", *OFFICES], *([what, *cells] for what, cells in rows.items())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    print()  # noqa: T201  the table is for people
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)))  # noqa: T201  as above
