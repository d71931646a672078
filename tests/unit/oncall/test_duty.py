"""Who has it by the layers, overrides and holidays of a schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.oncall.duty import changes, gaps, on_duty
from shared.oncall.policy import Schedule
from shared.triage import policy as policies
from tests.unit.oncall.calendars import Fixed

WEEKLY = {"people": ["ana", "ben"], "starts": "2026-11-02T09:00"}
DAYS = {
    "people": ["dan", "eva"],
    "starts": "2026-11-02T08:00",
    "hours": ["mon-fri 08:00-16:00"],
    "on_holidays": False,
}
SECOND = timedelta(seconds=1)


def schedule(*layers: dict[str, Any], **fields: Any) -> Schedule:  # noqa: ANN401
    """A schedule of Oslo, read as the policy's are."""
    raw = {"time_zone": "Europe/Oslo", "layers": list(layers), **fields}
    found, problems = policies.convert(raw, Schedule)
    assert found is not None, problems
    return found


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-11-02T07:59", ()),
        ("2026-11-02T08:00", ("ana",)),
        ("2026-11-09T07:59", ("ana",)),
        ("2026-11-09T08:00", ("ben",)),
        ("2026-11-16T08:00", ("ana",)),
        # Summer time: the hand-off stays at nine.
        ("2027-04-05T06:59", ("ben",)),
        ("2027-04-05T07:00", ("ana",)),
    ],
)
def test_people_take_turns_by_the_clock(at: str, who: tuple[str, ...]) -> None:
    """From the start on, in order; at the minute of the hand-off the next has it."""
    assert on_duty(schedule(WEEKLY), utc(at)) == who


def test_a_layer_ends() -> None:
    """At `until` nobody of it has it any more."""
    found = schedule({**WEEKLY, "until": "2026-11-30T09:00"})

    assert on_duty(found, utc("2026-11-30T08:00") - SECOND) == ("ben",)
    assert on_duty(found, utc("2026-11-30T08:00")) == ()


def test_the_first_layer_that_has_somebody_wins() -> None:
    """The others fill its gaps."""
    found = schedule(DAYS, WEEKLY)

    assert on_duty(found, utc("2026-11-03T06:59")) == ("ana",)
    assert on_duty(found, utc("2026-11-03T07:00")) == ("dan",)
    assert on_duty(found, utc("2026-11-03T15:00")) == ("ana",)
    assert on_duty(found, utc("2026-11-10T12:00")) == ("eva",)


def test_on_holidays_a_layer_may_have_nobody() -> None:
    """For the whole day by its own clock; who else is there has it."""
    found = schedule(DAYS, WEEKLY, holidays=["2026-11-03"])
    alone = schedule({**DAYS, "hours": []}, holidays=["2026-11-03"])

    assert on_duty(found, utc("2026-11-03T12:00")) == ("ana",)
    assert on_duty(found, utc("2026-11-04T12:00")) == ("dan",)
    assert gaps(changes(alone, utc("2026-11-03T00:00"), utc("2026-11-05T00:00"))) == [
        (utc("2026-11-03T00:00"), utc("2026-11-03T23:00"), ())
    ]


def test_an_override_beats_every_layer() -> None:
    """From its start until just before its end."""
    stand_in = {
        "person": "cho",
        "starts": "2026-11-03T10:00",
        "until": "2026-11-03T12:00",
    }
    found = schedule(DAYS, WEEKLY, overrides=[stand_in])

    assert changes(found, utc("2026-11-03T08:00"), utc("2026-11-03T12:00")) == [
        (utc("2026-11-03T08:00"), utc("2026-11-03T09:00"), ("dan",)),
        (utc("2026-11-03T09:00"), utc("2026-11-03T11:00"), ("cho",)),
        (utc("2026-11-03T11:00"), utc("2026-11-03T12:00"), ("dan",)),
    ]
    assert on_duty(found, utc("2026-11-03T11:00") - SECOND) == ("cho",)
    assert on_duty(found, utc("2026-11-03T11:00")) == ("dan",)


def test_turns_of_hours_keep_their_time_of_the_day() -> None:
    """The night of a change is shorter or longer, for whoever has it."""
    found = schedule(
        {"people": ["ana", "ben"], "starts": "2026-10-01T08:00", "turn": "12h"}
    )

    night = changes(found, utc("2026-10-24T12:00"), utc("2026-10-25T12:00"))

    assert [(s.start, s.people) for s in night] == [
        (utc("2026-10-24T12:00"), ("ana",)),
        (utc("2026-10-24T18:00"), ("ben",)),
        (utc("2026-10-25T07:00"), ("ana",)),
    ]


def test_in_the_hour_that_comes_twice_nobody_comes_back() -> None:
    """A turn that ended at the first 02:00 stays ended at the second."""
    found = schedule(
        {"people": ["a", "b", "c", "d"], "starts": "2026-10-24T02:00", "turn": "1h"}
    )
    start = utc("2026-10-24T22:00")

    spans = changes(found, start, utc("2026-10-25T04:00"))

    # 00:00, 01:00, 02:00 for two hours, 03:00, 04:00.
    assert [(span.start - start) // timedelta(hours=1) for span in spans] == [
        *(0, 1, 2, 4, 5)
    ]
    assert [span.people[0] for span in spans] == ["c", "d", "a", "b", "c"]


def test_with_a_feed_the_calendar_says_who_has_it() -> None:
    """Save for overrides, which are the policy's own word."""
    stand_in = {
        "person": "cho",
        "starts": "2026-11-03T10:00",
        "until": "2026-11-03T12:00",
    }
    found, _ = policies.convert(
        {
            "time_zone": "Europe/Oslo",
            "feed": {"setting": "A"},
            "overrides": [stand_in],
        },
        Schedule,
    )
    assert found is not None
    start, end = utc("2026-11-03T08:00"), utc("2026-11-03T12:00")
    calendar = Fixed([(start, utc("2026-11-03T10:00"), ("ana", "ben"))])

    assert changes(found, start, end, calendar) == [
        (start, utc("2026-11-03T09:00"), ("ana", "ben")),
        (utc("2026-11-03T09:00"), utc("2026-11-03T11:00"), ("cho",)),
        (utc("2026-11-03T11:00"), end, ()),
    ]
    assert on_duty(found, start) == ()


def test_of_no_time_there_are_no_spans() -> None:
    """Nor of one that ends before it begins."""
    at = utc("2026-11-03T08:00")

    assert changes(schedule(WEEKLY), at, at) == []
    assert changes(schedule(WEEKLY), at, at - SECOND) == []
