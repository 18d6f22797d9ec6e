"""Whether the rule files can be used, and whether the secrets they name are set."""

from __future__ import annotations

from router.cli.checks.finding import Finding, ok, problem
from router.cli.rules_report import count, load_rules, missing_secrets, unknown_addresses
from router.core.settings import Secrets, Settings


def check_rules(settings: Settings, secrets: Secrets) -> list[Finding]:
    """Check the directory of rule files."""
    directory = settings.routes_dir
    if not directory.is_dir():
        advice = f"make it with `hookyard init {directory}`, or correct HOOKYARD_ROUTES"
        return [problem("rules", f"there is no directory {directory}", advice)]
    loaded = load_rules(directory)
    if loaded.rule_set is None:
        errors = sum(each.severity == "error" for each in loaded.problems)
        text = f"{count(errors, 'problem')} in {directory}"
        return [problem("rules", text, f"`hookyard rules check {directory}` shows all")]
    rule_set = loaded.rule_set
    text = f"{count(len(rule_set.connectors), 'connector')} in {directory}"
    missing = missing_secrets(rule_set, secrets)
    found = [ok("rules", text)]
    found += [problem("secrets", each.message, each.hint or "") for each in missing]
    unknown = unknown_addresses(rule_set, settings.public_url)
    found += [problem("addresses", each.message, each.hint or "") for each in unknown]
    if rule_set.secrets and not missing:
        found.append(ok("secrets", f"all {len(rule_set.secrets)} are set"))
    return found
