"""Kinds of queries of the list of tasks, each with values that differ from time to time: common, rare and absent ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from bench.filling import CAMPAIGNS, CLIENTS, CONNECTORS, DAYS, LABELS, PEOPLE, words
from router.core.clock import utc_now

Query = dict[str, str]
Drawn = Callable[[random.Random], Query]

_WORDS: Final = words()
_STATUSES: Final = ("open", "doing", "waiting", "done", "cancelled", "no such status")
_KINDS: Final = ("initial", "in_progress", "done", "cancelled")


def _rank(drawn: random.Random, most: int) -> int:
    """Return a number from 1 to somewhat more than there are; half of the time one of the common ones."""
    if drawn.random() < 0.5:
        return drawn.randint(1, most + most // 20 + 1)
    return int((most + 1) ** drawn.random())


def _status(drawn: random.Random) -> Query:
    return {"status": drawn.choice(_STATUSES)}


def _kind(drawn: random.Random) -> Query:
    return {"status_kind": drawn.choice(_KINDS)}


def _connector(drawn: random.Random) -> Query:
    return {"connector": f"connector-{_rank(drawn, CONNECTORS)}"}


def _assignee(drawn: random.Random) -> Query:
    return {"assignee": f"person-{_rank(drawn, PEOPLE)}"}


def _label(drawn: random.Random) -> Query:
    return {"label": f"label-{_rank(drawn, LABELS)}"}


def _campaign(drawn: random.Random) -> Query:
    return {"label": f"campaign-{drawn.randint(0, CAMPAIGNS)}"}


def _client(drawn: random.Random) -> Query:
    return {"client": f"client-{_rank(drawn, CLIENTS)}"}


def _project(drawn: random.Random) -> Query:
    client = _client(drawn)["client"]
    return {"project": f"{client}/project-{drawn.randint(1, 3)}"}


def _key(drawn: random.Random) -> Query:
    return {"key": f"order-{drawn.randint(1, 1_100_000)}"}


def _ago(days: float) -> str:
    return (utc_now() - timedelta(days=days)).isoformat()


def _since(drawn: random.Random) -> Query:
    return {"since": _ago(drawn.uniform(0, DAYS))}


def _until(drawn: random.Random) -> Query:
    return {"until": _ago(drawn.uniform(0, DAYS))}


def _between(drawn: random.Random) -> Query:
    days = drawn.uniform(0, DAYS)
    return {"since": _ago(days), "until": _ago(days - drawn.choice((1, 7, 30)))}


def _word(drawn: random.Random) -> Query:
    return {"q": _WORDS[_rank(drawn, len(_WORDS) - 300) - 1]}


def _two_words(drawn: random.Random) -> Query:
    return {"q": f"{_word(drawn)['q']} {_word(drawn)['q']}"}


def _number(drawn: random.Random) -> Query:
    return {"q": f"#{drawn.randint(1, 1_100_000)}"}


def _no_word(drawn: random.Random) -> Query:
    return {"q": f"xq{_word(drawn)['q']}zx"}


def _two_letters(drawn: random.Random) -> Query:
    return {"q": _word(drawn)["q"][:2]}


def _all(*parts: Drawn) -> Drawn:
    def drawn_together(drawn: random.Random) -> Query:
        return {name: value for part in parts for name, value in part(drawn).items()}

    return drawn_together


FILTERS: Final[Mapping[str, Drawn]] = {
    "no filter": _all(),
    "status": _status,
    "status_kind": _kind,
    "connector": _connector,
    "assignee": _assignee,
    "label": _label,
    "label of a month": _campaign,
    "client": _client,
    "project": _project,
    "key": _key,
    "since": _since,
    "until": _until,
    "since, until": _between,
    "status_kind, assignee": _all(_kind, _assignee),
    "status_kind, label": _all(_kind, _label),
    "status_kind, label of a month": _all(_kind, _campaign),
    "status_kind, client": _all(_kind, _client),
    "status_kind, project": _all(_kind, _project),
    "status, connector": _all(_status, _connector),
    "assignee, label": _all(_assignee, _label),
    "client, label": _all(_client, _label),
    "client, assignee": _all(_client, _assignee),
    "client, another's project": _all(_client, _project),
    "connector, label": _all(_connector, _label),
    "since, label": _all(_since, _label),
    "until, assignee": _all(_until, _assignee),
    "since, until, connector": _all(_between, _connector),
    "status_kind, assignee, client, since": _all(_kind, _assignee, _client, _since),
}
TEXTS: Final[Mapping[str, Drawn]] = {
    "q, a word": _word,
    "q, two words": _two_words,
    "q, a number": _number,
    "q, no hit": _no_word,
    "q, two letters": _two_letters,
    "q, status_kind": _all(_word, _kind),
    "q, assignee": _all(_word, _assignee),
    "q, client": _all(_word, _client),
    "q, since": _all(_word, _since),
}

DEEP: Final[tuple[Query, ...]] = (
    {"sort": "-created"},
    {"sort": "updated"},
    {"sort": "due"},
    {"status_kind": "done", "sort": "-created"},
    {"status_kind": "done", "sort": "due"},
    {"client": "client-1", "sort": "created"},
    {"connector": "connector-1", "sort": "-created"},
    {"label": "label-1", "sort": "-created"},
    {"assignee": "person-1", "sort": "-updated"},
)
"""Lists that are long enough to have a thousandth page."""
