"""What schemathesis is told of answers that no schema can foresee. It imports this by itself.

`positive_data_acceptance` fails where a request that follows the schema is refused. These refusals are
right all the same: whether a name is in the directory, whether a cursor was given out, how a task has
changed meanwhile, is known to the installation alone. All that a schema can say is not dismissed here.
"""

from __future__ import annotations

from typing import Any, Final

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

_PROBLEMS: Final = {
    "bad-cursor",  # one that no list gave out
    "version-mismatch",  # of another version than the task has
}
_FIELDS: Final = {
    "unknown-name",  # not of this directory, or no time zone
    "unknown-contact",
    "not-the-projects",
    "not-a-date",  # phrases and calendars: no 30 February, nothing beyond the year 9999
    "not-an-address",  # of what the standard calls an address, Hookyard takes those that are in use
}


@schemathesis.hook
def filter_failure(_context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """Keep all failures but those of the kind that is told of above."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = response.json()
    if problem["code"] == "not-valid":
        return {error["code"] for error in problem["errors"]} - _FIELDS != set()
    if problem["code"] == "bad-body" and "force" in (case.query or {}):
        # Address and body both may say `force`, and then they say the same.
        return not isinstance(case.body, dict) or case.body.get("force") == case.query["force"]
    return problem["code"] not in _PROBLEMS


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Have the document's example of a version be the one that the task has, whichever that is."""
    if (case.headers or {}).get("If-Match") == '"3"':
        case.headers["If-Match"] = "*"
