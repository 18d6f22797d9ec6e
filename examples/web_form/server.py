"""A form whose own server makes the tasks: people see their request's number, or what to correct.

TASK_KEY holds the key of the connector, TASK_URL its address, PORT says where the form is to be. Python is
all it needs. The key stays here: what is in a page, everybody has.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from examples.web_form.pages import FIELDS, WORDS, form, note, thanks

LARGEST: Final = 65_536
LONGEST_WAIT_S: Final = 15
SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LATER: Final = (
    "We could not take it just now. Nothing of it is lost here: please send it again in a minute."
)
FAULT_OF_THE_SERVER: Final = 500


class Answer(NamedTuple):
    """What Hookyard said: a status, 0 if it did not answer, and JSON."""

    status: int
    body: Mapping[str, Any]


def task_of(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the task that a filled-in form asks for; what was left empty is left out."""
    task: dict[str, Any] = {"key": f"form-{given['key']}"}
    for field in FIELDS:
        value = given.get(field.name, "").strip()
        if value:
            outer, _, inner = field.of_task.partition(".")
            if inner:
                task.setdefault(outer, {})[inner] = value
            else:
                task[outer] = value
    return task


def make(task: Mapping[str, Any]) -> Answer:
    """Ask Hookyard for a task, and once more where it is not certain: the same key makes no second one."""
    answer = _post(task)
    return _post(task) if answer.status == 0 or answer.status >= FAULT_OF_THE_SERVER else answer


def _post(task: Mapping[str, Any]) -> Answer:
    request = urllib.request.Request(  # noqa: S310  the address is our own
        os.environ.get("TASK_URL", "http://127.0.0.1:8080/hooks/support-form"),  # noqa: TID251
        data=json.dumps(task).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['TASK_KEY']}",  # noqa: TID251  stands alone
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=LONGEST_WAIT_S) as answer:  # noqa: S310  as above
            return Answer(answer.status, json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _json(error.read()))
    except (OSError, ValueError) as error:
        return Answer(0, {"code": type(error).__name__})


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def wrong_in(answer: Answer) -> dict[str, str]:
    """Return what people have to correct, by field; what is not theirs to correct is under no field."""
    by_task = {field.of_task: field for field in FIELDS}
    wrong: dict[str, str] = {}
    for error in answer.body.get("errors", ()):
        field = by_task.get(error["field"])
        if field is None:
            wrong.setdefault("", LATER)
        elif error["code"] in {"missing", "blank"}:
            wrong.setdefault(field.name, field.needed)
        else:
            wrong.setdefault(field.name, WORDS.get(error["code"], error["message"]))
    in_order = ("", *(field.name for field in FIELDS))
    return {name: wrong[name] for name in in_order if name in wrong} or {"": LATER}


class Handler(BaseHTTPRequestHandler):
    """Shows the form, takes it, and shows what came of it."""

    timeout = 30

    def do_GET(self) -> None:
        """Show the form, or that a request was taken."""
        address = urlsplit(self.path)
        if address.path == "/thanks":
            number = re.fullmatch(r"number=(\d{1,12})", address.query)
            self._say(200, thanks(number[1] if number else ""))
        elif address.path == "/":
            self._say(200, form({"key": secrets.token_hex(16)}, {}))
        else:
            self._say(404, note("Not found"))

    def do_POST(self) -> None:
        """Make a task of what was written."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            self.close_connection = True
            self._say(413, note("This is too long"))
            return
        content = self.rfile.read(int(length)).decode("utf-8", "replace")
        try:
            fields = parse_qs(content, max_num_fields=50)
        except ValueError:
            self._say(413, note("This is too long"))
            return
        given = {name: values[-1] for name, values in fields.items()}
        if not re.fullmatch(r"[0-9a-f]{32}", given.get("key", "")):
            given["key"] = secrets.token_hex(16)
        answer = make(task_of(given))
        if answer.status in {200, 201, 202}:
            tasks = answer.body.get("tasks") or [{}]
            number = tasks[0].get("number")
            self._go("/thanks" if number is None else f"/thanks?number={number}")
            return
        # What people wrote stays out of the log: the event has it, for those who may read it.
        reasons = [(each["field"], each["code"]) for each in answer.body.get("errors", ())]
        said = (answer.body.get("code"), answer.body.get("event_id"), reasons)
        self.log_message("no task: %s %s, event %s: %s", answer.status, *said)
        wrong = wrong_in(answer)
        self._say(503 if "" in wrong else 422, form(given, wrong))

    def _say(self, status: int, page: str) -> None:
        content = page.encode()
        self.send_response(status)
        for name, value in SECURITY.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _go(self, address: str) -> None:
        """Send the browser on, so that reloading the page sends nothing again."""
        self.send_response(303)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main() -> None:
    """Serve the form until Ctrl-C."""
    if not os.environ.get("TASK_KEY"):  # noqa: TID251  as above
        sys.exit("TASK_KEY is not set: `hookyard keys create --connector support-form` prints one")
    port = int(os.environ.get("PORT", "8000"))  # noqa: TID251  as above
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(f"The form is at http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
