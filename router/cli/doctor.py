"""`hookyard doctor`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

import asyncio

import click

from router.cli.checks.database import check_database
from router.cli.checks.finding import Finding, ok
from router.cli.checks.packages import check_packages
from router.cli.checks.redis import check_redis
from router.cli.checks.rules import check_rules, check_rules_in_force
from router.cli.failures import COULD_NOT_RUN, PROBLEMS_FOUND
from router.cli.issued import issued_names
from router.cli.options import data_option, json_option, routes_option
from router.cli.output import plain, result, result_json
from router.cli.rules_report import load_rules
from router.cli.start import prepare, run_async
from router.core.clock import utc_now
from router.core.settings import Secrets, Settings

_SIGNS = {"ok": "OK      ", "warning": "WARNING ", "problem": "PROBLEM "}


@click.command("doctor")
@routes_option
@data_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, /, *, as_json: bool, **flags: object) -> None:
    """Look at settings, packages, Redis, database, rules, secrets and clocks.

    One line for each: OK, or what to do. Exit code 1 if there is a problem, 2 if neither Redis nor the
    database answers.
    """
    settings, secrets = prepare(**flags)
    findings = run_async(_examine(settings, secrets))
    if as_json:
        result_json({"data": [_shown(finding) for finding in findings], "next_cursor": None})
    else:
        for finding in findings:
            result(f"{_SIGNS[finding.level]}{finding.subject:12} {plain(finding.text)}")
            if finding.advice:
                result(f"{'':20} {plain(finding.advice)}")
    ctx.exit(_exit_code(findings))


async def _examine(settings: Settings, secrets: Secrets) -> list[Finding]:
    redis, database = await asyncio.gather(
        check_redis(settings, utc_now), check_database(settings, utc_now)
    )
    loaded = await asyncio.to_thread(load_rules, settings.routes_dir)
    return [
        ok("settings", "all can be used"),
        *check_packages(),
        *redis,
        *database,
        *await asyncio.to_thread(
            check_rules, settings, secrets, loaded, await issued_names(settings)
        ),
        *await check_rules_in_force(settings, loaded),
    ]


def _exit_code(findings: list[Finding]) -> int:
    unreachable = {finding.subject for finding in findings if not finding.reachable}
    if {"redis", "database"} <= unreachable:
        return COULD_NOT_RUN
    problems = any(finding.level == "problem" for finding in findings)
    return PROBLEMS_FOUND if problems else 0


def _shown(finding: Finding) -> dict[str, str | None]:
    return {
        "subject": finding.subject,
        "level": finding.level,
        "text": finding.text,
        "advice": finding.advice or None,
    }
