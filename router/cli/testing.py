"""`hookyard rules test`: what the rules make of the events of their own tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.junit import as_junit
from router.cli.options import option
from router.cli.output import result_json, status
from router.cli.rule_tests import Result, run_tests
from router.cli.rules_read import Reading
from router.cli.rules_report import count
from router.cli.start import prepare
from router.cli.testing_report import as_json, as_text
from rules.problems import Problem, suggest
from rules.rendering import as_text as problems_as_text
from rules.rule_tests import RuleTest
from rules.ruleset import RuleSet


@dataclass(slots=True)
class Suite:
    """The tests of a directory, or of one of its files.

    `untested` names its connectors without tests. `rule_set` None: `problems` keep the rules from
    being used.
    """

    rule_set: RuleSet | None
    problems: list[Problem] = field(default_factory=list)
    tests: list[RuleTest] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    connectors: list[str] = field(default_factory=list)


@click.command("test")
@click.argument(
    "paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[PATH]..."
)
@option(
    "-k", "--name", "words", metavar="TEXT", help="Only tests whose name holds TEXT, in any case."
)
@option("--connector", metavar="NAME", help="Only the tests of this connector.")
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)
@option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the results as JUnit XML too.",
)
@click.pass_context
def test(
    ctx: click.Context,
    /,
    *,
    paths: tuple[Path, ...],
    words: str | None,
    connector: str | None,
    form: str,
    junit: Path | None,
) -> None:
    """Run the tests in directories or single files of rules; HOOKYARD_ROUTES by default.

    Nothing is sent or stored, and no secret is needed. Exit code 1 if a test fails or the rules cannot
    be used, 2 if there was nothing to test.
    """
    settings, _ = prepare()
    reading = Reading(settings.routes_dir)
    suites = [_suite(path, reading) for path in dict.fromkeys(paths or (settings.routes_dir,))]
    problems = [problem for suite in suites for problem in suite.problems]
    _select(suites, connector, words)
    results = [
        result
        for suite in suites
        if suite.rule_set is not None
        for result in run_tests(suite.rule_set, suite.tests)
    ]
    untested = [] if words else [name for suite in suites for name in suite.untested]
    if junit is not None:
        _write(junit, as_junit(results, problems))
    if form == "json":
        result_json(as_json(results, problems, untested))
    else:
        click.echo(problems_as_text(problems), nl=False)
        click.echo(as_text(results), nl=False)
        _sum_up(results, problems, untested)
    if not (results or problems):
        raise CommandError(_nothing(connector, words))
    failed = problems or any(result.outcome != "passed" for result in results)
    ctx.exit(PROBLEMS_FOUND if failed else 0)


def _suite(path: Path, reading: Reading) -> Suite:
    """Return the tests of a path; they are run with all that its files are used with."""
    _, loaded, files = reading.named(path)
    rule_set = loaded.rule_set
    if rule_set is None:
        errors = [problem for problem in loaded.problems if problem.severity == "error"]
        return Suite(None, errors)
    tests = [each for each in rule_set.tests if each.span.file in files]
    tested = {each.connector for each in tests}
    names = [
        name for name, each in rule_set.connectors.items() if each.at.rpartition(":")[0] in files
    ]
    untested = [name for name in names if name not in tested]
    return Suite(rule_set, [], tests, untested, names)


def _select(suites: Sequence[Suite], connector: str | None, words: str | None) -> None:
    """Leave the tests that were asked for.

    Raises:
        CommandError: There is no such connector.
    """
    known = [name for suite in suites for name in suite.connectors]
    if connector is not None and connector not in known and not any(s.problems for s in suites):
        near = suggest(connector, known)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(known) or 'none'}"
        raise CommandError(f"there is no connector {connector}; {hint}")
    for suite in suites:
        suite.tests = [
            each
            for each in suite.tests
            if connector in {None, each.connector}
            and (words is None or words.casefold() in each.name.casefold())
        ]
        suite.untested = [name for name in suite.untested if connector in {None, name}]


def _sum_up(
    results: Sequence[Result], problems: Sequence[Problem], untested: Sequence[str]
) -> None:
    outcomes = [result.outcome for result in results]
    if problems:
        status(f"{count(len(problems), 'error')}: rules that cannot be used cannot be tested")
    if results:
        failed, broken = outcomes.count("failed"), outcomes.count("error")
        parts = [f"{outcomes.count('passed')} passed"]
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{broken} could not be run"] if broken else []
        status(f"{count(len(results), 'test')}: {', '.join(parts)}")
    if untested:
        status(f"Without tests: {', '.join(untested)}")


def _nothing(connector: str | None, words: str | None) -> str:
    if words is not None:
        return f"no test has {words} in its name"
    where = "these files" if connector is None else f"the connector {connector}"
    return f"there are no tests in {where}: write some under `tests:`"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
