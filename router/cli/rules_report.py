"""What is worth telling of the rules in force: by `up`, `doctor` and `rules check`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from router.cli.catalogues import catalogues
from router.cli.output import status
from router.core.settings import Secrets, Settings
from rules.compile_task import TASK
from rules.compiled import Connector
from rules.loader import Loaded, load
from rules.problems import Problem
from rules.ruleset import RuleSet
from workers.missing_secrets import missing_secrets as missing

_SECRET_NOT_SET = "R033"  # noqa: S105  a problem's code
_ADDRESS_NOT_KNOWN = "R036"
_KEY_WILL_NOT_DO = (
    ", and the key of that name cannot stand for it: only its hash is kept, and who signs with a secret "
    "or sends it needs the secret itself"
)


def load_rules(directory: Path) -> Loaded:
    """Load a directory of rule files."""
    return load(directory, catalogues())


def missing_secrets(
    rule_set: RuleSet, secrets: Secrets, issued: Collection[str] = ()
) -> list[Problem]:
    """Return a warning for each secret that the rules name and that is not set here (decision X3).

    `issued` names those for which a key was issued here, and `connector:NAME` for each connector that
    has one of its own.
    """
    return [
        Problem(
            _SECRET_NOT_SET,
            f"secret {name} is not set here" + (_KEY_WILL_NOT_DO if name in issued else ""),
            span,
            "warning",
            hint=f"set {Secrets.variable(name)}, or put it into HOOKYARD_SECRETS_DIR"
            + _or_a_key(rule_set, name),
        )
        for name, span in missing(rule_set, secrets, issued).items()
    ]


def _or_a_key(rule_set: RuleSet, secret: str) -> str:
    """Return the other way to get a secret, where it is the key of a task endpoint."""
    users = _users(rule_set, secret)
    if len(users) != 1 or users[0].source != TASK:
        return ""
    return f"; or `hookyard keys create --connector {users[0].name}` makes a key"


def _users(rule_set: RuleSet, secret: str) -> list[Connector]:
    return [each for each in rule_set.connectors.values() if secret in each.secrets]


def unknown_addresses(rule_set: RuleSet, public_url: str | None) -> list[Problem]:
    """Return a warning for each sender that signs the address it sends to, if that is not known here."""
    if public_url is not None:
        return []
    return [
        Problem(
            _ADDRESS_NOT_KNOWN,
            f"{rule_set.connectors[name].source} signs the address it sends to, which is not known here",
            span,
            "warning",
            hint="set HOOKYARD_PUBLIC_URL, or write public_url in the connector",
        )
        for name, span in rule_set.signed_addresses.items()
    ]


def count(number: int, thing: str) -> str:
    """Return `1 connector`, `2 connectors`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def rules_words(rule_set: RuleSet, problems: Sequence[Problem], directory: Path) -> str:
    """Return how many connectors a directory has, and how many warnings if there are any."""
    words = f"{count(len(rule_set.connectors), 'connector')} in {directory}"
    return f"{words}, {count(len(problems), 'warning')}" if problems else words


def report_rules(settings: Settings, secrets: Secrets, issued: Collection[str] = ()) -> None:
    """Say on stderr how the rule files are; it stops nothing: the last good ones may be in force."""
    directory = settings.routes_dir
    if not directory.is_dir():
        status(f"There is no directory {directory}: `hookyard init {directory}` makes one.")
        return
    loaded = load_rules(directory)
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    if loaded.rule_set is None:
        status(f"The rules in {directory} cannot be used ({count(len(errors), 'problem')}):")
        _list(errors)
        status("If good ones were in force before, they stay; `hookyard rules check` shows all.")
        return
    words = rules_words(loaded.rule_set, loaded.problems, directory)
    shown = f" (`hookyard rules check {directory}` shows them)" if loaded.problems else ""
    status(f"Rules: {words}{shown}.")
    _list(missing_secrets(loaded.rule_set, secrets, issued))
    _list(unknown_addresses(loaded.rule_set, settings.public_url))


def _list(problems: Sequence[Problem], most: int = 10) -> None:
    for problem in problems[:most]:
        hint = f"; {problem.hint}" if problem.hint else ""
        status(f"  {problem.span}: {problem.message}{hint}")
    if len(problems) > most:
        status(f"  and {len(problems) - most} more")
