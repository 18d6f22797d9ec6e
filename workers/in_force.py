"""A set of rules with what the workers derive from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from router.core.intake_table import IntakeTable
from rules.decision import Identifier
from rules.ruleset import RuleSet
from workers.destinations import BY_NAME
from workers.destinations.request import Ids
from workers.fields import Row, Statuses


@dataclass(frozen=True)
class InForce:
    """A set of rules and, worked out once each, what carrying out its decisions needs."""

    rule_set: RuleSet

    @cached_property
    def statuses(self) -> Statuses:
        """The directory's statuses, else the default ones (decision N11)."""
        listed = self.rule_set.directory.statuses
        return Statuses({status.id: status.kind for status in listed}) if listed else Statuses()

    @cached_property
    def counting(self) -> frozenset[str]:
        """Destinations whose copies show `occurrences` (decision Q8)."""
        return frozenset(
            name
            for name, destination in self.rule_set.destinations.items()
            if (kind := BY_NAME[destination.type]).counts(kind.of(destination.config))
        )

    def ids_of(self, destination: str) -> Ids:
        """Return what a destination calls the names of the directory."""
        directory = self.rule_set.directory
        return Ids(
            people=_called(
                {name: each.ids for name, each in directory.people.items()}, destination
            ),
            clients=_called(directory.clients, destination),
            projects=_called(
                {name: each.ids for name, each in directory.projects.items()}, destination
            ),
            labels=_called(directory.labels, destination),
            statuses=_called({each.id: each.ids for each in directory.statuses}, destination),
        )

    @cached_property
    def people(self) -> dict[str, Row]:
        """People of the directory by address: they are known without a contact (decision N2)."""
        return {
            person.email.strip().lower(): {
                "id": key,
                "email": person.email.strip(),
                "name": person.name,
            }
            for key, person in self.rule_set.directory.people.items()
            if person.email is not None
        }

    @cached_property
    def known_people(self) -> frozenset[Identifier]:
        """What people of the directory are known by."""
        return frozenset(("email", address) for address in self.people)

    @cached_property
    def table(self) -> IntakeTable:
        """What the receiver must know."""
        return IntakeTable.model_validate(self.rule_set.intake_table())


def _called(ids: Mapping[str, Mapping[str, str]], destination: str) -> dict[str, str]:
    return {name: each[destination] for name, each in ids.items() if destination in each}
