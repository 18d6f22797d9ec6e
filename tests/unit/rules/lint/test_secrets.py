from __future__ import annotations

import pytest

from rules.lint.credentials import is_credential
from rules.rendering import as_github, as_json, as_text
from tests.support.linting import OTHERWISE
from tests.support.rule_files import HEAD, warnings

HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF"
# Put together here, so that no search for leaks stumbles over this file.
KNOWN = [
    "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "rk_" + "test_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "wh" + "sec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "xox" + "b-123456789012-abcdefABCDEF",
    "xapp" + "-1-A0123456789-0123456789",
    "https://hooks." + "slack.com/services/T00000000/B00000000/abcdefghijkl",
    "https://discord." + "com/api/webhooks/1234/abcdefghijklmnopqrstuvwx",
    "gh" + "p_" + "a1" * 18,
    "github" + "_pat_" + "a1" * 30,
    "gl" + "pat-" + "a1b2" * 5,
    "shp" + "at_" + HEX,
    "SG" + "." + "a1" * 10 + "." + "b2" * 20,
    "key" + "-" + HEX,
    "pat" + "-na1-" + "12345678-1234-1234-1234-123456789012",
    "lin" + "_api_" + MIXED,
    "AK" + "IA" + "IOSFODNN7EXAMPLE",
    "sk-" + "ant-" + "a1b2" * 8,
    "AI" + "za" + "a1b2c" * 7,
    "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NTY3ODkw" + ".dozjgNryP4J3jVmNHl0w",
    "-----BEGIN " + "RSA PRIVATE KEY-----",
    "Bearer " + HEX,
    "bearer " + MIXED,
    "Basic " + "amFuZTpjb3JyZWN0LWhvcnNl1",
    "https://jane:" + "correct-horse@crm.example",
    "postgresql://" + "hookyard:s3cret@db/x",
    "https://x.example/?to" + "ken=0123456789abcdef",
    "https://x.example/?a=1&api" + "_key=0123456789abcdef",
]
HARMLESS = [
    "sk_live_",
    "whsec_…",
    "Bearer {key}",
    "Bearer {{ vars.x }}",
    "Bearer of bad news, unfortunately",
    "Basic internationalization",
    "https://x.example/?token={{ body.token }}",
    "https://x.example:8080/a@b",
    "https://{{ body.user }}:{{ body.x }}@x.example",
    "my-whsec_short",
    "task-0123456789abcdefgh",
    "monkey-" + HEX,
    HEX,
    "50cf242c-7fa3-4cad-87d0-75b1af71c57b",
    "fulfilmentOrderLineItemsQuantity2024Total",
    "Europe/London",
    "orders/create",
]


def reported(text: str, **others: str) -> list[str]:
    problems = warnings(text, **others)
    for shown in (as_text(problems), as_github(problems), str(as_json(problems, []))):
        assert HEX not in shown
        assert MIXED not in shown
        assert "correct-horse" not in shown
    return [
        f"{one.span.line}:{one.span.column} {one.message}" for one in problems if one.code == "R075"
    ]


def rule(fields: str) -> str:
    return f"{HEAD}rules: [{{name: one, {fields}}}]\n"


@pytest.mark.parametrize("secret", KNOWN)
def test_a_secret_of_known_form_is_reported_wherever_it_stands(secret: str) -> None:
    for text in (
        rule(f"task: {{title: 'x', description: '{secret}'}}"),
        rule(f"task: {{title: x}}}}] # {secret}\nvars: {{}} #[{{").replace("}]\n", "}]\n", 1),
        f"{HEAD}description: |\n  a\n  b {secret} c\nrules: []\n",
    ):
        problems = [one for one in warnings(text) if one.code == "R075"]
        assert len(problems) == 1, text
        assert secret not in as_text(problems)
        assert problems[0].message.startswith("this looks like ")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_is_not(text: str) -> None:
    assert reported(rule(f"task: {{title: '{text}', custom: {{x: '{text}'}}}}")) == []
    assert not is_credential(text)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (f"when: {{headers.x-token: {HEX}}}, task: {{title: x}}", 1),
        (f"when: {{'headers[\"x-api-key\"]': {{in: [{HEX}, b]}}}}, task: {{title: x}}", 1),
        (f"when: {{not: {{query.password: {{ne: {HEX}}}}}}}, task: {{title: x}}", 1),
        (f"when: {{body.id: {HEX}}}, task: {{title: x}}", 0),
        (f"when: {{body.tokens: {HEX}}}, task: {{title: x}}", 0),
        ("when: {body.token: refund}, task: {title: x}", 0),
        ("when: {body.token: 12345678901234567890}, task: {title: x}", 0),
        ("when: {body.token: abcdefghijklmnopqrst}, task: {title: x}", 0),
        (f"task: {{title: x, custom: {{token: {HEX}}}}}", 0),
        (f"task: {{title: x, links: [{{object: token, id: {HEX}}}]}}", 0),
        ("task: {title: x, description: '{{ body.access_token }}'}", 0),
    ],
)
def test_beside_the_name_of_a_credential_a_random_text_is_reported(where: str, count: int) -> None:
    assert len(reported(rule(where) + OTHERWISE)) == count


