"""Who is known by an e-mail address, a number or an id, and whom a batch makes known (decisions N1-N4).

Pure, as the rest of the fold: it starts from what the store held and ends in rows to keep. The store
may have given an address to another by then; `settle` puts that right on the tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from router.core.event import IncomingEvent
from router.core.ids import derived_id
from router.core.store.contacts import filled_in, first_known, identifiers_of, shown_contact
from rules.decision import Contact, Decision, Identifier, Reason, RuleVerdict
from workers.fields import Row

_WORDS: Final = {"email": "address", "phone": "number", "external_id": "id"}


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who is known: `contact` and `creator` of the tasks that are from them."""

    contact: Row
    creator: Row


class Contacts:
    """The contacts of a batch.

    Args:
        held: Contacts as the store has them, by what they are known by.
        people: People of the directory, `{id, email, name}` by address; they are known without a contact.
    """

    def __init__(
        self, held: Mapping[Identifier, Row], people: Mapping[str, Row], now_ms: int
    ) -> None:
        self._held = held
        self._people = people
        self._now_ms = now_ms
        self.kept: dict[str, Row] = {}
        """Rows to write by address: new contacts, and those that something was filled in of."""
        self._made: dict[Identifier, str] = {}
        self.met: dict[str, Known] = {}

    def refuse_unknown(self, decision: Decision) -> Decision:
        """Return a decision in which nobody unknown opens a task where only known ones may (R9)."""
        if not any(map(self._is_refused, decision.verdicts)):
            return decision
        verdicts = tuple(
            _refused(verdict) if self._is_refused(verdict) else verdict
            for verdict in decision.verdicts
        )
        reason = decision.refused or next(v.reason for v in verdicts if v.refused)
        return decision._replace(verdicts=verdicts, refused=reason, dropped=None)

    def meet(self, event: IncomingEvent, contact: Contact | None) -> Known | None:
        """Return who a task is from, and keep whom nobody knew; None: it is made without a contact."""
        if contact is None:
            return None
        person = self._person(contact)
        if person is not None:
            shown = {**person, "name": person["name"] or contact.name}
            return Known(shown, {"type": "person", "id": person["id"]})
        row = self._row(contact)
        if row is None:
            if contact.unknown != "create":
                return None
            row = self._new(event, contact)
        elif (filled := filled_in(row, contact._asdict(), self._find, self._now_ms)) is not None:
            row = filled
            self._keep(row)
        return self._known(row["address"], row)

    def _is_refused(self, verdict: RuleVerdict) -> bool:
        contact = verdict.contact
        return (
            contact is not None
            and contact.unknown == "reject"
            and self._person(contact) is None
            and self._row(contact) is None
        )

    def _person(self, contact: Contact) -> Row | None:
        return None if contact.email is None else self._people.get(contact.email.lower())

    def _row(self, contact: Contact) -> Row | None:
        return first_known(contact.identifiers, self._find)

    def _find(self, identifier: Identifier) -> Row | None:
        address = self._made.get(identifier)
        if address is not None:
            return self.kept[address]
        row = self._held.get(identifier)
        return None if row is None else self.kept.get(row["address"], row)

    def _keep(self, row: Row) -> None:
        self.kept[row["address"]] = row
        for identifier in identifiers_of(row):
            if self._find(identifier) is None:
                self._made[identifier] = row["address"]

    def _new(self, event: IncomingEvent, contact: Contact) -> Row:
        row = {
            "id": derived_id(event.id, "contact", contact.address),
            "address": contact.address,
            "email": contact.email,
            "name": contact.name,
            "phone": contact.phone,
            "external_id": contact.external_id,
            "created_ms": event.received_ms,
            "updated_ms": self._now_ms,
        }
        self._keep(row)
        return row

    def _known(self, address: str, row: Row) -> Known:
        """Return the same for all tasks of a batch, so that `settle` reaches each of them."""
        known = self.met.setdefault(address, Known({}, {"type": "contact"}))
        _show(row, known)
        return known


def settle(met: Mapping[str, Known], stored: Mapping[str, Row]) -> None:
    """Let the tasks of a batch show the contacts as the store has them."""
    for address, row in stored.items():
        _show(row, met[address])


def asked_about(decisions: Iterable[Decision]) -> set[Identifier]:
    """Return what those are known by that decisions ask about."""
    return {
        identifier
        for decision in decisions
        for verdict in decision.verdicts
        if verdict.contact is not None
        for identifier in verdict.contact.identifiers
    }


def _show(row: Row, known: Known) -> None:
    known.contact.clear()
    known.contact.update(shown_contact(row))
    known.creator["id"] = row["id"]


def _refused(verdict: RuleVerdict) -> RuleVerdict:
    given = () if verdict.contact is None else verdict.contact.identifiers
    part = next((part for part, _ in given), "email")
    message = f"nobody with this {_WORDS[part]} is known here"
    reason = Reason("unknown-contact", message, verdict.at, f"contact.{part}")
    return verdict._replace(
        action=None,
        reason=verdict.reason or reason,
        refused=True,
        errors=(*verdict.errors, reason),
    )
