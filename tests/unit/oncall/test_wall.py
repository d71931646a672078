"""What daylight saving does to a time of the day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.oncall.wall import instant_of, wall_of, zone_of


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("Europe/Oslo", "2026-11-02T09:00", "2026-11-02T08:00"),
        ("Europe/Oslo", "2026-07-01T09:00", "2026-07-01T07:00"),
        ("Asia/Kathmandu", "2026-11-02T09:00", "2026-11-02T03:15"),
        # Shown twice: the first. Skipped: the moment of the jump.
        ("Europe/Oslo", "2026-10-25T02:00", "2026-10-25T00:00"),
        ("Europe/Oslo", "2026-10-25T02:59", "2026-10-25T00:59"),
        ("Europe/Oslo", "2026-10-25T03:00", "2026-10-25T02:00"),
        ("Europe/Oslo", "2026-03-29T01:59", "2026-03-29T00:59"),
        ("Europe/Oslo", "2026-03-29T02:00", "2026-03-29T01:00"),
        ("Europe/Oslo", "2026-03-29T02:59", "2026-03-29T01:00"),
        ("Europe/Oslo", "2026-03-29T03:00", "2026-03-29T01:00"),
        # By half an hour.
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        # A whole day that there never was.
        ("Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30T23:59", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31T00:00", "2011-12-30T10:00"),
    ],
)
def test_a_wall_clock_time_is_one_instant(zone: str, wall: str, instant: str) -> None:
    """The first of two, and the jump for those that are skipped."""
    found = instant_of(datetime.fromisoformat(wall), zone_of(zone))

    assert found == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


def test_a_clock_shows_what_it_shows() -> None:
    """Without a zone, and alike in both of two hours that look alike."""
    oslo = zone_of("Europe/Oslo")
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))

    shown = datetime.fromisoformat("2026-10-25T02:30")
    assert wall_of(first, oslo) == wall_of(second, oslo) == shown
    assert wall_of(second, oslo).fold == 0


@pytest.mark.parametrize(
    "name", ["", "Europe", "Europe/Olso", "../etc/passwd", "/etc/passwd", "a\0b", "é"]
)
def test_what_is_no_zone_is_said_to_be_none(name: str) -> None:
    """Whatever the system makes of such a path."""
    with pytest.raises(ValueError, match="is not a time zone"):
        zone_of(name)
