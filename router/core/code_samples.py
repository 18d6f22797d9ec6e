"""Programs that make a task through a connector: curl, Python, JavaScript and PHP, ready to run.

Each reads the key from the environment (`TASK_KEY`), prints the answer and ends with an error if no task
came of it. Nothing but the language itself is needed; names from rule files are always quoted, in comments
too: whoever may add a label must not be able to write a line of a program that others run.
"""

from __future__ import annotations

import json
import pprint
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from router.core.intake_table import ConnectorIntake

KEY_VARIABLE: Final = "TASK_KEY"
_WIDTH: Final = 88
_SHELL_ACTS_ON: Final = re.compile(r'[$`"\\]')


class Sample(NamedTuple):
    """What a program is made of: the key goes into `header`, behind `prefix`."""

    connector: str
    url: str
    header: str
    prefix: str
    body: Mapping[str, Any]
    choices: Mapping[str, Any]
    more: Mapping[str, int]
    """How many names of a field there are beside its choices."""

    def comments(self, mark: str) -> str:
        """Return what there is to know before running it, a comment a line."""
        lines = [f"Makes a task through the connector {self.connector}; {KEY_VARIABLE} is its key."]
        for name, names in self.choices.items():
            more = f", and {self.more[name]} more" if name in self.more else ""
            lines.append(f"{name}: {', '.join(_noted(each) for each in names)}{more}")
        return "".join(f"{mark} {line}\n" for line in lines)

    @property
    def json(self) -> str:
        """The payload."""
        return json.dumps(self.body, indent=2)


def _noted(name: str) -> str:
    """Return a name as a comment may hold it: on one line, and without the end of PHP."""
    return json.dumps(name).replace("?>", "?\\u003e")


def sample_for(intake: ConnectorIntake, base_url: str) -> Sample | None:
    """Return what the samples of a connector are made of; None if it is no task endpoint.

    A key that is shown as a password or in the address is left to whoever knows that they want that.
    """
    found, source = intake.sample, intake.source
    if found is None or source.get("basic") or source.get("query"):
        return None
    header = source.get("header")
    return Sample(
        connector=intake.name,
        url=intake.address(base_url),
        header=header or "Authorization",
        prefix="" if header else "Bearer ",
        body=found["body"],
        choices=found["choices"],
        more=found.get("more", {}),
    )


def _curl(sample: Sample) -> str:
    header = _SHELL_ACTS_ON.sub(r"\\\g<0>", sample.header)
    return f"""\
#!/bin/sh
{sample.comments("#")}curl --silent --show-error --fail-with-body --globoff {shlex.quote(sample.url)} \\
  --header "{header}: {sample.prefix}${{{KEY_VARIABLE}:?is not set}}" \\
  --header "Content-Type: application/json" \\
  --write-out '\\n' --data-binary @- <<'TASK'
{sample.json}
TASK
"""


def _python(sample: Sample) -> str:
    task = pprint.pformat(dict(sample.body), width=_WIDTH, sort_dicts=False)
    # The first two lines hold no names: there a comment may say in which encoding the rest is read.
    return f"""\
#!/usr/bin/env python3
{sample.comments("#")}import json
import os
import sys
import urllib.error
import urllib.request

task = {task}
request = urllib.request.Request(
    {sample.url!r},
    data=json.dumps(task).encode(),
    headers={{
        {sample.header!r}: {sample.prefix!r} + os.environ[{KEY_VARIABLE!r}],
        "Content-Type": "application/json",
    }},
)
try:
    with urllib.request.urlopen(request, timeout=15) as answer:
        print(answer.read().decode())
except urllib.error.HTTPError as error:  # 422: its `errors` say what is wrong with the task
    print(error.read().decode())
    sys.exit(1)
"""


def _javascript(sample: Sample) -> str:
    return f"""\
{sample.comments("//")}const task = {sample.json};

async function main() {{
  const key = process.env.{KEY_VARIABLE};
  if (!key) throw new Error("{KEY_VARIABLE} is not set");
  const answer = await fetch({json.dumps(sample.url)}, {{
    method: "POST",
    headers: {{
      {json.dumps(sample.header)}: {json.dumps(sample.prefix)} + key,
      "Content-Type": "application/json",
    }},
    body: JSON.stringify(task),
    signal: AbortSignal.timeout(15000),
  }});
  console.log(await answer.text()); // 422: its `errors` say what is wrong with the task
  if (!answer.ok) process.exitCode = 1;
}}

main();
"""


def _php(sample: Sample) -> str:
    return f"""\
<?php
{sample.comments("//")}$task = <<<'TASK'
{sample.json}
TASK;
$key = getenv('{KEY_VARIABLE}');
if (!$key) {{
    throw new RuntimeException('{KEY_VARIABLE} is not set');
}}
$context = stream_context_create(['http' => [
    'method' => 'POST',
    'header' => [{_php_text(f"{sample.header}: {sample.prefix}")} . $key, 'Content-Type: application/json'],
    'content' => $task,
    'timeout' => 15,
    'follow_location' => 0,
    'ignore_errors' => true, // 422: its `errors` say what is wrong with the task
]]);
$answer = fopen({_php_text(sample.url)}, 'r', false, $context);
if (!$answer) {{
    exit(1); // the warning says why
}}
echo stream_get_contents($answer), "\\n";
exit(preg_match('/ 2\\d\\d/', stream_get_meta_data($answer)['wrapper_data'][0]) ? 0 : 1);
"""


def _php_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


LANGUAGES: Final[Mapping[str, Callable[[Sample], str]]] = {
    "curl": _curl,
    "python": _python,
    "javascript": _javascript,
    "php": _php,
}
"""The languages there are samples in, and what writes each."""
