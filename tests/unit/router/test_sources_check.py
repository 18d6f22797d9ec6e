"""What is wrong with a connector's `source:` is said where it is, with what was meant."""

from __future__ import annotations

from typing import Any

import pytest

from router.sources.issues import SourceIssue
from router.sources.preset import Hmac, SharedSecret
from router.sources.registry import SOURCE_NAMES, check_source, compile_source, source_info
from router.sources.source import SourceError


@pytest.mark.parametrize(
    "source",
    [
        {"preset": "shopify"},
        {"preset": "github"},
        {"preset": "none"},
        {"preset": "stripe", "tolerance": "10m"},
        {"preset": "standard-webhooks", "tolerance": "1d"},
        {"preset": "alertmanager", "header": "X-Token"},
        {"preset": "alertmanager", "basic": "prometheus"},
        {"preset": "alertmanager", "query": "token"},
        {"preset": "gitlab"},
        {"preset": "gitlab", "signing_token": True, "tolerance": "10m"},
        {"preset": "bigcommerce", "header": "X-Store-Key"},
        {"preset": "hubspot", "versions": ["v2", "v1"], "tolerance": "10m"},
        {"header": "X-Api-Key"},
        {"basic": "user@example.com"},
        {"bearer": True},
        {"hmac": {"header": "X-Signature"}},
        {
            "hmac": {
                "header": "X-Signature",
                "algorithm": "sha512",
                "encoding": "base64",
                "prefix": "v0=",
                "signed": "v0:{timestamp}:{body}",
                "timestamp_header": "X-Timestamp",
            },
            "tolerance": "5m",
        },
        {"hmac": {"header": "X-Signature", "format": "v1="}},
    ],
    ids=str,
)
def test_what_can_be_used_has_no_issues(source: dict[str, Any]) -> None:
    assert check_source(source) == []
    assert compile_source(source, ["c2VjcmV0"]).preset.name == source_info(source).name


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        ({}, (), "does not say how the sender proves itself"),
        ({"tolerance": "5m"}, (), "does not say how the sender proves itself"),
        ({"preset": "shopfy"}, ("preset",), "is not a preset"),
        ({"preset": 7}, ("preset",), "is not a preset"),
        ({"preset": ["shopify"]}, ("preset",), "is not a preset"),
        ({"preset": "shopify", "tolerance": "5m"}, ("tolerance",), "is not known here"),
        ({"preset": "shopify", "header": "X-Token"}, ("header",), "is not known here"),
        ({"preset": "none", "header": "X-Token"}, ("header",), "is not known here"),
        ({"preset": "stripe", "tolerence": "5m"}, ("tolerence",), "is not known here"),
        ({"preset": "stripe", "tolerance": 300}, ("tolerance",), "is not a span of time such as"),
        ({"preset": "stripe", "tolerance": "5 minutes"}, ("tolerance",), "expected a number with"),
        ({"preset": "stripe", "tolerance": "0s"}, ("tolerance",), "is not more than nothing"),
        ({"preset": "stripe", "tolerance": "9" * 40 + "d"}, ("tolerance",), "is too long a span"),
        (
            {"preset": "alertmanager", "header": "X Token"},
            ("header",),
            "is not the name of a header",
        ),
        ({"preset": "alertmanager", "header": ""}, ("header",), "is not the name of a header"),
        ({"preset": "alertmanager", "basic": "a:b"}, ("basic",), "is empty or holds blanks"),
        ({"preset": "alertmanager", "query": ""}, ("query",), "is empty or holds blanks"),
        ({"preset": "alertmanager", "basic": "a", "query": "b"}, (), "says more than one of"),
        (
            {"preset": "gitlab", "tolerance": "10m"},
            (),
            "has a tolerance, but a time is signed only with signing_token",
        ),
        (
            {"preset": "bigcommerce", "header": "X-Key", "tolerance": "10m"},
            (),
            "has a tolerance, but beside a header no time is signed",
        ),
        ({"preset": "square", "tolerance": "10m"}, ("tolerance",), "is not known here"),
        (
            {"preset": "gitlab", "signing_token": "yes"},
            ("signing_token",),
            "is not true or false",
        ),
        (
            {"preset": "hubspot", "versions": ["v3", "v4"]},
            ("versions",),
            "holds what is not one of the choices",
        ),
        ({"preset": "hubspot", "versions": []}, ("versions",), "names no version"),
        ({"preset": "hubspot", "versions": "v2"}, ("versions",), "is no list"),
        ({"bearer": False}, ("bearer",), "is not one of the choices"),
        ({"bearer": None}, ("bearer",), "is not one of the choices"),
        ({"bearer": True, "basic": "jane"}, ("bearer",), "is a second way of proof, beside basic"),
        ({"basic": 7}, ("basic",), "input should be a valid string"),
        ({"header": "X-Api-Key", "value": "x"}, ("value",), "is not known here"),
        ({"hmac": {}}, ("hmac",), "header is missing"),
        ({"hmac": None}, ("hmac",), "input should be"),
        ({"hmac": {"header": "X", "secret": "s"}}, ("hmac", "secret"), "is not known here"),
        ({"hmac": {"header": "X", "algorithm": "md5"}}, ("hmac", "algorithm"), "is not one of"),
        (
            {"hmac": {"header": "X", "signed": "{timestamp}"}},
            ("hmac", "signed"),
            "does not hold {body}",
        ),
        ({"hmac": {"header": "X", "signed": "{body}{body}"}}, ("hmac", "signed"), "does not hold"),
        ({"hmac": {"header": "X", "signed": "{url}{body}"}}, ("hmac", "signed"), "holds braces"),
        ({"hmac": {"header": "X", "signed": "{id}.{body}"}}, ("hmac", "signed"), "holds braces"),
        (
            {"hmac": {"header": "X", "signed": "{timestamp}.{body}"}},
            ("hmac",),
            "signs a time without",
        ),
        (
            {"hmac": {"header": "X", "timestamp_header": "Y"}},
            ("hmac",),
            "has a time that is not signed",
        ),
        ({"hmac": {"header": "X", "format": "t=,v1="}}, ("hmac",), "has a time that is not signed"),
        ({"hmac": {"header": "X", "format": "t=,v1"}}, ("hmac", "format"), "is not of the form"),
        (
            {"hmac": {"header": "X", "format": "v1=", "prefix": "a"}},
            ("hmac",),
            "says both format and",
        ),
        (
            {
                "hmac": {
                    "header": "X",
                    "format": "t=,v1=",
                    "timestamp_header": "Y",
                    "signed": "{timestamp}{body}",
                }
            },
            ("hmac",),
            "has the time twice",
        ),
        (
            {"hmac": {"header": "X"}, "tolerance": "5m"},
            (),
            "has a tolerance, but no time is signed",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_said_where_it_is(
    source: dict[str, Any], path: tuple[str, ...], message: str
) -> None:
    issues = check_source(source)

    assert [issue.path for issue in issues] == [path]
    assert issues[0].message.startswith(message)
    with pytest.raises(SourceError, match=r"^source"):
        compile_source(source, ["c2VjcmV0"])
    with pytest.raises(SourceError):
        source_info(source)


def test_an_unknown_preset_or_key_comes_with_those_that_could_be_meant() -> None:
    (preset,) = check_source({"preset": "shopfy"})
    (option,) = check_source({"preset": "stripe", "tolerence": "5m"})
    (key,) = check_source({"hmac": {"header": "X", "prefx": "a"}})
    (choice,) = check_source({"hmac": {"header": "X", "encoding": "Hex"}})

    assert preset.known == SOURCE_NAMES
    assert option.known == ("preset", "tolerance")
    assert "prefix" in key.known
    assert choice.known == ("hex", "base64")


def test_all_issues_are_said_at_once() -> None:
    issues = check_source({"hmac": {"algorithm": "md5", "prefx": ""}, "tolerance": 7})

    assert {issue.path for issue in issues} == {
        ("hmac",),
        ("hmac", "algorithm"),
        ("hmac", "prefx"),
        ("tolerance",),
    }


def test_what_was_written_is_never_repeated_because_it_may_be_a_pasted_secret() -> None:
    pasted = "canary:pasted"
    issues: list[SourceIssue] = [
        *check_source({"preset": pasted}),
        *check_source({"basic": pasted}),
        *check_source({"header": pasted}),
        *check_source({"hmac": {"header": "X", "algorithm": pasted, "format": pasted}}),
    ]

    assert len(issues) == 5
    assert all("canary" not in repr(issue) for issue in issues)


def test_options_change_the_proof() -> None:
    def proof(source: dict[str, Any]) -> object:
        return compile_source(source, ["c2VjcmV0"]).preset.proof

    stripe = proof({"preset": "stripe", "tolerance": "10m"})
    assert isinstance(stripe, Hmac)
    assert stripe.tolerance_s == 600
    assert proof({"preset": "alertmanager"}) == SharedSecret(bearer=True, basic=True)
    assert proof({"preset": "alertmanager", "header": "X-A"}) == SharedSecret(header="X-A")
    assert proof({"preset": "alertmanager", "query": "k"}) == SharedSecret(query="k")
    assert proof({"preset": "alertmanager", "basic": "u"}) == SharedSecret(basic=True, user="u")


def test_a_signed_time_of_an_unknown_sender_may_be_a_day_off() -> None:
    source = {"hmac": {"header": "X", "format": "t=,v1=", "signed": "{timestamp}.{body}"}}

    proof = compile_source(source, ["secret"]).preset.proof

    assert isinstance(proof, Hmac)
    assert proof.tolerance_s == 86_400


def test_a_source_without_a_preset_is_known_by_its_form_and_needs_a_secret() -> None:
    info = source_info({"bearer": True})

    assert (info.name, info.delivery_id, info.dedupe_key, info.needs_secret) == (
        "bearer",
        False,
        None,
        True,
    )
    forms: dict[str, dict[str, Any]] = {
        "header": {"header": "X-Api-Key"},
        "query": {"preset": "alertmanager", "query": "k"},
        "bearer": {"bearer": True},
    }
    summaries = {
        form: compile_source(source, ["secret"]).preset.proof.summary
        for form, source in forms.items()
    }
    assert summaries == {
        "header": "the secret in the header X-Api-Key",
        "query": "the secret in the query parameter k",
        "bearer": "Authorization: Bearer",
    }
