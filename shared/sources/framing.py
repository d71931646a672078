"""Bytes as they came to the units inside them: object, list, records or NDJSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec

from shared.model.errors import AlertRejected

# No field that anybody reads as a number has more digits.
LONGEST_NUMBER = 19

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_ARM_LIST = frozenset({"value", "nextLink", "count"})

# .NET cuts long texts between the halves of a surrogate pair. The half is no Unicode,
# but the alert is one: group 1 is such a half, the rest is passed over.
_HALVES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a body: its place, and its fields or why it has none.

    ``is_malformed`` is said of a whole body that is no JSON.
    """

    path: str
    fields: dict[str, Any] | None = None
    rejected: AlertRejected | None = None
    is_malformed: bool = False


def units(body: bytes) -> list[Unit]:
    """Every unit of a body, each good or rejected alone; never raises.

    Accepts one object, a list, ``{"records": [...]}``, the list answers of Azure
    Resource Manager (``{"value": [...]}``) and newline-delimited objects, with or
    without a byte order mark (wire-formats.md 0 and 1.3), and lists of these. A body
    that is none of them is one rejected unit. An empty list, ``records`` or ``value``
    holds no unit.
    """
    text = body.removeprefix(BYTE_ORDER_MARK).strip()
    if not text:
        return [_malformed(AlertRejected("$", "the body is empty; expected JSON"))]
    try:
        return _flatten(_decode(text), "$")
    except AlertRejected as whole:
        lines = text.splitlines()
        if len(lines) < 2:
            return [_malformed(whole)]
        by_line = _lines(lines)
        # Pretty-printed JSON with a mistake in it has no line that is an object.
        if all(unit.fields is None for unit in by_line):
            return [_malformed(whole)]
        return by_line


def _lines(lines: list[bytes]) -> list[Unit]:
    found: list[Unit] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        path = f"line {number}: $"
        try:
            found += _flatten(_decode(line), path)
        except AlertRejected as error:
            found.append(_rejected(path, error.problem))
    return found


def _decode(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        mended = _HALVES.sub(lambda m: rb"\ufffd" if m[1] else m[0], text)
        if "out of range" in str(error):
            return _decode_large(mended)
        if mended != text:
            return _decode(mended)
        raise AlertRejected("$", f"not JSON: {error}") from None
    except UnicodeDecodeError:
        raise AlertRejected("$", f"not UTF-8 at byte {_bad_byte(text)}") from None
    except RecursionError:
        raise AlertRejected("$", "nested too deep") from None


def _decode_large(text: bytes) -> object:
    """JSON with a number too large for the quick decoder; it is kept as text.

    One such number must not cost the other units of a body.
    """
    try:
        return json.loads(
            text.decode(),
            parse_int=_number,
            parse_float=_number,
            parse_constant=_refused,
        )
    except (ValueError, RecursionError) as error:
        raise AlertRejected("$", f"not JSON: {type(error).__name__}") from None


def _number(digits: str) -> float | str:
    if len(digits) > LONGEST_NUMBER:
        return digits
    found = float(digits)
    if not math.isfinite(found):
        return digits
    return int(digits) if digits.lstrip("-").isdigit() else found


def _refused(constant: str) -> object:
    raise ValueError(constant)


def _bad_byte(text: bytes) -> int:
    """Where the text stops being UTF-8; the decoder counts inside one string only."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _flatten(value: object, path: str) -> list[Unit]:
    if isinstance(value, list):
        places = enumerate(value)
        return [
            u for place, item in places for u in _unframed(item, f"{path}[{place}]")
        ]
    return _unframed(value, path)


def _unframed(value: object, path: str) -> list[Unit]:
    if isinstance(value, dict):
        records = value.get("records")
        if isinstance(records, list):
            return _items(records, f"{path}.records")
        if (answer := _arm_list(value)) is not None:
            return _items(answer, f"{path}.value")
    return [_unit(value, path)]


def _arm_list(value: dict[str, Any]) -> list[object] | None:
    """The resources of a list that Azure Resource Manager answered; None for others.

    Nothing else stands beside them, so no unit is lost with the frame; an item that is
    no resource is rejected alone.
    """
    items = value.get("value")
    if not isinstance(items, list) or not value.keys() <= _ARM_LIST:
        return None
    return items if not items or any(_is_resource(item) for item in items) else None


def _is_resource(item: object) -> bool:
    return isinstance(item, dict) and all(
        isinstance(item.get(name), str) for name in ("id", "type")
    )


def _items(items: list[object], path: str) -> list[Unit]:
    return [_unit(item, f"{path}[{place}]") for place, item in enumerate(items)]


def _unit(value: object, path: str) -> Unit:
    if isinstance(value, dict):
        return Unit(path=path, fields=value)
    return _rejected(path, f"expected an object, got {_kind(value)}")


def _rejected(path: str, problem: str) -> Unit:
    return Unit(path=path, rejected=AlertRejected(path, problem))


def _malformed(problem: AlertRejected) -> Unit:
    return Unit(path=problem.path, rejected=problem, is_malformed=True)


def _kind(value: object) -> str:
    return {str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "a list" if isinstance(value, list) else "a number"
    )
