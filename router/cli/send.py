"""`hookyard send`: sign a payload as its sender would, and post it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp
import click
from multidict import MultiDict
from yarl import URL

from router.cli.catalogues import catalogues
from router.cli.envelope import Envelope, read_envelope
from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import option, routes_option
from router.cli.output import plain, result, result_json, status
from router.cli.start import prepare, run_async
from router.core import jsonio
from router.core.clock import utc_now
from router.core.intake_table import ConnectorIntake, IntakeTable
from router.core.redaction import scrub
from router.core.settings import Secrets
from router.sources.preset import Target
from router.sources.registry import compile_source
from rules.loader import load

_ANSWER_WITHIN_S = 60


class Signed(NamedTuple):
    """A webhook as its sender would send it."""

    body: bytes
    headers: dict[str, str]
    query: dict[str, str]
    method: str = "POST"


@click.command("send")
@click.argument("connector")
@option(
    "--event",
    "path",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Body, or an envelope with headers and body.",
)
@option("--url", metavar="URL", help="The whole address; the connector's own by default.")
@option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Added to the file's.")
@option(
    "--wait",
    "wait_s",
    type=click.IntRange(1, 30),
    metavar="SECONDS",
    help="Wait for the outcome (Prefer: wait) instead of the acceptance.",
)
@routes_option
@click.pass_context
def send(
    ctx: click.Context,
    /,
    connector: str,
    path: Path,
    url: str | None,
    headers: tuple[str, ...],
    wait_s: int | None,
    **flags: object,
) -> None:
    """Post FILE to CONNECTOR, signed with the connector's first secret as its sender would sign it.

    Senders that sign the address sign the one they were given, wherever --url sends to. Prints the answer. Exit code 1 if the webhook was not taken, 2 if nothing answered.
    """
    settings, secrets = prepare(**flags)
    envelope = read_envelope(path)
    extra = dict(_header(text) for text in headers)
    if wait_s is not None:
        extra["prefer"] = f"wait={wait_s}"
    intake = find_connector(settings.routes_dir, connector)
    address = url or f"{settings.base_url}/hooks/{connector}"
    _, mark, own_query = address.partition("?")
    given = intake.address(settings.base_url) + mark + own_query
    signed = sign(intake, secrets, envelope, extra, now=utc_now().timestamp(), address=given)
    code, answer = run_async(post(address, *signed))
    status(f"{code} from {address}")
    if isinstance(answer, str):
        result(plain(scrub(answer)))
    elif answer is not None:
        result_json(answer)
    ctx.exit(0 if code < 400 else PROBLEMS_FOUND)  # noqa: PLR2004  where refusals begin


def find_connector(directory: Path, name: str) -> ConnectorIntake:
    """Return how a connector of a directory of rule files takes its webhooks.

    Raises:
        CommandError: The files have errors, or no such connector.
    """
    loaded = load(directory, catalogues(), warn=False)
    if loaded.rule_set is None:
        raise CommandError(f"the rules in {directory} have errors: see `hookyard rules check`")
    table = IntakeTable.model_validate(loaded.rule_set.intake_table())
    if name not in table.connectors:
        known = ", ".join(sorted(table.connectors)) or "none"
        raise CommandError(f"{directory} has no connector {name}; it has: {known}")
    return table.connectors[name]


def sign(
    intake: ConnectorIntake,
    secrets: Secrets,
    envelope: Envelope,
    extra: Mapping[str, str],
    *,
    now: float,
    address: str,
) -> Signed:
    """Return body, headers and query with which the connector's sender would prove this webhook.

    `extra` headers win over those of the envelope; the proof wins over both. `address` is the one
    that the sender was given.
    """
    source = compile_source(intake.source, [secrets.get(name) for name in intake.secrets])
    headers = {"content-type": "application/json"} | envelope.headers
    headers |= {name.lower(): value for name, value in extra.items()}
    body = source.seal(envelope.body, now)
    query = envelope.query | source.sign_query(body, headers)
    # A file without a body is what a sender sends that is set to GET (decision E16).
    method = "GET" if not body and "GET" in source.methods else "POST"
    target = Target(method, _with_query(address, query), MultiDict(query))
    proof = source.sign(body, now=now, headers=headers, target=target)
    replaced = {name.lower() for name in proof}
    kept = {name: value for name, value in headers.items() if name not in replaced}
    return Signed(body, kept | proof, query, method)


def _with_query(address: str, query: Mapping[str, str]) -> str:
    """Return an address with more parameters, spelled the same when it is signed and when it is called."""
    joint = "&" if "?" in address else "?"
    return address + joint + urlencode(query) if query else address


async def post(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    method: str = "POST",
) -> tuple[int, Any]:
    """Return status and parsed body of the answer to a webhook; None for an empty one.

    Raises:
        CommandError: Nothing answered.
    """
    timeout = aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(
                method,
                URL(_with_query(address, query), encoded=True),
                data=body or None,
                headers=headers,
                allow_redirects=False,
            ) as answer,
        ):
            content = await answer.read()
            return answer.status, _parsed(content)
    except (aiohttp.ClientError, TimeoutError) as error:
        where = address.partition("?")[0]
        raise CommandError(
            f"nothing answered at {where}: {str(error) or type(error).__name__}"
        ) from None


def _parsed(content: bytes) -> Any:
    try:
        return jsonio.loads(content)
    except jsonio.UnparseableError:
        return content.decode("utf-8", "replace")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise CommandError(f"--header {text!r}: expected 'NAME: VALUE'")
    return name.strip().lower(), value.strip()
