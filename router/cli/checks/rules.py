"""Whether the rule files can be used, whether the secrets they name are set, and which rules are in force."""

from __future__ import annotations

from collections.abc import Collection

from redis.exceptions import RedisError

from router.cli import embedded
from router.cli.checks.finding import Finding, ok, problem, warning
from router.cli.parts import redis_of
from router.cli.rules_report import (
    count,
    load_rules,
    missing_secrets,
    rules_words,
    unknown_addresses,
)
from router.core import rules_state
from router.core.intake_table import published
from router.core.settings import Secrets, Settings
from rules.loader import Loaded
from rules.ruleset import RuleSet

_SHOWN = 5


def check_rules(
    settings: Settings,
    secrets: Secrets,
    loaded: Loaded | None = None,
    issued: Collection[str] = (),
) -> list[Finding]:
    """Check the directory of rule files.

    `loaded` is what came of loading it, if that was done already, `issued` names the secrets for
    which a key was issued here.
    """
    directory = settings.routes_dir
    if not directory.is_dir():
        advice = f"make it with `hookyard init {directory}`, or correct HOOKYARD_ROUTES"
        return [problem("rules", f"there is no directory {directory}", advice)]
    loaded = loaded or load_rules(directory)
    if loaded.rule_set is None:
        errors = [each for each in loaded.problems if each.severity == "error"]
        text = f"{count(len(errors), 'problem')} in {directory}"
        return [
            problem("rules", text, f"`hookyard rules check {directory}` shows all"),
            *(
                problem("rules", f"{each.span}: {each.code} {each.message}", each.hint or "")
                for each in errors[:_SHOWN]
            ),
        ]
    rule_set = loaded.rule_set
    missing = missing_secrets(rule_set, secrets, issued)
    text = rules_words(rule_set, loaded.problems, directory)
    advice = f"`hookyard rules check {directory}` shows them"
    found = [warning("rules", text, advice) if loaded.problems else ok("rules", text)]
    found += [problem("secrets", each.message, each.hint or "") for each in missing]
    unknown = unknown_addresses(rule_set, settings.public_url)
    found += [problem("addresses", each.message, each.hint or "") for each in unknown]
    if rule_set.secrets and not missing:
        found.append(ok("secrets", f"all {len(rule_set.secrets)} are set"))
    return found + _check_proxies(settings, rule_set)


async def check_rules_in_force(settings: Settings, loaded: Loaded) -> list[Finding]:
    """Check what the workers go by; nothing is found where Redis does not answer."""
    if settings.redis_url is None and not embedded.is_running(settings.data):
        return []
    try:
        async with redis_of(settings) as redis:
            current, said = await published(redis), await rules_state.said(redis)
    except (RedisError, OSError, ValueError):
        return []
    if said is not None:
        # Where the files here have problems, `check_rules` shows them already.
        problems = () if loaded.rule_set is None else said.get("problems", ())
        since = said.get("since")
        return [
            problem(
                "in force",
                f"older rules, since {since}" if current else f"none, since {since}",
                "a worker takes the files by itself once these problems are put right",
            ),
            *(problem("in force", str(each), "") for each in problems[:_SHOWN]),
        ]
    if current is None:
        advice = "start one: `hookyard work`, or all of it: `hookyard up`"
        return [warning("in force", "no worker has put rules in force yet", advice)]
    if loaded.rule_set is not None and loaded.rule_set.hash != current.hash:
        return [
            warning(
                "in force",
                f"set {current.hash[:12]}, which is not that of the files here",
                "a worker takes files within 5 s after a change: does one run on these, and what "
                "does its log say?",
            )
        ]
    return [ok("in force", f"set {current.hash[:12]}")]


def _check_proxies(settings: Settings, rule_set: RuleSet) -> list[Finding]:
    """Look for connectors that would see the address of a proxy where they look for a sender's."""
    connectors = rule_set.intake_table()["connectors"]
    choosy = sorted(name for name, intake in connectors.items() if intake.get("allow"))
    if not choosy or settings.trusted_proxies:
        return []
    if not (settings.public_url or "").startswith("https://"):
        return []
    return [
        warning(
            "proxies",
            f"{', '.join(choosy)} let in some addresses only, and no proxy is trusted to name them",
            "TLS ends before Hookyard: name what ends it in HOOKYARD_TRUSTED_PROXIES",
        )
    ]
