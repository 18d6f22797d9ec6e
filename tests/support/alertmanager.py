"""A real Alertmanager on a loopback port, in haste: it groups, repeats and resolves within a second."""

from __future__ import annotations

import json
import socket
import subprocess
from datetime import timedelta
from pathlib import Path

import aiohttp

from router.core.clock import rfc3339, utc_now
from tests.support.servers import Server

_LONG = timedelta(hours=1)

_CONFIGURATION = """\
route:
  receiver: hookyard
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 400ms
  repeat_interval: {repeat}
receivers:
  - name: hookyard
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config:
          authorization: {{credentials: {token}}}
"""


class Alertmanager(Server):
    """Sends its groups to one webhook; `repeat` is how long after an unchanged group goes out again."""

    name = "Alertmanager"

    def __init__(
        self, program: Path, directory: Path, *, url: str, token: str, repeat: str = "1h"
    ) -> None:
        super().__init__(directory)
        self._program = program
        self._url = url
        self._token = token
        self._repeat = repeat

    async def fire(self, alertname: str, **labels: str) -> None:
        """Say that an alert fires, and for an hour if nobody says otherwise."""
        now = utc_now()
        await self._post(alertname, labels, startsAt=rfc3339(now), endsAt=rfc3339(now + _LONG))

    async def resolve(self, alertname: str, **labels: str) -> None:
        """Say that an alert is over."""
        await self._post(alertname, labels, endsAt=rfc3339(utc_now()))

    async def _post(self, alertname: str, labels: dict[str, str], **times: str) -> None:
        alert = {"labels": {"alertname": alertname, **labels}, **times}
        address = f"http://127.0.0.1:{self.port}/api/v2/alerts"
        async with aiohttp.ClientSession() as session, session.post(address, json=[alert]) as said:
            assert said.status == 200, await said.text()

    def _launch(self, log: int) -> subprocess.Popen[bytes]:
        configuration = self.directory / "alertmanager.yml"
        configuration.write_text(
            _CONFIGURATION.format(
                url=json.dumps(self._url), token=json.dumps(self._token), repeat=self._repeat
            )
        )
        options = {
            "config.file": str(configuration),
            "storage.path": str(self.directory / "data"),
            "web.listen-address": f"127.0.0.1:{self.port}",
            "cluster.listen-address": "",
            "log.level": "debug",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        return subprocess.Popen([self._program, *words], stdout=log, stderr=log, cwd=self.directory)

    def _ask(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"GET /-/ready HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.recv(64)
        except OSError:
            return False
