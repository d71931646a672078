"""Reading fields without regard to case."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.model.errors import AlertRejected
from shared.sources.fields import Fields, parse_time


def fields(**raw: Any) -> Fields:  # noqa: ANN401  JSON
    """Fields of a unit at the root."""
    return Fields(raw, "$")


def test_names_have_no_case() -> None:
    """The hub's PascalCase and a Logic App's camelCase are one."""
    found = fields(AlertType=" x ")

    assert found.text("alertType") == "x"
    assert "ALERTTYPE" in found
    assert found.names() == {"alerttype"}


def test_the_first_of_two_spellings_wins() -> None:
    """A second spelling cannot replace what the detector wrote first."""
    found = Fields({"Severity": "High", "severity": "Low"}, "$")

    assert found.text("severity") == "High"


@pytest.mark.parametrize("value", [None, "", "  ", 1, [], {}, False])
def test_a_required_text_must_be_one(value: object) -> None:
    """Absent, empty and wrong kinds are rejected by name, without their value."""
    with pytest.raises(AlertRejected) as caught:
        fields(SystemAlertId=value).required("SystemAlertId")

    assert caught.value.path == "$.SystemAlertId"


def test_an_absent_field_is_not_there() -> None:
    """Null is absent, an empty text is not."""
    found = fields(a=None, b="")

    assert "a" not in found
    assert "b" in found
    assert "c" not in found


def test_the_first_name_that_holds_a_text_is_read() -> None:
    """Empty and foreign values are passed over."""
    found = fields(a="", b=5, c="yes")

    assert found.text("a", "b", "c") == "yes"
    assert found.text("a", "b") == ""


def test_only_objects_of_a_list_are_objects() -> None:
    """Whatever else is in it is passed over; the paths keep their places."""
    found = fields(Entities=[1, {"A": "x"}, None, {"B": "y"}]).objects("entities")

    assert [item.path for item in found] == ["$.entities[1]", "$.entities[3]"]
    assert fields(Entities={"A": 1}).objects("Entities") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T12:00:00Z", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        (
            "2026-11-23T12:00:00.1234567Z",
            datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC),
        ),
        (
            "2026-11-23T12:00:00.12345Z",
            datetime(2026, 11, 23, 12, 0, 0, 123450, tzinfo=UTC),
        ),
        ("2026-11-23T14:00:00+02:00", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        (" 2026-11-23 12:00:00 ", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("2026-13-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_times_are_read_as_dotnet_writes_them(
    text: str, expected: datetime | None
) -> None:
    """Five to seven digits, any offset, none as UTC; what is no time is None."""
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3/24/2022 2:42:35 PM", datetime(2022, 3, 24, 14, 42, 35, tzinfo=UTC)),
        ("3/24/2022 12:05:00 AM", datetime(2022, 3, 24, 0, 5, tzinfo=UTC)),
        ("11/23/2026, 09:30", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
        ("3/24/2022 14:42:35 PM", None),
        ("24/3/2022 2:42:35 PM", None),
    ],
)
def test_us_times_have_the_month_first(text: str, expected: datetime | None) -> None:
    """Portals and old log alerts write them; the halves of the day are told apart."""
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("High", "High"),
        (3, "3"),
        (0, "0"),
        (True, ""),
        (10**4_000, ""),
        (1.5, ""),
        (None, ""),
    ],
)
def test_a_small_number_is_a_word(value: object, word: str) -> None:
    """Codes come as numbers; flags and endless numbers are none."""
    assert fields(severity=value).word("Severity") == word


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1]", [1]),
        ("{broken", "{broken"),
        ("[" * 100_000, "[" * 100_000),
        ("text", "text"),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_json_inside_a_text_is_decoded(value: object, decoded: object) -> None:
    """Where it is none, the text stays as it came."""
    assert fields(x=value).decoded("X") == decoded


def test_a_child_is_an_object_or_empty() -> None:
    """The object itself, or the one a text holds; its path is named."""
    assert fields(Data='{"Id": "1"}').child("data").text("id") == "1"
    assert fields(Data=[1]).child("data").names() == frozenset()
    assert fields().child("data").path == "$.data"


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("TRUE", True), ("yes", False), (1, False)]
)
def test_a_flag_is_true_or_says_so(value: object, *, expected: bool) -> None:
    """Nothing else is taken for a yes."""
    assert fields(IsIncident=value).flag("isincident") is expected
