"""Values as KQL, and queries with their values: the only place that writes KQL.

Nothing of an alert is ever part of a query's text. It is a value of a `let` statement,
and gets there through ``literal`` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from shared.enrichment.header import MOST_ROWS, SINCE, UNTIL
from shared.enrichment.query import Kind

if TYPE_CHECKING:
    from shared.enrichment.query import Query

Value: TypeAlias = str | int | float | bool | datetime | timedelta | Sequence[str]

# A literal cuts nothing: a part of a name is another name. What is longer is refused;
# nothing that ``asking`` asks about comes near.
LONGEST_TEXT = 200_000
MOST_TEXTS = 1_000

# A workspace's own limit of rows (log-analytics.md 4).
MOST_ROWS_EVER = 500_000

_LONGS = range(-(2**63), 2**63)
_SURROGATE = re.compile("[\ud800-\udfff]")

# The escapes that KQL's strings and the JSON inside `dynamic` have in common. Whatever
# shows nothing is one of them, so that a query is what it looks like.
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def literal(value: Value) -> str:
    """The value as one literal of KQL; reading it back gives the value.

    Texts become double-quoted strings, lists of texts `dynamic`. Raises ValueError for
    what KQL cannot hold: a lone surrogate, an integer of more than 64 bits, a time
    without a zone, or more than 200,000 characters or 1,000 texts.
    """
    match value:
        case str():
            written = _quoted(value)
        case bool():
            written = "true" if value else "false"
        case int():
            written = f"long({_long(value)})"
        case float():
            written = f"real({_real(value)})"
        case datetime():
            written = f"datetime({_instant(value)})"
        case timedelta():
            written = f"timespan({_span(value)})"
        case Sequence():
            written = f"dynamic([{', '.join(map(_quoted, _bounded(value)))}])"
    return written


def render(
    query: Query,
    values: Mapping[str, Value],
    *,
    since: datetime,
    until: datetime,
    most_rows: int,
) -> str:
    """The query as it is sent: its values as typed `let` statements, then its text.

    It looks at the time from ``since`` to ``until`` and returns at most ``most_rows``
    rows. Raises ValueError for values that are missing, not the query's or of another
    type, for a time that ends before it begins, and for what ``literal`` refuses.
    """
    unknown = values.keys() - {parameter.name for parameter in query.parameters}
    if unknown:
        raise ValueError(f"{query.name} has no parameter {', '.join(sorted(unknown))}")
    if not 1 <= most_rows <= MOST_ROWS_EVER:
        raise ValueError(f"{query.name} can return 1 to {MOST_ROWS_EVER:,} rows")
    # Before they are compared: only of times with a zone it is known which is first.
    times = {SINCE: literal(since), UNTIL: literal(until)}
    if until < since:
        raise ValueError(
            f"{query.name} is asked about a time that ends before it begins"
        )
    lets = {**times, MOST_ROWS: literal(most_rows)}
    for parameter in query.parameters:
        if parameter.name in values:
            value = values[parameter.name]
        elif parameter.is_optional:
            value = "" if parameter.kind is Kind.STRING else ()
        else:
            raise ValueError(f"{query.name} needs {parameter.name}, {parameter.kind}")
        if not _is_of(parameter.kind, value):
            raise ValueError(f"{query.name}: {parameter.name} is a {parameter.kind}")
        lets[parameter.name] = literal(_as(parameter.kind, value))
    head = "\n".join(f"let {name} = {value};" for name, value in lets.items())
    # The name is there for whoever reads the workspace's own log of queries.
    return f"// Firewatch: {query.name}\n{head}\n{query.text}\n"


def parsed(kind: Kind, text: str) -> Value:
    """The value that a person wrote for a parameter: lists have commas between.

    Raises ValueError with what was expected.
    """
    try:
        return _READERS[kind](text)
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"expected {_EXPECTED[kind]}") from None


def _texts(text: str) -> Value:
    return tuple(part for each in text.split(",") if (part := each.strip()))


def _time(text: str) -> Value:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


_READERS: Mapping[Kind, Callable[[str], Value]] = {
    Kind.STRING: str,
    Kind.STRINGS: _texts,
    Kind.LONG: int,
    Kind.REAL: float,
    Kind.BOOL: lambda text: {"true": True, "false": False}[text.lower()],
    Kind.DATETIME: _time,
    Kind.TIMESPAN: lambda text: timedelta(seconds=float(text)),
}
_EXPECTED = {
    Kind.LONG: "a whole number",
    Kind.REAL: "a number",
    Kind.BOOL: "true or false",
    Kind.DATETIME: "a time such as 2026-11-23T12:00:00Z",
    Kind.TIMESPAN: "a number of seconds",
}

_TYPES: Mapping[Kind, type | tuple[type, ...]] = {
    Kind.STRING: str,
    Kind.LONG: int,
    Kind.REAL: (int, float),
    Kind.BOOL: bool,
    Kind.DATETIME: datetime,
    Kind.TIMESPAN: timedelta,
}


def _is_of(kind: Kind, value: Value) -> bool:
    if kind is Kind.STRINGS:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            return False
        return all(isinstance(each, str) for each in value)
    # To Python a bool is a number.
    is_bool = isinstance(value, bool)
    return isinstance(value, _TYPES[kind]) and is_bool == (kind is Kind.BOOL)


def _as(kind: Kind, value: Value) -> Value:
    return float(value) if kind is Kind.REAL and isinstance(value, int) else value


def _bounded(texts: Sequence[str]) -> Sequence[str]:
    if len(texts) > MOST_TEXTS or sum(map(len, texts)) > LONGEST_TEXT:
        raise ValueError(
            f"a list holds {MOST_TEXTS:,} texts of {LONGEST_TEXT:,} characters in all"
        )
    return texts


def _quoted(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a text has at most {LONGEST_TEXT:,} characters")
    if _SURROGATE.search(text):
        raise ValueError("a text has no half of a character")
    # Most names are plain, and a list may hold many.
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if (known := _ESCAPES.get(char)) is not None:
        return known
    if char.isprintable():
        return char
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _long(number: int) -> int:
    if number not in _LONGS:
        raise ValueError("a long has 64 bits")
    return number


def _real(number: float) -> str:
    if number != number:  # noqa: PLR0124 - only NaN is not what it is
        return "nan"
    if number in {float("inf"), float("-inf")}:
        return "+inf" if number > 0 else "-inf"
    return repr(number)


def _instant(at: datetime) -> str:
    if at.tzinfo is None or at.utcoffset() is None:
        raise ValueError("a time needs a zone")
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def _span(span: timedelta) -> str:
    sign, span = ("-", -span) if span < timedelta() else ("", span)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours:02}:{minutes:02}:{seconds:02}.{span.microseconds:06}"
    return f"{sign}{span.days}.{clock}"
