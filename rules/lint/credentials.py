"""What looks like a secret: keys and tokens by the forms their makers give them, and by their names.

The forms are those that makers document so that leaks are found. A text without such a form counts only
where the name beside it says that it is a credential, and only if it looks drawn at random: letters and
digits mixed, without blanks. What is a template, or the name of a secret, never does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rules.model_types import is_template
from rules.names import is_secret_name

# What is followed by something else is bounded, so that no text takes long.
_FORMS: Final = (
    ("a Stripe key", r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("the signing secret of a webhook", r"whsec_[A-Za-z0-9+/=_-]{16,}"),
    ("a Slack token", r"xox[abeprs]-[A-Za-z0-9-]{16,}|xapp-[0-9]-[A-Za-z0-9-]{16,}"),
    (
        "the secret address of a Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}",
    ),
    (
        "the secret address of a Discord webhook",
        r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}",
    ),
    ("a GitHub token", r"gh[opsur]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}"),
    ("a GitLab token", r"gl(?:pat|ptt|dt|rt)-[A-Za-z0-9_-]{20,}"),
    ("a Shopify token", r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    ("a SendGrid key", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("a Mailgun key", r"key-[0-9a-f]{32}"),
    ("a HubSpot token", r"pat-(?:na|eu)[0-9]-[0-9a-f]{8}-[0-9a-f-]{20,}"),
    ("a Linear key", r"lin_(?:api|wh)_[A-Za-z0-9]{32,}"),
    ("an AWS access key", r"(?:AKIA|ASIA)[0-9A-Z]{16}"),
    ("an API key", r"sk-(?:ant|proj|svcacct)-[A-Za-z0-9_-]{20,}"),
    ("a Google key", r"AIza[0-9A-Za-z_-]{35}"),
    (
        "a signed token (JWT)",
        r"eyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,}",
    ),
    ("a private key", r"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY-----"),
    ("credentials", r"(?:[Bb]earer|BEARER)[ \t]{1,9}(?=[^\s]{0,200}[0-9])[A-Za-z0-9._~+/-]{16,}=*"),
    ("credentials", r"[Bb]asic[ \t]{1,9}(?=[^\s]{0,200}[0-9])[A-Za-z0-9+/]{16,}=*"),
    (
        "a password in an address",
        r"[a-z][a-z0-9+.-]{0,20}://[^\s/:@{}\"'<>]{0,100}:[^\s/:@{}\"'<>$]{4,200}@(?=[^\s])",
    ),
    (
        "a credential in an address",
        (
            r"(?<=[?&])(?:access_token|token|api_?key|apikey|secret|signature|sig|password|auth)="
            r"(?=[^\s&]{0,200}[0-9])[A-Za-z0-9._~%+/-]{16,}"
        ),
    ),
)
_CHOICES: Final = "|".join(f"(?P<f{number}>{form})" for number, (_, form) in enumerate(_FORMS))
_ANY_FORM: Final = re.compile(f"(?<![A-Za-z0-9])(?:{_CHOICES})")
_NAMED: Final = re.compile(
    r"(?:^|[-_.\s\"\[])(?:token|secret|password|passwd|passphrase|api[-_]?key|access[-_]?key|"
    r"secret[-_]?key|private[-_]?key|auth[-_]?key|authorization|credentials?)[\"\]]*$",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_.~=-]{16,}")
_LONG_TOKEN: Final = re.compile(r"[A-Za-z0-9+_=-]{32,}")
_DIGITS: Final = re.compile(r"[0-9]+")
_FEW: Final = 3


def forms_in(text: str) -> Iterator[tuple[int, int, str]]:
    """Give where a text holds something of a known form, and what it is."""
    for found in _ANY_FORM.finditer(text):
        number = int(str(found.lastgroup)[1:])
        yield found.start(), found.end(), _FORMS[number][0]


def is_named_credential(text: str, name: str) -> bool:
    """Tell whether a text is a credential by the name beside it and the look of it."""
    return _NAMED.search(name) is not None and _looks_random(text) and not is_secret_name(text)


def _looks_random(text: str) -> bool:
    if is_template(text) or _TOKEN.fullmatch(text) is None:
        return False
    digits = sum(sign.isdigit() for sign in text)
    return digits >= _FEW and sum(sign.isalpha() for sign in text) >= _FEW


def is_long_token(text: str) -> bool:
    """Tell whether a text is long and as mixed as only chance makes it.

    Small and capital letters, with digits in several places: names made of words and dates, UUIDs
    and hexadecimal numbers are no such texts.
    """
    if _LONG_TOKEN.fullmatch(text) is None or len(_DIGITS.findall(text)) < _FEW:
        return False
    return min(sum(map(str.isupper, text)), sum(map(str.islower, text))) >= _FEW


def is_credential(text: str, name: str = "") -> bool:
    """Tell whether a text may not be shown."""
    return (
        is_named_credential(text, name)
        or is_long_token(text)
        or next(forms_in(text), None) is not None
    )


def hidden(words: str) -> str:
    """Return words of a message without the secrets in them that have a known form."""
    return _ANY_FORM.sub("…", words)


def without_tokens(source: str) -> str:
    """Return a piece of a rule without what looks random in it: nothing tells its name there."""
    return _TOKEN.sub(lambda found: "…" if _looks_random(found[0]) else found[0], hidden(source))
