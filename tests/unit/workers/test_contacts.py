"""Who is known, whom a batch makes known, and what tasks show of it (N1-N4)."""

from __future__ import annotations

from typing import Any

import pytest

from rules.decision import Action, Contact, Drop, Reason, RuleVerdict
from tests.support.judging import NOW_MS, complete, decision, event, judged, matched, open_task
from workers.apply import Fold, Judged, State, fold
from workers.contacts import asked_about
from workers.fields import Row

EMAIL = "Ada@Acme.example"
ADDRESS = "ada@acme.example"
KNOWN_BY = ("email", ADDRESS)
PEOPLE: dict[str, Row] = {
    "jane@acme.example": {"id": "jane", "email": "jane@acme.example", "name": "Jane Roe"},
    "amir@acme.example": {"id": "amir", "email": "amir@acme.example", "name": None},
}


def run(*batch: Judged, held: Any = None, **given: Any) -> Fold:
    state = given.pop("state", None) or State(contacts=held or {})
    done = fold(batch, state, now_ms=NOW_MS + 5, rules_hash="h", people=PEOPLE, **given)
    done.number(range(1, len(done.new_tasks) + 1))
    return done


def by(
    action: Action | None = None,
    email: str = EMAIL,
    name: str | None = "Ada",
    unknown: Any = "create",
) -> RuleVerdict:
    """Return the verdict of a rule whose task is from somebody."""
    return matched(action or open_task())._replace(contact=Contact(email, name, unknown))


def came(*verdicts: RuleVerdict | Action, **given: Any) -> Judged:
    return judged(decision(*verdicts), **given)


def row(**given: Any) -> Row:
    """Return a contact as the store has it."""
    return {
        "id": "c1",
        "address": ADDRESS,
        "email": "ADA@acme.example",
        "name": "Ada Lovelace",
        "phone": None,
        "external_id": None,
        "created_ms": 1,
        "updated_ms": 1,
        **given,
    }


def after(done: Fold) -> State:
    """Return what the store holds after a fold."""
    rows = [*done.new_tasks, *done.changed_tasks]
    return State(
        tasks={(each["scope"], each["key"]): each for each in rows if each["key"] is not None},
        contacts={("email", address): each for address, each in done.contacts.items()},
    )


def test_whom_nobody_knew_becomes_a_contact_and_the_creator() -> None:
    of = event()

    done = run(judged(decision(by()), of))

    (contact,) = done.contacts.values()
    assert contact == {
        "id": contact["id"],
        "address": ADDRESS,
        "email": EMAIL,
        "name": "Ada",
        "phone": None,
        "external_id": None,
        "created_ms": of.received_ms,
        "updated_ms": NOW_MS + 5,
    }
    (task,) = done.new_tasks
    assert task["contact"] == {"id": contact["id"], "email": EMAIL, "name": "Ada"}
    assert task["creator"] == {"type": "contact", "id": contact["id"]}
    assert run(judged(decision(by()), of)).contacts == done.contacts


def test_whom_the_store_knows_is_not_made_again_and_keeps_name_and_spelling() -> None:
    done = run(came(by(name="Another Ada")), held={KNOWN_BY: row()})

    assert done.contacts == {}
    assert done.new_tasks[0]["contact"] == {
        "id": "c1",
        "email": "ADA@acme.example",
        "name": "Ada Lovelace",
    }
    assert done.new_tasks[0]["creator"] == {"type": "contact", "id": "c1"}


def test_an_empty_name_is_filled_in_once() -> None:
    held = {KNOWN_BY: row(name=None)}

    done = run(came(by(name="Ada")), came(by(name="Another")), came(by(name=None)), held=held)

    assert done.contacts == {ADDRESS: row(name="Ada", updated_ms=NOW_MS + 5)}
    assert [task["contact"]["name"] for task in done.new_tasks] == ["Ada"] * 3
    assert held == {KNOWN_BY: row(name=None)}


