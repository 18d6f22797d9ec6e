"""Who is known by an e-mail address, and whom a batch makes known (decisions N1-N4).

Pure, as the rest of the fold: it starts from what the store held and ends in rows to keep. The store
may have given an address to another by then; `settle` puts that right on the tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from router.core.event import IncomingEvent
from router.core.ids import derived_id
from rules.contact import EMAIL_FIELD
from rules.decision import Contact, Decision, Reason, RuleVerdict
from workers.fields import Row


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who is known: `contact` and `creator` of the tasks that are from them."""

    contact: Row
    creator: Row


class Contacts:
    """The contacts of a batch, by address in small letters.

    Args:
        held: Contacts as the store has them.
        people: People of the directory, `{id, email, name}`; they are known without a contact.
    """

    def __init__(self, held: Mapping[str, Row], people: Mapping[str, Row], now_ms: int) -> None:
        self._held = held
        self._people = people
        self._now_ms = now_ms
        self.kept: dict[str, Row] = {}
        """Rows to write: new contacts, and those that got a name."""
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
        person = self._people.get(contact.address)
        if person is not None:
            shown = {**person, "name": person["name"] or contact.name}
            return Known(shown, {"type": "person", "id": person["id"]})
        row = self._row(contact.address)
        if row is None:
            if contact.unknown != "create":
                return None
            row = self._new(event, contact)
        elif row["name"] is None and contact.name is not None:
            row = {**row, "name": contact.name, "updated_ms": self._now_ms}
            self.kept[contact.address] = row
        return self._known(contact.address, row)

    def _is_refused(self, verdict: RuleVerdict) -> bool:
        contact = verdict.contact
        return (
            contact is not None
            and contact.unknown == "reject"
            and contact.address not in self._people
            and self._row(contact.address) is None
        )

    def _row(self, address: str) -> Row | None:
        return self.kept.get(address) or self._held.get(address)

    def _new(self, event: IncomingEvent, contact: Contact) -> Row:
        row = {
            "id": derived_id(event.id, "contact", contact.address),
            "address": contact.address,
            "email": contact.email,
            "name": contact.name,
            "created_ms": event.received_ms,
            "updated_ms": self._now_ms,
        }
        self.kept[contact.address] = row
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


def addresses_of(decisions: Iterable[Decision]) -> set[str]:
    """Return the addresses, in small letters, that decisions ask about."""
    return {
        verdict.contact.address
        for decision in decisions
        for verdict in decision.verdicts
        if verdict.contact is not None
    }


def _show(row: Row, known: Known) -> None:
    known.contact.update({name: row[name] for name in ("id", "email", "name")})
    known.creator["id"] = row["id"]


def _refused(verdict: RuleVerdict) -> RuleVerdict:
    message = "nobody with this address is known here"
    reason = Reason("unknown-contact", message, verdict.at, EMAIL_FIELD)
    return verdict._replace(
        action=None,
        reason=verdict.reason or reason,
        refused=True,
        errors=(*verdict.errors, reason),
    )
