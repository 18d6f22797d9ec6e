"""Which secrets the rules need and do not have: what a key that was issued here can stand for is not missed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from router.core.settings import Secrets
from router.core.store.api_keys import name_for_connector
from rules.compiled import Connector
from rules.problems import Span
from rules.ruleset import RuleSet


def missing_secrets(
    rule_set: RuleSet, secrets: Secrets, issued: Collection[str] = ()
) -> Mapping[str, Span]:
    """Return the secrets that are not set, and the first place that names each.

    `issued` holds the names of the keys that were issued here. One stands for a secret wherever the sender
    shows it; who signs, and a destination, needs the secret itself, of which such a key has the hash alone.
    """
    return {
        name: span
        for name, span in rule_set.secrets.items()
        if not secrets.has(name) and not _is_stood_for(name, rule_set, issued)
    }


def _is_stood_for(name: str, rule_set: RuleSet, issued: Collection[str]) -> bool:
    if any(name in destination.secrets for destination in rule_set.destinations.values()):
        return False

    def is_open(connector: Connector) -> bool:
        has_key = name in issued or name_for_connector(connector.name) in issued
        return has_key and connector.name in rule_set.shown_secrets

    users = [one for one in rule_set.connectors.values() if name in one.secrets]
    return bool(users) and all(map(is_open, users))
