"""What an event says of its contact: texts, read as an e-mail address, a phone number, an id elsewhere and a name.

Whether anybody is known by them, only the store can say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rules.decision import Contact, Unknown
from rules.fields import FieldError, one_line
from rules.paths import MISSING
from rules.values import shown

if TYPE_CHECKING:
    from rules.scope import ContactNames

CONTACT: Final = "contact"
EMAIL_FIELD: Final = "contact.email"
"""The field that is named where a contact is refused that says nothing of itself."""
IDENTIFIERS: Final = ("email", "phone", "external_id")
"""What people are known by; a contact has at least one of them."""
MAX_ADDRESS: Final = 254
MAX_NAME: Final = 500
MAX_EXTERNAL_ID: Final = 255
DOMAIN_EXAMPLE: Final = "a domain such as acme.example"

_DOMAIN: Final = r"(?:[\w-]+\.)*[\w-]+"
_ADDRESS = re.compile(rf"""[^\s@<>()\[\],;:\\"]+@{_DOMAIN}""")
_WHOLE_DOMAIN = re.compile(_DOMAIN)
_BETWEEN_DIGITS = re.compile(r"\(0\)|[\s()./\-\u2010-\u2015]")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def line(value: Any) -> str | None:
    """Return a value as one line without blanks around it; None where nothing is left."""
    if type(value) is str and value.isascii() and value.isprintable():  # as next to all are
        return value.strip() or None
    return one_line(value).strip() or None


def is_address(words: str) -> bool:
    """Tell whether a text is one e-mail address and nothing else."""
    return (
        len(words) <= MAX_ADDRESS and words.isprintable() and _ADDRESS.fullmatch(words) is not None
    )


def is_domain(words: str) -> bool:
    """Tell whether a text is a domain."""
    return len(words) <= MAX_ADDRESS and _WHOLE_DOMAIN.fullmatch(words) is not None


def phone_number(words: str) -> str | None:
    """Return a phone number as `+` and its digits (ITU-T E.164); None if it is none with a country code."""
    bare = _BETWEEN_DIGITS.sub("", words)
    number = f"+{bare[2:]}" if bare.startswith("00") else bare
    return number if _NUMBER.fullmatch(number) else None


def domain_of(address: str) -> str:
    """Return the domain of an address, in small letters."""
    return address.rpartition("@")[2].lower()


def short_name(name: str) -> str:
    """Return a name that is not too long to keep."""
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


def read_contact(names: ContactNames, unknown: Unknown, errors: list[FieldError]) -> Contact | None:
    """Return whom an event is from; None if it names nobody, which is as good as unknown (N3).

    Raises:
        RenderError: The address or the name cannot be had.
    """
    given: dict[str, str] = {}
    for part in IDENTIFIERS:
        words = names.follow(part)
        if words is not MISSING:
            given[part] = words
    if not given:
        if unknown == "reject":
            message = "the event names no contact, and only known ones are let in"
            errors.append(FieldError(EMAIL_FIELD, "blank", message))
        return None
    read = read_identifiers(given, errors)
    if read is None:
        return None
    name = names.follow("name")
    return Contact(
        read.get("email"),
        None if name is MISSING else short_name(name),
        unknown,
        read.get("phone"),
        read.get("external_id"),
    )


def read_identifiers(
    given: Mapping[str, str], errors: list[FieldError]
) -> Mapping[str, str] | None:
    """Return identifiers in the form they are kept in; None if one has none, which is added to `errors`."""
    read: dict[str, str] = {}
    before = len(errors)
    for part, words in given.items():
        field = f"{CONTACT}.{part}"
        if part == "email":
            if not is_address(words):
                errors.append(
                    FieldError(field, "not-an-address", f"{shown(words)} is no e-mail address")
                )
            read[part] = words
        elif part == "phone":
            number = phone_number(words)
            if number is None:
                message = f"{shown(words)} is no phone number with a country code, such as +44 20 7946 0018"
                errors.append(FieldError(field, "not-a-phone-number", message))
            read[part] = number or ""
        else:
            if len(words) > MAX_EXTERNAL_ID:
                message = (
                    f"an id has at most {MAX_EXTERNAL_ID} characters, this one has {len(words)}"
                )
                errors.append(FieldError(field, "too-long", message))
            read[part] = words
    return read if len(errors) == before else None
