"""The load generator as processes of its own: `run` starts them together and adds up what came of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench.client import Load, Result
from bench.webhooks import Requests
from tests.support.programs import pin

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"


def run(
    port: int,
    *,
    cores: Sequence[int],
    connections: int = 64,
    for_s: float | None = None,
    count: int | None = None,
    rate: float | None = None,
    warm_up_s: float = 0.0,
    topic: str = "orders/create",
) -> Result:
    """Put load on a port and return what came of it.

    For a time or a number of requests as fast as the connections allow, or at a rate for a time.
    """
    children = min(2, len(cores), connections)
    with tempfile.TemporaryDirectory() as folder:
        outs = [Path(folder) / str(number) for number in range(children)]
        started = [
            _start(
                cores[number % len(cores)],
                *("--port", str(port), "--topic", topic, "--out", str(out)),
                *("--connections", str(connections // children), "--warm-up", str(warm_up_s)),
                *(("--for", str(for_s)) if for_s is not None else ()),
                *(("--rate", str(rate / children)) if rate is not None else ()),
                *(("--count", str(_share(count, children, number))) if count is not None else ()),
            )
            for number, out in enumerate(outs)
        ]
        for child in started:  # all are connected before any begins
            assert child.stdout is not None  # noqa: S101  piped by `_start`
            if child.stdout.readline().strip() != "ready":
                raise RuntimeError("a load generator did not start")
        for child in started:
            assert child.stdin is not None  # noqa: S101  piped by `_start`
            child.stdin.write("go\n")
            child.stdin.flush()
        whole = Result()
        for child, out in zip(started, outs, strict=True):
            if child.wait() != 0:
                raise RuntimeError("a load generator failed")
            result = Result(**json.loads(out.read_text()))
            whole.statuses += Counter(result.statuses)
            whole.latencies += result.latencies
            whole.elapsed_s = max(whole.elapsed_s, result.elapsed_s)
    whole.latencies.sort()
    return whole


def _start(core: int, *arguments: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.load", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    pin(child.pid, [core])
    return child


def _share(count: int, children: int, number: int) -> int:
    return count // children + (number < count % children)


async def _generate(given: argparse.Namespace) -> Result:
    requests = Requests(f"{HOST}:{given.port}", uuid.uuid4().hex[:12], given.topic)
    load = Load(iter(requests), given.connections, warm_up_s=given.warm_up)
    await load.connect(HOST, given.port)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    if given.rate is not None:
        result = await load.at_rate(given.rate, for_s=given.for_s)
    else:
        result = await load.saturate(for_s=given.for_s, count=given.count)
    load.close()
    return result


def _main() -> None:
    parser = argparse.ArgumentParser(description="One load generator; `bench` starts it.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--warm-up", type=float, default=0.0)
    parser.add_argument("--for", dest="for_s", type=float, default=float("inf"))
    parser.add_argument("--rate", type=float)
    parser.add_argument("--count", type=int, default=2**62)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(_generate(given))
    given.out.write_text(json.dumps(vars(result)))


if __name__ == "__main__":
    _main()
