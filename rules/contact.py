"""What an event says of its contact: texts, read as an e-mail address and a name.

Whether anybody is known by an address, only the store can say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from rules.decision import Contact, Unknown
from rules.fields import FieldError, one_line
from rules.paths import MISSING
from rules.values import shown

if TYPE_CHECKING:
    from rules.scope import ContactNames

EMAIL_FIELD: Final = "contact.email"
"""The field that is named where a contact is refused."""
MAX_ADDRESS: Final = 254
MAX_NAME: Final = 500
DOMAIN_EXAMPLE: Final = "a domain such as acme.example"

_DOMAIN: Final = r"(?:[\w-]+\.)*[\w-]+"
_ADDRESS = re.compile(rf"""[^\s@<>()\[\],;:\\"]+@{_DOMAIN}""")
_WHOLE_DOMAIN = re.compile(_DOMAIN)


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
    email = names.follow("email")
    if email is MISSING:
        if unknown == "reject":
            message = "the event names no contact, and only known ones are let in"
            errors.append(FieldError(EMAIL_FIELD, "blank", message))
        return None
    if not is_address(email):
        message = f"{shown(email)} is no e-mail address"
        errors.append(FieldError(EMAIL_FIELD, "not-an-address", message))
        return None
    name = names.follow("name")
    return Contact(email, None if name is MISSING else short_name(name), unknown)
