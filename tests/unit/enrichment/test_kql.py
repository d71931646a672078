from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from shared.enrichment.kql import LONGEST_TEXT, MOST_TEXTS, literal, parsed, render
from shared.enrichment.query import Kind
from tests.unit.enrichment.queries import TEXT, make_query

if TYPE_CHECKING:
    from shared.enrichment.kql import Value

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def rendered(**values: Any) -> str:  # noqa: ANN401
    """The query of the day before noon, of ten rows."""
    return render(
        make_query(), values, since=NOON - timedelta(1), until=NOON, most_rows=10
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("web01", '"web01"'),
        ("", '""'),
        ('a"b', r'"a\"b"'),
        ("it's", '"it\'s"'),
        ("a\\", r'"a\\"'),
        ('\\"', r'"\\\""'),
        ("a\nb\r\tc", r'"a\nb\r\tc"'),
        ("\x00\x1f\x7f", r'"\u0000\u001f\u007f"'),
        ("\u0085\u2028\u2029", r'"\u0085\u2028\u2029"'),
        ("\ufeff\u200b\u202e", r'"\ufeff\u200b\u202e"'),
        ("\U000e0041", r'"\udb40\udc41"'),
        ("José 東京 \U0001f525", '"José 東京 \U0001f525"'),
        ("x // y | z", '"x // y | z"'),
        (True, "true"),
        (False, "false"),
        (5, "long(5)"),
        (-(2**63), "long(-9223372036854775808)"),
        (0.5, "real(0.5)"),
        (float("nan"), "real(nan)"),
        (float("inf"), "real(+inf)"),
        (float("-inf"), "real(-inf)"),
        (NOON, "datetime(2026-11-23T12:00:00Z)"),
        (
            datetime(2026, 11, 23, 13, 0, 0, 1, tzinfo=timezone(timedelta(hours=1))),
            "datetime(2026-11-23T12:00:00.000001Z)",
        ),
        (timedelta(days=1, seconds=3661), "timespan(1.01:01:01.000000)"),
        (-timedelta(minutes=1), "timespan(-0.00:01:00.000000)"),
        (("a", 'b"', "c\n"), r'dynamic(["a", "b\"", "c\n"])'),
        ([], "dynamic([])"),
    ],
)
def test_values_become_literals(value: Value, expected: str) -> None:
    """Each type has one form, and nothing of a text can end it."""
    assert literal(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "half \ud83d",
        ["\udc00"],
        2**63,
        datetime(2026, 11, 23),  # noqa: DTZ001
        "x" * (LONGEST_TEXT + 1),
        ["x"] * (MOST_TEXTS + 1),
        ["x" * LONGEST_TEXT, "y"],
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_kql_cannot_hold_is_refused(value: Value) -> None:
    """Nothing is cut or replaced: it would be another value."""
    with pytest.raises(ValueError, match=r".+"):
        literal(value)


def test_a_query_is_its_values_and_its_text() -> None:
    """The values stand in front, typed; the text is untouched."""
    assert rendered(TheHost="web01", TheAccounts=["a", "b"]) == (
        "// Firewatch: logons\n"
        "let Since = datetime(2026-11-22T12:00:00Z);\n"
        "let Until = datetime(2026-11-23T12:00:00Z);\n"
        "let MostRows = long(10);\n"
        'let TheHost = "web01";\n'
        'let TheAccounts = dynamic(["a", "b"]);\n'
        f"{TEXT}"
    )


def test_an_optional_value_that_is_missing_is_empty() -> None:
    """The text never meets a name that nothing stands behind."""
    assert "let TheAccounts = dynamic([]);\n" in rendered(TheHost="web01")


def test_no_value_adds_a_line() -> None:
    """However many lines a value has, the query has as many as ever."""
    hostile = '"\n| take 1;\r\nlet X = 1;\u2028\u0085//'

    made = rendered(TheHost=hostile, TheAccounts=[hostile])

    assert len(made.splitlines()) == len(rendered(TheHost="a").splitlines())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "logons needs TheHost, string"),
        ({"TheHost": "a", "TheHots": "b"}, "logons has no parameter TheHots"),
        ({"TheHost": 5}, "TheHost is a string"),
        ({"TheHost": ["a"]}, "TheHost is a string"),
        ({"TheHost": "a", "TheAccounts": "abc"}, "TheAccounts is a strings"),
        ({"TheHost": "a", "TheAccounts": [1]}, "TheAccounts is a strings"),
        ({"TheHost": "a", "TheAccounts": b"ab"}, "TheAccounts is a strings"),
        ({"TheHost": "\ud800"}, "half of a character"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], said: str) -> None:
    """The complaint names the query, the parameter and its type."""
    with pytest.raises(ValueError, match=said):
        rendered(**values)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("long", 5, True),
        ("long", 5, 5.0),
        ("real", 5, True),
        ("bool", True, 1),
        ("datetime", NOON, "2026-11-23"),
        ("timespan", timedelta(1), 86_400),
    ],
)
def test_types_are_told_apart(kind: str, right: Any, wrong: Any) -> None:  # noqa: ANN401
    """What Python takes for the same, the header does not."""
    query = make_query(
        "// question: Who was it?\n// entities: host\n// plans: any\n// tables: Event\n"
        f"// parameters: TheValue {kind}\n// reach: 1d\n// ahead: 1h\n// lag: 1m\n"
        "// cost: low\n// weight: 1\n// columns: At datetime\n// reading: Some.\n"
        "// nothing: None.\n\nEvent\n| where TimeGenerated between (Since .. Until)\n"
        "| where X == TheValue\n| take MostRows"
    )

    def made(value: Value) -> str:
        values = {"TheValue": value}
        return render(query, values, since=NOON, until=NOON, most_rows=1)

    assert "let TheValue = " in made(right)
    with pytest.raises(ValueError, match=f"TheValue is a {kind}"):
        made(wrong)


@pytest.mark.parametrize("most_rows", [0, -1, 500_001])
def test_rows_are_bounded(most_rows: int) -> None:
    """No query asks for nothing, or for more than a workspace gives."""
    with pytest.raises(ValueError, match="1 to 500,000 rows"):
        render(
            make_query(),
            {"TheHost": "a"},
            since=NOON,
            until=NOON,
            most_rows=most_rows,
        )


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    """It would be answered with nothing, which would be believed."""
    with pytest.raises(ValueError, match="ends before it begins"):
        render(
            make_query(),
            {"TheHost": "a"},
            since=NOON,
            until=NOON - timedelta(seconds=1),
            most_rows=1,
        )


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Kind.STRING, " a, b ", " a, b "),
        (Kind.STRINGS, "a, b,,", ("a", "b")),
        (Kind.LONG, "-5", -5),
        (Kind.REAL, "0.5", 0.5),
        (Kind.BOOL, "True", True),
        (Kind.DATETIME, "2026-11-23T12:00:00Z", NOON),
        (Kind.DATETIME, "2026-11-23T12:00:00", NOON),
        (Kind.TIMESPAN, "90", timedelta(seconds=90)),
    ],
)
def test_what_people_write_is_read_by_its_type(
    kind: Kind, text: str, expected: Value
) -> None:
    """A command line knows texts only."""
    assert parsed(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.LONG, "five"),
        (Kind.REAL, ""),
        (Kind.BOOL, "yes"),
        (Kind.DATETIME, "noon"),
        (Kind.TIMESPAN, "1e300"),
    ],
)
def test_what_nobody_can_read_is_said(kind: Kind, text: str) -> None:
    """The complaint says what was expected."""
    with pytest.raises(ValueError, match="expected"):
        parsed(kind, text)
