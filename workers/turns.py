"""Turns: the right to send one request to a destination now, shared by all workers through Redis.

Three things are asked before a turn is given, by the clock of Redis and in one step: is the destination
left alone at the moment (a pause, or its breaker is open), are fewer requests under way than `concurrency`
allows, and were fewer sent than `rate` allows. A turn counts for the rate until a whole span after its
*end*: however long requests travel, the destination never sees more in a span (decision V7). A turn
that never ends, because its worker died, ends by itself when its lease does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from router.core import keys
from workers.destinations.destination import Common
from workers.destinations.outcome import Kind, Outcome

_EXCHANGE = """
local slots, window, breaker, pause = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local want, concurrency, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local count, span = tonumber(ARGV[4]), tonumber(ARGV[5])
local after, first, longest = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local prefix = ARGV[9]
local function text(number) return string.format('%.0f', number) end

local kept = redis.call('HMGET', breaker, 'failures', 'opened', 'until', 'probe', 'probe_until')
local failures, opened, reopens = tonumber(kept[1] or 0), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
local probe, probe_until = kept[4] or '', tonumber(kept[5] or 0)
local opened_for, closed, changed, why_open = 0, 0, false, ''

for at = 10, #ARGV, 3 do
  local turn, result, why = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local counts = redis.call('ZREM', slots, turn) == 1
  if result == 'unused' then
    redis.call('ZREM', window, turn)
  elseif count > 0 then
    redis.call('ZADD', window, 'XX', text(now + span), turn)
  end
  local was_probe = turn == probe
  if was_probe then
    probe, probe_until, changed = '', 0, true
  end
  if counts and result == 'good' and failures + opened > 0 then
    if opened > 0 then closed = 1 end
    failures, opened, changed = 0, 0, true
  elseif counts and result == 'bad' and (opened == 0 or was_probe) then
    failures, changed = failures + 1, true
    if was_probe or failures >= after then
      opened = opened + 1
      opened_for = math.min(longest, first * 2 ^ math.min(opened - 1, 40))
      reopens, why_open = now + opened_for, why
    end
  end
end

local granted, wait, reason = 0, -1, ''
if want > 0 then
  redis.call('ZREMRANGEBYSCORE', slots, '-inf', text(now))
  local room = concurrency - redis.call('ZCARD', slots)
  if room < want then reason = 'full' end
  if count > 0 then
    redis.call('ZREMRANGEBYSCORE', window, '-inf', text(now))
    local used = redis.call('ZCARD', window)
    if count - used < math.min(room, want) then
      room = math.max(0, count - used)
      reason = 'rate'
      local place = math.max(0, used - count)
      wait = tonumber(redis.call('ZRANGE', window, place, place, 'WITHSCORES')[2] or now) - now
    end
  end
  local paused = redis.call('PTTL', pause)
  if paused ~= -2 then
    room, reason, wait = 0, 'paused', paused * 1000
  elseif opened > 0 and now < reopens then
    room, reason, wait = 0, 'open', reopens - now
  elseif opened > 0 and probe ~= '' and now < probe_until then
    room, reason, wait = 0, 'open', -1
  end
  granted = math.max(0, math.min(want, room))
  if opened > 0 and granted > 0 then
    granted, reason = 1, 'open'
    probe, probe_until, changed = prefix .. 1, now + lease, true
  end
  for number = 1, granted do
    redis.call('ZADD', slots, text(now + lease), prefix .. number)
    if count > 0 then
      redis.call('ZADD', window, text(now + lease + span), prefix .. number)
    end
  end
  if granted > 0 then
    redis.call('PEXPIRE', slots, math.ceil(lease / 1000))
    if count > 0 then redis.call('PEXPIRE', window, math.ceil((lease + span) / 1000)) end
  end
end

if changed then
  if failures + opened == 0 then
    redis.call('DEL', breaker)
  else
    redis.call('HSET', breaker, 'failures', failures, 'opened', opened, 'until', text(reopens),
      'probe', probe, 'probe_until', text(probe_until))
    if opened_for > 0 then
      redis.call('HSET', breaker, 'why', why_open)
      if opened == 1 then redis.call('HSET', breaker, 'since', text(now)) end
    end
    redis.call('PEXPIRE', breaker, 604800000)
  end
