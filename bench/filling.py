"""A store that has been in use for years: very many tasks, written past Hookyard as quickly as the database takes them."""

from __future__ import annotations

import random
import time
from typing import Final

import asyncpg

DAYS: Final = 730
"""How long the tasks took to come in."""

PEOPLE, LABELS, CLIENTS, CONNECTORS = 200, 300, 2000, 40
"""How many of each there are. Number `k` has a share of about 1/k: a few have very many tasks, most have few."""

CAMPAIGNS: Final = 24
"""Labels that were given for a month each, and never again."""

WORDS, PHRASES = 5000, 20_000

_WITH_INDEXES: Final = 0.02
"""The share of the tasks that comes last and finds all indexes there, so that they are as in use."""

_AT_ONCE: Final = 50_000

# `floor(exp(random() * ln(n + 1)))` is a number from 1 to n, and k is k times as rare as 1. The `WHERE`
# of sub-selects ties them to their row: they would be drawn once for all rows otherwise.
_FILL: Final = f"""
INSERT INTO tasks (id, number, scope, key, version, title, description, status, status_kind, type,
  priority, due_ms, due_date, all_day, assignees, followers, labels, client, project, links,
  custom, creator, occurrences, completed_ms, created_ms, updated_ms, source)
SELECT format('%s-%s-7000-8000-%s', left(lpad(to_hex(created), 12, '0'), 8),
    right(to_hex(created), 4), lpad(to_hex(n), 12, '0')),
  n, connector, CASE WHEN drawn[2] < 0.8 THEN 'order-' || n END, 1 + (n % 4)::int,
  initcap(title.phrase) || ' #' || n, said.phrase || '. ' || more.phrase || '.',
  status, CASE status WHEN 'open' THEN 'initial' WHEN 'doing' THEN 'in_progress'
    WHEN 'waiting' THEN 'in_progress' ELSE status END,
  CASE n % 4 WHEN 0 THEN 'call' WHEN 1 THEN 'task' END,
  (ARRAY['low', 'medium', 'high', 'urgent'])[1 + n % 4],
  CASE WHEN drawn[3] < 0.6 THEN due END,
  CASE WHEN drawn[3] < 0.6 THEN to_char(to_timestamp(due / 1000), 'YYYY-MM-DD') END,
  drawn[3] < 0.6,
  CASE WHEN drawn[4] < 0.1 THEN '[]' WHEN drawn[4] < 0.9 THEN jsonb_build_array('person-' || picked[1])
    ELSE jsonb_build_array('person-' || picked[1], 'person-' || picked[2]) END,
  '[]',
  CASE WHEN drawn[5] < 0.2 THEN '[]'
    WHEN drawn[5] < 0.3 THEN jsonb_build_array('campaign-' || n * {CAMPAIGNS} / $3::bigint)
    WHEN drawn[5] < 0.7 THEN jsonb_build_array('label-' || picked[3])
    ELSE jsonb_build_array('label-' || picked[3], 'label-' || picked[4]) END,
  CASE WHEN drawn[6] < 0.7 THEN 'client-' || picked[5] END,
  CASE WHEN drawn[6] < 0.7 THEN format('client-%s/project-%s', picked[5], 1 + n % 3) END,
  '[]', json_build_object('order', n), json_build_object('type', 'connector', 'id', connector),
  1, CASE WHEN status IN ('done', 'cancelled') THEN created + 7200000 END, created,
  created + (drawn[7] * drawn[8] * 2592000000)::bigint,
  json_build_object('connector', connector, 'event_id', n, 'rule', 'a rule', 'version', NULL,
    'at', 'routes/a.yaml:1')
FROM (
  SELECT *, created + (drawn[9] * 90)::bigint * 86400000 AS due,
    'connector-' || picked[6] AS connector,
    CASE WHEN drawn[1] < CASE WHEN n > $3::bigint * 0.95 THEN 0.6 ELSE 0.02 END
      THEN (ARRAY['open', 'open', 'open', 'doing', 'doing', 'waiting'])[1 + n % 6]
      WHEN n % 12 = 0 THEN 'cancelled' ELSE 'done' END AS status
  FROM (
    SELECT n, $4::bigint - ($3::bigint - n) * ({DAYS} * 86400000::bigint / $3::bigint) AS created,
      ARRAY(SELECT random() FROM generate_series(1, 9) WHERE n > 0) AS drawn,
      ARRAY(SELECT floor(exp(random() * ln(many + 1)))::int FROM unnest(ARRAY[{PEOPLE}, {PEOPLE},
        {LABELS}, {LABELS}, {CLIENTS}, {CONNECTORS}]) AS many WHERE n > 0) AS picked,
      ARRAY(SELECT floor(random() * {PHRASES})::int FROM generate_series(1, 3) WHERE n > 0) AS says
    FROM generate_series($1::bigint, $2::bigint) AS n
  ) AS numbered
) AS made
JOIN phrases AS title ON title.id = says[1]
JOIN phrases AS said ON said.id = says[2]
JOIN phrases AS more ON more.id = says[3]
ORDER BY n
"""  # noqa: S608  our own numbers only

_OTHER_INDEXES: Final = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE indrelid = 'tasks'::regclass AND NOT indisprimary AND NOT indisunique
"""


def words() -> list[str]:
    """Return the words of the texts, the most common first; the same ones each time."""
    drawn = random.Random(4)  # noqa: S311  nothing secret
    starts = ["", *"bcdfghklmnprstvwz", "st", "tr", "ch", "sh", "pl", "br", "gr"]
    ends = ["", "", "n", "r", "s", "t", "l", "ng", "st"]
    found: dict[str, None] = {}
    while len(found) < WORDS:
        parts = (
            drawn.choice(starts) + drawn.choice("aeiou") + drawn.choice(ends)
            for _ in range(drawn.choice((1, 2, 2, 3)))
        )
        made = "".join(parts)
        if len(made) > 2:
            found[made] = None
    return list(found)


def _phrases() -> list[tuple[int, str]]:
    drawn = random.Random(5)  # noqa: S311  nothing secret
    known = words()
    shares = [1 / (10 + rank) for rank in range(WORDS)]
    return [
        (number, " ".join(drawn.choices(known, shares, k=drawn.randint(4, 16))))
        for number in range(PHRASES)
    ]


async def fill(database_url: str, count: int) -> None:
    """Make a number of tasks, the last one now, and have the database count what it holds."""
    conn = await asyncpg.connect(database_url)
    try:
        await conn.execute(
            "SET maintenance_work_mem = '512MB'; SET max_parallel_workers_per_gather = 0"
        )
        await conn.execute("SELECT setseed(0.25)")
        await conn.execute("CREATE TEMPORARY TABLE phrases (id int PRIMARY KEY, phrase text)")
        await conn.copy_records_to_table("phrases", records=_phrases())
        await conn.execute("ANALYZE phrases")
        others = await conn.fetch(_OTHER_INDEXES)
        for index in others:
            await conn.execute(f"DROP INDEX {index['name']}")
        now_ms = time.time_ns() // 1_000_000
        before = count - int(count * _WITH_INDEXES)
        for first in range(1, before + 1, _AT_ONCE):
            await conn.execute(_FILL, first, min(first + _AT_ONCE - 1, before), count, now_ms)
        for index in others:
            await conn.execute(index["definition"])
        await conn.execute("VACUUM ANALYZE tasks")
        for first in range(before + 1, count + 1, 1000):
            await conn.execute(_FILL, first, min(first + 999, count), count, now_ms)
        await conn.execute("SELECT setval('task_numbers', $1)", count)
    finally:
        await conn.close()
