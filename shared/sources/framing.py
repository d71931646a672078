"""Bytes as they came to the units inside them: object, list, records or NDJSON."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.model.errors import AlertRejected

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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

    Accepts one object, a list, ``{"records": [...]}`` and newline-delimited objects,
    with or without a byte order mark (wire-formats.md 0 and 1.3). A body that is none
    of them is one rejected unit. An empty list or ``records`` holds no unit.
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
        raise AlertRejected("$", f"not JSON: {error}") from None
    except UnicodeDecodeError as error:
        raise AlertRejected("$", f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise AlertRejected("$", "nested too deep") from None


def _flatten(value: object, path: str) -> list[Unit]:
    if isinstance(value, dict):
        records = value.get("records")
        if isinstance(records, list):
            return _items(records, f"{path}.records")
        return [Unit(path=path, fields=value)]
    if isinstance(value, list):
        return _items(value, path)
    return [_rejected(path, f"expected an object, got {_kind(value)}")]


def _items(items: list[object], path: str) -> list[Unit]:
    return [
        Unit(path=f"{path}[{place}]", fields=item)
        if isinstance(item, dict)
        else _rejected(f"{path}[{place}]", f"expected an object, got {_kind(item)}")
        for place, item in enumerate(items)
    ]


def _rejected(path: str, problem: str) -> Unit:
    return Unit(path=path, rejected=AlertRejected(path, problem))


def _malformed(problem: AlertRejected) -> Unit:
    return Unit(path=problem.path, rejected=problem, is_malformed=True)


def _kind(value: object) -> str:
    return {str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "a list" if isinstance(value, list) else "a number"
    )