end
return {granted, text(wait), reason, text(opened_for), closed}
"""
"""KEYS: slots, window, breaker, pause. ARGV: turns wanted, concurrency, lease (us), rate's count (0: none)
and span (us), breaker's after, for and max (us), prefix of the new turns; then, for each turn that
ended, the turn, its result and a text. Returns how many turns are given, the microseconds until there may
be more (negative: nobody knows), what stands in the way of more, for how long the breaker was opened
just now, and whether it was closed."""


_FRESH_US = 5_000_000
_MARGIN_US = 1_000_000


class Result(StrEnum):
    """What a turn showed of the destination, not of the task."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"
    """Something was sent, or may have been, and it shows nothing."""
    UNUSED = "unused"
    """Certainly nothing was sent."""

    @classmethod
    def of(cls, outcome: Outcome) -> Result:
        """Return what an outcome shows: who answers is there, also where the answer is no (V27)."""
        if outcome.kind is Kind.UNCERTAIN or outcome.code == "unreachable":
            return cls.BAD
        return cls.NEUTRAL if outcome.status is None else cls.GOOD


@dataclass(frozen=True, slots=True)
class Limits:
    """What a destination's configuration allows; times in microseconds.

    A request is to be begun within `fresh_us` of its turn, which ends by itself after `lease_us`.
    """

    concurrency: int
    lease_us: int
    fresh_us: int
    count: int = 0
    span_us: int = 0
    after: int = 5
    first_us: int = 5_000_000
    longest_us: int = 60_000_000

    @classmethod
    def of(cls, config: Common) -> Limits:
        """Return those of a configuration."""
        count, span_ms = config.rate or (0, 0)
        return cls(
            concurrency=config.concurrency,
            lease_us=_FRESH_US + int(config.timeout.total_seconds() * 1_000_000) + _MARGIN_US,
            fresh_us=_FRESH_US,
            count=count,
            span_us=span_ms * 1000,
            after=config.breaker.after,
            first_us=int(config.breaker.for_.total_seconds() * 1_000_000),
            longest_us=int(config.breaker.max.total_seconds() * 1_000_000),
        )


@dataclass(slots=True)
class Turn:
    """The right to send; a request is to be begun before `until` (`time.perf_counter`)."""

    id: str
    until: float

    def is_over(self) -> bool:
        """Tell whether it is too late to begin: the database was slow, or this worker was frozen."""
        return perf_counter() >= self.until


@dataclass(frozen=True, slots=True)
class Ended:
    """A turn that is given back; `why` says what was bad."""

    turn: str
    result: Result
    why: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What an exchange brought; `reason` is why there is not more: full, rate, paused or open."""

    turns: tuple[Turn, ...]
    wait_s: float | None
    """Seconds until there may be more; None if nobody knows."""
    reason: str
    opened_for_s: float | None
    closed: bool


class Turns:
    """Takes turns for one worker, and gives them back."""

    def __init__(self, redis: Redis) -> None:
        self._exchange = redis.register_script(_EXCHANGE)
        self._lost: dict[str, set[str]] = {}
        """By destination: turns that Redis may have given without being able to say so."""

    async def exchange(
        self, destination: str, limits: Limits, *, ended: Collection[Ended] = (), want: int = 0
    ) -> Given:
        """Give turns back and take new ones, as many as there are, at most `want`.

        Raises:
            RedisError, OSError: Redis is away; the same call may be made again.
        """
        prefix = f"{uuid4().hex}:"
        lost = self._lost.setdefault(destination, set())
        known = frozenset(lost)
        given_back = [*ended, *(Ended(turn, Result.UNUSED) for turn in known)]
        asked_at = perf_counter()
        try:
            answer = await self._exchange(
                keys=[
                    keys.slots(destination),
                    keys.window(destination),
                    keys.breaker(destination),
                    keys.pause(destination),
                ],
                args=[
                    want,
                    limits.concurrency,
                    limits.lease_us,
                    limits.count,
                    limits.span_us,
                    limits.after,
                    limits.first_us,
                    limits.longest_us,
                    prefix,
                    *(part for one in given_back for part in (one.turn, one.result, one.why)),
                ],
            )
        except BaseException:
            lost.update(f"{prefix}{number}" for number in range(1, want + 1))
            raise
        lost.difference_update(known)
        return _given(answer, prefix, asked_at + limits.fresh_us / 1_000_000)


def _given(answer: Sequence[Any], prefix: str, until: float) -> Given:
    granted, wait, reason, opened_for, closed = answer
    wait_us = int(wait)
    return Given(
        turns=tuple(Turn(f"{prefix}{number}", until) for number in range(1, granted + 1)),
        wait_s=None if wait_us < 0 else wait_us / 1_000_000,
        reason=_text(reason),
        opened_for_s=int(opened_for) / 1_000_000 or None,
        closed=bool(closed),
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
