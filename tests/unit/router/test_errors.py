from __future__ import annotations

import inspect

from router.core import errors
from router.core.errors import (
    HookyardError,
    IntakeFullError,
    NotDurableError,
    StoreUnavailableError,
)


def test_the_docstring_is_the_message_unless_one_is_given() -> None:
    assert str(IntakeFullError()) == "Too many requests are waiting to be stored."
    assert str(StoreUnavailableError("no route to host")) == "no route to host"


def test_a_full_intake_is_a_kind_of_not_durable() -> None:
    assert issubclass(IntakeFullError, NotDurableError)


def test_every_error_belongs_to_the_tree_and_is_drawn_in_it() -> None:
    tree = inspect.getdoc(errors) or ""
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]

    assert all(issubclass(kind, HookyardError) for kind in classes)
    assert [kind.__name__ for kind in classes if kind.__name__ not in tree] == []