def test_events_of_one_batch_make_one_contact_of_one_address() -> None:
    done = run(
        came(by(email="ada@acme.example", name=None), connector="shop"),
        came(by(email="ADA@ACME.EXAMPLE", name="Ada"), connector="store"),
        came(by(email="bob@acme.example")),
    )

    assert list(done.contacts) == [ADDRESS, "bob@acme.example"]
    assert done.contacts[ADDRESS]["email"] == "ada@acme.example"
    assert done.contacts[ADDRESS]["name"] == "Ada"
    first, second, other = (task["contact"]["id"] for task in done.new_tasks)
    assert first == second != other


def test_a_person_of_the_directory_needs_no_contact() -> None:
    done = run(
        came(by(email="JANE@acme.example", name="J", unknown="reject")),
        came(by(email="amir@acme.example", name="Amir")),
        held={"jane@acme.example": row(address="jane@acme.example")},
    )

    assert done.contacts == {}
    assert [task["contact"] for task in done.new_tasks] == [
        {"id": "jane", "email": "jane@acme.example", "name": "Jane Roe"},
        {"id": "amir", "email": "amir@acme.example", "name": "Amir"},
    ]
    assert [task["creator"] for task in done.new_tasks] == [
        {"type": "person", "id": "jane"},
        {"type": "person", "id": "amir"},
    ]


def test_where_strangers_are_left_out_the_task_is_the_connectors_and_routed_as_nobodys() -> None:
    action = open_task(defaults={"client": "acme"}, without_contact={"client": "in-house"})

    done = run(
        came(by(action, unknown="connector")),
        came(by(action, email="jane@acme.example", unknown="connector")),
    )

    stranger, jane = done.new_tasks
    assert done.contacts == {}
    assert (stranger["contact"], stranger["client"]) == (None, "in-house")
    assert stranger["creator"] == {"type": "connector", "id": "shop"}
    assert (jane["contact"]["id"], jane["client"]) == ("jane", "acme")


def test_without_another_routing_a_strangers_task_has_the_same_defaults() -> None:
    action = open_task(defaults={"client": "acme"})
    assert run(came(by(action, unknown="connector"))).new_tasks[0]["client"] == "acme"


def test_who_is_not_known_is_refused_where_only_known_ones_are_let_in() -> None:
    done = run(came(Drop("noted"), open_task("a"), by(open_task("b"), unknown="reject")))

    event_row = done.events[0]
    assert (event_row["status"], event_row["code"]) == ("refused", "unknown-contact")
    assert event_row["reason"] == "nobody with this address is known here"
    assert done.new_tasks == done.history == done.deliveries == event_row["tasks"] == []
    assert done.contacts == {}
    assert [entry["outcome"] for entry in event_row["decisions"]] == ["dropped", None, "refused"]
    assert event_row["decisions"][2]["errors"] == [
        {
            "field": "contact.email",
            "code": "unknown-contact",
            "message": "nobody with this address is known here",
        }
    ]
    assert EMAIL not in str(event_row)


def test_an_unknown_contact_is_said_beside_all_else_that_is_wrong() -> None:
    blank = Reason("blank", "a task needs a title that is not blank", "shop.yaml:3", "title")
    bad = RuleVerdict(
        "bad",
        "shop.yaml:3",
        "matched",
        reason=blank,
        refused=True,
        errors=(blank,),
        contact=Contact(EMAIL, None, "reject"),
    )

    event_row = run(judged(decision(bad, refused=blank))).events[0]

    assert (event_row["status"], event_row["code"]) == ("refused", "blank")
    (entry,) = event_row["decisions"]
    assert [error["field"] for error in entry["errors"]] == ["title", "contact.email"]
    assert entry["reason"]["code"] == "blank"


def test_a_refusal_claims_no_deduplication_key_so_that_the_event_may_come_again() -> None:
    made = decision(by(unknown="reject"))
    keyed = made._replace(deduplication=made.deduplication._replace(key="d1", within_s=60))

    assert run(judged(keyed)).claims == {}
    assert list(run(judged(keyed), held={KNOWN_BY: row()}).claims) == [("shop", "d1")]


def test_whom_an_earlier_event_of_the_batch_made_known_is_let_in() -> None:
    batch = [
        came(by(unknown="reject"), connector="support"),
        came(by(unknown="create"), connector="shop"),
        came(by(unknown="reject"), connector="support"),
    ]

    done = run(*batch)

    assert [each["status"] for each in done.events] == ["refused", "routed", "routed"]
    assert len({task["contact"]["id"] for task in done.new_tasks}) == 1


