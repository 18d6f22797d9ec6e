"""The error tree. A class's docstring is its message unless one is given.

HookyardError
├── SettingsError          a setting cannot be used
├── SecretMissingError     a secret is not set
├── NotDurableError        an event could not be stored; nothing was acknowledged
│   └── IntakeFullError    too much is waiting to be stored already
└── StoreError             the database could not do what was asked
    └── StoreUnavailableError   it cannot be reached at the moment
"""

from __future__ import annotations


class HookyardError(Exception):
    """Hookyard could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class SettingsError(HookyardError):
    """A setting cannot be used."""


class SecretMissingError(HookyardError):
    """A secret is not set."""


class NotDurableError(HookyardError):
    """The event could not be stored; nothing was kept."""


class IntakeFullError(NotDurableError):
    """Too many requests are waiting to be stored."""


class StoreError(HookyardError):
    """The database could not do what was asked."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached at the moment."""
