"""What it costs to prove a request, for every sender that signs: one that passes, and one that lies."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from bench.cores import Cores
from bench.figures import Figure, at_most
from router.sources.preset import AnyOf, Hmac, InBody, PublicKey, SourcePreset, Target
from router.sources.registry import REGISTRY, compile_source

_SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="  # noqa: S105  of nobody
_BODY = json.dumps({"id": "evt_1", "note": "x" * 1270}).encode()
_NOW = 1_700_000_000.0
_AT_ONCE = 500
_IN_BODY = {
    "adyen": {"notificationItems": [{"NotificationRequestItem": {"reason": "x" * 1150}}]},
    "mailgun": {"event-data": {"id": "evt_1", "note": "x" * 1080}},
}


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Time the proof of a body of 1.3 KB."""
    del split
    rounds = 5 if quick else 20
    hashed = Hmac | AnyOf | InBody
    signing = [preset for preset in REGISTRY if isinstance(preset.proof, hashed)]
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
    for preset in REGISTRY:
        if isinstance(preset.proof, PublicKey):
            passing, _ = _cost(preset, rounds)
            name = f"proof of a 1.3 KB body by a public key ({preset.title})"
            yield Figure(name, passing, " us", note="ECDSA has no quicker way")


def _cost(preset: SourcePreset, rounds: int) -> tuple[float, float]:
    """Return microseconds for a request that is proven, and for one whose body was changed."""
    source = compile_source({"preset": preset.name}, [_secret_of(preset)])
    content = _IN_BODY.get(preset.name)
    body = source.seal(_BODY if content is None else json.dumps(content).encode(), _NOW)
    given = {"Host": "hooks.example", "User-Agent": "a sender", "Content-Type": "application/json"}
    query = source.sign_query(body, given)
    url = f"https://hooks.example/hooks/a?{urlencode(query)}"
    target = Target("POST", url, MultiDict(query))
    signed = source.sign(body, now=_NOW, headers=given, target=target)
    headers = CIMultiDictProxy(CIMultiDict(signed))
    changed = _changed(preset, body)
    return (
        _best_us(lambda: source.verify(headers, body, _NOW, target), rounds),
        _best_us(lambda: source.verify(headers, changed, _NOW, target), rounds),
    )


def _changed(preset: SourcePreset, body: bytes) -> bytes:
    """Return a body that is not the one that was signed; where the signature is in it, another one."""
    if not isinstance(preset.proof, InBody):
        return body + b" "
    (part,) = preset.proof.read(json.loads(body))
    return body.replace(part.signatures[0], part.signatures[0][::-1])


def _secret_of(preset: SourcePreset) -> str:
    """Return a secret in the form in which a sender shows it."""
    if isinstance(preset.proof, PublicKey):
        key = ec.derive_private_key(4711, ec.SECP256R1())
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return base64.b64encode(der).decode()
    return _SECRET.encode().hex() if preset.name == "adyen" else _SECRET


def _best_us(function: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(_AT_ONCE):
            function()
        best = min(best, time.perf_counter() - began)
    return best / _AT_ONCE * 1e6
