"""What it costs to prove a request, for every sender that signs: one that passes, and one that lies."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from bench.cores import Cores
from bench.figures import Figure, at_most
from router.sources.preset import AnyOf, Hmac, SourcePreset, Target
from router.sources.registry import REGISTRY, compile_source

_SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="  # noqa: S105  of nobody
_BODY = json.dumps({"id": "evt_1", "note": "x" * 1270}).encode()
_NOW = 1_700_000_000.0
_AT_ONCE = 500


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Time the proof of a body of 1.3 KB."""
    del split
    rounds = 5 if quick else 20
    signing = [preset for preset in REGISTRY if isinstance(preset.proof, Hmac | AnyOf)]
    costs = {preset.name: _cost(preset, rounds) for preset in signing}
    slowest = max(costs, key=lambda name: max(costs[name]))
    shown = ", ".join(f"{name} {passing:.1f}" for name, (passing, _) in costs.items())
    yield at_most(
        "proof of a 1.3 KB body, the slowest sender",
        max(costs[slowest]),
        25,
        " us",
        f"{slowest}; best of {rounds} rounds. All: {shown}",
    )
    dearest = max(costs, key=lambda name: costs[name][1] - costs[name][0])
    yield at_most(
        "a proof that fails, beyond one that passes",
        costs[dearest][1] - costs[dearest][0],
        1,
        " us",
        f"{dearest}; it is the reason for the operator, and nothing of it is stored",
    )


def _cost(preset: SourcePreset, rounds: int) -> tuple[float, float]:
    """Return microseconds for a request that is proven, and for one whose body was changed."""
    source = compile_source({"preset": preset.name}, [_SECRET])
    given = {"Host": "hooks.example", "User-Agent": "a sender", "Content-Type": "application/json"}
    query = source.sign_query(_BODY, given)
    url = f"https://hooks.example/hooks/a?{urlencode(query)}"
    target = Target("POST", url, MultiDict(query))
    signed = source.sign(_BODY, now=_NOW, headers=given, target=target)
    headers = CIMultiDictProxy(CIMultiDict(signed))
    changed = _BODY + b" "
    return (
        _best_us(lambda: source.verify(headers, _BODY, _NOW, target), rounds),
        _best_us(lambda: source.verify(headers, changed, _NOW, target), rounds),
    )


def _best_us(function: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(_AT_ONCE):
            function()
        best = min(best, time.perf_counter() - began)
    return best / _AT_ONCE * 1e6