def test_variables_are_told_by_their_names() -> None:
    uses = "rules: [{name: one, task: {title: '{{ vars.api_key }}{{ vars.id }}'}}]\n"
    assert reported(f"{HEAD}vars: {{api_key: {HEX}, id: {HEX}}}\n{uses}") == [
        "4:17 this looks like a secret"
    ]


def test_what_destinations_are_told_is_looked_at_more_closely() -> None:
    crm = f"""\
destinations:
  crm:
    type: crm
    token: crm_token
    url: "https://jane:correct-horse@crm.example"
    headers:
      X-Api-Key: {HEX}
      X-Authorization: "Bearer {HEX}"
      X-Tenant: {MIXED}
      X-Id: {HEX}
      X-Name: {{secret: crm_key}}
"""
    assert reported(crm) == [
        "5:11 this looks like a password in an address",
        "7:18 this looks like a secret",
        "8:25 this looks like credentials",
        "9:17 this looks like a secret",
    ]
    assert (
        reported(
            f"directory: {{labels: {{x: {{ids: {{crm: {MIXED}}}}}}}}}\n",
            b=crm.split("    url", maxsplit=1)[0],
        )
        == []
    )


def test_files_with_errors_are_looked_at_too_and_what_is_one_already_is_not_said_twice() -> None:
    stripe = KNOWN[0]
    text = f"connector: shop\nsource: shopify\nsecrets: [{stripe}]\nbad: {KNOWN[1]}\n"
    problems = warnings(text)
    assert [(one.code, one.span.line) for one in problems] == [
        ("R022", 3),
        ("R011", 4),
        ("R075", 4),
    ]
    assert stripe not in as_text(problems)


@pytest.mark.parametrize(
    "rules",
    [
        "{name: a, when: {all: [\"headers['x-token'] == 'SECRET'\", {not: \"headers['x-token'] == 'SECRET'\"}]}, drop: x}",
        "{name: a, when: {body.x: {eq: {token: SECRET}}, 'body[\"x\"]': 5}, drop: x}",
        "{name: a, when: {body.token: SECRET, 'body[\"token\"]': 5}, drop: x}",
    ],
)
@pytest.mark.parametrize("secret", [KNOWN[0], HEX])
def test_no_other_warning_shows_a_secret_of_the_rule_it_is_about(rules: str, secret: str) -> None:
    problems = warnings(f"{HEAD}rules: [{rules.replace('SECRET', secret)}]\n{OTHERWISE}")
    assert "R070" in {one.code for one in problems}
    assert secret not in as_text(problems)


@pytest.mark.parametrize(
    ("rule_text", "code"),
    [
        ("{name: a, when: {body.x: '!= SECRET'}, drop: x}", "R077"),
        ("{name: a, when: {event: a}, cancel: {key: SECRET}}", "R073"),
        (
            "{name: SECRET, task: {key: k, title: a}}, {name: b, task: {key: k, title: b}}",
            "R072",
        ),
    ],
)
def test_a_secret_of_known_form_is_in_no_warning(rule_text: str, code: str) -> None:
    problems = warnings(f"{HEAD}rules: [{rule_text.replace('SECRET', KNOWN[0])}]\n")
    assert code in {one.code for one in problems}
    assert KNOWN[0] not in as_text(problems)
