"""How much of the bodies that are still on their way may be in memory, all of them together.

Their senders are not proven yet: without a bound, strangers who send slowly could fill the memory.
"""

from __future__ import annotations

from router.web import problems
from router.web.problems import ProblemError


class Uploads:
    """Counts the bytes of bodies that are arriving, up to a maximum."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0

    def take(self, size: int) -> None:
        """Count bytes that have arrived.

        Raises:
            ProblemError: There is no room for them; they are not counted.
        """
        if self._bytes + size > self._max_bytes:
            reason = "too many bytes of bodies are on their way"
            raise ProblemError(problems.OVERLOADED, reason=reason)
        self._bytes += size

    def free(self, size: int) -> None:
        """Count bytes no longer: their body is whole, or given up."""
        self._bytes -= size
