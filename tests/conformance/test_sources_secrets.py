"""No secret and no body in anything a source says, and comparisons that take the same time."""

from __future__ import annotations

import ast
import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.sources.preset import Refusal
from router.sources.registry import unproven_source
from router.sources.source import SourceError
from tests.conformance.sources_cases import (
    BODY,
    CASES,
    IN_BODY,
    NOW,
    OTHER_SECRET,
    PROVEN,
    ROOT,
    SECRET,
    Case,
    proof_headers,
    spelled,
    verify,
)

PACKAGE = ROOT / "router" / "sources"
COMPARING = (
    "signature",
    "signature_body",
    "signature_header",
    "signature_keys",
    "credentials",
    "public_key",
)


def refusals(case: Case) -> Iterator[Refusal]:
    """Yield the refusals of many bad requests, all of which show something secret."""
    source = case.compile(SECRET, OTHER_SECRET)
    headers = proof_headers(source)
    shown = f"{SECRET}-and-more"
    for name, value in headers.items():
        for text in ("", value[:-1], value + SECRET, SECRET, shown, f"Digest {SECRET}"):
            if (refusal := verify(source, headers | {name: text})) is not None:
                yield refusal
        if (refusal := verify(source, [*headers.items(), (name, SECRET)])) is not None:
            yield refusal
    basic = base64.b64encode(SECRET.encode()).decode()
    for attempt in (
        {},
        {"Authorization": SECRET},
        {"Authorization": f"Basic {basic}"},
        {"Authorization": f"Bearer {shown}"},
    ):
        if (refusal := verify(source, attempt, query={"token": shown})) is not None:
            yield refusal
    for body, now in ((BODY + b" ", NOW), (BODY, NOW + 10**8), (BODY, NOW - 10**8)):
        if (refusal := verify(source, headers, body, now=now, query={})) is not None:
            yield refusal


def secrets_of(case: Case) -> tuple[str, ...]:
    """Return the secrets of a case as they were meant, and as its sender shows them."""
    name = case.source.get("preset")
    shown = (spelled(name, SECRET), spelled(name, OTHER_SECRET))
    return (SECRET, OTHER_SECRET, *shown)


@pytest.mark.parametrize("case", PROVEN, ids=lambda case: case.id)
def test_no_refusal_shows_a_secret_a_signature_or_the_body(case: Case) -> None:
    source = case.compile(SECRET, OTHER_SECRET)
    shown = [value for value in proof_headers(source).values() if len(value) > 12]
    texts = [f"{refusal!r} {refusal.reason}" for refusal in refusals(case)]

    assert texts
    for text in texts:
        assert "canary" not in text
        for secret in (*secrets_of(case), SECRET.removeprefix("whsec_"), *shown):
            assert secret not in text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_repr_shows_a_secret(case: Case) -> None:
    source = case.compile(SECRET)

    texts = (repr(source), str(source), repr(source._scheme), repr(source.preset))

    for text in texts:
        assert "canary" not in text
        assert all(secret not in text for secret in secrets_of(case))
    assert not hasattr(source, "__dict__")


@pytest.mark.parametrize("case", PROVEN + IN_BODY, ids=lambda case: case.id)
@pytest.mark.parametrize(
    "secret",
    ["canary not base64 !", "canary\nwith a line break", " canary", "canary\udcff"],
    ids=repr,
)
def test_no_error_shows_a_secret_not_even_in_its_cause(case: Case, secret: str) -> None:
    error = _error_of(case, secret)

    assert "canary" not in str(error)
    assert error is None or error.__cause__ is None
    assert error is None or error.__suppress_context__ or error.__context__ is None


def _error_of(case: Case, secret: str) -> SourceError | None:
    """Return why a secret cannot be used; None for one that can."""
    try:
        case.compile(secret)
    except SourceError as error:
        return error
    return None


def test_a_refusal_says_how_many_secrets_were_tried_over_how_many_bytes() -> None:
    case = next(case for case in CASES if case.id == "github")
    body = b"x" * 1312
    headers = proof_headers(case.compile("another"), body)

    one = verify(case.compile(SECRET), headers, body)
    two = verify(case.compile(SECRET, OTHER_SECRET), headers, body)

    assert one == Refusal(
        401,
        "signature-mismatch",
        "signature over 1,312 bytes does not match the secret; was the body re-encoded by a proxy?",
    )
    assert two is not None
    assert "over 1,312 bytes does not match any of 2 secrets" in two.reason


@pytest.mark.parametrize("module", COMPARING)
def test_what_was_shown_is_compared_by_compare_digest_alone(module: str) -> None:
    tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))

    suspects = [ast.unparse(node) for node in ast.walk(tree) if _compares_values(node)]

    assert suspects == [], "use hmac.compare_digest: == stops at the first byte that differs"


def test_every_module_that_holds_a_key_compares_by_compare_digest() -> None:
    calling = {
        path.stem
        for path in PACKAGE.glob("*.py")
        if "hmac.compare_digest(" in path.read_text("utf-8")
    }
    hashing = {path.stem for path in PACKAGE.glob("*.py") if "hmac.new(" in path.read_text("utf-8")}

    assert hashing <= calling
    assert calling == {"signature", "signature_keys", "credentials"}


def test_nothing_else_in_the_package_makes_a_keyed_hash() -> None:
    for path in PACKAGE.glob("*.py"):
        text = path.read_text("utf-8")
        assert "hmac.digest(" not in text, path.name
        assert path.stem == "signature_keys" or "hmac.new(" not in text, path.name
        assert path.stem == "signature_keys" or "hashlib.new(" not in text, path.name


def _compares_values(node: ast.AST) -> bool:
    """Tell whether a node compares two values neither of which is written in the source.

    Names of list elements, lengths and characters of configured secrets are no secrets in a
    comparison; they are named here, one by one.
    """
    if not isinstance(node, ast.Compare):
        return False
    if not any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops):
        return False
    operands = [node.left, *node.comparators]
    if any(isinstance(operand, ast.Constant) for operand in operands):
        return False
    harmless = {
        "len(text) != self._length",
        "len(value) == self._length",
        "name == form.signature",
        "name == form.time",
        "self._keys.length not in lengths",
        "sign == _DELETE",
        "self.mark not in headers.getall(self.marked, ())",
        "secret != secret.strip()",
    }
    return ast.unparse(node) not in harmless


def test_the_check_above_sees_a_careless_comparison(tmp_path: Path) -> None:
    careless = ast.parse("expected == signature\nsignature in all_of_them\nx == 'constant'")

    assert [ast.unparse(node) for node in ast.walk(careless) if _compares_values(node)] == [
        "expected == signature",
        "signature in all_of_them",
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_without_secrets_the_same_is_hidden_from_rules(case: Case) -> None:
    proven, unproven = case.compile(SECRET), unproven_source(case.source)

    assert (unproven.hidden, unproven.hidden_query) == (proven.hidden, proven.hidden_query)
    assert unproven.preset == proven.preset


def test_a_source_that_cannot_be_used_cannot_be_used_without_secrets_either() -> None:
    with pytest.raises(SourceError, match="is not a preset"):
        unproven_source({"preset": "nobody"})
