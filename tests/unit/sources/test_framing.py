"""Bytes to units."""

from __future__ import annotations

import pytest

from shared.sources.framing import units


def _paths(body: bytes) -> list[tuple[str, bool]]:
    """The place of each unit, and whether it is good."""
    return [(unit.path, unit.fields is not None) for unit in units(body)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1}', [("$", True)]),
        (b'\xef\xbb\xbf{"a": 1}', [("$", True)]),
        (b' \r\n{"a":\r\n 1}\n', [("$", True)]),
        (b'[{"a": 1}, {"b": 2}]', [("$[0]", True), ("$[1]", True)]),
        (b'{"records": [{"a": 1}]}', [("$.records[0]", True)]),
        (b'{"records": "none"}', [("$", True)]),
        (b'{"a": 1}\n{"b": 2}', [("line 1: $", True), ("line 2: $", True)]),
        (b'{"a": 1}\r\n\r\n{"b": 2}\r\n', [("line 1: $", True), ("line 3: $", True)]),
        (b'[{"a": 1}]\n{"b": 2}', [("line 1: $[0]", True), ("line 2: $", True)]),
        (b"[]", []),
        (b'{"records": []}', []),
    ],
)
def test_every_framing_gives_its_units_in_order(
    body: bytes, expected: list[tuple[str, bool]]
) -> None:
    """Object, list, records and lines, with or without a byte order mark."""
    assert _paths(body) == expected


def test_one_bad_item_of_a_list_is_rejected_alone() -> None:
    """What is no object is named with its place and kind."""
    found = units(b'[{"a": 1}, 2, "x", null, [1], true, {"b": 2}]')

    assert [unit.path for unit in found if unit.fields is None] == [
        "$[1]",
        "$[2]",
        "$[3]",
        "$[4]",
        "$[5]",
    ]
    assert [unit.rejected.problem for unit in found if unit.rejected] == [
        "expected an object, got a number",
        "expected an object, got a string",
        "expected an object, got null",
        "expected an object, got a list",
        "expected an object, got a boolean",
    ]
    assert not any(unit.is_malformed for unit in found)


def test_one_bad_line_is_rejected_alone() -> None:
    """The lines around it are units all the same."""
    found = units(b'{"a": 1}\n{"b": \n{"c": 3}')

    assert [(u.path, u.fields) for u in found if u.fields] == [
        ("line 1: $", {"a": 1}),
        ("line 3: $", {"c": 3}),
    ]
    (bad,) = [unit for unit in found if unit.rejected]
    assert bad.path == "line 2: $"
    assert not bad.is_malformed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n ",
        b"\xef\xbb\xbf",
        b"{",
        b'{\n  "a": 1,\n  "b"\n}',
        b"NaN",
        b'{"a": NaN}',
        b'{"a": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b"[" * 20_000 + b"]" * 20_000,
    ],
)
def test_a_body_that_is_no_json_is_one_malformed_unit(body: bytes) -> None:
    """It is told apart from JSON that is no alert, and never raises."""
    (unit,) = units(body)

    assert unit.is_malformed
    assert unit.rejected is not None


def test_a_malformed_body_is_not_quoted() -> None:
    """The problem goes to logs and to the sender; the body's text does not."""
    (unit,) = units(b'{"password": hunter2}')

    assert unit.rejected is not None
    assert "hunter2" not in unit.rejected.problem


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (rb"cut \ud83d", "cut \N{REPLACEMENT CHARACTER}"),
        (rb"\udca9 cut", "\N{REPLACEMENT CHARACTER} cut"),
        (rb"\ud83d\ud83d\udca9", "\N{REPLACEMENT CHARACTER}\N{PILE OF POO}"),
        (rb"\uD83D\u0041", "\N{REPLACEMENT CHARACTER}A"),
        (rb"C:\\udca9\\\ud83d", "C:\\udca9\\\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_half_a_surrogate_pair_costs_no_alert(text: bytes, read: str) -> None:
    """.NET cuts long texts between the halves; the rest is as it was written."""
    (unit,) = units(b'{"a": "%b"}' % text)

    assert unit.fields == {"a": read}


def test_whole_pairs_and_paths_are_left_alone() -> None:
    """Only what is no JSON is mended."""
    (unit,) = units(rb'{"a": "\ud83d\udca9", "b": "C:\\ud83d"}')

    assert unit.fields == {"a": "\N{PILE OF POO}", "b": "C:\\ud83d"}


@pytest.mark.parametrize("number", [b"1e999", b"-" + b"1" * 5_000])
def test_a_number_too_large_costs_no_neighbour(number: bytes) -> None:
    """It is kept as text; the other units of the body are read as ever."""
    first, second = units(b'[{"a": %b}, {"b": 2.5}]' % number)

    assert first.fields == {"a": number.decode()}
    assert second.fields == {"b": 2.5}


def test_a_large_number_beside_half_a_character_is_read_too() -> None:
    """What either would need mending for, both need."""
    (unit,) = units(b'{"a": 1e999, "b": "\\ud83d"}')

    assert unit.fields == {"a": "1e999", "b": "\N{REPLACEMENT CHARACTER}"}