def test_an_event_that_goes_wrong_makes_nobody_known() -> None:
    wrong = open_task(fields={"due_at": "never"})

    done = run(came(by(), wrong), came(by(unknown="reject")))

    assert [each["status"] for each in done.events] == ["failed", "refused"]
    assert done.contacts == {}


@pytest.mark.parametrize(
    "second",
    [
        by(open_task("a", on_open="ignore")),
        by(open_task("a", version="1")),
        complete("a"),
        Drop("enough"),
    ],
)
def test_what_does_nothing_makes_nobody_known(second: Any) -> None:
    opened = run(came(open_task("a", version="2")))

    done = run(came(second), state=after(opened))

    assert done.contacts == {}


def test_a_shadow_rule_makes_nobody_known_and_refuses_nothing() -> None:
    shadow = decision(open_task(), shadow=(by(), by(unknown="reject")))

    done = run(judged(shadow))

    assert (done.events[0]["status"], done.contacts) == ("routed", {})
    assert asked_about([shadow]) == set()


def test_a_duplicate_makes_nobody_known() -> None:
    first = decision(open_task())
    keyed = first._replace(deduplication=first.deduplication._replace(key="d1", within_s=60))
    again = keyed._replace(verdicts=(by(),))

    done = run(judged(keyed), judged(again))

    assert [each["status"] for each in done.events] == ["routed", "duplicate"]
    assert done.contacts == {}


def test_an_update_gives_a_task_without_a_contact_one_and_leaves_another() -> None:
    opened = run(came(open_task("a", deliver=("crm",))))

    given = run(came(by(open_task("a"))), state=after(opened))
    (task,) = given.changed_tasks
    assert task["contact"] == {"id": task["contact"]["id"], "email": EMAIL, "name": "Ada"}
    assert task["creator"] == {"type": "connector", "id": "shop"}
    assert task["version"] == 2
    assert given.history[0]["fields"] == {"contact": {"from": None, "to": task["contact"]}}

    left = run(came(by(open_task("a"), email="bob@acme.example")), state=after(given))
    assert left.changed_tasks[0]["contact"] == task["contact"]
    assert left.changed_tasks[0]["version"] == 2
    assert list(left.contacts) == ["bob@acme.example"]


def test_an_update_shows_the_name_that_was_missing() -> None:
    opened = run(came(by(open_task("a"), name=None)))

    named = run(came(by(open_task("a"), name="Ada")), state=after(opened))

    assert named.changed_tasks[0]["contact"]["name"] == "Ada"
    assert named.contacts[ADDRESS]["id"] == opened.contacts[ADDRESS]["id"]


def test_a_count_makes_known_and_leaves_the_task_as_it_is_from() -> None:
    opened = run(came(open_task("a")))

    counted = run(came(by(open_task("a", on_open="count"))), state=after(opened))

    assert counted.events[0]["decisions"][0]["outcome"] == "counted"
    assert counted.changed_tasks[0]["contact"] is None
    assert list(counted.contacts) == [ADDRESS]


def test_a_task_that_is_opened_again_gets_the_contact_it_lacked() -> None:
    closed = run(came(open_task("a")), came(complete("a")))

    reopened = run(came(by(open_task("a", on_closed="reopen"))), state=after(closed))

    assert reopened.events[0]["decisions"][0]["outcome"] == "reopened"
    assert reopened.changed_tasks[0]["contact"]["email"] == EMAIL


NUMBER = "+442079460018"
BY_NUMBER = ("phone", NUMBER)
BY_ID = ("external_id", "cus_1042")


def known(email: str | None = None, **given: Any) -> RuleVerdict:
    """Return the verdict of a rule whose task is from somebody who is known by these."""
    return matched(open_task())._replace(contact=Contact(email, **given))


