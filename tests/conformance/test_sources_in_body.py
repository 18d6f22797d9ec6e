"""Senders whose proof is in the body: what it covers holds, and what it does not is known.

The tests of senders that prove themselves beside the body are in `test_sources_proof`; what goes for
both is there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.sources.preset import InBody, Refusal
from router.sources.source import Source
from tests.conformance.sources_cases import (
    IN_BODY,
    NOW,
    OTHER_SECRET,
    SECRET,
    Case,
    headers_of,
    spelled,
    verify,
)

FORM = {"content-type": "application/x-www-form-urlencoded"}
PATH = tuple[str | int, ...]

in_body = pytest.mark.parametrize("case", IN_BODY, ids=lambda case: case.id)
timed = pytest.mark.parametrize(
    "case",
    [case for case in IN_BODY if isinstance(case.proof, InBody) and case.proof.tolerance_s],
    ids=lambda case: case.id,
)

# Parts of a body that are not covered, by the first key of their path: they are on the sender's page.
NOT_COVERED = {
    "adyen": {"reason"},
    "mailgun": {"event-data"},
}


def proof_of(case: Case) -> InBody:
    assert isinstance(case.proof, InBody)
    return case.proof


def sealed(case: Case, source: Source, now: float = NOW) -> dict[str, Any]:
    """Return what the sender sends, parsed."""
    content = json.loads(case.body(source, now=now))
    assert isinstance(content, dict)
    return content


def refused(source: Source, content: Any, *, now: float = NOW) -> Refusal | None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return verify(source, {"content-type": "application/json"}, body, now=now)


def leaves(content: Any, path: PATH = ()) -> Iterator[tuple[PATH, Any]]:
    """Yield every value that is no mapping and no list, and the way to it."""
    steps = content.items() if isinstance(content, dict) else enumerate(content)
    for step, value in steps:
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, step))
        else:
            yield (*path, step), value


def changed(content: Any, path: PATH, value: Any) -> Any:
    """Return a body in which one value is another; without it if that is `...`."""
    made = copy.deepcopy(content)
    place = made
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


def signatures(case: Case, content: Any) -> set[str]:
    return {one.decode() for part in proof_of(case).read(content) for one in part.signatures}


@in_body
def test_every_value_that_is_signed_is_covered_and_the_others_are_named(case: Case) -> None:
    source = case.compile()
    content = sealed(case, source)
    uncovered = set()

    for path, value in leaves(content):
        if value in signatures(case, content):
            continue
        one_more = value + 1 if isinstance(value, int) else f"{value}1"
        refusal = refused(source, changed(content, path, one_more))
        if refusal is None:
            uncovered.add(path)
        else:
            assert refusal.code == "signature-mismatch", path

    named = NOT_COVERED[str(case.source["preset"])]
    assert all(named & set(map(str, path)) for path in uncovered)
    assert len(uncovered) < len(list(leaves(content)))


@in_body
def test_a_signature_is_needed_whole_and_as_it_is_documented(case: Case) -> None:
    source = case.compile()
    content = sealed(case, source)
    stranger = signatures(case, sealed(case, case.compile(OTHER_SECRET)))
    places = [path for path, value in leaves(content) if value in signatures(case, content)]

    assert places
    for path in places:
        value = dict(leaves(content))[path]
        other_case = value.swapcase()
        spoilt = ["", " ", value[:-1], value[1:], f"{value}A", f"sha256={value}", value[::-1]]
        for one in (*spoilt, other_case, *stranger, "é" * len(value), "\ud800", "\x00", ...):
            refusal = refused(source, changed(content, path, one))
            assert refusal is not None, one
            assert refusal.status == 401
            assert refusal.code.startswith("signature-")


@in_body
@pytest.mark.parametrize("odd", [None, True, 0, 1.5, [], ["x"], {}, {"signature": "x"}], ids=repr)
def test_odd_values_in_the_place_of_any_other_are_refused_and_never_raise(
    case: Case, odd: Any
) -> None:
    source = case.compile()
    content = sealed(case, source)
    shown = signatures(case, content)

    for path, value in leaves(content):
        refusal = refused(source, changed(content, path, odd))
        assert refusal is not None or value not in shown
    for key in content:
        if key not in NOT_COVERED[str(case.source["preset"])]:
            assert refused(source, {**content, key: odd}) is not None


@in_body
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"{}",
        b"7",
        b'"text"',
        b"[" * 5000,
        b'{"a": ' + b"9" * 9000 + b"}",
        b'{"a": "\\ud800"}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_holds_no_proof_is_not_proven_whatever_it_is(case: Case, body: bytes) -> None:
    source = case.compile()

    for content_type in ("application/json", FORM["content-type"], "multipart/form-data", ""):
        refusal = verify(source, {"content-type": content_type}, body)
        assert refusal is not None
        assert (refusal.status, refusal.code) == (401, "signature-missing")
    assert source.seal(body, NOW) == body or body.startswith(b"{")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=8,
)


@in_body
@given(value=json_values, data=st.data())
def test_no_body_makes_it_raise(case: Case, value: Any, data: st.DataObject) -> None:
    source = case.compile()
    content = sealed(case, source)
    places = [path[:depth] for path, _ in leaves(content) for depth in range(1, len(path) + 1)]
    path = data.draw(st.sampled_from(sorted(set(places), key=repr)))

    for body in (value, changed(content, path, value)):
        refusal = refused(source, body)
        assert refusal is None or refusal.status == 401


@timed
def test_a_signed_time_counts_up_to_the_tolerance_on_either_side(case: Case) -> None:
    tolerance_s = proof_of(case).tolerance_s
    assert tolerance_s is not None
    source = case.compile()
    body = case.body(source)

    for side in (-1, 1):
        assert refused(source, body, now=NOW + side * tolerance_s) is None
        refusal = refused(source, body, now=NOW + side * (tolerance_s + 1))
        assert refusal is not None
        assert refusal.code == "timestamp-stale"


@in_body
def test_senders_that_sign_no_time_are_let_in_at_any_time(case: Case) -> None:
    if proof_of(case).tolerance_s is not None:
        return
    source = case.compile()

    assert refused(source, case.body(source), now=NOW + 10**9) is None


@in_body
def test_no_refusal_shows_a_secret_a_signature_or_the_body(case: Case) -> None:
    name = str(case.source["preset"])
    secrets = {SECRET, OTHER_SECRET, spelled(name, SECRET), spelled(name, OTHER_SECRET)}
    source = case.compile(SECRET, OTHER_SECRET)
    content = sealed(case, source)
    refusals = [
        refused(source, changed(content, path, one))
        for path, value in leaves(content)
        for one in (f"{value}canary", *secrets, None)
    ]
    refusals.append(refused(source, content, now=NOW + 10**8))
    texts = [f"{refusal!r} {refusal.reason}" for refusal in refusals if refusal is not None]

    assert len(texts) > 1
    for text in texts:
        assert "canary" not in text
        assert not any(shown in text for shown in secrets | signatures(case, content))
    assert any("any of 2 secrets" in text for text in texts)


def of(name: str) -> Case:
    return next(case for case in IN_BODY if case.source["preset"] == name)


def test_every_item_of_adyen_must_be_signed() -> None:
    case = of("adyen")
    source = case.compile()
    (item,) = sealed(case, source)["notificationItems"]
    (of_stranger,) = sealed(case, case.compile(OTHER_SECRET))["notificationItems"]
    unsigned = changed(item, ("NotificationRequestItem", "additionalData"), ...)

    def judged(*items: Any) -> str | None:
        refusal = refused(source, {"notificationItems": list(items)})
        return refusal.code if refusal else None

    assert judged(item, item) is None
    assert judged(item, of_stranger) == "signature-mismatch"
    assert judged(of_stranger, item) == "signature-mismatch"
    assert judged(item, unsigned) == "signature-missing"
    assert judged(item, None) == "signature-missing"
    assert judged(*[item] * 100) is None
    assert judged(*[item] * 101) == "signature-malformed"


def test_what_adyen_says_as_true_or_not_at_all_is_signed_as_its_library_signs_it() -> None:
    case = of("adyen")
    source = case.compile()
    content = sealed(case, source)
    path: PATH = ("notificationItems", 0, "NotificationRequestItem")

    assert refused(source, changed(content, (*path, "success"), True)) is None
    assert refused(source, changed(content, (*path, "originalReference"), "")) is None
    assert refused(source, changed(content, (*path, "originalReference"), "x")) is not None


def fields_of(case: Case, source: Source) -> dict[str, str]:
    """Return a form of Mailgun's older webhooks, signed now."""
    placeholders = {"token": "t", "timestamp": "0", "signature": "0"}
    written = source.seal(urlencode({"event": "dropped", **placeholders}).encode(), NOW)
    return dict(parse_qsl(written.decode()))


