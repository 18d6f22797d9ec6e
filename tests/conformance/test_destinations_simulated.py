"""What a type of vendor's destination says that it can do is true, as far as its simulator knows the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.vendors import requests, tasks
from tests.support.vendors.offices import OFFICES, config
from tests.support.vendors.visiting import Visit, visit
from workers.destinations import BY_NAME, REGISTRY
from workers.destinations.outcome import Kind
from workers.destinations.request import BuildError, Change, marker_of

OTHER = "0193573a-6e5c-7000-8000-0000000000c2"
CHANGES: tuple[Change, ...] = ("update", "complete", "cancel", "delete")
NO_SIMULATOR = {"http": "its API is what the operator describes"}
NO_LIMIT = {
    "vambe": "the vendor publishes none for tasks",
    "todovu": "the vendor publishes one for free plans only",
}
NO_LOOK = {"todovu": "a connector only takes tasks"}
NO_CHECK = {"todovu": "a connector has no call that changes nothing"}
NO_PEOPLE = {"todovu": "a connector lists nothing, and its payload is the operator's"}


def test_every_type_has_a_simulator_or_a_reason() -> None:
    assert {each.name for each in REGISTRY} == OFFICES.keys() | NO_SIMULATOR.keys()


def test_what_a_type_cannot_do_has_a_reason() -> None:
    kinds = [BY_NAME[name] for name in OFFICES]

    assert {kind.name for kind in kinds if kind.find is None} == NO_LOOK.keys()
    assert {kind.name for kind in kinds if kind.check is None} == NO_CHECK.keys()
    assert {kind.name for kind in kinds if kind.directory is None} == NO_PEOPLE.keys()


def but(reasons: dict[str, str]) -> pytest.MarkDecorator:
    """Run a test with every vendor but those that a reason exempts."""
    names = [name for name in OFFICES if name not in reasons]
    return pytest.mark.parametrize("there", names, indirect=True)


CHANGING = [
    pytest.param(name, change, id=f"{name}-{change}")
    for name in OFFICES
    for change in CHANGES
    if change in BY_NAME[name].changes
]
UPDATING = [name for name in OFFICES if "update" in BY_NAME[name].changes]


@pytest.fixture(params=list(OFFICES))
async def there(request: pytest.FixtureRequest) -> AsyncIterator[Visit]:
    async with visit(request.param) as opened:
        yield opened


@pytest.mark.parametrize("name", list(OFFICES))
def test_the_requests_are_those_that_were_looked_at(name: str) -> None:
    """If a difference is right, run `python -m tests.support.vendors.requests`."""
    assert requests.text_of(name) == requests.expected_of(name).read_text("utf-8")


async def test_a_task_with_everything_is_taken(there: Visit) -> None:
    external_id = await there.create(there.office.full())

    shown = there.shown()[external_id]
    assert "Fulfil order #1001" in shown.text
    assert "Fragile." in shown.text
    assert not shown.closed


async def test_a_task_with_hardly_anything_is_taken(there: Visit) -> None:
    external_id = await there.create(there.office.plain())

    assert "Call back" in there.shown()[external_id].text


async def test_a_task_that_is_due_on_a_day_is_taken(there: Visit) -> None:
    full = there.office.full()

    await there.create(tasks.all_day(links=full["links"], custom=full["custom"]))


async def test_a_long_task_is_taken_and_keeps_its_marker(there: Visit) -> None:
    external_id = await there.create(
        there.office.full(title="t" * 10_000, description="d" * 200_000), OTHER
    )

    if there.kind.find is not None:
        assert marker_of(OTHER) in there.shown()[external_id].text


@pytest.mark.parametrize(("there", "change"), CHANGING, indirect=["there"])
async def test_what_is_declared_can_be_done(there: Visit, change: Change) -> None:
    full = there.office.full()
    external_id = await there.create(full)
    task = tasks.closed(full, "cancelled" if change == "cancel" else "done")

    outcome = await there.change(change, there.copy(task, external_id=external_id))

    assert outcome.kind is Kind.DELIVERED, outcome
    if change == "delete":
        assert there.shown() == {}
    elif change != "update" or "complete" not in there.kind.changes:
        assert there.shown()[external_id].closed


@pytest.mark.parametrize(("name", "change"), CHANGING)
def test_without_its_id_nothing_is_asked_about_a_copy(name: str, change: Change) -> None:
    """A path or a body that lost the id could be about all tasks."""
    office = OFFICES[name]

    with pytest.raises(BuildError, match="never gave an id"):
        BY_NAME[name].build(config(name), change, office.copy(office.full(), external_id=None))


@pytest.mark.parametrize("there", UPDATING, indirect=True)
async def test_a_task_may_be_reopened_or_it_is_said_that_it_cannot(there: Visit) -> None:
    full = there.office.full()
    external_id = await there.create(full)
    close: Change = "complete" if "complete" in there.kind.changes else "update"
    await there.change(close, there.copy(tasks.closed(full), external_id=external_id))
    copy = there.copy(full, external_id=external_id)

    assert (await there.change("update", copy)).kind is Kind.DELIVERED

    is_omitted = "status" in there.kind.omitted(there.config, "update", copy)
    assert there.shown()[external_id].closed is is_omitted


@pytest.mark.parametrize("there", UPDATING, indirect=True)
async def test_an_update_changes_the_text_or_says_that_it_cannot(there: Visit) -> None:
    external_id = await there.create(there.office.full())
    changed = there.office.full(title="Another title", description="Another text")
    copy = there.copy(changed, external_id=external_id)

    assert (await there.change("update", copy)).kind is Kind.DELIVERED

    omitted = there.kind.omitted(there.config, "update", copy)
    text = there.shown()[external_id].text
    assert ("Another title" in text) is ("title" not in omitted)
    assert ("Another text" in text) is ("description" not in omitted)
    if there.kind.find is not None:
        assert marker_of(tasks.DELIVERY) in text


@pytest.mark.parametrize(("there", "change"), CHANGING, indirect=["there"])
async def test_a_copy_that_is_gone_is_told_as_that(there: Visit, change: Change) -> None:
    task = tasks.closed(there.office.full())
    copy = there.copy(task, external_id=there.office.unknown_id)

    outcome = await there.change(change, copy)

    assert outcome.kind is there.office.missing, outcome
    assert outcome.message


async def test_the_same_creation_twice_makes_two_unless_it_takes_a_key(there: Visit) -> None:
    task = there.office.full()

    ids = {await there.create(task), await there.create(task)}

    assert len(ids) == (2 if there.kind.idempotency == "none" else 1)


@pytest.mark.parametrize("name", list(OFFICES))
def test_what_is_demanded_is_what_a_task_cannot_be_built_without(name: str) -> None:
    """So that `rules check` says neither more nor less than what would fail."""
    kind, office, given = BY_NAME[name], OFFICES[name], config(name)
    demands = kind.demands(given)

    def can_be_built(**changed: Any) -> bool:
        try:
            kind.build(given, "create", office.copy(office.full(**changed)))
        except BuildError:
            return False
        return True

    assert can_be_built()
    assert can_be_built(assignees=[]) is not demands.assignee
    names = {"assignees": ["nobody"], "followers": ["nobody"], "labels": ["nothing"]}
    for field, value in {**names, "project": "nothing", "client": "nothing"}.items():
        assert can_be_built(**{field: value}) is (field not in demands.ids), field


@but(NO_LOOK)
async def test_a_copy_is_found_by_its_marker(there: Visit) -> None:
    task = there.office.full()
    other, external_id = await there.create(task, OTHER), await there.create(task)

    assert (await there.find(there.copy(task))).ids == (external_id,)
    assert (await there.find(there.copy(task, OTHER))).ids == (other,)


@but(NO_LOOK)
async def test_a_copy_without_a_due_date_is_found_too(there: Visit) -> None:
    task = there.office.plain()
    external_id = await there.create(task)

    assert (await there.find(there.copy(task))).ids == (external_id,)


@but(NO_LOOK)
async def test_that_there_is_no_copy_is_known(there: Visit) -> None:
    for task in (there.office.full(), there.office.plain()):
        await there.create(task, OTHER)

        found = await there.find(there.copy(task))

        assert (found.ids, found.complete) == ((), True)


@but(NO_LOOK)
async def test_a_copy_is_found_among_many(there: Visit) -> None:
    task = there.office.full()
    external_id = await there.create(task)
    for number in range(230):
        there.clock.forward(2000)
        await there.create(task, f"{OTHER}-{number}")

    found = await there.find(there.copy(task))

    assert (found.ids, found.complete) == ((external_id,), True)
    assert len(there.simulator.tasks_now()) == 231


@but(NO_LOOK)
async def test_a_look_may_come_to_nothing_but_is_never_wrong(there: Visit) -> None:
    """A text that `extra` writes over has no marker: its copy cannot be looked for."""
    assert there.kind.find is not None
    text = {
        "attio": "content",
        "heffl": "description",
        "vambe": "description",
        "leadsquared": "Description",
    }[there.kind.name]
    given = config(there.kind.name, extra={text: "{{ task.title }}"})

    assert there.kind.find(given, there.copy(there.office.full())) is None


@but(NO_LOOK)
async def test_a_copy_is_looked_for_as_it_was_sent(there: Visit) -> None:
    """What a rule changed since, and what the directory no longer knows, must not hide it."""
    assert there.kind.find is not None
    assert there.kind.read_found is not None
    task = there.office.plain(due_at="2026-11-24T17:00:00Z", due_date="2026-11-24")
    sent = there.kind.build(there.config, "create", there.copy(task))
    assert sent is not None
    external_id = (await there.send("create", sent)).external_id
    moved = there.office.plain(
        assignees=["amir", "kim"], due_at="2027-06-01T17:00:00Z", due_date="2027-06-01"
    )

    copy = replace(there.copy(moved), sent=sent)

    assert (await there.find(copy)).ids == (external_id,)


@but(NO_CHECK)
async def test_a_check_tells_good_credentials_from_bad_ones(there: Visit) -> None:
    assert there.kind.check is not None
    request = there.kind.check(there.config)
    assert request is not None

    assert (await there.send("look", request)).kind is Kind.DELIVERED
    there.keys.value = "n0tTheRightOne"
    assert (await there.send("look", request)).kind is Kind.AUTH
    assert there.simulator.tasks_now() == []


async def test_wrong_credentials_are_told_as_that(there: Visit) -> None:
    there.keys.value = "n0tTheRightOne"

    outcome = await there.change("create", there.copy(there.office.full()))

    assert outcome.kind is Kind.AUTH
    assert there.simulator.tasks_now() == []


@but(NO_PEOPLE)
async def test_the_people_are_listed_with_their_addresses(there: Visit) -> None:
    listed = await there.listed()

    people = {entry.id: entry for entry in listed["people"]}
    for name, address in (("jane", "jane@acme.example"), ("amir", "amir@acme.example")):
        assert people[there.office.ids.people[name]].email == address
    assert not [entry for entry in listed["people"] if entry.email == "kim@acme.example"]


@but(NO_LIMIT)
async def test_what_comes_too_fast_is_told_with_the_wait(there: Visit) -> None:
    copy = there.copy(there.office.plain())
    outcome = await there.change("create", copy)
    while outcome.kind is Kind.DELIVERED:
        outcome = await there.change("create", copy)

    assert outcome.kind is Kind.RATE_LIMITED
    made = len(there.simulator.tasks_now())
    assert there.simulator.refused_for_rate == 1
    if outcome.retry_after_s is not None:
        there.clock.forward(int(outcome.retry_after_s * 1000) + 1000)
        assert (await there.change("create", copy)).kind is Kind.DELIVERED
        assert len(there.simulator.tasks_now()) == made + 1


@but(NO_PEOPLE)
async def test_an_unknown_person_is_a_final_refusal(there: Visit) -> None:
    copy = there.copy(there.office.plain())
    people = dict.fromkeys(copy.ids.people, there.office.unknown_id)
    ids = type(copy.ids)(people=people)

    outcome = await there.change("create", tasks.copy_of(copy.task, ids))

    assert outcome.kind is Kind.REJECTED, outcome
    assert there.simulator.tasks_now() == []
