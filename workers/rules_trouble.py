"""How the rule files of a worker are: in the metrics, in the log once, and told to receivers while they cannot be used."""

from __future__ import annotations

import contextlib
from pathlib import Path

import structlog
from redis.asyncio import Redis

from router.core import rules_state
from router.core.clock import Clock, rfc3339
from router.core.metrics import RULES_LAST_RELOAD_SUCCESS
from router.core.rules_state import Trouble
from workers.patience import AWAY
from workers.rule_files import Found

_SHOWN = 10
"""Problems that are told of; `hookyard rules check` shows all."""

log = structlog.get_logger(__name__)


class RulesTrouble:
    """What is wrong with the files of one worker, for as long as something is."""

    def __init__(self, directory: Path, redis: Redis, clock: Clock, worker_id: str) -> None:
        self._directory = directory
        self._redis = redis
        self._clock = clock
        self._worker_id = worker_id
        self._current: Trouble | None = None
        self._said = False

    @property
    def is_over(self) -> bool:
        """Whether the files can be used."""
        return self._current is None

    def note(self, found: Found) -> None:
        """Take down what came of the files, and log what is wrong if it is news."""
        RULES_LAST_RELOAD_SUCCESS.set(0 if found.rule_set is None else 1)
        if found.rule_set is not None:
            self._current = None
            return
        before = self._current
        since = before.since if before else rfc3339(self._clock())
        self._current = Trouble(self._worker_id, since, _shown(found.problems))
        if self._current != before:
            log.error(
                "rules_not_loaded",
                directory=str(self._directory),
                count=len(found.problems),
                problems=list(self._current.problems),
                hint="hookyard rules check",
            )

    async def say(self) -> None:
        """Tell receivers of the trouble, or that it is over; while Redis is away that waits."""
        with contextlib.suppress(*AWAY):
            if self._current is not None:
                self._said = True
                await rules_state.say(self._redis, self._current)
            elif self._said:
                await rules_state.take_back(self._redis, self._worker_id)
                self._said = False


def _shown(problems: tuple[str, ...]) -> tuple[str, ...]:
    more = len(problems) - _SHOWN
    return (*problems[:_SHOWN], *([f"and {more} more"] if more > 0 else ()))
