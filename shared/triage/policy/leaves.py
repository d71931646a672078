"""Single values of a policy: what each type of them looks like in YAML."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DURATION = re.compile(r"([0-9]{1,6})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
WALL = re.compile(f"{DATE.pattern}[T ][0-9]{{2}}:[0-9]{{2}}")

# Times are added to these, and a datetime ends.
LONGEST_DURATION = timedelta(days=3650)


class _Expected(ValueError):
    """A value of another type than its field has."""


def written(duration: timedelta) -> str:
    """A duration as a policy writes it, in the largest unit that leaves nothing over."""
    seconds = int(duration.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _text(value: object, _: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        # YAML reads `no`, `12` and `null` as something else.
        raise _Expected("expected a text; put it in quotes")
    return value


def _number(value: object, _: Any) -> int:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Expected("expected a whole number")
    return value


def _truth(value: object, _: Any) -> bool:  # noqa: ANN401
    if not isinstance(value, bool):
        raise _Expected("expected true or false")
    return value


def _choice(value: object, kind: inspect.EnumType) -> str:
    words = [str(each.value) for each in kind.cls]
    if not isinstance(value, str) or value not in words:
        raise _Expected(f"expected one of {', '.join(words)}")
    return value


def _duration(value: object, _: Any) -> timedelta:  # noqa: ANN401
    found = DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise _Expected("expected a duration such as 90s, 30m, 5h or 2d")
    duration = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if duration > LONGEST_DURATION:
        raise _Expected(f"expected a duration of at most {LONGEST_DURATION.days}d")
    return duration


def _time(value: object, kind: inspect.DateTimeType) -> datetime:
    """The time in UTC; or one without a zone, where the field is for those."""
    if kind.tz is False:
        return _wall(value)
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _Expected("expected a time with its zone, such as 2026-12-01T08:00:00Z")


def _wall(value: object) -> datetime:
    try:
        if isinstance(value, str) and WALL.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise _Expected(
        "expected a date and a time of day without a zone, such as 2026-11-02T09:00"
    )


def _date(value: object, _: Any) -> date:  # noqa: ANN401
    try:
        if isinstance(value, str) and DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _Expected("expected a date such as 2026-12-25")


LEAVES: Mapping[type, Callable[[Any, Any], Any]] = {
    inspect.StrType: _text,
    inspect.IntType: _number,
    inspect.BoolType: _truth,
    inspect.EnumType: _choice,
    inspect.TimeDeltaType: _duration,
    inspect.DateTimeType: _time,
    inspect.DateType: _date,
}