def test_who_gives_no_address_is_known_by_number_or_id() -> None:
    done = run(
        came(known(phone=NUMBER, name="Ada")),
        came(known(phone=NUMBER)),
        came(known(external_id="cus_1042")),
    )

    by_number, by_id = done.contacts.values()
    assert (by_number["address"], by_number["phone"]) == (f"tel:{NUMBER}", NUMBER)
    assert (by_id["address"], by_id["external_id"]) == ("id:cus_1042", "cus_1042")
    shown = {"id": by_number["id"], "email": None, "name": "Ada", "phone": NUMBER}
    assert [task["contact"] for task in done.new_tasks[:2]] == [shown, shown]
    assert done.new_tasks[2]["contact"]["external_id"] == "cus_1042"


def test_the_id_is_looked_up_before_the_address_and_the_address_before_the_number() -> None:
    ada = row()
    bob = row(id="c2", address="bob@acme.example", email="bob@acme.example", phone=NUMBER)
    eve = row(id="c3", address="id:cus_1042", email=None, external_id="cus_1042")
    held = {KNOWN_BY: ada, BY_NUMBER: bob, BY_ID: eve}

    done = run(
        came(known(EMAIL, phone=NUMBER, external_id="cus_1042")),
        came(known(EMAIL, phone=NUMBER)),
        came(known("new@acme.example", phone=NUMBER)),
        held=held,
    )

    assert [task["contact"]["id"] for task in done.new_tasks] == ["c3", "c1", "c2"]
    assert done.contacts == {}, "what another is known by is not taken, what differs is left"


def test_a_number_and_an_id_that_are_missing_are_filled_in_and_found_from_then_on() -> None:
    done = run(
        came(known(EMAIL, phone=NUMBER)),
        came(known(EMAIL, phone="+15550100", external_id="cus_1042")),
        came(known(phone=NUMBER)),
        came(known(external_id="cus_1042")),
        held={KNOWN_BY: row()},
    )

    filled = row(phone=NUMBER, external_id="cus_1042", updated_ms=NOW_MS + 5)
    assert done.contacts == {ADDRESS: filled}
    assert {task["contact"]["id"] for task in done.new_tasks} == {"c1"}


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"phone": NUMBER}, "contact.phone", "number"),
        ({"external_id": "x", "phone": NUMBER}, "contact.external_id", "id"),
    ],
)
def test_the_refusal_of_a_stranger_names_what_was_looked_up_first(
    given: dict[str, str], field: str, words: str
) -> None:
    done = run(came(known(unknown="reject", **given)))

    (entry,) = done.events[0]["decisions"]
    (error,) = entry["errors"]
    assert (error["field"], error["code"]) == (field, "unknown-contact")
    assert error["message"] == f"nobody with this {words} is known here"
    assert run(
        came(known(unknown="reject", phone=NUMBER)), held={BY_NUMBER: row(phone=NUMBER)}
    ).new_tasks


def test_tasks_show_whom_the_store_has_for_an_address_in_the_end() -> None:
    opened = run(came(open_task("a")))
    done = run(came(by(open_task("a"))), came(by(name=None)), state=after(opened))

    done.settle_contacts({ADDRESS: row()})

    shown = {"id": "c1", "email": "ADA@acme.example", "name": "Ada Lovelace"}
    (changed,), (new,) = done.changed_tasks, done.new_tasks
    assert changed["contact"] == new["contact"] == shown
    assert new["creator"] == {"type": "contact", "id": "c1"}
    assert done.history[0]["fields"]["contact"]["to"] == shown


def test_the_addresses_to_look_up_are_those_of_all_that_may_act() -> None:
    first, second = decision(by(), Drop("x")), decision(by(email="Bob@Acme.example"), open_task())
    assert asked_about([first, second]) == {KNOWN_BY, ("email", "bob@acme.example")}


def test_what_is_to_be_said_of_a_new_task_is_kept_with_its_rule() -> None:
    note = Reason("routing", "an entry of `routing` is undecided: …", "directory.yaml:9:7")
    noted = matched(open_task("a"))._replace(notes=(note,))

    opened = run(judged(decision(noted)))
    updated = run(judged(decision(noted)), state=after(opened))

    assert opened.events[0]["decisions"][0]["notes"] == [
        {"code": "routing", "message": note.message, "at": "directory.yaml:9:7"}
    ]
    assert "notes" not in updated.events[0]["decisions"][0]
