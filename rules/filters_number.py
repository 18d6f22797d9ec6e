"""Filters that read, round and write numbers, and write dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules.arithmetic import EXACT, MAX_DIGITS, calculate
from rules.paths import MISSING
from rules.scope import RenderError
from rules.values import Number, number, shown

_ROUNDINGS = {"common": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}
_MAX_PLACES = 100
_PLACES: Final = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
_FORMAT = re.compile(r"(?:[^%]|%[aAbBdHIjmMpSyYzZ%fGVu])*")
_MAX_FORMAT = 200


def read_number(value: Any, default: Any = MISSING) -> Any:
    """Return a number or the one a text spells; null stays null."""
    if value is None:
        return None if default is MISSING else default
    found = number(value)
    if found is not None:
        return found
    if default is MISSING:
        raise RenderError(f"{shown(value)} is not a number")
    return default


def whole(value: Any, default: Any = MISSING) -> Any:
    """Return a number without its fraction; null stays null."""
    found = read_number(value, default)
    return _integral(found, ROUND_DOWN) if isinstance(found, Decimal) else found


def _integral(value: Decimal, rounding: str) -> int:
    if value.adjusted() > MAX_DIGITS:
        raise RenderError(f"a number has at most {MAX_DIGITS} digits")
    return int(value.to_integral_value(rounding=rounding))


def rounded(value: Any, precision: int = 0, method: str = "common") -> Any:
    """Return a number with so many digits after the point; without any it is whole."""
    exact = _needed(value)
    if method not in _ROUNDINGS:
        raise RenderError(f"`round` knows {', '.join(_ROUNDINGS)}")
    if type(precision) is not int or not 0 <= precision <= _MAX_PLACES:
        raise RenderError(f"`round` takes from 0 to {_MAX_PLACES} digits")
    if precision == 0:
        return _integral(Decimal(exact), _ROUNDINGS[method])
    return _quantized(Decimal(exact), precision, _ROUNDINGS[method])


def _quantized(value: Decimal, places: int, rounding: str) -> Decimal:
    if value.adjusted() > MAX_DIGITS - _MAX_PLACES - 1:
        raise RenderError(f"a number has at most {MAX_DIGITS} digits")
    return value.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=EXACT)


def _needed(value: Any) -> Number:
    found = number(value)
    if found is None:
        raise RenderError(f"{shown(value)} is not a number")
    return found


def absolute(value: Any) -> Number:
    """Return a number without its sign."""
    exact = _needed(value)
    return calculate("-", 0, exact) if exact < 0 else exact


def money(value: Any, currency: str = "", *, minor: bool = False) -> str:
    """Return an amount with its thousands apart and the currency behind it; null is empty.

    Digits after the point are those of the currency, 2 if it is not known. `minor`: the amount is
    in cents, as some senders give it.
    """
    if value is None:
        return ""
    places = _PLACES.get(str(currency).upper(), 2)
    amount = Decimal(_needed(value))
    if minor:
        amount = amount.scaleb(-places, context=EXACT)
    shown = f"{_quantized(amount, places, ROUND_HALF_UP):,f}"
    return f"{shown} {str(currency).upper()}" if currency else shown


def date(value: Any, format: str = "%Y-%m-%d", zone: str | None = None) -> str:  # noqa: A002  the name authors write
    """Return a date or time by a strftime format, in a zone if one is named; null is empty.

    Takes ISO 8601 text and seconds since 1970. Text without an offset is in `zone`, else in UTC.
    """
    if value is None:
        return ""
    if len(format) > _MAX_FORMAT or not _FORMAT.fullmatch(format):
        raise RenderError(
            "`date` knows %a %A %b %B %d %H %I %j %m %M %p %S %y %Y %z %Z %f %G %V %u"
        )
    wanted = _zone(zone)
    moment = _moment(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=wanted or UTC)
    return (moment if wanted is None else moment.astimezone(wanted)).strftime(format)


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise RenderError(f"{shown(name)} is not a time zone") from None


def _moment(value: Any) -> datetime:
    seconds = number(value)
    try:
        if seconds is None:
            return datetime.fromisoformat(value)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))
    except (TypeError, ValueError, OverflowError):
        raise RenderError(f"{shown(value)} is not a date") from None
