"""Filters of OData, as far as anybody here writes them: comparisons joined by `and`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Filter = Callable[[Mapping[str, Any]], bool]

_GUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_CLAUSE = re.compile(
    rf"(?P<field>[A-Za-z]+) eq (?:'(?P<text>(?:[^']|'')*)'|(?P<guid>{_GUID}))"
    r"|startswith\((?P<part>[A-Za-z]+),\s*'(?P<start>(?:[^']|'')*)'\)"
)
# What is a GUID is written without quotes. [unverified]
_GUIDS = frozenset({"aadDeviceId"})


def read_filter(text: str, fields: frozenset[str]) -> Filter:
    """What a filter lets through. Raises ValueError for one that is not understood."""
    if not text:
        return lambda _: True
    tests: list[Filter] = []
    place = 0
    while True:
        found = _CLAUSE.match(text, place)
        if found is None:
            raise ValueError("not a filter that is understood here")
        tests.append(_test(found, fields))
        place = found.end()
        if place == len(text):
            return lambda document: all(test(document) for test in tests)
        if not text.startswith(" and ", place):
            raise ValueError("comparisons are joined by and")
        place += len(" and ")


def _test(found: re.Match[str], fields: frozenset[str]) -> Filter:
    field = found["field"] or found["part"]
    if field not in fields:
        raise ValueError(f"{field} cannot be filtered by")
    if found["part"]:
        start = _unquoted(found["start"])
        return lambda document: _text(document, field).startswith(start)
    if (found["guid"] is not None) != (field in _GUIDS):
        raise ValueError(f"{field} is compared with a value of another type")
    value = (found["guid"] or _unquoted(found["text"])).lower()
    return lambda document: _text(document, field) == value


def _text(document: Mapping[str, Any], field: str) -> str:
    return str(document.get(field) or "").lower()


def _unquoted(text: str) -> str:
    return text.replace("''", "'").lower()
