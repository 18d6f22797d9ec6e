"""A destination of the rule files, asked from the command line: its configuration, and one request at a time."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from router.cli.catalogues import catalogues
from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.core.clock import utc_now
from router.core.settings import Secrets
from rules.loader import load, load_texts
from rules.ruleset import RuleSet
from workers.destinations import BY_NAME
from workers.destinations.destination import Common, Destination
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.request import Request
from workers.destinations.sender import Sender

_NO_CONNECTOR = re.compile(r"^(?:destinations|directory)[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A destination and the rules it is from; `ask` sends one question."""

    name: str
    kind: Destination
    config: Common
    rules: RuleSet
    sender: Sender

    async def ask(self, request: Request) -> Answer:
        """Send a question and return its answer.

        Raises:
            CommandError: It was refused (exit code 1), or not answered (2).
        """
        answer = await self.sender.send(request, self.config, repeatable=True)
        if isinstance(answer, Outcome):
            raise self._failed(answer)
        outcome = self.kind.classify(self.config, "look", answer, utc_now().timestamp())
        if outcome.kind is not Kind.DELIVERED:
            raise self._failed(outcome)
        return answer

    def _failed(self, outcome: Outcome) -> CommandError:
        if outcome.kind is Kind.AUTH and outcome.status is None:
            return CommandError(f"{self.name}: {outcome.message}", exit_code=PROBLEMS_FOUND)
        if outcome.kind is Kind.AUTH:
            secrets = ", ".join(map(Secrets.variable, sorted(self.kind.secrets(self.config))))
            message = f"{self.name} does not take our credentials ({secrets}): {outcome.message}"
            return CommandError(message, exit_code=PROBLEMS_FOUND)
        if outcome.kind in {Kind.REJECTED, Kind.GONE}:
            message = f"{self.name} refuses the request: {outcome.message}"
            return CommandError(message, exit_code=PROBLEMS_FOUND)
        if outcome.kind is Kind.RATE_LIMITED:
            return CommandError(
                f"{self.name} wants to be left alone for a while: {outcome.message}"
            )
        return CommandError(f"{self.name} does not answer: {outcome.message}")


@asynccontextmanager
async def asking(routes: Path, secrets: Secrets, name: str) -> AsyncIterator[Asked]:
    """Open a destination of a routes directory for as long as the context lasts.

    Raises:
        CommandError: The files have errors, or no such destination.
    """
    rules = _rules(routes)
    found = rules.destinations.get(name)
    if found is None:
        known = ", ".join(sorted(rules.destinations)) or "none"
        raise CommandError(f"{routes} has no destination {name}; it has: {known}")
    kind = BY_NAME[found.type]
    sender = Sender(secrets, utc_now)
    try:
        yield Asked(name, kind, kind.of(found.config), rules, sender)
    finally:
        await sender.close()


def _rules(routes: Path) -> RuleSet:
    """Return the rules of a directory; if connectors have errors, what there is without them.

    A connector may lack just the ids that a destination is asked for.
    """
    loaded = load(routes, catalogues())
    if loaded.rule_set is None and loaded.files:
        texts = {file: Path(file).read_text("utf-8", "replace") for file in loaded.files}
        others = {file: text for file, text in texts.items() if _NO_CONNECTOR.search(text)}
        loaded = load_texts(others, catalogues())
    if loaded.rule_set is None:
        raise CommandError(f"the rules in {routes} have errors: see `hookyard rules check`")
    return loaded.rule_set