def test_older_webhooks_of_mailgun_are_forms_with_the_proof_among_the_fields() -> None:
    case = of("mailgun")
    source = case.compile()
    fields = fields_of(case, source)
    boundary = {"content-type": "multipart/form-data; boundary=b"}

    def multipart(form: dict[str, str]) -> bytes:
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in form.items()
        ]
        return "".join([*parts, "--b--\r\n"]).encode()

    assert set(fields) == {"event", "token", "timestamp", "signature"}
    assert verify(source, FORM, urlencode(fields).encode()) is None
    assert verify(source, boundary, multipart(fields)) is None
    for name in ("token", "timestamp", "signature"):
        other = {**fields, name: fields[name][:-1] + "x"}
        missing = {key: value for key, value in fields.items() if key != name}
        for spoilt in (other, missing):
            assert verify(source, FORM, urlencode(spoilt).encode()) is not None
            assert verify(source, boundary, multipart(spoilt)) is not None


def test_of_fields_that_mail_repeats_the_last_are_those_of_mailgun() -> None:
    case = of("mailgun")
    source = case.compile()
    right = urlencode(fields_of(case, source)).encode()
    forged = b"signature=" + b"0" * 64

    assert verify(source, FORM, forged + b"&" + right) is None
    assert verify(source, FORM, right + b"&" + forged) is not None


def test_a_subaccount_of_mailgun_may_be_proven_by_the_key_of_its_parent() -> None:
    case = of("mailgun")
    parent, child = case.compile(SECRET), case.compile(OTHER_SECRET)
    content = sealed(case, parent)
    of_parent = content["signature"]["signature"]
    of_child = sealed(case, child)["signature"]["signature"]
    assert content["signature"]["token"] == sealed(case, child)["signature"]["token"]
    content["signature"] |= {"signature": of_child, "parent-signature": of_parent}

    assert refused(parent, content) is None
    assert refused(child, content) is None
    content["signature"]["parent-signature"] = "0" * 64
    assert refused(parent, content) is not None


def test_each_sending_of_mailgun_has_a_token_of_its_own() -> None:
    case = of("mailgun")
    source = case.compile()
    once = source.preset.once
    assert once is not None

    first, again = sealed(case, source), sealed(case, source, NOW + 0.001)

    def token(content: Any) -> str | None:
        return once(headers_of({}), lambda: content)

    assert token(first) == first["signature"]["token"]
    assert token(again) != token(first)
    assert token({"token": "t", "event": "x"}) == "t"
    assert token([]) is None
