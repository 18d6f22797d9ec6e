"""`make demo`: real webhooks, signed as their senders sign them, and what became of each.

Runs `hookyard up` on a data directory of its own that is removed afterwards, posts the payloads of
`examples/payloads` (their provenance is in the files) to the routes of `examples/routes`, and holds
each outcome against what it should be: exit code 1 if one differs. Needs no network.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.address import free_port
from router.cli.embedded import tail
from router.cli.envelope import Envelope, read_envelope
from router.cli.output import plain
from router.cli.send import find_connector, post, sign
from router.cli.tokens import new_token
from router.core.clock import utc_now
from router.core.settings import Secrets, Settings, environment

HERE = Path(__file__).resolve().parent
ROUTES = HERE / "routes"
PAYLOADS = HERE / "payloads"
SECRETS = ("shop_webhook", "code_webhook", "alerts_token")
_START_WITHIN_S = 60
_STOP_WITHIN_S = 60
_REFUSAL_WITHIN_S = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One webhook to send, and what should become of it."""

    what: str
    connector: str
    payload: str
    status: str
    rule: str = ""
    action: str = ""
    forged: bool = False


STEPS = (
    Step(
        "Shopify: an order of 388.00",
        "shop",
        "shopify/orders-create.json",
        "routed",
        "big order",
        "created",
    ),
    Step("Shopify: the same delivery again", "shop", "shopify/orders-create.json", "duplicate"),
    Step("Shopify: an order of 38.80", "shop", "shopify/orders-create-small.json", "dropped"),
    Step(
        "GitHub: an issue labelled bug",
        "code",
        "github/issues-labeled.json",
        "routed",
        "bug",
        "created",
    ),
    Step(
        "Alertmanager: a group fires",
        "alerts",
        "alertmanager/firing.json",
        "routed",
        "firing",
        "created",
    ),
    Step(
        "Alertmanager: the same group again",
        "alerts",
        "alertmanager/firing.json",
        "routed",
        "firing",
        "counted",
    ),
    Step(
        "Alertmanager: the group is resolved",
        "alerts",
        "alertmanager/resolved.json",
        "routed",
        "resolved",
        "completed",
    ),
    Step(
        "someone else: a forged order",
        "shop",
        "shopify/orders-create.json",
        "refused",
        forged=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a webhook."""

    code: int
    status: str
    event: str = ""
    rule: str = ""
    action: str = ""
    number: str = ""
    text: str = ""


class Demo:
    """Sends the steps to one running Hookyard."""

    def __init__(self, address: str, token: str, known: Secrets) -> None:
        self._address = address
        self._token = token
        self._secrets = known

    async def run(self) -> list[Outcome]:
        """Send all steps, one after another, and return what became of each."""
        return [await self._send(step) for step in STEPS]

    async def _send(self, step: Step) -> Outcome:
        envelope = read_envelope(PAYLOADS / step.payload)
        intake = find_connector(ROUTES, step.connector)
        url = f"{self._address}/hooks/{step.connector}"
        now = utc_now().timestamp()
        extra = {"prefer": "wait=10"}
        signed = sign(intake, self._secrets, envelope, extra, now=now, address=url)
        body = _forged(envelope) if step.forged else signed.body
        code, answer = await post(url, body, signed.headers, signed.query)
        if step.forged:
            return await self._refused(code, step.connector)
        event = await self._get(f"/events/{answer['event_id']}")
        tasks = event["tasks"]
        if not tasks:
            why = event["reason"] or f"of event {event['duplicate_of']}"
            return Outcome(code, event["status"], event["id"], text=why)
        task = await self._get(f"/tasks/{tasks[0]['id']}")
        times = f" (seen {task['occurrences']} times)" if task["occurrences"] > 1 else ""
        return Outcome(
            code,
            event["status"],
            event["id"],
            tasks[0]["rule"],
            tasks[0]["action"],
            f"#{task['number']}",
            f"{task['title']}{times}",
        )

    async def _refused(self, code: int, connector: str) -> Outcome:
        """Return what the record of refusals says; it is written a moment after the answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_REFUSAL_WITHIN_S):
                while True:
                    page = await self._get(f"/refusals?connector={connector}")
                    if page["data"]:
                        refusal = page["data"][0]
                        return Outcome(code, "refused", text=refusal["reason"])
                    await asyncio.sleep(0.05)
        return Outcome(code, "not recorded")

    async def _get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{self._address}/api/v1{path}") as answer,
        ):
            answer.raise_for_status()
            return await answer.json()


