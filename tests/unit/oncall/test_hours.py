"""Hours of the week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.oncall.hours import is_open, next_open, parse

OSLO = "Europe/Oslo"
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "days", "opens", "closes"),
    [
        ("mon-fri 08:00-18:00", "01234", 480, 1080),
        ("Mon-Fri  08:00-18:00 ", "01234", 480, 1080),
        ("sat-sun", "56", 0, 1440),
        ("fri-mon", "4560", 0, 1440),
        ("wed 00:00-24:00", "2", 0, 1440),
        ("18:00-08:00", "0123456", 1080, 1920),
        ("09:00-09:00", "0123456", 540, 1980),
        ("sun 23:59-00:00", "6", 1439, 1440),
    ],
)
def test_hours_are_read(text: str, days: str, opens: int, closes: int) -> None:
    """Days, a time of the day, or both; past midnight where they end earlier."""
    assert parse(text) == (frozenset(map(int, days)), opens, closes)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "monday", "mon-", "mon,tue", "mon08:00-18:00", "8:00-18:00"),
        *("08:00", "08:00-24:01", "24:00-08:00", "08:60-09:00", "mon 08:00 - 18:00"),
        *("08:00-18:00 mon", "mon-fri 08:00-12:00 13:00-18:00", "٠٨:00-18:00"),
    ],
)
def test_what_is_none_is_said_to_be_none(text: str) -> None:
    """With what was expected."""
    with pytest.raises(ValueError, match="such as mon-fri 08:00-18:00"):
        parse(text)


@pytest.mark.parametrize(
    ("hours", "at", "expected"),
    [
        # 2026-11-23 is a Monday; Oslo is an hour ahead of UTC.
        (["mon-fri 08:00-18:00"], "2026-11-23T06:59", False),
        (["mon-fri 08:00-18:00"], "2026-11-23T07:00", True),
        (["mon-fri 08:00-18:00"], "2026-11-23T16:59", True),
        (["mon-fri 08:00-18:00"], "2026-11-23T17:00", False),
        (["mon-fri 08:00-18:00"], "2026-11-22T12:00", False),
        (["mon-fri 08:00-18:00", "sat"], "2026-11-21T22:59", True),
        (["mon-fri 08:00-18:00", "sat"], "2026-11-21T23:00", False),
        # A night belongs to the day on which it begins.
        (["fri 18:00-08:00"], "2026-11-28T06:59", True),
        (["fri 18:00-08:00"], "2026-11-28T07:00", False),
        (["fri 18:00-08:00"], "2026-11-27T06:59", False),
        (["sun 09:00-09:00"], "2026-11-23T07:59", True),
        (["sun 09:00-09:00"], "2026-11-23T08:00", False),
        ([], "2026-11-22T12:00", True),
        # 02:30 comes twice; the hours end at the first, and do not open again.
        (["sun 01:00-02:30"], "2026-10-25T00:29", True),
        (["sun 01:00-02:30"], "2026-10-25T00:30", False),
        (["sun 01:00-02:30"], "2026-10-25T01:10", False),
        # They begin at the first, and last the hour longer.
        (["sun 02:30-04:00"], "2026-10-25T00:30", True),
        (["sun 02:30-04:00"], "2026-10-25T01:10", True),
        # The clock jumps from 02:00 to 03:00.
        (["sun 02:30-04:00"], "2026-03-29T00:59", False),
        (["sun 02:30-04:00"], "2026-03-29T01:00", True),
    ],
)
def test_hours_are_open_by_their_own_clock(
    hours: list[str], at: str, expected: object
) -> None:
    """From their first minute until before their last, whatever the night."""
    assert is_open(hours, OSLO, utc(at)) is expected


@pytest.mark.parametrize(
    ("hours", "at", "expected"),
    [
        (["mon-fri 08:00-18:00"], "2026-11-20T16:59", "2026-11-20T16:59"),
        (["mon-fri 08:00-18:00"], "2026-11-20T17:00", "2026-11-23T07:00"),
        (["mon-fri 08:00-18:00", "sat"], "2026-11-20T17:00", "2026-11-20T23:00"),
        (["sun 09:00-09:00"], "2026-11-23T08:00", "2026-11-29T08:00"),
        ([], "2026-11-20T17:00", "2026-11-20T17:00"),
        # Nothing is left of these hours that night: they open a week later.
        (["sun 02:10-02:50"], "2026-03-28T12:00", "2026-04-05T00:10"),
    ],
)
def test_the_next_opening_is_found(hours: list[str], at: str, expected: str) -> None:
    """At once where they are open."""
    found = next_open(hours, OSLO, utc(at))

    assert found == utc(expected)
    assert is_open(hours, OSLO, found)
    assert found == utc(at) or not is_open(hours, OSLO, found - MINUTE)