def _forged(envelope: Envelope) -> bytes:
    """Return another body for the same signature."""
    return envelope.body.replace(b"388.00", b"999.00")


def show(outcomes: list[Outcome]) -> None:
    """Print what became of each webhook as a table."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("webhook", "answer", "event", "rule", "task", "title, or why not"):
        grid.add_column(column, overflow="fold")
    for step, outcome in zip(STEPS, outcomes, strict=True):
        style = {"routed": "green", "refused": "red"}.get(outcome.status, "yellow")
        grid.add_row(
            step.what,
            str(outcome.code),
            Text(outcome.status, style),
            outcome.rule,
            f"{outcome.number} {outcome.action}".strip(),
            Text(plain(outcome.text)),
        )
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(grid)


def surprises(outcomes: list[Outcome]) -> list[str]:
    """Return a line for each outcome that is not what it should be."""
    lines = []
    for step, outcome in zip(STEPS, outcomes, strict=True):
        expected = (step.status, step.rule, step.action)
        found = (outcome.status, outcome.rule, outcome.action)
        if found != expected:
            lines.append(f"{step.what}: expected {expected}, found {found} {outcome.text}")
        if step.forged and outcome.code != 401:  # noqa: PLR2004  not proven
            lines.append(f"{step.what}: expected a 401, found {outcome.code}")
    alerts = {o.number for s, o in zip(STEPS, outcomes, strict=True) if s.connector == "alerts"}
    if len(alerts) != 1:
        lines.append(f"the alert should be one task throughout, found {sorted(alerts)}")
    return lines


@contextmanager
def hookyard(
    folder: Path, variables: dict[str, str]
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `hookyard up` in a folder; give its address and its process, stop it at the end."""
    port = free_port("127.0.0.1", 0)
    command = [sys.executable, "-m", "router.cli.main", "up"]
    flags = ["--port", str(port), "--data", str(folder / "data"), "--routes", str(ROUTES)]
    log = folder / "hookyard.log"
    with (
        log.open("wb") as stderr,
        subprocess.Popen(  # noqa: S603  our own command
            [*command, *flags],
            cwd=folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            if not _is_up(process):
                raise SystemExit(f"hookyard up did not start; its log ends with:\n{tail(log, 20)}")
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait(_STOP_WITHIN_S)


def _is_up(process: subprocess.Popen[str]) -> bool:
    """Read what `hookyard up` prints until it says that it is up."""
    if process.stdout is None:
        raise ValueError("stdout is a pipe")
    return any(line.startswith("Hookyard is up") for line in process.stdout)


def main() -> int:
    """Run the demo; return its exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    keep = parser.parse_args().keep
    for number in (signal.SIGINT, signal.SIGTERM):  # either ends what runs, also from a script
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="hookyard-demo-") as name:
        folder = Path(name)
        token = new_token()
        variables = _variables(folder, token)
        with hookyard(folder, variables) as (address, process):
            known = Secrets(Settings.model_construct(secrets_dir=None), variables)
            outcomes = asyncio.run(Demo(address, token, known).run())
            show(outcomes)
            wrong = surprises(outcomes)
            for line in wrong:
                print(line, file=sys.stderr)
            if not wrong:
                print(f"\nAll {len(STEPS)} webhooks ended as they should.")
            if keep:
                _stay(address, token, variables, process)
    return 1 if wrong else 0


def _variables(folder: Path, token: str) -> dict[str, str]:
    """Return an environment for the demo alone: no setting of the one who runs it reaches it."""
    ours = {
        name: value
        for name, value in environment(folder).items()
        if not name.startswith("HOOKYARD_")
    }
    made = {Secrets.variable(name): secrets.token_hex(24) for name in SECRETS}
    return ours | made | {"HOOKYARD_ADMIN_TOKEN": token}


def _stay(
    address: str, token: str, variables: dict[str, str], process: subprocess.Popen[str]
) -> None:
    """Say where everything is and wait for Ctrl-C."""
    print(f"\nStill running at {address}")
    print(f"  API token   {token}")
    print(f"  try         curl -H 'Authorization: Bearer {token}' {address}/api/v1/tasks")
    for name in SECRETS:
        print(f"  secret      {Secrets.variable(name)}={variables[Secrets.variable(name)]}")
    print("Ctrl-C stops it and removes its data.", flush=True)
    with suppress(KeyboardInterrupt):
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
